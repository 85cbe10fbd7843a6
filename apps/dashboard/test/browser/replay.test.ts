/** Replay of a run: a link opens the very state, keys go from event to event, and nothing can be done to the past. */
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { accessibilityFaults, NO_BROWSER, shot } from "../support/browser.ts";
import { tabTo } from "../support/keyboard.ts";
import { record } from "../support/recorded.ts";
import { shopRun } from "../support/shop-run.ts";
import { until } from "../../../../packages/heddle/test/support/until.ts";
import { Stage } from "../support/stage.ts";

const RUN = "shoprun0001";

/** Status by step, as the rows of the timeline say it. */
async function shownStatuses(page: Page): Promise<Readonly<Record<string, string>>> {
  const rows = await page
    .locator(".tl-name")
    .evaluateAll((names) =>
      names.map((name) => [
        name.querySelector("a")?.textContent,
        name.querySelector("svg")?.getAttribute("aria-label"),
      ]),
    );
  return Object.fromEntries(rows) as Readonly<Record<string, string>>;
}

/** Bars of attempts, as their labels say them: step, attempt, status. */
async function shownBars(page: Page): Promise<readonly string[]> {
  const labels = await page
    .locator(".tl-bar:not(.look-asked, .look-expected)")
    .evaluateAll((bars) => bars.map((bar) => bar.getAttribute("aria-label") ?? ""));
  return labels.map((label) => /^[^,]+(, attempt \d+)?, [a-z]+/.exec(label)?.[0] ?? label).toSorted();
}

