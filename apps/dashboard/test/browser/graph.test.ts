/** The graph of a run, in a browser. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Locator, Page } from "playwright-core";
import { accessibilityFaults, LOOKS, NO_BROWSER, shot, type WatchedPage } from "../support/browser.ts";
import { agent, began, command, record, succeeded, used, type Happening } from "../support/recorded.ts";
import { Stage } from "../support/stage.ts";

const plan = {
  name: "full-stack-app",
  failure: "continue",
  steps: [
    { id: "schema", run: "true" },
    { id: "design-tokens", run: "true" },
    { id: "ci-image", run: "true" },
    { id: "lint-config", run: "true" },
    { id: "api-users", run: "true", deps: ["schema"] },
    { id: "api-orders", run: "true", deps: ["schema", "ci-image"] },
    { id: "ui-kit", run: "true", deps: ["design-tokens"] },
    { id: "docs-outline", run: "true", deps: ["lint-config"] },
    { id: "api-search", run: "true", deps: ["api-users"] },
    { id: "web-orders", approve: "Ship orders?", deps: ["api-orders", "ui-kit"] },
    { id: "web-users", run: "true", deps: ["ui-kit", "api-users"] },
    { id: "billing", run: "echo 'no such account' >&2; exit 1", deps: ["api-orders"] },
    { id: "contract-tests", run: "true", deps: ["api-search", "web-orders"] },
    { id: "approve-migration", approve: "Migrate?", deps: ["web-users"] },
    { id: "e2e", run: "true", deps: ["web-users"] },
    { id: "billing-ui", run: "true", deps: ["billing"] },
    { id: "release-notes", run: "true", deps: ["docs-outline"], after: ["billing"] },
    { id: "migrate-prod", run: "true", deps: ["contract-tests", "approve-migration", "e2e"] },
    { id: "smoke", run: "true", deps: ["migrate-prod"] },
    { id: "rollout", run: "true", deps: ["smoke"] },
  ],
};

/** A container with enough children to be folded, and names that mean something to programs. */
const folds = {
  name: "folds",
  steps: [
    { id: "list", run: "true" },
    { id: "shard", forEach: Array.from({ length: 12 }, (_, at) => at), sleep: "1ms", deps: ["list"] },
    { id: "few", forEach: ["a", "b"], sleep: "1ms", deps: ["list"] },
    { id: "__proto__", sleep: "1ms", deps: ["shard"] },
    { id: "constructor", sleep: "1ms", deps: ["__proto__"] },
    { id: "a/b.c-d", sleep: "1ms", deps: ["few"] },
  ],
};

/** More than can be boxes: a wide graph of waits, which need no process. */
const WIDE = 420;
const wide = {
  name: "wide",
  failure: "continue",
  steps: [
    ...Array.from({ length: WIDE }, (_, at) => ({
      id: `w${at}`,
      sleep: "1ms",
      deps: at < 21 ? [] : [`w${at - 21}`, ...(at % 5 === 0 ? [`w${at - 22 + (at % 3)}`] : [])],
    })),
    { id: "broken", run: "exit 1", deps: ["w3"] },
  ],
};

