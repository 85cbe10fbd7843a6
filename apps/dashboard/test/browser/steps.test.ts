/** The table of steps: filters, order, keys, selection, many rows, and the look of it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { accessibilityFaults, LOOKS, NO_BROWSER, shot } from "../support/browser.ts";
import { mixedRun, type MixedRun } from "../support/mixed-run.ts";
import { settled } from "../support/settled.ts";
import { Stage } from "../support/stage.ts";

/** As many as a run may have, at night. */
const MANY = process.env["HEDDLE_TIER"] === "nightly" ? 20_000 : 2000;

describe.skipIf(NO_BROWSER !== undefined)("the steps of a run", () => {
  let stage: Stage;
  let mixed: MixedRun;
  let ended: string;
  let many: string;
  beforeAll(async () => {
    stage = await Stage.open();
    mixed = await mixedRun(stage);
    ended = await stage.run({
      name: "ended",
      failure: "continue",
      steps: [
        { id: "a", run: "true" },
        { id: "b", run: "test -e fixed", deps: ["a"] },
        { id: "c", run: "true", deps: ["a"] },
        { id: "d", run: "true", deps: ["c"] },
      ],
    });
    const steps = Array.from({ length: MANY - 1 }, (_, at) => ({ id: `s${at}`, run: "true", deps: ["ask"] }));
    many = await stage.start({ name: "many", steps: [{ id: "ask", approve: "Begin?" }, ...steps] });
  });
  afterAll(async () => {
    mixed.open();
    await stage[Symbol.asyncDispose]();
  });

  const address = (run: string, search = ""): string => `/p/shop/runs/${run}?view=steps${search}`;
  const shown = (page: Page): Promise<readonly (string | null)[]> =>
    page.locator(".steps-rows [data-step]").allTextContents();

  test.each(LOOKS)("T24: have no fault that axe knows: $theme, $width px", async ({ theme, width }) => {
    await using watched = await stage.page(address(mixed.run), { theme, width });
    const { page, faults } = watched;
    await page.getByText("waits for api-users, api-orders").waitFor();
    await shot(page, `steps-${width}-${theme}`);
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
  });

  test("are filtered by status and by name, sorted by what is pressed, and the address says so", async () => {
    await using watched = await stage.page(address(mixed.run));
    const { page, faults } = watched;
    await page.getByRole("button", { name: "failed 1" }).click();
    await settled(() => shown(page)).toEqual(["billing"]);
    await page.getByRole("button", { name: "skipped 2" }).click();
    await settled(() => shown(page)).toEqual(["billing", "billing-ui", "docs"]);
    expect(page.url()).toContain("status=failed%2Cskipped");
    await page.getByRole("button", { name: "Step", exact: true }).click();
    await page.getByRole("button", { name: "Step", exact: true }).click();
    await settled(() => shown(page)).toEqual(["docs", "billing-ui", "billing"]);
    await page.reload();
    await settled(() => shown(page)).toEqual(["docs", "billing-ui", "billing"]);
    await page.getByRole("button", { name: "all 15" }).click();
    await page.keyboard.press("/");
    await page.keyboard.type("API-");
    await settled(() => shown(page)).toEqual(["api-users", "api-orders"]);
    await page.keyboard.press("Escape");
    await settled(async () => (await shown(page)).length).toBe(15);
    expect(faults).toEqual([]);
  });

  test("T23: are walked through, selected and opened by the keyboard alone", async () => {
    await using watched = await stage.page(address(mixed.run));
    const { page, faults } = watched;
    await page.getByRole("link", { name: "schema" }).waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await settled(() => page.evaluate(() => document.activeElement?.textContent)).toBe("lint-config");
    await page.keyboard.press("x");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("x");
    await page.getByText("2 selected").waitFor();
    // It goes on: no step of it can run again now.
    await page.getByText("The run is at work: its steps can run again when it has ended").waitFor();
    await page.keyboard.press("k");
    await page.keyboard.press("Enter");
    await page.waitForURL(/step=lint-config/);
    await page.keyboard.press("j");
    await page.waitForURL(/step=api-users/);
    await page.keyboard.press("Escape");
    await settled(() => page.url()).not.toContain("step=");
    expect(faults).toEqual([]);
  });

  test("T23: run again, with what depends on them, when they are selected in a run that has ended", async () => {
    await using watched = await stage.page(address(ended));
    const { page, faults } = watched;
    await page.getByRole("checkbox", { name: "Select c" }).check();
    await page.keyboard.press("r");
    const dialog = page.getByRole("dialog", { name: "Run c again?" });
    await dialog.getByText("1 step that had ended well").waitFor();
    await dialog.getByText("1 other step that did not succeed runs again as well").waitFor();
    await shot(page, "steps-retry");
    expect(await accessibilityFaults(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Run again" }).press("Enter");
    await dialog.waitFor({ state: "detached" });
    const tries = async (id: string): Promise<number> => (await stage.project().steps.get(ended, id)).step.attempts;
    await settled(() => Promise.all(["a", "b", "c", "d"].map(tries))).toEqual([1, 2, 2, 2]);
    await stage.settled(ended);
    expect(faults).toEqual([]);
  });

  test(`of ${MANY} only those in sight are drawn, and the last one is a key away`, async () => {
    await using watched = await stage.page(address(many));
    const { page, faults } = watched;
    await page.getByRole("link", { name: "ask" }).waitFor();
    await page.getByRole("grid", { name: "Steps" }).press("End");
    await page.getByRole("link", { name: `s${MANY - 2}`, exact: true }).waitFor();
    expect(await page.locator(".steps-rows .step-row").count()).toBeLessThan(60);
    await page.keyboard.press("/");
    await page.keyboard.type("s1998");
    await settled(async () => (await shown(page))[0]).toBe("s1998");
    expect(faults).toEqual([]);
  });
});
