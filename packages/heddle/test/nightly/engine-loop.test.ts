/** P7: the event loop stays free during runs of 10,000 steps: commands, and functions, journalled on disk. */
import { availableParallelism, loadavg } from "node:os";
import { expect, test } from "vitest";
import { openProject } from "../../src/host/open.ts";
import { command, plan, step, type Runnable, type StepValue } from "../../src/index.ts";
import { loadedPlan } from "../../src/api/plan.ts";
import { place } from "../faults/rig.ts";
import { report, scaled } from "./scale.ts";

const LIMIT_MS = 50;
const INTERVAL_MS = 5;
/** With more wanting to run than there are cores for, the machine's pauses show beside the engine's. */
const BUSY = availableParallelism() * 1.5;

interface Pauses {
  /** 99 of 100 turns of the loop were shorter. */
  readonly p99Ms: number;
  readonly longestMs: number;
  /** 99 of 100 turns took less of the processor. */
  readonly cpuP99Ms: number;
}

/** Looks at the event loop until `work` is done. */
async function pausesDuring<T>(work: Promise<T>): Promise<Pauses & { readonly outcome: T }> {
  const pauses: number[] = [];
  const turns: number[] = [];
  let last = performance.now();
  let lastCpu = process.threadCpuUsage();
  const timer = setInterval(() => {
    const now = performance.now();
    pauses.push(now - last - INTERVAL_MS);
    last = now;
    const { user, system } = process.threadCpuUsage(lastCpu);
    turns.push((user + system) / 1000);
    lastCpu = process.threadCpuUsage();
  }, INTERVAL_MS);
  const outcome = await work;
  clearInterval(timer);
  const p99 = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? 0;
  return { outcome, p99Ms: p99(pauses), longestMs: Math.max(...pauses), cpuP99Ms: p99(turns) };
}

/** Steps in layers of 100, each after two of the layer before. */
function layered(count: number, make: (id: string, deps: readonly string[]) => StepValue): Runnable {
  const steps = Array.from({ length: count }, (_, i) => {
    const first = i - (i % 100) - 100;
    return make(`s${i}`, first < 0 ? [] : [`s${first + (i % 100)}`, `s${first + ((i + 37) % 100)}`]);
  });
  return plan("layered", { steps, maxConcurrency: 8 });
}

test.each([
  ["commands", (id: string, deps: readonly string[]) => command(id, ":", { deps })],
  [
    "commands that say something",
    (id: string, deps: readonly string[]) => command(id, 'echo "$HEDDLE_STEP"; echo 1 > "$HEDDLE_OUTPUT"', { deps }),
  ],
  [
    "functions",
    (id: string, deps: readonly string[]) => step(id, { deps }, async () => ({ id, text: "x".repeat(200) })),
  ],
] as const)("P7: a run of 10,000 %s", async (title, make) => {
  using at = place();
  const count = scaled(10_000);
  const loaded = await loadedPlan(layered(count, make), {});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  const opened = await openProject(at.dir, { title: "test" });
  if (!opened.ok) throw new Error(opened.error.message);
  await using project = opened.value;
  const started = await project.runs.start(loaded.value, {});
  if (!started.ok) throw new Error(started.error.message);
  const from = performance.now();
  const { outcome, p99Ms, longestMs, cpuP99Ms } = await pausesDuring(started.value.result);
  const seconds = (performance.now() - from) / 1000;
  const load = loadavg()[0] ?? 0;
  const isBusy = load > BUSY;
  report(
    `P7: ${count} ${title} in ${seconds.toFixed(1)} s: event loop p99 ${p99Ms.toFixed(1)} ms, longest pause ${longestMs.toFixed(0)} ms; of the processor p99 ${cpuP99Ms.toFixed(1)} ms a turn${isBusy ? ` (busy machine, load ${load.toFixed(0)}: only this was judged)` : ""}`,
  );
  expect(outcome.status).toBe("succeeded");
  expect(isBusy ? cpuP99Ms : p99Ms).toBeLessThan(LIMIT_MS);
});
