/** Timeline of a run: looks, by keys, kept in the address, and as the run goes on. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accessibilityFaults, LOOKS, NO_BROWSER, shot } from "../support/browser.ts";
import { tabTo } from "../support/keyboard.ts";
import { record } from "../support/recorded.ts";
import { shopRun } from "../support/shop-run.ts";
import { Stage } from "../support/stage.ts";

const RUN = "shoprun0001";
const TIMELINE = `/p/shop/runs/${RUN}?view=timeline`;

describe.skipIf(NO_BROWSER !== undefined)("the timeline of a run", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open();
    await record(stage, shopRun(RUN, Date.now() - 9_000_000));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  test.each(LOOKS)("is shown without a fault that axe knows: $theme, $width px", async ({ theme, width }) => {
    await using watched = await stage.page(TIMELINE, { theme, width });
    const { page, faults } = watched;
    await page.getByRole("button", { name: /^smoke, succeeded/ }).waitFor();
    await shot(page, `timeline-${width}-${theme}`);
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByLabel("Rows", { exact: true }).selectOption("agent");
    await page.getByText("claude · sonnet-5").waitFor();
    await shot(page, `timeline-agents-${width}-${theme}`);
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
  });

  test("B6: a bar says what it waited for and how long it ran, folds how long nothing worked, and all can be hit", async () => {
    await using watched = await stage.page(TIMELINE);
    const { page } = watched;
    const bar = page.getByRole("button", { name: /^api-orders, succeeded/ });
    expect(await bar.getAttribute("aria-label")).toMatch(
      /ready, waited 1:37 for .+, ran 2:35, from 2:55, claude, sonnet-5$/,
    );
    await page.getByText("1 h 54 m").waitFor();
    const widths = await page
      .locator(".tl-bar")
      .evaluateAll((bars) => bars.map((one) => one.getBoundingClientRect().width));
    expect(widths.length).toBeGreaterThan(15);
    expect(Math.min(...widths)).toBeGreaterThanOrEqual(4);
    await bar.hover();
    await page.locator(".tl-told", { hasText: "api-orders, succeeded" }).waitFor();
  });

  test("T23: is gone through by keys, and a step is opened", async () => {
    await using watched = await stage.page(TIMELINE);
    const { page, faults } = watched;
    await tabTo(page, page.getByRole("link", { name: "schema" }));
    for (const key of ["ArrowDown", "ArrowDown", "ArrowRight", "ArrowUp"]) await page.keyboard.press(key);
    const focused = page.locator(":focus");
    expect(await focused.getAttribute("aria-label")).toMatch(/^ci-image, succeeded/);
    await page.keyboard.press("+");
    await page.keyboard.press("End");
    expect(await focused.getAttribute("aria-label")).toMatch(/^smoke, succeeded/);
    await page.keyboard.press("Enter");
    await page.waitForURL(/step=smoke&attempt=1|attempt=1.*step=smoke/);
    expect(faults).toEqual([]);
  });

  test("T25: what is chosen stands in the address, and is there again after a reload", async () => {
    await using watched = await stage.page(TIMELINE);
    const { page } = watched;
    await page.getByLabel("Rows", { exact: true }).selectOption("slot");
    await page.getByText("Slot 4").waitFor();
    await page.getByLabel("Attempts").selectOption("retried");
    await page.getByRole("button", { name: "Gaps folded" }).click();
    await page.getByText("1 h 54 m").waitFor({ state: "detached" });
    await page.waitForURL(/by=slot/);
    await page.waitForURL(/attempts=retried/);
    await page.reload();
    await page.getByRole("button", { name: /^web-orders, attempt 2/ }).waitFor();
    expect(await page.getByRole("button", { name: /^smoke/ }).count()).toBe(0);
    expect(await page.getByLabel("Rows", { exact: true }).inputValue()).toBe("slot");
    await page.goBack();
    await page.getByText("1 h 54 m").waitFor();
  });

  test("of a run that goes on grows as it does, with what is expected and other numbers of workers", async () => {
    const run = await stage.start({
      name: "asks",
      steps: [
        { id: "ask", approve: "Go on?" },
        { id: "then", run: "true", deps: ["ask"], estimate: "90s" },
        { id: "beside", run: "true", deps: ["ask"], estimate: "30s" },
      ],
    });
    await using watched = await stage.page(`/p/shop/runs/${run}?view=timeline&whatIf=on`);
    const { page, faults } = watched;
    await page.getByRole("button", { name: /^ask, asks a person/ }).waitFor();
    await page.getByRole("button", { name: /^then, expected/ }).waitFor();
    await page
      .getByText(/more than 2 gains nothing/)
      .first()
      .waitFor();
    await shot(page, "timeline-live");
    expect(await accessibilityFaults(page)).toEqual([]);
    await stage.project().steps.approve(run, "ask");
    await page.getByRole("button", { name: /^then, succeeded/ }).waitFor();
    await page.getByRole("button", { name: /^then, expected/ }).waitFor({ state: "detached" });
    expect(faults).toEqual([]);
  });
});
