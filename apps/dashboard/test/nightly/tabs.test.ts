/** T19b: twenty tabs of one browser on one server: all are live, and each one's answer is seen in all of them. */
import { describe, expect, test } from "vitest";
import { report } from "../../../../packages/heddle/test/nightly/scale.ts";
import { NO_BROWSER } from "../support/browser.ts";
import { Stage } from "../support/stage.ts";

const TABS = 20;
const WITHIN_MS = 1000;

describe.skipIf(NO_BROWSER !== undefined)("tabs of one browser", () => {
  test(`T19b: ${TABS} tabs`, async () => {
    await using stage = await Stage.open();
    const steps = Array.from({ length: TABS }, (_, at) => ({ id: `ask-${at}`, approve: `Question ${at}?` }));
    const run = await stage.run({ name: "asking", steps });
    await using watched = await stage.page("/inbox");
    const { page, context, faults } = watched;
    const pages = [page];
    while (pages.length < TABS) pages.push(await context.newPage());
    for (const one of pages.slice(1)) await one.goto("/inbox");
    for (const one of pages) {
      await one.getByText("live", { exact: true }).waitFor();
      await one
        .locator(".inbox-item")
        .nth(TABS - 1)
        .waitFor();
    }
    const tookMs: number[] = [];
    for (const [at, one] of pages.entries()) {
      const item = one.locator(".inbox-item").filter({ hasText: `Question ${at}?` });
      // By a click of the page itself: a tab in the background has no pointer.
      const began = performance.now();
      await item.getByRole("button", { name: "Approve" }).evaluate((button: HTMLElement) => button.click());
      await item.getByText("Settled").waitFor();
      tookMs.push(performance.now() - began);
    }
    for (const one of pages)
      await one.waitForFunction((count) => document.querySelectorAll(".is-settled").length === count, TABS);
    await stage.settled(run);
    const sorted = tookMs.toSorted((a, b) => a - b);
    report(
      `T19b: ${TABS} tabs, all live; an answer was settled in its tab after ${Math.round(sorted[TABS >> 1] ?? 0)} ms (median), ` +
        `${Math.round(sorted.at(-1) ?? 0)} ms (most)`,
    );
    expect(sorted.at(-1)).toBeLessThan(WITHIN_MS);
    expect(faults).toEqual([]);
  });
});
