/** What pages ask of a run that goes on: one question at a time for each answer, however much happens meanwhile. */
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NO_BROWSER } from "../support/browser.ts";
import { began, command, succeeded } from "../support/recorded.ts";
import { until } from "../../../../packages/heddle/test/support/until.ts";
import { Stage } from "../support/stage.ts";
import { WrittenRun } from "../support/written-run.ts";

const RUN = "asking000001";
const STEPS = Array.from({ length: 12 }, (_, at) => `step-${at}`);

describe.skipIf(NO_BROWSER !== undefined)("answers about a run that goes on", () => {
  let stage: Stage;
  let written: WrittenRun;
  beforeAll(async () => {
    stage = await Stage.open();
    await stage.project().runs.list();
    const steps = STEPS.map((id) => command(id, [], { estimateMs: 90_000 }));
    written = await WrittenRun.begin(path.join(stage.dir, "shop"), RUN, { name: "asking", steps });
    await written.add(STEPS.slice(0, 8).map((id) => began(id)));
  });
  afterAll(async () => {
    await written[Symbol.asyncDispose]();
    await stage[Symbol.asyncDispose]();
  });

  test("they are not thrown away by each event: while one is on its way, no other is asked for", async () => {
    await using watched = await stage.page("/settings");
    const { page, context, faults } = watched;
    const asked = new Map<string, number>();
    const answers = Promise.withResolvers<void>();
    let isHeld = false;
    await context.route(/\/(forecast|graph|simulate|marks)$/, async (route) => {
      const name = `${route.request().url().split("/").at(-1)} ${route.request().postData() ?? ""}`;
      if (isHeld) {
        asked.set(name, (asked.get(name) ?? 0) + 1);
        await answers.promise;
      }
      await route.continue();
    });
    await page.goto(`/p/shop/runs/${RUN}?view=timeline&whatIf=on`);
    await page.getByText("Left, as recorded").waitFor();
    await page.getByText("What binds").waitFor();
    isHeld = true;
    for (const [at, step] of STEPS.slice(0, 5).entries()) {
      await written.add([succeeded(step, 1)]);
      await page.getByText(`${at + 1} of 12`, { exact: true }).waitFor();
      await page.getByText("Left, as recorded").waitFor();
      await page.getByText("What binds").waitFor();
    }
    expect([...asked].filter(([, count]) => count > 1)).toEqual([]);
    answers.resolve();
    // And what is known then is asked for once more.
    const before = asked.get("forecast ") ?? 0;
    await written.add([succeeded(STEPS[5] ?? "", 1)]);
    await until(async () => (asked.get("forecast ") ?? 0) > before);
    expect(faults).toEqual([]);
  });

  test("live regions of the graph tell what somebody does there, and not what the run does", async () => {
    await using watched = await stage.page(`/p/shop/runs/${RUN}?view=graph&status=running&q=step`);
    const { page, faults } = watched;
    const region = page.locator(".graph-find").getByRole("status");
    await region.getByText(/^\d found$/).waitFor({ state: "attached" });
    await page.evaluate(() => {
      const said: string[] = [];
      Object.assign(globalThis, { said });
      for (const one of document.querySelectorAll(".graph [role=status]"))
        new MutationObserver(() => said.push(one.textContent)).observe(one, {
          subtree: true,
          childList: true,
          characterData: true,
        });
    });
    const visible = page.locator(".graph-find .dim");
    const before = Number.parseInt((await visible.textContent()) ?? "", 10);
    await written.add([succeeded(STEPS[6] ?? "", 1)]);
    await visible.getByText(`${before - 1} found`, { exact: true }).waitFor();
    const said = (): Promise<readonly string[]> =>
      page.evaluate(() => (globalThis as unknown as { said: string[] }).said);
    expect(await said()).toEqual([]);
    await page.keyboard.press("/");
    await page.keyboard.type("7");
    await visible.getByText("0 found", { exact: true }).waitFor();
    await until(async () => (await said()).at(-1) === "0 found");
    expect(faults).toEqual([]);
  });
});
