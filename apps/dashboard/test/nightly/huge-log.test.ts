/** T22, B5: a log of 1 GB in the page: opened, gone through, searched, followed while it grows by 5,000 lines a second. */
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import path from "node:path";
import type { CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { report, scaled } from "../../../../packages/heddle/test/nightly/scale.ts";
import { NO_BROWSER } from "../support/browser.ts";
import { list } from "../support/log-page.ts";
import { Stage } from "../support/stage.ts";

const BYTES = scaled(1_000_000_000);
const FIRST_SCREEN_MS = 500;
const HEAP_BYTES = 60_000_000;
const JUMPS = 200;
const LINES_A_SECOND = 5000;
const SECONDS = 20;
const LONGEST_FRAME_MS = 100;

/** Lines of a build, with colours; gives how many. */
function writeLog(file: string): number {
  const opened = openSync(file, "w");
  let lines = 0;
  for (let written = 0; written < BYTES;) {
    let text = "";
    for (let at = 0; at < 10_000; at++) {
      lines++;
      const broke = lines % 99_991 === 0 ? " ERROR: it broke" : "";
      text += `\u001b[36m[${lines}]\u001b[0m compile src/module-${lines % 977}.ts ${"x".repeat(lines % 60)} ok${broke}\n`;
    }
    written += writeSync(opened, text);
  }
  closeSync(opened);
  return lines;
}

async function heapBytes(tools: CDPSession): Promise<number> {
  await tools.send("HeapProfiler.collectGarbage");
  const { metrics } = await tools.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? Number.NaN;
}

/** From the click on the tab to the first picture with lines in it. */
async function openedMs(page: Page): Promise<number> {
  await page.evaluate(() => {
    addEventListener(
      "click",
      () => {
        const begin = performance.now();
        const look = (): void => {
          const isThere = [...document.querySelectorAll(".log-text")].some((line) => line.textContent !== "");
          if (!isThere) return void requestAnimationFrame(look);
          document.documentElement.dataset["openedMs"] = String(performance.now() - begin);
        };
        requestAnimationFrame(look);
      },
      { capture: true, once: true },
    );
  });
  await page.getByRole("navigation", { name: "Parts of the run" }).getByRole("link", { name: "Logs" }).click();
  await page.waitForFunction(() => document.documentElement.dataset["openedMs"] !== undefined);
  return Number(await page.evaluate(() => document.documentElement.dataset["openedMs"]));
}

describe.skipIf(NO_BROWSER !== undefined)("a log of 1 GB", () => {
  let stage: Stage;
  let lines: number;
  beforeAll(async () => {
    stage = await Stage.open();
    lines = writeLog(path.join(stage.dir, "shop", "build.txt"));
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  test("T22: its first screen is there within half a second, the page stays small, and all of it is searched", async () => {
    const run = await stage.run({ name: "huge", steps: [{ id: "build", run: "cat build.txt" }] });
    rmSync(path.join(stage.dir, "shop", "build.txt"));
    await using watched = await stage.page(`/p/shop/runs/${run}?view=steps&step=build`);
    const { page, faults } = watched;
    const tools = await page.context().newCDPSession(page);
    await tools.send("Performance.enable");
    await page.getByRole("link", { name: "Logs", exact: true }).waitFor();
    const firstMs = await openedMs(page);
    await page.getByText(/^[\d,]+ lines, /).waitFor();
    let heap = await heapBytes(tools);
    for (let jump = 0; jump < JUMPS; jump++) {
      await page.getByLabel(/^Line to go to/).fill(String(1 + Math.floor((lines / JUMPS) * ((jump * 37) % JUMPS))));
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => document.querySelector(".is-chosen .log-text")?.textContent !== "");
      if (jump % 20 === 0) heap = Math.max(heap, await heapBytes(tools));
    }
    heap = Math.max(heap, await heapBytes(tools));
    const begun = performance.now();
    await page.getByLabel("Text to look for in the log").fill("it broke");
    await page.getByText(new RegExp(`of ${Math.floor(lines / 99_991)} lines$`)).waitFor();
    report(
      `T22 log of ${lines} lines: first screen ${Math.round(firstMs)} ms, searched whole ${Math.round(performance.now() - begun)} ms, ` +
        `heap after ${JUMPS} jumps ${(heap / 1e6).toFixed(1)} MB`,
    );
    expect(heap).toBeLessThan(HEAP_BYTES);
    expect(firstMs).toBeLessThan(FIRST_SCREEN_MS);
    expect(faults).toEqual([]);
  });

  test("T22: one that grows by 5,000 lines a second is followed without a stop", async () => {
    const program = `let n = 0; const t = setInterval(() => { let s = ""; for (let i = 0; i < ${LINES_A_SECOND / 50}; i++) s += "\\u001b[32mline\\u001b[0m " + ++n + " of what is written\\n"; process.stdout.write(s); if (n >= ${LINES_A_SECOND * SECONDS}) clearInterval(t); }, 20)`;
    stage.write("fast.mjs", program);
    const run = await stage.start({ name: "fast", steps: [{ id: "fast", run: `'${process.execPath}' fast.mjs` }] });
    await using watched = await stage.page(`/p/shop/runs/${run}?view=logs&step=fast`);
    const { page, faults } = watched;
    await list(page).waitFor();
    await page.evaluate(() => {
      const gaps: number[] = [];
      Object.assign(globalThis, { gaps });
      let last = performance.now();
      const look = (now: number): void => {
        gaps.push(now - last);
        last = now;
        requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    await list(page)
      .getByText(`line ${LINES_A_SECOND * SECONDS} of what is written`, { exact: true })
      .waitFor({ timeout: 300_000 });
    const gaps = await page.evaluate(() => (globalThis as unknown as { readonly gaps: readonly number[] }).gaps);
    const sorted = gaps.toSorted((one, other) => one - other);
    const tools = await page.context().newCDPSession(page);
    await tools.send("Performance.enable");
    const heap = await heapBytes(tools);
    const at = (share: number): number => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
    report(
      `T22 followed at ${LINES_A_SECOND} lines/s for ${SECONDS} s: ${gaps.length} frames, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ` +
        `longest ${at(1)} ms, heap ${(heap / 1e6).toFixed(1)} MB`,
    );
    expect(sorted.at(-1)).toBeLessThan(LONGEST_FRAME_MS);
    expect(heap).toBeLessThan(HEAP_BYTES);
    expect(faults).toEqual([]);
  });
});
