/** The page of the API in a browser: found in, opened by its address, and copied from, under the policy of all pages. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accessibilityFaults, LOOKS, NO_BROWSER, shot } from "../support/browser.ts";
import { Stage } from "../support/stage.ts";

describe.skipIf(NO_BROWSER !== undefined)("the page of the API", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open();
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  test("is found from the palette, and shows every request by what it is about", async () => {
    await using watched = await stage.page("/");
    const { page, faults } = watched;
    await page.getByRole("heading", { name: "Runs", exact: true }).waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Step, run, page or action" }).fill("http api");
    await page.getByRole("option", { name: "HTTP API page" }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "HTTP API", exact: true }).waitFor();
    await page.getByRole("region", { name: "Runs", exact: true }).waitFor();
    const { paths } = (await stage.client.openApi()) as { readonly paths: Readonly<Record<string, object>> };
    const all = Object.values(paths).flatMap((methods) => Object.keys(methods)).length;
    expect(await page.locator(".api-operation").count()).toBe(all);
    expect(faults).toEqual([]);
  });

  test("a filter stands in the address, and a request is opened by the keyboard alone", async () => {
    await using watched = await stage.page("/docs/api");
    const { page, faults } = watched;
    await page.getByRole("heading", { name: "Actions", exact: true }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("post signal");
    await page.waitForURL(/q=post/);
    await page.getByText("1 request", { exact: true }).waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("region", { name: "curl command of sendSignal" }).waitFor();
    expect(await page.getByRole("region", { name: "curl command of sendSignal" }).textContent()).toContain(
      `${stage.server.url}/api/projects/PROJECT/runs/RUN/signals/NAME`,
    );
    await page.reload();
    await page.getByText("1 request", { exact: true }).waitFor();
    await page.getByRole("searchbox", { name: "Find a request" }).fill("nothing has this");
    await page.getByText("No request has this in it.").waitFor();
    expect(faults).toEqual([]);
  });

  test("an address opens the request that it names, whose command is copied", async () => {
    await using watched = await stage.page("/docs/api#startRun");
    const { page, context, faults } = watched;
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const example = page.getByRole("region", { name: "curl command of startRun" });
    await example.waitFor();
    await page.locator("#startRun").getByText("Idempotency-Key", { exact: true }).waitFor();
    expect(await page.locator("#startRun summary").evaluate((summary) => summary === document.activeElement)).toBe(
      true,
    );
    await page.locator("#startRun").getByRole("button", { name: "Copy command" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(await example.textContent());
    await page.goto("/docs/api#getHealth");
    await page.getByRole("region", { name: "curl command of getHealth" }).waitFor();
    expect(faults).toEqual([]);
  });

  test.each(LOOKS)("has no fault that axe knows: $theme, $width px", async ({ theme, width }) => {
    await using watched = await stage.page("/docs/api", { theme, width });
    const { page, faults } = watched;
    await page.getByRole("heading", { name: "Actions", exact: true }).waitFor();
    await shot(page, `api-docs-${width}-${theme}`);
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.goto("/docs/api#getRun");
    await page.getByRole("region", { name: "curl command of getRun" }).waitFor();
    await shot(page, `api-docs-getrun-${width}-${theme}`);
    await page.goto("/docs/api#startRun");
    await page.getByRole("region", { name: "curl command of startRun" }).waitFor();
    await shot(page, `api-docs-startrun-${width}-${theme}`);
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    expect(faults).toEqual([]);
  });
});
