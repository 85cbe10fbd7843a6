/** The shell and the plain parts of the pages, in a browser. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PAGE_ROUTES } from "../../../../packages/heddle/src/server/table.ts";
import { accessibilityFaults, browser, LOOKS, NO_BROWSER, shot, watchedPage } from "../support/browser.ts";
import { Stage } from "../support/stage.ts";

describe.skipIf(NO_BROWSER !== undefined)("in a browser", () => {
  let stage: Stage;
  let run: string;
  beforeAll(async () => {
    stage = await Stage.open();
    run = await stage.run({
      name: "release",
      failure: "continue",
      steps: [
        { id: "build", run: "true" },
        { id: "lint", run: "echo 'two problems' >&2; exit 1" },
        { id: "test", run: "true", deps: ["build"] },
        { id: "publish", run: "true", deps: ["lint"] },
        { id: "sign", approve: "Sign the release?", deps: ["test"] },
      ],
    });
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  test("T8: a login link works once, and leaves neither address nor history", async () => {
    await using watched = await watchedPage(stage.server.url, {});
    const { page, faults } = watched;
    const link = stage.server.loginLink("act");
    await page.goto(link);
    await page.getByRole("heading", { name: "Runs", exact: true }).waitFor();
    expect(page.url()).toBe(`${stage.server.url}/`);
    await page.goBack().catch(() => undefined);
    expect(page.url()).not.toContain("login");
    const again = await (await browser()).newContext();
    const second = await again.newPage();
    await second.goto(link);
    await second.getByRole("alert").getByText("The code is unknown, used, or older than 60 s").waitFor();
    await again.close();
    expect(faults).toEqual([]);
  });

  test("an address without a session says how to get one, and takes a pasted link", async () => {
    await using watched = await watchedPage(stage.server.url, {});
    const { page, faults } = watched;
    await page.goto(`/p/shop/runs/${run}`);
    await page.getByLabel("Or paste the link, or its code").fill(stage.server.loginLink("read"));
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("heading", { name: "release", exact: true }).waitFor();
    expect(faults).toEqual([]);
  });

  test("the palette finds a step, a run, a page and an action by their letters, with the keyboard alone", async () => {
    await using watched = await stage.page(`/p/shop/runs/${run}`);
    const { page, faults } = watched;
    await page.getByRole("heading", { name: "release", exact: true }).waitFor();
    await page.keyboard.press("Control+k");
    const input = page.getByRole("combobox", { name: "Step, run, page or action" });
    await input.fill("pub");
    await page.getByRole("option", { name: "publish step" }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await shot(page, "palette-1440-light");
    await page.keyboard.press("Enter");
    await page.waitForURL(/step=publish/);
    await page.keyboard.press("Control+k");
    await input.fill("settings");
    await page.getByRole("option", { name: "Settings page" }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Settings", exact: true }).waitFor();
    await page.keyboard.press("Control+k");
    await input.fill("release");
    // Runs are asked for when the palette opens.
    await page.getByRole("option", { name: /^release .* run of shop$/ }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "release", exact: true }).waitFor();
    await page.keyboard.press("Control+k");
    await page.keyboard.press("Escape");
    await input.waitFor({ state: "detached" });
    expect(faults).toEqual([]);
  });

  test("T25: every address of the table opens by itself, and says so where it shows nothing", async () => {
    for (const { kind, path } of PAGE_ROUTES) {
      if (kind !== "page") continue;
      const response = await fetch(`${stage.server.url}${path.replaceAll(/:\w+/g, "some")}`);
      expect([path, response.status, response.headers.get("content-type")]).toEqual([
        path,
        200,
        "text/html; charset=utf-8",
      ]);
    }
  });

  describe.each(LOOKS)("$theme, $width px", ({ theme, width }) => {
    test("T24, T26: runs, a run and the settings have no fault that axe or the console knows", async () => {
      await using watched = await stage.page("/", { theme, width });
      const { page, faults } = watched;
      await page.getByRole("link", { name: "release" }).waitFor();
      await shot(page, `runs-${width}-${theme}`);
      expect(await accessibilityFaults(page)).toEqual([]);
      await page.getByRole("link", { name: "release" }).click();
      await page.getByText("live", { exact: true }).waitFor();
      await page.getByText("lint", { exact: true }).first().waitFor();
      await shot(page, `run-steps-${width}-${theme}`);
      expect(await accessibilityFaults(page)).toEqual([]);
      await page.goto("/settings");
      await page.getByRole("heading", { name: "Settings", exact: true }).waitFor();
      await shot(page, `settings-${width}-${theme}`);
      expect(await accessibilityFaults(page)).toEqual([]);
      await page.keyboard.press("?");
      await page.getByRole("dialog", { name: "Keys" }).waitFor();
      expect(await accessibilityFaults(page)).toEqual([]);
      expect(faults).toEqual([]);
    });
  });
});
