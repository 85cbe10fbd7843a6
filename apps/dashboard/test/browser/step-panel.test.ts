/** The panel of a step: what it shows, and every way to answer and to act, by the keyboard alone. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { agentsOn, SCRIPTED } from "../support/agents.ts";
import { accessibilityFaults, LOOKS, NO_BROWSER, shot } from "../support/browser.ts";
import { mixedRun, type MixedRun } from "../support/mixed-run.ts";
import { settled } from "../support/settled.ts";
import { Stage } from "../support/stage.ts";

describe.skipIf(NO_BROWSER !== undefined)("the panel of a step", () => {
  let stage: Stage;
  let mixed: MixedRun;
  beforeAll(async () => {
    stage = await Stage.open();
    mixed = await mixedRun(stage);
  });
  afterAll(async () => {
    mixed.open();
    await stage[Symbol.asyncDispose]();
  });

  const address = (run: string, step: string): string =>
    `/p/shop/runs/${run}?view=steps&step=${encodeURIComponent(step)}`;
  const panel = (page: Page, step: string) => page.getByRole("complementary", { name: `Step ${step}` });
  const statusOf = async (run: string, step: string): Promise<string> =>
    (await stage.project().steps.get(run, step)).step.status;
  const approvals = (): Promise<string> =>
    stage.start({
      name: "ask",
      failure: "continue",
      steps: [
        { id: "one", approve: "Ship one?" },
        { id: "two", approve: "Ship two?" },
        { id: "z", run: "true", deps: ["one", "two"] },
      ],
    });

  test.each(LOOKS)("T24: has no fault that axe knows: $theme, $width px", async ({ theme, width }) => {
    await using watched = await stage.page(address(mixed.run, "approve-migration"), { theme, width });
    const { page, faults } = watched;
    await panel(page, "approve-migration").getByText("Migrate the production database now?").first().waitFor();
    await panel(page, "approve-migration").getByText("On the critical path").waitFor();
    await shot(page, `step-approval-${width}-${theme}`);
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.goto(address(mixed.run, "billing"));
    await panel(page, "billing").getByText("refused: no route to host").first().waitFor();
    await shot(page, `step-failed-${width}-${theme}`);
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
  });

  test("B3: says why a step waits, with links to what it waits for, and what it holds up", async () => {
    await using watched = await stage.page(address(mixed.run, "e2e"));
    const { page, faults } = watched;
    const shown = panel(page, "e2e");
    await shown.getByRole("region", { name: "Holds up" }).getByText("publish and 1 more").waitFor();
    await shown.getByRole("link", { name: "api-orders" }).press("Enter");
    await panel(page, "api-orders").getByRole("region", { name: "Lines" }).getByText("begun").waitFor();
    const focused = (): Promise<string | undefined> =>
      page.evaluate(() => document.activeElement?.textContent ?? undefined);
    expect(await focused()).toBe("api-orders");
    await page.goBack();
    await shown.getByRole("link", { name: "api-users" }).waitFor();
    await shown.getByRole("button", { name: "Close the step" }).press("Enter");
    await shown.waitFor({ state: "detached" });
    expect(await focused()).toBe("e2e");
    expect(faults).toEqual([]);
  });

  test("T23: a step is approved with a comment, and another one by a key", async () => {
    const run = await approvals();
    await using watched = await stage.page(address(run, "one"));
    const { page, faults } = watched;
    await panel(page, "one").getByRole("textbox", { name: "Comment" }).fill("looks good");
    await panel(page, "one").getByRole("button", { name: "Approve" }).press("Enter");
    await settled(() => statusOf(run, "one")).toBe("succeeded");
    await page.goto(address(run, "two"));
    await panel(page, "two").getByText("Ship two?").first().waitFor();
    await page.keyboard.press("a");
    await settled(() => statusOf(run, "z")).toBe("succeeded");
    const { items } = await stage.project().runs.events(run);
    expect(items.flatMap((event) => (event.type === "approval.given" ? [event.data] : []))).toEqual([
      { decision: "approve", by: "tester over HTTP", comment: "looks good" },
      { decision: "approve", by: "tester over HTTP" },
    ]);
    expect(faults).toEqual([]);
  });

  test("T23: a step is rejected; who comes too late is told so, beside what became of the question", async () => {
    const run = await approvals();
    await using watched = await stage.page(address(run, "two"));
    const { page, faults } = watched;
    await panel(page, "two").getByRole("button", { name: "Reject" }).press("Enter");
    await settled(() => statusOf(run, "two")).toBe("failed");
    await page.goto(address(run, "one"));
    const shown = panel(page, "one");
    await shown.getByRole("button", { name: "Reject" }).waitFor();
    // Somebody else is faster.
    await page.route("**/steps/one/reject", async (route) => {
      await stage.project().steps.approve(run, "one");
      await settled(() => statusOf(run, "one")).toBe("succeeded");
      await route.continue();
    });
    await shown.getByRole("button", { name: "Reject" }).press("Enter");
    await shown.getByRole("alert").getByText("Read the run again.").waitFor();
    await shown.getByText("question: succeeded").waitFor();
    expect(await statusOf(run, "one")).toBe("succeeded");
    expect(faults).toEqual([]);
  });

  test("T23: a failed step is run again once it is mended", async () => {
    const run = await stage.run({
      name: "mend",
      steps: [
        { id: "a", run: "true" },
        { id: "b", run: "test -e mended", deps: ["a"] },
      ],
    });
    stage.write("mended", "");
    await using watched = await stage.page(address(run, "b"));
    const { page, faults } = watched;
    await panel(page, "b").getByRole("button", { name: "Run again" }).waitFor();
    await page.keyboard.press("r");
    await page.getByRole("dialog", { name: "Run b again?" }).getByRole("button", { name: "Run again" }).press("Enter");
    await panel(page, "b").getByText("layer 2 · attempt 2").waitFor();
    await settled(() => statusOf(run, "b")).toBe("succeeded");
    await panel(page, "b").getByRole("link", { name: "Attempt 1" }).press("Enter");
    await page.waitForURL(/attempt=1/);
    expect(faults).toEqual([]);
  });

  test("a signal is sent with JSON as its value", async () => {
    const run = await stage.start({ name: "signals", steps: [{ id: "paid", signal: "payment" }] });
    await using watched = await stage.page(address(run, "paid"));
    const { page, faults } = watched;
    const value = panel(page, "paid").getByRole("textbox", { name: "Value as JSON" });
    await value.fill("{");
    expect(await panel(page, "paid").getByRole("button", { name: "Send" }).getAttribute("aria-disabled")).toBe("true");
    await value.fill('{"amount": 42}');
    await value.press("Enter");
    await panel(page, "paid").getByText('"amount": 42').waitFor();
    expect(faults).toEqual([]);
  });

  test("the lines of a running step come as they are written", async () => {
    const run = await stage.start({
      name: "loud",
      steps: [
        {
          id: "loud",
          run: "printf '\\033[31mred\\033[0m\\n10 %%\\r20 %%\\n'; while ! test -e more; do sleep 0.05; done; echo more; while ! test -e enough; do sleep 0.05; done",
        },
      ],
    });
    await using watched = await stage.page(address(run, "loud"));
    const { page, faults } = watched;
    const lines = panel(page, "loud").getByRole("region", { name: "Lines" }).locator(".last-line");
    await settled(() => lines.allTextContents()).toEqual(["1red", "220 %"]);
    stage.write("more", "");
    await settled(() => lines.allTextContents()).toEqual(["1red", "220 %", "3more"]);
    stage.write("enough", "");
    await settled(() => statusOf(run, "loud")).toBe("succeeded");
    expect(faults).toEqual([]);
  });

  test("is as wide as somebody makes it, with the keyboard too, and is closed by Escape", async () => {
    await using watched = await stage.page(address(mixed.run, "billing"));
    const { page, faults } = watched;
    const edge = page.getByRole("separator", { name: "Width of the step panel" });
    const width = async (): Promise<number> => Math.round((await panel(page, "billing").boundingBox())?.width ?? 0);
    await edge.waitFor();
    expect(await width()).toBe(420);
    await edge.press("ArrowLeft");
    await settled(width).toBe(444);
    await edge.press("Home");
    await settled(width).toBe(864);
    await edge.press("End");
    await settled(width).toBe(320);
    await page.reload();
    await settled(width).toBe(320);
    await page.keyboard.press("Escape");
    await panel(page, "billing").waitFor({ state: "detached" });
    expect(faults).toEqual([]);
  });
});