describe.skipIf(NO_BROWSER !== undefined)("the replay of a run", () => {
  let stage: Stage;
  let last: number;
  beforeAll(async () => {
    stage = await Stage.open();
    await record(stage, shopRun(RUN, Date.now() - 9_000_000));
    last = (await stage.project().runs.get(RUN, { fields: ["seq"] })).seq;
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const at = (page: Page, seq: number) => page.getByText(`${seq} of ${last}`, { exact: true }).waitFor();

  test.each([3, 28, 40])("B7, T25: ?seq=%i opens exactly that state", async (seq) => {
    await using watched = await stage.page(`/p/shop/runs/${RUN}?view=timeline&seq=${seq}`);
    const { page, faults } = watched;
    await at(page, seq);
    const { steps, head } = await stage.project().replay.at(RUN, seq);
    const { bars } = await stage.project().replay.timeline(RUN, { at: seq });
    await page.locator(".tl-bar").first().waitFor();
    expect(await shownStatuses(page)).toEqual(Object.fromEntries(steps.map(({ id, status }) => [id, status])));
    const expected = bars
      .filter(({ kind }) => kind === "attempt")
      .map(({ step, attempt, status }) => `${step}${attempt > 1 ? `, attempt ${attempt}` : ""}, ${status}`);
    expect(await shownBars(page)).toEqual(expected.toSorted());
    await page.getByText(`${head.progress.slots} of ${head.progress.maxConcurrency}`).first().waitFor();
    await page.reload();
    await at(page, seq);
    expect(faults).toEqual([]);
  });

  test("T23: keys go from event to event, from mark to mark, and the way back leads to the present", async () => {
    await using watched = await stage.page(`/p/shop/runs/${RUN}?view=timeline`);
    const { page, faults } = watched;
    await at(page, last);
    await page.keyboard.press("[");
    await at(page, last - 1);
    for (const key of ["[", "]", "[", "["]) await page.keyboard.press(key);
    await at(page, last - 3);
    await page.keyboard.press("{");
    await page.getByText(/ at 2 h 01 m/).waitFor();
    await shot(page, "replay");
    expect(await accessibilityFaults(page)).toEqual([]);
    await tabTo(page, page.getByRole("slider", { name: "Event of the history" }));
    await page.keyboard.press("Home");
    await at(page, 1);
    await page.keyboard.press("ArrowRight");
    await at(page, 2);
    await page.keyboard.press("g");
    await page.waitForURL(/view=graph/);
    await at(page, 2);
    await shot(page, "replay-graph");
    await tabTo(page, page.getByRole("button", { name: "Back to live" }));
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => !url.searchParams.has("seq"));
    await at(page, last);
    expect(faults).toEqual([]);
  });

  test("one step back in the browser leads from a replay to the present, however long it went on", async () => {
    await using watched = await stage.page(`/p/shop/runs/${RUN}?view=timeline`);
    const { page } = watched;
    await at(page, last);
    for (const key of ["[", "[", "["]) await page.keyboard.press(key);
    await at(page, last - 3);
    await page.goBack();
    await at(page, last);
    expect(new URL(page.url()).searchParams.has("seq")).toBe(false);
  });

  test("it plays to the end, at a thousand times the speed, over the time in which no process had the run", async () => {
    await using watched = await stage.page(`/p/shop/runs/${RUN}?view=timeline`);
    const { page } = watched;
    await page.getByLabel("Speed of the replay").selectOption("1000");
    await page.getByRole("button", { name: "Replay", exact: true }).click();
    await page.getByRole("button", { name: "Pause replay" }).waitFor();
    await page.waitForURL(/seq=\d+/);
    await page.getByRole("button", { name: "Replay", exact: true }).waitFor();
    await at(page, last);
    expect(new URL(page.url()).searchParams.get("seq")).toBe(String(last));
  });

  test("nothing can be done to a run as it was, and the page says why", async () => {
    await using watched = await stage.page(`/p/shop/runs/${RUN}?view=timeline&seq=30`);
    const { page } = watched;
    await at(page, 30);
    const actions = page.getByRole("group", { name: "Actions on the run" }).getByRole("button");
    await actions.first().waitFor();
    for (const action of await actions.all())
      expect([await action.getAttribute("aria-disabled"), await action.getAttribute("title")]).toEqual([
        "true",
        "The run is shown as it was at event 30: go back to live to act",
      ]);
  });

  test("an event that is not there is said, with the way back", async () => {
    await using watched = await stage.page(`/p/shop/runs/${RUN}?view=timeline&seq=99999`);
    const { page } = watched;
    await page.getByText(`run ${RUN} has only ${last} events`).waitFor();
    await page.getByRole("button", { name: "Back to live" }).click();
    await at(page, last);
    expect(new URL(page.url()).searchParams.has("seq")).toBe(false);
  });

  test("the critical path is the one of that event", async () => {
    const pathAt = async (seq: number): Promise<readonly string[]> => {
      const { steps, criticalPath } = await stage.project().runs.graph(RUN, { at: seq });
      return criticalPath.map((step) => steps[step] ?? "").toSorted();
    };
    const [early, late] = [await pathAt(3), await pathAt(last)];
    expect(early).not.toEqual(late);
    await using watched = await stage.page(`/p/shop/runs/${RUN}?view=timeline&seq=3`);
    const { page, faults } = watched;
    const shown = async (): Promise<readonly string[]> =>
      (await page.locator(".tl-row.critical .tl-name a").allTextContents()).toSorted();
    await at(page, 3);
    await until(async () => isDeepStrictEqual(await shown(), early));
    await page.getByRole("button", { name: "Back to live" }).click();
    await at(page, last);
    await until(async () => isDeepStrictEqual(await shown(), late));
    expect(faults).toEqual([]);
  });

  test("an event that cannot be had is said, and what was shown stays until the next one", async () => {
    await using watched = await stage.page(`/p/shop/runs/${RUN}?view=timeline&seq=30`);
    const { page, context, faults } = watched;
    await at(page, 30);
    await page.locator(".tl-bar").first().waitFor();
    const before = await shownStatuses(page);
    await context.route(/\/live(\/patch)?\?/, (route) => route.fulfill({ status: 410, json: {} }));
    await page.keyboard.press("]");
    await page.getByRole("region", { name: "Replay" }).getByRole("alert").waitFor();
    expect(await shownStatuses(page)).toEqual(before);
    expect(await accessibilityFaults(page)).toEqual([]);
    await shot(page, "replay-refused");
    await context.unrouteAll();
    await page.keyboard.press("]");
    await at(page, 32);
    await page.getByRole("region", { name: "Replay" }).getByRole("alert").waitFor({ state: "detached" });
    expect(faults).toEqual([]);
  });

  test("it plays to the end where the times of the events cannot be read", async () => {
    await using watched = await stage.page("/settings");
    const { page, context, faults } = watched;
    await context.route(/\/marks$/, (route) => route.fulfill({ status: 410, json: {} }));
    await page.goto(`/p/shop/runs/${RUN}?view=timeline`);
    await page.getByText("The times of the events cannot be read").waitFor();
    await page.getByLabel("Speed of the replay").selectOption("60");
    await page.getByRole("button", { name: "Replay", exact: true }).click();
    await page.getByRole("button", { name: "Pause replay" }).waitFor();
    await page.getByRole("button", { name: "Replay", exact: true }).waitFor();
    await at(page, last);
    expect(faults).toEqual([]);
  });
});
