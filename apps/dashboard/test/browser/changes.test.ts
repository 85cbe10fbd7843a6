/** Changes of a run and worktrees of a project: files by step while agents work, what several steps changed, and the diff of a file. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentsStage } from "../support/agents-stage.ts";
import { accessibilityFaults, NO_BROWSER, shot } from "../support/browser.ts";
import { HOSTILE, meet, SHOP } from "../support/orders.ts";

describe.skipIf(NO_BROWSER !== undefined)("the changes of a run", () => {
  let stage: AgentsStage;
  let run: string;
  let end: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    stage = await AgentsStage.open(SHOP);
    ({ run, end } = await meet(stage, "true"));
  });
  afterAll(async () => {
    await end?.();
    await stage[Symbol.asyncDispose]();
  });

  test.each([1440, 390] as const)(
    "T24, T26: have no fault that axe or the console knows, in both themes: %s px",
    async (width) => {
      await using watched = await stage.stage.page(`/p/shop/runs/${run}?view=changes`, { width });
      const { page, faults } = watched;
      const themes = async (name: string): Promise<void> => {
        for (const theme of ["light", "dark"] as const) {
          await page.emulateMedia({ colorScheme: theme });
          await shot(page, `${name}-${width}-${theme}`);
          expect(await accessibilityFaults(page)).toEqual([]);
        }
      };
      await page.getByRole("link", { name: /page\.tsx/ }).waitFor();
      await themes("changes");
      await page
        .getByRole("link", { name: /model\.ts/ })
        .first()
        .click();
      await page.getByRole("region", { name: "Diff of orders/model.ts" }).getByText("totalCents").first().waitFor();
      await themes("changes-file");
      if (width === 1440) {
        await page.getByRole("button", { name: "Side by side" }).click();
        await themes("changes-split");
      }
      await page.goto("/p/shop/worktrees");
      await page.getByRole("link", { name: "web-login" }).waitFor();
      await themes("worktrees");
      expect(faults).toEqual([]);
    },
  );

  test("are gone through by keyboard, narrowed by text and by overlap, and stand in the address", async () => {
    await using watched = await stage.stage.page(`/p/shop/runs/${run}?view=changes`);
    const { page, faults } = watched;
    const list = page.getByRole("navigation", { name: "Changed files" });
    await list.getByRole("heading", { name: /All that was merged/ }).waitFor();
    await page.keyboard.press("j");
    await page.getByRole("heading", { name: HOSTILE }).waitFor();
    expect(await page.getByRole("region", { name: `Diff of ${HOSTILE}` }).textContent()).toContain("U+202E");
    await page.keyboard.press("j");
    await page.getByRole("heading", { name: "orders/<b>cents</b>.test.ts" }).waitFor();
    await page.keyboard.press("k");
    await page.getByRole("heading", { name: HOSTILE }).waitFor();
    const address = page.url();
    await page.reload();
    await page.getByRole("heading", { name: HOSTILE }).waitFor();
    expect(page.url()).toBe(address);
    await page.getByRole("button", { name: "Changed by several" }).click();
    await page.waitForURL(/shared=1/);
    expect(await list.getByRole("link", { name: /page\.tsx/ }).count()).toBe(0);
    expect(await list.getByRole("link", { name: /model\.ts.*2 steps changed it/ }).count()).toBe(3);
    await page.getByRole("searchbox", { name: "Text in the name of a file or step" }).fill("LIST.tsx");
    await page.waitForURL(/q=LIST/);
    await list
      .getByRole("link", { name: /model\.ts/ })
      .first()
      .waitFor({ state: "detached" });
    await list
      .getByRole("link", { name: /list\.tsx/ })
      .last()
      .click();
    await page.getByText("as attempt 1 of web-orders left it, not merged").waitFor();
    await page.getByText(/^Changed too by/).waitFor();
    await list.getByRole("link", { name: "Resolve" }).click();
    await page.getByRole("heading", { name: "Resolve web-orders" }).waitFor();
    expect(await page.evaluate(() => (globalThis as { pwned?: unknown }).pwned)).toBe(undefined);
    expect(faults).toEqual([]);
  });

  test("of an agent that works are followed, and what is looked at stays", async () => {
    const { worktrees } = await stage.stage.project().work.worktrees({ run });
    const folder = worktrees.find(({ name }) => name === "web-login")?.path ?? "";
    await using watched = await stage.stage.page(`/p/shop/runs/${run}?view=changes&of=web-login&file=README.md`);
    const { page, faults } = watched;
    await page.getByText("in the worktree of web-login now").waitFor();
    const diff = page.getByRole("region", { name: "Diff of README.md" });
    await diff.getByText("Log in first.").waitFor();
    writeFileSync(path.join(folder, "README.md"), "# Shop\n\nLog in first, or sign up.\n");
    writeFileSync(path.join(folder, "new-file.ts"), "export {};\n");
    await diff.getByText("Log in first, or sign up.").waitFor();
    await page.getByRole("link", { name: /new-file\.ts/ }).waitFor();
    await page.getByRole("heading", { name: "README.md" }).waitFor();
    expect(faults).toEqual([]);
  });
});
