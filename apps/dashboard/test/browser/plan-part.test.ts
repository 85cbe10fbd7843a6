/** The recorded plan as a part of the run page. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accessibilityFaults, LOOKS, NO_BROWSER, shot } from "../support/browser.ts";
import { Stage } from "../support/stage.ts";

describe.skipIf(NO_BROWSER !== undefined)("the plan of a run", () => {
  let stage: Stage;
  let run: string;
  beforeAll(async () => {
    stage = await Stage.open();
    run = await stage.run({
      name: "release",
      maxConcurrency: 3,
      steps: [
        { id: "build", run: "echo built" },
        { id: "test", run: "true", deps: ["build"], retry: 2, timeout: "5m" },
      ],
    });
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  test.each(LOOKS)(
    "is searched and opened step by step, without a fault that axe knows: $theme, $width px",
    async ({ theme, width }) => {
      await using watched = await stage.page(`/p/shop/runs/${run}?view=plan`, { theme, width });
      const { page, faults } = watched;
      await page.getByText("2 steps").waitFor();
      await shot(page, `run-plan-${width}-${theme}`);
      expect(await accessibilityFaults(page)).toEqual([]);
      await page.getByRole("searchbox", { name: "Text in a step" }).fill("echo b");
      await page.getByText("1 of 2 steps").waitFor();
      expect(
        JSON.parse((await page.locator(".plan-step", { hasText: "build" }).last().locator("pre").textContent()) ?? ""),
      ).toMatchObject({
        id: "build",
      });
      expect(await accessibilityFaults(page)).toEqual([]);
      expect(faults).toEqual([]);
    },
  );
});
