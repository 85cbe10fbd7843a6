/**
 * Makes the recorded run of a plan ready to go on: `node resume.ts record STEPS FOLDER` records a run whose last step fails,
 * `node resume.ts read|resume STEPS FOLDER` reads it by plain SQL, or resumes it to its end.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openProject } from "../../packages/heddle/src/host/open.ts";
import { buildGraph } from "../../packages/heddle/src/graph/build.ts";
import type { Step, StepFunction } from "../../packages/heddle/src/plan/plan.ts";
import { depsOfNoop } from "../kit/graphs.ts";

const [, , mode = "record", size = "100000", folder = "."] = process.argv;
const count = Number(size);

function planOf(lastFails: boolean): { steps: readonly Step[]; functions: Map<string, StepFunction> } {
  const functions = new Map<string, StepFunction>();
  const noop: StepFunction = { run: () => null };
  const fails: StepFunction = {
    run: () => {
      throw new Error("not yet");
    },
  };
  const steps = Array.from({ length: count }, (_none, at): Step => {
    const id = `s${at}`;
    functions.set(id, lastFails && at === count - 1 ? fails : noop);
    const deps = at === count - 1 ? [`s${at - 1}`] : depsOfNoop(at).map((dep) => `s${dep}`);
    return { id, action: { kind: "function", source: "noop" }, ...(deps.length === 0 ? {} : { deps }) };
  });
  return { steps, functions };
}

async function open(): Promise<Extract<Awaited<ReturnType<typeof openProject>>, { ok: true }>["value"]> {
  const opened = await openProject(folder, { title: "bench" });
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
}

function readPlainly(): number {
  const database = new DatabaseSync(join(folder, ".heddle/state.db"), { readOnly: true });
  const statement = database.prepare("SELECT seq, time, type, step, attempt, data FROM events ORDER BY run, seq");
  statement.setReturnArrays(true);
  let rows = 0;
  for (const row of statement.iterate() as Iterable<unknown>) {
    JSON.parse((row as readonly string[])[5] ?? "");
    rows++;
  }
  return rows;
}

// What a program loads with its first run is no cost of a resume.
await import("../../packages/heddle/src/host/engine.ts");
const { steps, functions } = planOf(mode === "record");
const from = performance.now();
let about = 0;
if (mode === "read") about = readPlainly();
else {
  const project = await open();
  const graph = buildGraph(steps);
  if (!graph.ok) throw new Error("no graph");
  const plan = { plan: { name: "bench", steps }, graph: graph.value, functions };
  const handle =
    mode === "record"
      ? await project.runs.start(plan, { maxConcurrency: 1000, failure: "continue", run: "bench" })
      : await project.runs.resume("bench", { current: plan });
  if (!handle.ok) throw new Error(handle.error.message);
  const { status } = await handle.value.result;
  if (status !== (mode === "record" ? "failed" : "succeeded")) throw new Error(`the run ended ${status}`);
  about = handle.value.state().seq;
  await project[Symbol.asyncDispose]();
}
const ms = performance.now() - from;
console.log(JSON.stringify({ ms, rssMb: process.resourceUsage().maxRSS / 1024, about }));
