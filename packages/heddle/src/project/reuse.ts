/**
 * Result reuse: new runs that start in the middle. `--only`, `--from` and `rerun` take recorded results for the steps
 * that they do not run.
 */
import type { AgentMaintenance } from "../agent/port.ts";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import { isJsonObject, type Json } from "../base/json.ts";
import { suggest } from "../base/suggest.ts";
import type { StartOptions } from "../engine/api.ts";
import { buildGraph } from "../graph/build.ts";
import { marked, withDependents, withDeps, withDescendants } from "../graph/select.ts";
import type { EventLog } from "../journal/port.ts";
import { hasAgentWork } from "../run/state.ts";
import type { RunSnapshot } from "../view/history.ts";
import { reusable, type Reusable } from "./reusable.ts";
import { readRun } from "./read-run.ts";
import type { LoadedPlan } from "../graph/loaded-plan.ts";

export interface Selection {
  /** These alone. */
  readonly only: readonly string[];
  /** This one and everything that depends on it. */
  readonly from: string | undefined;
  /** The run whose results are taken; absent: the latest of the plan that has what is needed. */
  readonly run?: string;
  /** Id of the new run; absent: any. */
  readonly newRun?: string;
}

export interface Reuse {
  readonly plan: LoadedPlan;
  /** Absent: nothing is left out that has a result. */
  readonly reuse?: NonNullable<StartOptions["reuse"]>;
  /** Steps that run again although they have a result, each with why: sentences for people. */
  readonly again: readonly string[];
}

export interface ReusePorts {
  readonly log: Pick<EventLog, "runs" | "get" | "read">;
  readonly agents: () => Promise<AgentMaintenance>;
}

/** Runs of the plan that are looked through. */
const RUNS_TRIED = 10;

export async function reuseFor(
  ports: ReusePorts,
  loaded: LoadedPlan,
  selection: Selection,
): Promise<Result<Reuse, Problem>> {
  const starts = selection.from === undefined ? selection.only : [selection.from];
  const found = indicesOf(loaded, starts);
  if (!found.ok) return found;
  const { graph, plan } = loaded;
  const again =
    selection.from === undefined ? new Set(found.value) : new Set(marked(withDescendants(graph, found.value)));
  const needed = marked(withDeps(graph, again)).filter((step) => !again.has(step));
  const kept = selection.from === undefined ? marked(withDeps(graph, again)) : plan.steps.map((_, step) => step);
  const chosen = kept.length === plan.steps.length ? loaded : partOf(loaded, kept);
  const wanted = needed.map((step) => graph.ids[step] ?? "");
  const welcome = kept.filter((step) => !again.has(step)).map((step) => graph.ids[step] ?? "");
  const source = await sourceOf(ports.log, loaded, selection.run, { wanted, welcome });
  if (!source.ok) return wanted.length === 0 ? ok({ plan: chosen, again: [] }) : source;
  const againIds = new Set([...again].map((step) => graph.ids[step] ?? ""));
  const keptIds = new Set(chosen.graph.ids);
  const outputs = new Map([...source.value.reusable.outputs].filter(([id]) => keptIds.has(id) && !againIds.has(id)));
  const lacking = welcome.filter((id) => !outputs.has(id) && !source.value.reusable.skipped.has(id));
  const lost = [...lackingSentence(source.value, lacking), ...withoutBase(chosen, source.value.reusable, outputs)];
  const reuse = await withWork(ports, chosen, source.value, { outputs, newRun: selection.newRun });
  return reuse.ok ? ok({ ...reuse.value, again: [...lost, ...reuse.value.again] }) : reuse;
}

/** Names the steps beside the chosen ones that run because nothing was recorded of them. */
function lackingSentence({ run, reusable: { changed } }: Source, ids: readonly string[]): readonly string[] {
  const without = ids.filter((id) => !changed.has(id));
  if (without.length === 0) return [];
  const more = without.length > 10 ? ` and ${without.length - 10} more` : "";
  return [`Without a result in run ${run}, these run too: ${without.slice(0, 10).join(", ")}${more}.`];
}

/**
 * Takes out the results that were built on a step which runs again, since it has no result or another definition now: they would
 * stand beside a new result of that step. A step skipped by its condition is asked again and was no base. Says which, and why.
 */
