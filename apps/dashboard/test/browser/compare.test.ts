/** Two runs beside each other. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accessibilityFaults, LOOKS, NO_BROWSER, shot } from "../support/browser.ts";
import { tabTo } from "../support/keyboard.ts";
import { began, command, record, succeeded } from "../support/recorded.ts";
import { resumedHappenings, SHOP, shopRun } from "../support/shop-run.ts";
import { Stage } from "../support/stage.ts";

const [A, B] = ["shoprun0001", "shoprun0002"];

describe.skipIf(NO_BROWSER !== undefined)("the comparison of two runs", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open();
    const now = Date.now();
    await record(stage, shopRun(A, now - 90_000_000));
    const plan = {
      ...SHOP,
      steps: SHOP.steps.map((step) =>
        step.id === "ui-kit" ? { ...step, action: { kind: "agent", prompt: "Build it otherwise" } as const } : step,
      ),
    };
    const happenings = resumedHappenings(now - 9_000_000).map(
      ([seconds, body]) => [seconds > 170 && seconds < 7000 ? seconds + 25 : seconds, body] as const,
    );
    await record(stage, { run: B, plan, startedAt: now - 9_000_000, happenings });
    await record(stage, {
      run: "small000001",
      plan: { name: "full-stack-app", steps: [command("schema")] },
      startedAt: now - 5_000_000,
      happenings: [
        [1, began("schema")],
        [9, succeeded("schema", 8)],
        [9, { type: "run.succeeded", data: { durationMs: 9000 } }],
      ],
    });
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  test.each(LOOKS)("is shown without a fault that axe knows: $theme, $width px", async ({ theme, width }) => {
    await using watched = await stage.page(`/p/shop/compare/${A}/${B}`, { theme, width });
    const { page, faults } = watched;
    await page.getByText("ui-kit is the first step that differs").waitFor();
    await page.locator(".compare-svg").first().waitFor({ state: "attached" });
    await shot(page, `compare-${width}-${theme}`);
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
  });

  test("T23: is narrowed and turned round by keys, and the address has it", async () => {
    await using watched = await stage.page(`/p/shop/compare/${A}/${B}`);
    const { page, faults } = watched;
    await page.getByText("14 steps").waitFor();
    await tabTo(page, page.getByRole("button", { name: "Definition changed 1" }));
    await page.keyboard.press("Enter");
    await page.waitForURL(/only=changed/);
    await page.getByText("1 step", { exact: true }).waitFor();
    expect(await page.locator(".compare-step a").allTextContents()).toEqual(["ui-kit"]);
    await page.reload();
    await page.getByText("1 step", { exact: true }).waitFor();
    await tabTo(page, page.getByRole("link", { name: "The other way round" }));
    await page.keyboard.press("Enter");
    await page.waitForURL(new RegExp(`/p/shop/compare/${B}/${A}$`));
    await page.getByText("25 s shorter").waitFor();
    expect(faults).toEqual([]);
  });

  test("says of what is in one run alone, and of runs that cannot be compared", async () => {
    await using watched = await stage.page(`/p/shop/compare/${A}/small000001?only=one`);
    const { page } = watched;
    await page.getByText("13 steps").waitFor();
    expect(await page.getByText("not in it").count()).toBe(13);
    await page.goto(`/p/shop/compare/${A}/nowhere00`);
    await page.getByText("The runs cannot be compared").waitFor();
  });

  test("the timeline leads to the comparison with the run before", async () => {
    await using watched = await stage.page(`/p/shop/runs/${B}?view=timeline`);
    await watched.page.getByRole("link", { name: "Compare with the run before" }).click();
    await watched.page.waitForURL(/compare/);
    expect(new URL(watched.page.url()).pathname).toBe(`/p/shop/compare/${A}/${B}`);
  });
});
