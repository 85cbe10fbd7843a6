/** Costs on their page and as a part of a run: what agents told, and what they did not. */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { USER_ENV } from "../../../../packages/heddle/test/support/user-git.ts";
import { accessibilityFaults, LOOKS, NO_BROWSER, shot } from "../support/browser.ts";
import { Stage } from "../support/stage.ts";

describe.skipIf(NO_BROWSER !== undefined)("costs", () => {
  let stage: Stage;
  let run: string;
  beforeAll(async () => {
    stage = await Stage.open();
    stage.write("a.txt", "one\n");
    stage.write(
      "script.yaml",
      `cases:
  - step: api
    do: [{ write: { path: api.txt, text: "1\\n" } }, { usage: { input: 120000, cachedRead: 80000, output: 9400, usd: 1.32 } }]
  - step: web
    do: [{ write: { path: web.txt, text: "1\\n" } }, { usage: { input: 20000, output: 1400, usd: 0.41 } }]
do: [{ say: Done. }]
`,
    );
    const git = (...args: readonly string[]): unknown =>
      execFileSync("git", args, { cwd: path.join(stage.dir, "shop"), env: USER_ENV, stdio: "pipe" });
    git("init", "-q", "-b", "main");
    git("add", "-A");
    git("commit", "-qm", "first");
    run = await stage.run({
      name: "feature",
      agents: { default: "scripted", use: { scripted: { script: "script.yaml" } } },
      steps: [
        { id: "api", agent: "Build the API." },
        { id: "web", agent: "Build the page." },
        { id: "docs", agent: "Write the docs." },
      ],
    });
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  test("of a project are told by run, model, step and day, and lead to the run", async () => {
    await using watched = await stage.page("/p/shop/costs");
    const { page, faults } = watched;
    const total = (name: string): Promise<string | null> =>
      page
        .locator(".cost-figures div", { has: page.getByText(name, { exact: true }) })
        .locator("dd")
        .textContent();
    await page.getByRole("heading", { name: "By run" }).waitFor();
    expect(await total("Cost")).toBe("$1.73");
    expect(await total("Tokens out")).toBe("10,800");
    expect(
      await page.getByRole("region", { name: "By step", exact: true }).getByRole("row").allTextContents(),
    ).toContainEqual(expect.stringMatching(/^api feature\$1\.32/));
    await page.getByRole("link", { name: run }).click();
    await page
      .getByRole("navigation", { name: "Parts of the run" })
      .getByRole("link", { name: "Cost", exact: true })
      .waitFor();
    await page.getByRole("link", { name: "api", exact: true }).click();
    await page.waitForURL(/step=api/);
    expect(faults).toEqual([]);
  });

  test.each(LOOKS)("have no fault that axe knows: $theme, $width px", async ({ theme, width }) => {
    await using watched = await stage.page("/p/shop/costs", { theme, width });
    const { page, faults } = watched;
    await page.getByRole("heading", { name: "By run" }).waitFor();
    await shot(page, `costs-${width}-${theme}`);
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.goto(`/p/shop/runs/${run}?view=cost`);
    await page.getByRole("heading", { name: "By model" }).waitFor();
    await shot(page, `run-cost-${width}-${theme}`);
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(faults).toEqual([]);
  });
});
