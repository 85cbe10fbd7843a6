/** Actions on a run, by the keyboard alone: workers, pause, cancel, retry, resume; and what a refused one says. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { accessibilityFaults, NO_BROWSER, shot } from "../support/browser.ts";
import { settled } from "../support/settled.ts";
import { Stage } from "../support/stage.ts";

describe.skipIf(NO_BROWSER !== undefined)("actions on a run", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open();
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const HELD = "while ! test -e gate; do sleep 0.05; done";
  const held = (): Promise<string> =>
    stage.start({
      name: "held",
      maxConcurrency: 1,
      steps: [
        { id: "a", run: HELD },
        { id: "b", run: HELD },
        { id: "c", run: "exit 1", deps: ["a", "b"] },
      ],
    });
  const actions = (page: Page) => page.getByRole("group", { name: "Actions on the run" });

  test("T23: workers are changed, the run is paused, goes on, and is cancelled, which asks with the real number", async () => {
    const run = await held();
    await using watched = await stage.page(`/p/shop/runs/${run}`);
    const { page, faults } = watched;
    const workers = page.getByRole("group", { name: "Workers" });
    await workers.getByText("1 worker").waitFor();
    await workers.getByRole("button", { name: "One worker more" }).press("Enter");
    await workers.getByRole("button", { name: "One worker more" }).press("Enter");
    await workers.getByText("3 workers").waitFor();
    await settled(async () => (await stage.project().runs.get(run)).counts.running).toBe(2);
    await workers.getByRole("button", { name: "One worker less" }).press("Enter");
    await workers.getByText("2 workers").waitFor();
    await actions(page).getByRole("button", { name: "Pause" }).press("Enter");
    await actions(page).getByRole("button", { name: "Go on" }).press("Enter");
    await actions(page).getByRole("button", { name: "Pause" }).waitFor();
    await actions(page).getByRole("button", { name: "Cancel" }).press("Enter");
    const dialog = page.getByRole("dialog", { name: `Cancel run ${run}?` });
    await dialog.getByText("2 steps of held are running").waitFor();
    await shot(page, "run-cancel");
    expect(await accessibilityFaults(page)).toEqual([]);
    // The keys of the page do nothing under a dialog: of the two presses one counts.
    await page.keyboard.press("s");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(new URL(page.url()).searchParams.get("view")).toBe(null);
    await page.keyboard.press("s");
    await page.waitForURL(/view=steps/);
    await actions(page).getByRole("button", { name: "Cancel" }).press("Enter");
    await dialog.getByRole("button", { name: "Cancel and end 2 steps" }).press("Enter");
    await actions(page).getByRole("button", { name: "Retry 2 steps" }).waitFor();
    stage.write("gate", "");
    await actions(page).getByRole("button", { name: "Retry 2 steps" }).press("Enter");
    await actions(page).getByRole("button", { name: "Retry 1 step" }).waitFor();
    const { byStatus } = await stage.project().runs.get(run);
    expect([byStatus.succeeded, byStatus.failed]).toEqual([2, 1]);
    expect(faults).toEqual([]);
  });

  test("a refused one says why, and what to do next, beside the buttons", async () => {
    const run = await stage.run({ name: "lost", steps: [{ id: "a", run: "exit 1" }] });
    stage.write("heddle.yaml", "");
    await using watched = await stage.page(`/p/shop/runs/${run}`);
    const { page, faults } = watched;
    await actions(page).getByRole("button", { name: "Retry 1 step" }).waitFor();
    await page.route("**/retry", (route) =>
      route.fulfill({
        status: 423,
        contentType: "application/problem+json",
        body: JSON.stringify({
          type: "urn:heddle:problem:run-held",
          title: "Run held",
          status: 423,
          detail: "run x is held by heddle run (pid 7)",
          instance: "/",
          code: "run-held",
          hint: "Watch it with `heddle watch x`.",
        }),
      }),
    );
    await actions(page).getByRole("button", { name: "Retry 1 step" }).click();
    await actions(page).getByRole("alert").getByText("held by heddle run (pid 7)").waitFor();
    await actions(page).getByRole("alert").getByText("Watch it with").waitFor();
    expect(faults).toEqual([]);
  });

  test("who may only look is told so at each of them", async () => {
    const run = await stage.run({ name: "seen", steps: [{ id: "a", run: "exit 1" }] });
    await using watched = await stage.page(`/p/shop/runs/${run}`, { grant: "read" });
    const { page, faults } = watched;
    const button = actions(page).getByRole("button", { name: "Retry 1 step" });
    await button.waitFor();
    expect([await button.getAttribute("aria-disabled"), await button.getAttribute("title")]).toEqual([
      "true",
      expect.stringContaining("This session may only look"),
    ]);
    expect(faults).toEqual([]);
  });
});