function withoutBase({ graph }: LoadedPlan, { skipped }: Reusable, outputs: Map<string, Json>): readonly string[] {
  const anew = graph.ids.flatMap((id, step) => (outputs.has(id) || skipped.has(id) ? [] : [step]));
  const sentences: string[] = [];
  for (const step of anew) {
    const cause = graph.ids[step] ?? "";
    for (const dependent of marked(withDependents(graph, [step]))) {
      const id = graph.ids[dependent] ?? "";
      if (outputs.delete(id)) sentences.push(`${id} runs again: it depends on ${cause}, which runs again.`);
    }
  }
  return sentences;
}

/**
 * Results of agents are worth what their work is: what was merged for them comes along. Where it cannot, the step runs again,
 * and so does all that was built on it.
 */
async function withWork(
  ports: ReusePorts,
  chosen: LoadedPlan,
  { run, state }: Source,
  { outputs, newRun }: { readonly outputs: Map<string, Json>; readonly newRun: string | undefined },
): Promise<Result<Reuse, Problem>> {
  const again: string[] = [];
  // Results without the work of agents need no repository.
  if (!hasAgentWork(state)) return ok({ plan: chosen, reuse: { run, outputs }, again });
  const agents = await ports.agents();
  for (;;) {
    const steps = [...outputs].map(([id, output]) => ({
      id,
      also: partsOf(state, id),
      commits: isOfAgents(state, id) ? commitsIn(output) : [],
    }));
    const replayed = await agents.replay(defined({ from: run, steps, run: newRun }));
    if (!replayed.ok) return replayed;
    if (replayed.value.kind === "replayed") {
      const { kind: _kind, now, ...beginning } = replayed.value;
      for (const [id, output] of outputs) if (isOfAgents(state, id)) outputs.set(id, withCommits(output, now));
      const isBare = beginning.begin === beginning.base;
      return ok({ plan: chosen, reuse: defined({ run, outputs, beginning: isBare ? undefined : beginning }), again });
    }
    const { step, why } = replayed.value;
    again.push(`${step} runs again: its work in run ${run} ${why}.`);
    const start = chosen.graph.indexOf.get(step);
    const lost = start === undefined ? [] : marked(withDescendants(chosen.graph, [start]));
    for (const id of [step, ...lost.map((one) => chosen.graph.ids[one] ?? "")]) outputs.delete(id);
  }
}

/** Steps that this step of the plan added to the run: items, steps of a subplan, added steps. */
function partsOf(state: RunSnapshot, id: string): readonly string[] {
  const origin = state.index.byId.get(id);
  const parts: string[] = [];
  for (let step = state.index.graph.size; step < state.steps.length; step++) {
    let at = step;
    while (at >= state.index.graph.size) at = state.addedBy.get(at) ?? state.parents[at] ?? -1;
    if (at === origin) parts.push(state.steps[step]?.id ?? "");
  }
  return parts;
}

function isOfAgents(state: RunSnapshot, id: string): boolean {
  const kind = state.steps[state.index.byId.get(id) ?? -1]?.action.kind;
  return kind === "agent" || kind === "plan";
}

/** Those that results of agents name, also inside the results of lists and subplans. */
function commitsIn(output: Json): readonly string[] {
  const found: string[] = [];
  mapCommits(output, (commit) => {
    found.push(commit);
    return commit;
  });
  return found;
}

function withCommits(output: Json, now: Readonly<Record<string, string>>): Json {
  return mapCommits(output, (commit) => now[commit] ?? commit);
}

function mapCommits(output: Json, to: (commit: string) => string): Json {
  if (Array.isArray(output)) return output.map((one: Json) => mapCommits(one, to));
  if (!isJsonObject(output)) return output;
  const { commit, files, summary } = output;
  if (typeof commit === "string" && Array.isArray(files) && typeof summary === "string")
    return { ...output, commit: to(commit) };
  return Object.fromEntries(Object.entries(output).map(([key, value]) => [key, mapCommits(value, to)]));
}

