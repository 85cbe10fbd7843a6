/** Events of a run in the page: by type and step, followed, each whole, and copied as JSON. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accessibilityFaults, LOOKS, NO_BROWSER, shot } from "../support/browser.ts";
import { inView, list } from "../support/log-page.ts";
import { Stage } from "../support/stage.ts";

describe.skipIf(NO_BROWSER !== undefined)("events", () => {
  let stage: Stage;
  let run: string;
  beforeAll(async () => {
    stage = await Stage.open();
    run = await stage.run({
      name: "events",
      failure: "continue",
      maxConcurrency: 4,
      steps: [
        ...Array.from({ length: 40 }, (_, at) => ({ id: `s${at}`, run: "true" })),
        { id: "broken", run: "exit 3" },
      ],
    });
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  test("are filtered by type and step, and one is shown whole; all that is chosen stands in the address", async () => {
    await using watched = await stage.page(`/p/shop/runs/${run}?view=events`);
    const { page, faults, context } = watched;
    await page.locator(".log-row", { hasText: "run.created" }).waitFor();
    await page.getByRole("button", { name: "All types" }).click();
    await page.getByRole("checkbox", { name: /step\.failed/ }).check();
    await page.waitForURL(/types=step\.failed/);
    await page.keyboard.press("Escape");
    await page.getByText(/^1 of \d+ events$/).waitFor();
    await page.locator(".log-row", { hasText: "broken" }).click();
    const panel = page.getByRole("complementary", { name: /^Event \d+$/ });
    await panel.getByText('"type": "step.failed"').waitFor();
    const { items } = await stage.project().runs.events(run);
    const failed = items.find(({ type }) => type === "step.failed");
    expect(JSON.parse((await panel.locator("pre").textContent()) ?? "")).toEqual(failed);
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy 1 as JSON" }).click();
    await page.getByText("Copied 1 event", { exact: true }).waitFor();
    expect(JSON.parse(await page.evaluate(() => navigator.clipboard.readText()))).toEqual(failed);
    await page.reload();
    await panel.getByText('"type": "step.failed"').waitFor();
    await page.getByText(/^1 of \d+ events$/).waitFor();
    await page.keyboard.press("Escape");
    await panel.waitFor({ state: "detached" });

    await page.goto(`/p/shop/runs/${run}?view=events`);
    await page.getByRole("combobox", { name: "Only events of this step" }).fill("s7");
    await page.waitForURL(/about=s7/);
    await page.getByText(/^2 of \d+ events$/).waitFor();
    await list(page).focus();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await panel.getByText('"type": "step.succeeded"').waitFor();
    await page.keyboard.press("k");
    await panel.getByText('"type": "step.started"').waitFor();
    expect(faults).toEqual([]);
  });

  test("of a run that goes on are followed, until the reader looks elsewhere", async () => {
    const steps = Array.from({ length: 30 }, (_, at) => ({ id: `s${at}`, run: "true" }));
    const more = Array.from({ length: 30 }, (_, at) => ({ id: `t${at}`, run: "true", deps: ["gate"] }));
    const live = await stage.start({
      name: "live",
      steps: [...steps, { id: "gate", run: "while ! test -e open; do sleep 0.05; done", deps: ["s29"] }, ...more],
    });
    await using watched = await stage.page(`/p/shop/runs/${live}?view=events`);
    const { page, faults } = watched;
    await page.locator(".log-row", { hasText: "gate" }).waitFor();
    await page.getByText("Following", { exact: true }).waitFor();
    await list(page).focus();
    await page.keyboard.press("PageUp");
    const button = page.getByRole("button", { name: /^Follow$|new events?$/ });
    await button.waitFor();
    const [first] = await inView(page);
    writeFileSync(path.join(stage.dir, "shop", "open"), "");
    await stage.settled(live);
    await page.locator(".status", { hasText: "succeeded" }).first().waitFor();
    // The head of a run that has ended may be another height.
    expect((await inView(page))[0]).toBe(first);
    await page.keyboard.press("End");
    await page.locator(".log-row", { hasText: "run.succeeded" }).waitFor();
    expect(faults).toEqual([]);
  });

  test.each(LOOKS)("T24: have no fault that axe knows: $theme, $width px", async ({ theme, width }) => {
    await using watched = await stage.page(`/p/shop/runs/${run}?view=events&line=5`, { theme, width });
    const { page, faults } = watched;
    await page.getByRole("region", { name: "The event as JSON" }).waitFor();
    await page.locator(".log-row", { hasText: "run.created" }).waitFor();
    await shot(page, `events-${width}-${theme}`);
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.goto(`/p/shop/runs/${run}?view=events`);
    if (width === 390) await page.getByRole("button", { name: "Tools" }).click();
    await page.getByRole("button", { name: "All types" }).click();
    await page.getByRole("checkbox", { name: /step\.failed/ }).waitFor();
    await shot(page, `events-types-${width}-${theme}`);
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
  });
});
