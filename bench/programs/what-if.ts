/**
 * How long a plan would take with twelve numbers of workers: `node what-if.ts rules|thread STEPS FOLDER`, by the rules alone, or as a page asks
 * for it: from a plan file, in a thread that is there already.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { orThrow } from "../../packages/heddle/src/base/errors.ts";
import { buildGraph } from "../../packages/heddle/src/graph/build.ts";
import { openProject } from "../../packages/heddle/src/host/open.ts";
import type { Step } from "../../packages/heddle/src/plan/plan.ts";
import { whatIf, WORKER_COUNTS } from "../../packages/heddle/src/view/what-if.ts";
import { depsOfNoop, seeded } from "../kit/graphs.ts";

const [, , mode = "rules", size = "2000", folder = "."] = process.argv;
const random = seeded(7);
const steps = Array.from({ length: Number(size) }, (_none, at): Step => {
  const deps = depsOfNoop(at).map((dep) => `s${dep}`);
  const step: Step = { id: `s${at}`, action: { kind: "run", command: "x" }, estimateMs: 100 + random() * 60_000 };
  return deps.length === 0 ? step : { ...step, deps };
});

function byTheRules(): number {
  const graph = buildGraph(steps);
  if (!graph.ok) throw new Error("no graph");
  const plan = { name: "bench", steps };
  const options = {
    maxConcurrency: 1,
    maxAgents: 1,
    schedule: "ready",
    failure: "fail-fast",
    rollback: "none",
  } as const;
  const from = performance.now();
  const durationOf = (step: number): number => steps[step]?.estimateMs ?? 1;
  whatIf({ plan, graph: graph.value, options, durationOf, unknownDurations: 0, workers: WORKER_COUNTS });
  return performance.now() - from;
}

async function inThread(): Promise<number> {
  const document = steps.map(({ id, deps, estimateMs }) => ({ id, run: "x", deps, estimate: `${estimateMs ?? 1}ms` }));
  writeFileSync(join(folder, "heddle.json"), JSON.stringify({ steps: document }));
  await using project = orThrow(await openProject(folder, { title: "bench" }));
  await project.plans.look("simulate", { asked: {} });
  const from = performance.now();
  const simulated = await project.plans.look("simulate", { asked: {} });
  const ms = performance.now() - from;
  if (!simulated.ok) throw new Error(simulated.error.problem.message);
  return ms;
}

// As a server's thread has it: warm.
if (mode === "rules") byTheRules();
const ms = mode === "rules" ? byTheRules() : await inThread();
console.log(JSON.stringify({ ms }));