function indicesOf({ graph }: LoadedPlan, ids: readonly string[]): Result<readonly number[], Problem> {
  const steps: number[] = [];
  for (const id of ids) {
    const step = graph.indexOf.get(id);
    if (step === undefined) {
      const near = suggest(id, graph.ids);
      const hint = near === undefined ? "`heddle plan` lists the steps." : `Did you mean ${near}?`;
      return err({ code: "UnknownStep", message: `the plan has no step ${JSON.stringify(id)}`, hint });
    }
    steps.push(step);
  }
  return ok(steps);
}

/** The plan with these steps alone; order on steps that are left out is dropped. */
function partOf(loaded: LoadedPlan, kept: readonly number[]): LoadedPlan {
  const ids = new Set(kept.map((step) => loaded.graph.ids[step] ?? ""));
  const steps = kept.flatMap((index) => {
    const step = loaded.plan.steps[index];
    if (step === undefined) return [];
    const { after, ...rest } = step;
    const left = after?.filter((id) => ids.has(id)) ?? [];
    return [left.length === 0 ? rest : { ...rest, after: left }];
  });
  const graph = buildGraph(steps);
  return graph.ok ? { ...loaded, plan: { ...loaded.plan, steps }, graph: graph.value } : loaded;
}

interface Source {
  readonly run: string;
  readonly state: RunSnapshot;
  readonly reusable: Reusable;
}

/**
 * The newest run that has a result for every wanted step, or an older one that has more of the welcome ones too. A step that
 * ran in a run newer than that has no result there any more: the last time counts, also where it failed.
 */
async function sourceOf(
  log: ReusePorts["log"],
  { plan }: LoadedPlan,
  run: string | undefined,
  { wanted, welcome }: { readonly wanted: readonly string[]; readonly welcome: readonly string[] },
): Promise<Result<Source, Problem>> {
  const latest = run === undefined ? await log.runs({ plan: plan.name, limit: RUNS_TRIED }) : [];
  const candidates = run === undefined ? latest.map((record) => record.run) : [run];
  const ranSince = new Set<string>();
  let enough: Source | undefined;
  let problem: Problem | undefined;
  for (const candidate of candidates) {
    const read = await readRun(log, candidate);
    if (!read.ok) {
      problem ??= read.error;
      continue;
    }
    const { state } = read.value;
    const source = { run: candidate, state, reusable: without(reusable(state, plan), ranSince) };
    const { outputs, skipped } = source.reusable;
    const lacks = (ids: readonly string[]): readonly string[] =>
      ids.filter((id) => !outputs.has(id) && !skipped.has(id));
    const missing = lacks(wanted);
    if (missing.length === 0 && lacks(welcome).length === 0) return ok(source);
    const ran = [...wanted, ...welcome].filter((id) => (state.attempts[state.index.byId.get(id) ?? -1] ?? 0) > 0);
    if (missing.length === 0) enough ??= source;
    else problem ??= missingProblem(candidate, missing, source.reusable);
    for (const id of ran) ranSince.add(id);
    // What an older run has of these is out of date.
    if (enough !== undefined ? ran.length > 0 : missing.some((id) => ranSince.has(id))) break;
  }
  if (enough !== undefined) return ok(enough);
  return err(
    problem ?? {
      code: "NothingToReuse",
      message: `the plan ${plan.name} has no earlier run whose results can be reused`,
      hint: "Run the whole plan once: `heddle run`.",
    },
  );
}

function without({ outputs, skipped, changed }: Reusable, ids: ReadonlySet<string>): Reusable {
  return {
    outputs: new Map([...outputs].filter(([id]) => !ids.has(id))),
    skipped: new Set([...skipped].filter((id) => !ids.has(id))),
    changed,
  };
}

function missingProblem(run: string, missing: readonly string[], { changed }: Reusable): Problem {
  const told = missing.slice(0, 10).map((id) => {
    const why = changed.get(id);
    return why === undefined ? id : `${id} (${why})`;
  });
  const more = missing.length > 10 ? ` and ${missing.length - 10} more` : "";
  return {
    code: "NothingToReuse",
    message: `run ${run} has no reusable result of these dependencies: ${told.join(", ")}${more}`,
    hint: `Run them too: start from one of them (\`heddle run --from ${missing[0] ?? "ID"}\`), or run the whole plan with \`heddle run\`.`,
  };
}