describe.skipIf(NO_BROWSER !== undefined)("the graph", () => {
  let stage: Stage;
  const runs: Record<string, string> = {};
  beforeAll(async () => {
    stage = await Stage.open();
    for (const one of [plan, folds, wide]) runs[one.name] = await stage.run(one);
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const open = async (name: string, search = ""): Promise<WatchedPage> => {
    const watched = await stage.page(`/p/shop/runs/${runs[name]}?view=graph${search}`);
    await watched.page.locator(".graph-box, .graph-notice:not(:empty)").first().waitFor();
    return watched;
  };
  const box = (page: Page, id: string): Locator => page.getByRole("button", { name: new RegExp(`^${id}, `) });
  const placeOf = async (page: Page, id: string): Promise<unknown> => box(page, id).boundingBox();
  /** Id of the node that the keys stand at. */
  const current = async (page: Page): Promise<string | null> => {
    const id = await page.getByRole("application").getAttribute("aria-activedescendant");
    return id === null ? null : page.locator(`[id="${id}"] .graph-box-id`).textContent();
  };
  const once = async (get: () => Promise<unknown>, wanted: unknown): Promise<void> => {
    await expect.poll(get, { timeout: 20_000 }).toEqual(wanted);
  };

  describe.each(LOOKS)("$theme, $width px", ({ theme, width }) => {
    test("T24: has no fault that axe knows, with boxes, folds and bars", async () => {
      await using watched = await stage.page(`/p/shop/runs/${runs["full-stack-app"]}?view=graph`, { theme, width });
      const { page, faults } = watched;
      await box(page, "billing").waitFor();
      await shot(page, `graph-20-${width}-${theme}`);
      expect(await accessibilityFaults(page)).toEqual([]);
      await page.goto(`/p/shop/runs/${runs["folds"]}?view=graph&step=shard`);
      await box(page, "shard").waitFor();
      await shot(page, `graph-folds-${width}-${theme}`);
      expect(await accessibilityFaults(page)).toEqual([]);
      await page.goto(`/p/shop/runs/${runs["wide"]}?view=graph`);
      await page.locator(".graph-notice", { hasText: "A heat map of 421 nodes" }).waitFor();
      await shot(page, `graph-wide-${width}-${theme}`);
      expect(await accessibilityFaults(page)).toEqual([]);
      expect(faults).toEqual([]);
    });
  });

  test("a click opens a step and does not move the view; so does Enter after a walk along edges", async () => {
    await using watched = await open("full-stack-app");
    const { page, faults } = watched;
    const before = await placeOf(page, "billing");
    await box(page, "web-users").click();
    await page.waitForURL(/step=web-users/);
    expect(await placeOf(page, "billing")).toEqual(before);
    await page.getByRole("application").focus();
    await page.keyboard.press("ArrowLeft");
    await once(() => current(page), expect.stringMatching(/api-users|ui-kit/));
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await once(() => current(page), expect.stringMatching(/approve-migration|e2e|contract-tests/));
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await page.waitForURL(/step=(approve-migration|e2e|contract-tests)/);
    expect(faults).toEqual([]);
  });

  test("n and N go through what failed or needs somebody, f shows all, plus and minus zoom", async () => {
    await using watched = await open("full-stack-app");
    const { page } = watched;
    const seen: (string | null)[] = [];
    for (const key of ["n", "n", "n", "n", "N"]) {
      const last = seen.at(-1);
      await page.keyboard.press(key);
      await expect.poll(() => current(page), { timeout: 20_000 }).not.toBe(last ?? null);
      seen.push(await current(page));
    }
    expect(new Set(seen.slice(0, 3))).toEqual(new Set(["web-orders", "billing", "approve-migration"]));
    expect([seen[3], seen[4]]).toEqual([seen[0], seen[2]]);
    const fitted = await placeOf(page, "schema");
    await page.keyboard.press("+");
    await expect.poll(() => placeOf(page, "schema"), { timeout: 20_000 }).not.toEqual(fitted);
    await page.keyboard.press("f");
    await page.keyboard.press("f");
    for (const id of ["schema", "rollout"]) await box(page, id).waitFor();
  });

  test("what hangs together stands out under the pointer", async () => {
    await using watched = await open("full-stack-app");
    const { page } = watched;
    await box(page, "billing").hover();
    await page.locator(".graph-box.dimmed").first().waitFor();
    const dimmed = await page.locator(".graph-box.dimmed .graph-box-id").allTextContents();
    expect(dimmed).toEqual(expect.arrayContaining(["web-users", "e2e", "docs-outline"]));
    for (const kept of ["billing", "api-orders", "schema", "ci-image", "billing-ui", "release-notes"])
      expect(dimmed).not.toContain(kept);
    await page.mouse.move(700, 20);
    await page.locator(".graph-box.dimmed").first().waitFor({ state: "detached" });
  });

  test("many children are one node until it is opened, which the address keeps", async () => {
    await using watched = await open("folds");
    const { page, faults } = watched;
    const shard = page.getByRole("button", { name: "shard, 12 of 12, succeeded" });
    await shard.waitFor();
    await box(page, "__proto__").waitFor();
    await box(page, "constructor").waitFor();
    await box(page, "a/b.c-d").waitFor();
    expect(await page.getByRole("button", { name: /^shard\[/ }).count()).toBe(0);
    const before = (await placeOf(page, "shard")) as { x: number; y: number };
    await page.getByRole("button", { name: "Open shard" }).click();
    await page
      .getByRole("button", { name: /^shard\[/ })
      .first()
      .waitFor();
    const after = (await placeOf(page, "shard")) as { x: number; y: number };
    expect([Math.abs(after.x - before.x) < 2, Math.abs(after.y - before.y) < 2]).toEqual([true, true]);
    await page.reload();
    await page.getByRole("button", { name: "Fold shard" }).waitFor();
    await page.keyboard.press("f");
    await once(() => page.getByRole("button", { name: /^shard\[/ }).count(), 12);
    await page.getByRole("application").focus();
    await page.getByRole("button", { name: /^shard\[3\]/ }).click();
    await page.keyboard.press("e");
    await shard.waitFor();
    expect(faults).toEqual([]);
  });

  test("bars of a large graph say what they are, and open their steps; text finds them", async () => {
    await using watched = await open("wide");
    const { page, faults } = watched;
    await page.locator(".graph-notice", { hasText: "A heat map of 421 nodes" }).waitFor();
    expect(await page.locator(".graph-box:visible").count()).toBe(0);
    await page.getByRole("searchbox", { name: "Find a step" }).fill("broken");
    await page.locator(".graph-find", { hasText: "1 found" }).waitFor();
    await page.keyboard.press("Enter");
    await box(page, "broken").waitFor();
    await page.getByRole("button", { name: /^Fit/ }).click();
    await page.locator(".graph-notice", { hasText: "A heat map of 421 nodes" }).waitFor();
    // The first bar that is hit, in steps of the bars' size.
    const area = await page.getByRole("application").boundingBox();
    const tip = page.locator(".graph-tip");
    for (let at = 0; at < 40 && (await tip.count()) === 0; at++)
      await page.mouse.move((area?.x ?? 0) + (area?.width ?? 0) / 2, (area?.y ?? 0) + 40 + at * 5);
    expect(await tip.textContent()).toMatch(/^w\d+ · succeeded/);
    await page.mouse.down();
    await page.mouse.up();
    await page.waitForURL(/step=w\d+/);
    expect(faults).toEqual([]);
  });

  test("colours and the critical path are chosen in the address", async () => {
    await using watched = await open("full-stack-app", "&path=off");
    const { page, faults } = watched;
    expect(await page.locator(".graph-box.heavy").count()).toBe(0);
    await page.keyboard.press("x");
    await page.locator(".graph-box.heavy").first().waitFor();
    await page.getByLabel("Colour by").selectOption("duration");
    await page.waitForURL(/colour=duration/);
    await page.getByText("short").waitFor();
    expect(faults).toEqual([]);
  });

  test("what happens in the run is seen at once, in its node alone", async () => {
    const run = await stage.run({
      name: "asks",
      steps: [
        { id: "ask", approve: "Go?" },
        { id: "go", sleep: "1ms", deps: ["ask"] },
      ],
    });
    await using watched = await stage.page(`/p/shop/runs/${run}?view=graph`);
    const { page } = watched;
    await page.getByRole("button", { name: "ask, needs-approval" }).waitFor();
    await page.evaluate(() => document.querySelector(".graph-box")?.setAttribute("data-kept", ""));
    await stage.project().steps.approve(run, "ask");
    await page.getByRole("button", { name: /^ask, succeeded/ }).waitFor();
    await page.getByRole("button", { name: /^go, succeeded/ }).waitFor();
    expect(await page.locator("[data-kept]").count()).toBe(1);
  });

  test("a group with many steps is one node until it is opened; models have their colours; all goes out as Mermaid", async () => {
    const members = Array.from({ length: 10 }, (_, at) => `part-${at}`);
    const happenings = members.flatMap((id, at): readonly Happening[] => [
      [at, began(id)],
      [at, used(id, at % 2 === 0 ? "opus-4" : "sonnet-5", 0.1)],
      [at + 1, succeeded(id, 1)],
    ]);
    const steps = [command("first"), ...members.map((id) => agent(id, ["first"], { group: "parts" }))];
    const plan = { name: "groups", steps: [...steps, command("last", ["part-9"])] };
    await record(stage, { run: "groups000001", plan, startedAt: Date.now() - 60_000, happenings });
    await using watched = await stage.page("/p/shop/runs/groups000001?view=graph");
    const { page, context, faults } = watched;
    await page.getByRole("button", { name: "parts, 10 of 10, succeeded" }).waitFor();
    await shot(page, "graph-group");
    expect(await page.getByRole("button", { name: /^part-/ }).count()).toBe(0);
    await page.getByRole("button", { name: "Open parts" }).click();
    await page
      .getByRole("button", { name: /^part-/ })
      .first()
      .waitFor();
    await page.keyboard.press("f");
    await once(() => page.getByRole("button", { name: /^part-/ }).count(), 10);
    await page.getByLabel("Colour by").selectOption("model");
    await page.waitForURL(/colour=model/);
    const legend = page.getByRole("list", { name: "Legend" });
    for (const model of ["opus-4", "sonnet-5"]) await legend.getByText(model).waitFor();
    await shot(page, "graph-models");
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.reload();
    await page
      .getByRole("button", { name: /^part-/ })
      .first()
      .waitFor();
    await legend.getByText("opus-4").waitFor();
    await page
      .getByRole("button", { name: /^part-/ })
      .first()
      .click();
    await page.getByRole("application").focus();
    await page.keyboard.press("e");
    await page.getByRole("button", { name: "parts, 10 of 10, succeeded" }).waitFor();
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy as Mermaid" }).click();
    await page.getByText("Copied", { exact: true }).waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^(?:flowchart|graph) /m);
    expect(faults).toEqual([]);
  });
});