describe.skipIf(NO_BROWSER !== undefined)("the panel of an agent's step", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open();
    agentsOn(stage, {
      api: [{ tool: { name: "task_ask", with: { question: "Which database?", options: ["Postgres", "SQLite"] } } }],
      web: [{ write: { path: "a.txt", text: "web\n" } }, { usage: { input: 120_000, output: 9400, usd: 1.32 } }],
      late: [{ write: { path: "a.txt", text: "late\n" } }],
    });
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const address = (run: string, step: string): string => `/p/shop/runs/${run}?view=steps&step=${step}`;
  const panel = (page: Page, step: string) => page.getByRole("complementary", { name: `Step ${step}` });

  test("T23: its question is answered by an option; what it used and changed is shown", async () => {
    const run = await stage.start({
      name: "build",
      agents: SCRIPTED,
      steps: [
        { id: "web", agent: "Build the page." },
        { id: "api", agent: "Build the API." },
      ],
    });
    await using watched = await stage.page(address(run, "api"));
    const { page, faults } = watched;
    await panel(page, "api").getByText("Which database?").first().waitFor();
    await shot(page, "step-question");
    expect(await accessibilityFaults(page)).toEqual([]);
    await panel(page, "api").getByRole("button", { name: "SQLite" }).press("Enter");
    const given = async (): Promise<unknown> => {
      const { items } = await stage.project().runs.events(run);
      return items.flatMap((event) => (event.type === "approval.given" ? [event.data.comment] : []));
    };
    await settled(given).toEqual(["SQLite"]);
    await stage.project().runs.cancel(run);
    await page.goto(address(run, "web"));
    await panel(page, "web").getByText("120,000 in, 9,400 out").waitFor();
    await panel(page, "web").getByRole("region", { name: "Changed 1 file" }).getByText("a.txt").waitFor();
    await panel(page, "web").getByText("Prompt, as the agent got it").press("Enter");
    await panel(page, "web").getByText("Build the page.").waitFor();
    await shot(page, "step-agent");
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
  });

  test("T23: its conflict is settled by taking a side, or leads to where it is resolved", async () => {
    const run = await stage.start({
      name: "meet",
      maxConcurrency: 2,
      agents: { ...SCRIPTED, onConflict: ["human"] },
      steps: [
        { id: "web", agent: "Build the page." },
        { id: "late", agent: "Change the same." },
      ],
    });
    const asking = async (): Promise<string | undefined> => {
      const { steps } = await stage.project().runs.get(run, { fields: ["steps"] });
      return steps.find(({ status }) => status === "needs-resolution")?.id;
    };
    await settled(asking).toBeDefined();
    const step = (await asking()) ?? "";
    await using watched = await stage.page(address(run, step));
    const { page, faults } = watched;
    const resolve = panel(page, step).getByRole("link", { name: "Resolve in page" });
    await resolve.waitFor();
    expect(await resolve.getAttribute("href")).toBe(`/p/shop/runs/${run}/steps/${step}/resolve`);
    await shot(page, "step-conflict");
    expect(await accessibilityFaults(page)).toEqual([]);
    await panel(page, step).getByRole("button", { name: "Take theirs" }).press("Enter");
    await settled(async () => (await stage.project().runs.get(run)).status).toBe("succeeded");
    expect(faults).toEqual([]);
  });
});
