/** Pages with steps: their tabs say what they show, and `/` leads to where a step is found. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NO_BROWSER } from "../support/browser.ts";
import { record } from "../support/recorded.ts";
import { shopRun } from "../support/shop-run.ts";
import { Stage } from "../support/stage.ts";

const [A, B] = ["shoprun0001", "shoprun0002"];

describe.skipIf(NO_BROWSER !== undefined)("a page with steps", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open();
    await record(stage, shopRun(A, Date.now() - 90_000_000));
    await record(stage, shopRun(B, Date.now() - 9_000_000));
    stage.write("heddle.json", JSON.stringify({ name: "release", steps: [{ id: "a", run: "true" }] }));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  test.each([
    [`/p/shop/runs/${A}?view=graph`, `full-stack-app · ${A} · heddle`],
    [`/p/shop/runs/${A}?view=timeline`, `full-stack-app · ${A} · heddle`],
    [`/p/shop/runs/${A}?view=steps`, `full-stack-app · ${A} · heddle`],
    [`/p/shop/compare/${A}/${B}`, `Compare ${A} and ${B} · full-stack-app · heddle`],
    ["/p/shop/plans/heddle.json", "release · plan of shop · heddle"],
  ])("%s", async (address, title) => {
    await using watched = await stage.page(address);
    const { page, faults } = watched;
    await page.waitForFunction((wanted) => document.title.endsWith(wanted), title);
    await page.getByRole("searchbox").first().waitFor();
    await page.keyboard.press("/");
    await page.locator('input[type="search"]:focus').waitFor();
    expect(faults).toEqual([]);
  });

  test("/p/shop/plans has its title", async () => {
    await using watched = await stage.page("/p/shop/plans");
    await watched.page.waitForFunction(() => document.title.endsWith("Plans · shop · heddle"));
    expect(watched.faults).toEqual([]);
  });
});
