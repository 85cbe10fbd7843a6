/**
 * Rerun: runs a step of a recorded run and everything that depends on it in a new run, with the other results of the old
 * one. Knows the order of use cases; `reuse.ts` knows what can be reused.
 */
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import { shellWord } from "../base/shell-word.ts";
import type { RunHandle, StartOptions, WaitOptions } from "../engine/api.ts";
import { partOfPlan } from "../graph/select.ts";
import type { LoadedPlan } from "../graph/loaded-plan.ts";
import type { Diagnostic } from "../plan/diagnostic.ts";
import type { RunSnapshot } from "../view/history.ts";
import { loadPlanFile } from "./load-plan.ts";
import { readRun } from "./read-run.ts";
import { reuseFor, type ReusePorts } from "./reuse.ts";

export interface RerunPorts extends ReusePorts {
  /** Absolute: the project folder. */
  readonly dir: string;
  readonly start: (plan: LoadedPlan, options: StartOptions) => Promise<Result<RunHandle, Problem>>;
}

export interface RerunOptions extends WaitOptions {
  /** The step to begin with. */
  readonly from: string;
  /** Default: that of the old run, as it was resumed last. */
  readonly maxConcurrency?: number;
  /** Id of the new run; absent: a random one. */
  readonly run?: string;
  /** The plan; absent: as the file that the old run came from says now. */
  readonly plan?: LoadedPlan;
}

export interface Rerun {
  readonly handle: RunHandle;
  readonly plan: string;
  /** Results taken from the old run. */
  readonly reused: number;
  /** Steps that run again although they have a result, each with why: sentences for people. */
  readonly again: readonly string[];
}

/** `unreadable`: the old run. `plan`: what its file says now. `unfit`: what is asked for cannot be. `start`: the new run. */
export type RerunRefusal =
  | { readonly kind: "unreadable" | "unfit" | "start"; readonly problem: Problem }
  | { readonly kind: "plan"; readonly file: string; readonly diagnostics: readonly Diagnostic[] };

export async function rerunFrom(
  ports: RerunPorts,
  run: string,
  { from, maxConcurrency, plan: given, run: newRun, ...wait }: RerunOptions,
): Promise<Result<Rerun, RerunRefusal>> {
  const read = await readRun(ports.log, run);
  if (!read.ok) return err({ kind: "unreadable", problem: read.error });
  const { options, plan } = read.value.state;
  let loaded = given;
  if (loaded === undefined) {
    const { planFile } = options;
    if (planFile === undefined) return err({ kind: "unfit", problem: noPlanFile(run) });
    const current = await loadPlanFile(planFile, plan.params ?? {}, { folder: ports.dir, allowMissingFiles: true });
    if (!current.ok) return err({ kind: "plan", file: planFile, diagnostics: current.error });
    loaded = current.value;
  }
  if (options.only !== undefined) {
    const whole = loaded.graph;
    loaded = partOfPlan(
      loaded,
      plan.steps.flatMap(({ id }) => whole.indexOf.get(id) ?? []),
    );
    if (whole.indexOf.has(from) && !loaded.graph.indexOf.has(from))
      return err({ kind: "unfit", problem: notInPart(run, from, options.only) });
  }
  const maker = loaded.graph.indexOf.has(from) ? undefined : makerOf(read.value.state, from, loaded);
  if (maker !== undefined) return err({ kind: "unfit", problem: madeInRun(run, from, maker) });
  const reuse = await reuseFor(ports, loaded, defined({ only: [], from, run, newRun }));
  if (!reuse.ok) return err({ kind: "unfit", problem: reuse.error });
  const started = await ports.start(
    reuse.value.plan,
    defined({
      ...options,
      maxConcurrency: maxConcurrency ?? options.maxConcurrency,
      // Several at once that are asked for now are meant also where the old run began with one step at a time.
      sequential: (maxConcurrency ?? 1) > 1 ? undefined : options.sequential,
      run: newRun,
      ...wait,
      reuse: reuse.value.reuse,
    }),
  );
  if (!started.ok) return err({ kind: "start", problem: started.error });
  const reused = reuse.value.reuse?.results.size ?? 0;
  return ok({ handle: started.value, plan: plan.name, reused, again: reuse.value.again });
}

/** The step of the plan that made the step in the run: a list, a plan, or one that added it; `undefined`: the run has no such step. */
function makerOf(
  { index, addedBy, parents, steps }: RunSnapshot,
  id: string,
  { graph }: LoadedPlan,
): string | undefined {
  let at = index.byId.get(id) ?? -1;
  while (at !== -1 && !graph.indexOf.has(steps[at]?.id ?? "")) at = addedBy.get(at) ?? parents[at] ?? -1;
  return steps[at]?.id;
}

function madeInRun(run: string, from: string, maker: string): Problem {
  return {
    code: "UnknownStep",
    message: `the plan has no step ${JSON.stringify(from)}: ${maker} made it in run ${run}`,
    hint: `\`heddle rerun ${run} --from ${shellWord(maker)}\` runs ${maker}, which makes its steps again; \`heddle retry ${run}\` runs what failed.`,
  };
}

function notInPart(run: string, from: string, only: readonly string[]): Problem {
  return {
    code: "UnknownStep",
    message: `run ${run} has no step ${JSON.stringify(from)}: it is a run of ${only.join(", ")} alone`,
    hint: `Name a run of the whole plan, or start it with \`heddle run --from ${from}\`.`,
  };
}

function noPlanFile(run: string): Problem {
  return {
    code: "NoPlanFile",
    message: `run ${run} was started by a program, not from a plan file`,
    hint: "Start it again from that program.",
  };
}
