/** Plan files and one of them: what it would do, what is wrong with it, other numbers of workers, and its start. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accessibilityFaults, LOOKS, NO_BROWSER, shot } from "../support/browser.ts";
import { tabTo } from "../support/keyboard.ts";
import { Stage } from "../support/stage.ts";

const STEPS = Array.from({ length: 24 }, (_, at) => ({
  id: `pkg-${at}`,
  run: "true",
  estimate: `${30 + ((at * 37) % 90)}s`,
  ...(at < 8 ? {} : { deps: [`pkg-${at - 8}`, `pkg-${(at * 5) % 8}`] }),
}));

describe.skipIf(NO_BROWSER !== undefined)("the plans of a project", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open();
    const params = {
      env: { type: "string", enum: ["staging", "production"] },
      dry: { type: "boolean", default: true },
    };
    stage.write(
      "heddle.json",
      JSON.stringify({ name: "release", description: "Builds all packages.", params, steps: STEPS }),
    );
    stage.write("services/api/heddle.yaml", "steps:\n  - { id: a, run: make, deps: [b] }\n  - { id: c, runn: make }\n");
    stage.write("tools/heddle.ts", "export default 1;\n");
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  test.each(LOOKS)(
    "are listed and shown without a fault that axe knows: $theme, $width px",
    async ({ theme, width }) => {
      await using watched = await stage.page("/p/shop/plans", { theme, width });
      const { page, faults } = watched;
      await page.getByRole("link", { name: "services/api/heddle.yaml" }).waitFor();
      await shot(page, `plans-${width}-${theme}`);
      expect(await accessibilityFaults(page)).toEqual([]);
      await page.getByRole("link", { name: "heddle.json" }).click();
      await page
        .getByText(/gains nothing$/)
        .first()
        .waitFor();
      await shot(page, `plan-${width}-${theme}`);
      expect(await accessibilityFaults(page)).toEqual([]);
      await page.getByRole("button", { name: "Start" }).click();
      await page.getByRole("dialog").getByLabel("env").waitFor();
      await shot(page, `plan-start-${width}-${theme}`);
      expect(await accessibilityFaults(page)).toEqual([]);
      expect(faults).toEqual([]);
    },
  );

  test("T23: other numbers of workers, and a start, by keys", async () => {
    await using watched = await stage.page("/p/shop/plans/heddle.json");
    const { page, faults } = watched;
    const said = page.locator(".what-if-said");
    await said.waitFor();
    const slider = page.getByRole("slider", { name: "Workers" });
    await tabTo(page, slider);
    await page.keyboard.press("End");
    await said.getByText(/^64 workers: .+; more than \d+ gains nothing$/).waitFor();
    await page.keyboard.press("Home");
    await said.getByText(/^1 worker: 29:12;/).waitFor();
    await tabTo(page, page.getByRole("button", { name: "Start", exact: true }));
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await tabTo(page, dialog.getByRole("button", { name: "Start", exact: true }));
    await page.keyboard.press("Enter");
    await dialog.getByText("needs a value").waitFor();
    await tabTo(page, dialog.getByLabel("env"));
    await page.keyboard.type("stag");
    await tabTo(page, dialog.getByRole("button", { name: "Start", exact: true }));
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/p\/shop\/runs\/[0-9a-z]+$/);
    const run = new URL(page.url()).pathname.split("/").at(-1) ?? "";
    const { items } = await stage.project().runs.events(run, { limit: 1 });
    expect(items[0]).toMatchObject({ data: { plan: { params: { env: "staging", dry: true } } } });
    expect(faults).toEqual([]);
  });

  test("what is wrong with a plan is shown with its place, and it cannot be started", async () => {
    await using watched = await stage.page("/p/shop/plans");
    const { page } = watched;
    await page.getByRole("link", { name: "services/api/heddle.yaml" }).click();
    await page.getByText(/^services\/api\/heddle\.yaml:3:\d+ UnknownKey$/).waitFor();
    await page.getByText('unknown key "runn" in a step').waitFor();
    await shot(page, "plan-problems");
    expect(await accessibilityFaults(page)).toEqual([]);
    const start = page.getByRole("button", { name: "Start", exact: true });
    expect([await start.getAttribute("aria-disabled"), await start.getAttribute("title")]).toEqual([
      "true",
      "The plan has problems: mend them first",
    ]);
  });

  test("a plan that is a program is not run to be shown, and who may only look starts nothing", async () => {
    await using watched = await stage.page(`/p/shop/plans/${encodeURIComponent("tools/heddle.ts")}`, { grant: "read" });
    const { page } = watched;
    await page.getByText("This plan is a program").waitFor();
    expect(await page.getByRole("button", { name: "Start", exact: true }).getAttribute("aria-disabled")).toBe("true");
    expect(await accessibilityFaults(page)).toEqual([]);
  });
});
