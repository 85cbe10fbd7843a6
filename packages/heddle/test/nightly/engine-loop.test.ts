/**
 * P7: the event loop stays free during runs of 10,000 steps: commands, and functions, journalled on disk. Counted in events that are
 * recorded in one turn of the loop, and in the processor's time: how long a turn lasts depends on what else the machine does.
 */
import { expect, test } from "vitest";
import { openProject } from "../../src/host/open.ts";
import { command, plan, step, type Runnable, type StepValue } from "../../src/index.ts";
import { loadedPlan } from "../../src/api/plan.ts";
import { place } from "../faults/rig.ts";
import { report, scaled } from "./scale.ts";

const CONCURRENCY = 8;
/** The ends of all attempts, and as many starts; twice, as two commits may come in one turn. */
const MOST_EVENTS = 4 * CONCURRENCY;
/** Of the processor's time, between two looks. */
const MOST_CPU_MS = 50;
const INTERVAL_MS = 5;

/** The processor's time between two looks at the event loop until `work` is done: 99 of 100 were shorter. */
async function cpuP99During<T>(work: Promise<T>): Promise<{ readonly outcome: T; readonly cpuP99Ms: number }> {
  const turns: number[] = [];
  let last = process.threadCpuUsage();
  const timer = setInterval(() => {
    const { user, system } = process.threadCpuUsage(last);
    turns.push((user + system) / 1000);
    last = process.threadCpuUsage();
  }, INTERVAL_MS);
  const outcome = await work;
  clearInterval(timer);
  return { outcome, cpuP99Ms: turns.toSorted((a, b) => a - b)[Math.floor(turns.length * 0.99)] ?? 0 };
}

/** The most calls between two turns of the event loop. */
class TurnCounter {
  most = 0;
  #now = 0;

  count(): void {
    if (this.#now++ === 0) setImmediate(() => (this.#now = 0));
    this.most = Math.max(this.most, this.#now);
  }
}

/** Steps in layers of 100, each after two of the layer before. */
function layered(count: number, make: (id: string, deps: readonly string[]) => StepValue): Runnable {
  const steps = Array.from({ length: count }, (_, i) => {
    const first = i - (i % 100) - 100;
    return make(`s${i}`, first < 0 ? [] : [`s${first + (i % 100)}`, `s${first + ((i + 37) % 100)}`]);
  });
  return plan("layered", { steps, maxConcurrency: CONCURRENCY });
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
  const events = new TurnCounter();
  started.value.subscribe(() => events.count());
  const { outcome, cpuP99Ms } = await cpuP99During(started.value.result);
  report(
    `P7: ${count} ${title}: at most ${events.most} events in a turn of the event loop, of the processor p99 ${cpuP99Ms.toFixed(1)} ms`,
  );
  expect(outcome.status).toBe("succeeded");
  expect(events.most).toBeGreaterThan(0);
  expect(events.most).toBeLessThanOrEqual(MOST_EVENTS);
  expect(cpuP99Ms).toBeLessThan(MOST_CPU_MS);
});
