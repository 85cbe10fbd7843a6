/**
 * One run of steps that do nothing, through the engine as programs and the command line use it. Prints one line of JSON.
 * `node engine.ts STEPS (memory | FOLDER) [WIDTH]`.
 */
import { openMemoryProject, openProject } from "../../packages/heddle/src/host/open.ts";
import { buildGraph } from "../../packages/heddle/src/graph/build.ts";
import type { Step, StepFunction } from "../../packages/heddle/src/plan/plan.ts";
import { depsOfNoop } from "../kit/graphs.ts";

const count = Number(process.argv[2] ?? 100_000);
const where = process.argv[3] ?? "memory";
const width = Number(process.argv[4] ?? 1000);

const noop: StepFunction = { run: async () => null };
const functions = new Map<string, StepFunction>();
const steps: Step[] = [];
for (let at = 0; at < count; at++) {
  const id = `s${at}`;
  functions.set(id, noop);
  const deps = depsOfNoop(at).map((dep) => `s${dep}`);
  steps.push({ id, action: { kind: "function", source: "noop" }, ...(deps.length === 0 ? {} : { deps }) });
}
const opened =
  where === "memory"
    ? openMemoryProject(process.cwd(), { title: "bench" })
    : await openProject(where, { title: "bench" });
const project = "ok" in opened ? (opened.ok ? opened.value : undefined) : opened;
if (project === undefined) throw new Error(`no project in ${where}`);

// What a program loads with its first run is no cost of a step.
await import("../../packages/heddle/src/host/engine.ts");
globalThis.gc?.();
const heapBefore = process.memoryUsage().heapUsed;
const from = performance.now();
const cpuBefore = process.cpuUsage();
const graph = buildGraph(steps);
if (!graph.ok) throw new Error("no graph");
const started = await project.runs.start(
  { plan: { name: "bench", steps }, graph: graph.value, functions },
  { maxConcurrency: width, run: "bench" },
);
if (!started.ok) throw new Error(started.error.message);
const { status } = await started.value.result;
const ms = performance.now() - from;
const cpuUsed = process.cpuUsage(cpuBefore);
if (status !== "succeeded") throw new Error(`the run ended ${status}`);
globalThis.gc?.();
const bytes = process.memoryUsage().heapUsed - heapBefore;
const { maxRSS } = process.resourceUsage();
console.log(
  JSON.stringify({
    ms,
    bytesPerStep: bytes / count,
    rssMb: maxRSS / 1024,
    cpuMs: (cpuUsed.user + cpuUsed.system) / 1000,
    steps: started.value.state().steps.length,
  }),
);
await project[Symbol.asyncDispose]();
