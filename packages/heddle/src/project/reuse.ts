/**
 * Result reuse: new runs that start in the middle. `--only`, `--from` and `rerun` take recorded results for the steps
 * that they do not run.
 */
import { dirname } from "node:path";
import type { AgentMaintenance } from "../agent/port.ts";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import { isJsonObject, type Json } from "../base/json.ts";
import { suggest } from "../base/suggest.ts";
import { planFileDrift } from "../engine/plan-file-drift.ts";
import type { StartOptions } from "../engine/api.ts";
import { marked, partOfPlan, withAncestors, withDeps, withDescendants } from "../graph/select.ts";
import type { EventLog } from "../journal/port.ts";
import type { ReusedResult } from "../run/event.ts";
import { hasAgentWork } from "../run/state.ts";
import type { RunSnapshot } from "../view/history.ts";
import { reusable, type Reusable } from "./reusable.ts";
import { planFileContent } from "./plan-content.ts";
import { readRun } from "./read-run.ts";
import type { LoadedPlan } from "../graph/loaded-plan.ts";

export interface Selection {
  /** These alone. */
  readonly only: readonly string[];
  /** This one and everything that depends on it. */
  readonly from: string | undefined;
  /** The run whose results are taken; absent: the latest of the plan that has what is needed. */
  readonly run?: string;
  /** Id of the new run; absent: heddle makes one. */
  readonly newRun?: string;
}

export interface Reuse {
  readonly plan: LoadedPlan;
  /** For the options of the run: absent where its plan is the whole one. */
  readonly only?: readonly string[];
  /** Absent: nothing is left out that has a result. */
  readonly reuse?: NonNullable<StartOptions["reuse"]>;
  /** Steps that run again although they have a result, each with why: sentences for people. */
  readonly again: readonly string[];
}

export interface ReusePorts {
  /** Absolute: the project folder. */
  readonly dir: string;
  readonly log: Pick<EventLog, "runs" | "get" | "read">;
  readonly agents: () => Promise<AgentMaintenance>;
}

/** Runs of the plan that are looked through. */
const RUNS_TRIED = 10;

/** What a selection means, as ids. */
interface Parts {
  /** Run. */
  readonly again: ReadonlySet<string>;
  /** Their deps, and the deps of these: without their results nothing can run. */
  readonly needed: readonly string[];
  /** What else comes before them: conditions may read how it ended, and what it gave. */
  readonly before: readonly string[];
  /** All others that the run has: they run where they have no result. */
  readonly beside: readonly string[];
}

export async function reuseFor(
  ports: ReusePorts,
  loaded: LoadedPlan,
  selection: Selection,
): Promise<Result<Reuse, Problem>> {
  const isPart = selection.from === undefined;
  const starts = selection.from === undefined ? selection.only : [selection.from];
  const found = indicesOf(loaded, starts);
  if (!found.ok) return found;
  const parts = partsOfSelection(loaded, found.value, isPart);
  const source = await sourceOf(ports, loaded, selection.run, parts);
  if (!source.ok && parts.needed.length > 0) return source;
  const known = source.ok ? source.value.reusable : NOTHING_KNOWN;
  const reads = await readsOf(loaded);
  const lost = withBuiltOn(
    usersOf(loaded, reads),
    [...parts.needed, ...parts.before].filter((id) => !isKnown(known, id)),
  );
  const before = parts.before.filter((id) => !lost.has(id));
  if (isPart) {
    const unread = unreadProblem(loaded, { kept: [...parts.again, ...parts.needed, ...before], reads }, source);
    if (unread !== undefined) return err(unread);
  }
  const kept = [...parts.again, ...parts.needed, ...before];
  const chosen = isPart ? partOfPlan(loaded, indicesIn(loaded, kept)) : loaded;
  const whole = defined<Reuse>({ plan: chosen, only: isPart ? starts : undefined, again: [] });
  if (!source.ok) return ok(whole);
  const results = new Map([...known.results].filter(([id]) => chosen.graph.indexOf.has(id) && !parts.again.has(id)));
  const ended = new Map([...known.ended].filter(([id]) => before.includes(id)));
  const others = [...(isPart ? before : parts.before), ...parts.beside];
  const anew = [
    ...changedSentences(
      known,
      [...parts.before, ...parts.beside].filter((id) => chosen.graph.indexOf.has(id)),
    ),
    ...lackingSentence(
      source.value,
      others.filter((id) => !results.has(id) && !known.skipped.has(id) && !ended.has(id)),
    ),
    ...withoutBase(chosen, { ...known, ended, users: usersOf(chosen, reads) }, results),
  ];
  const reuse = await withWork(ports, chosen, defined({ ...source.value, ended, newRun: selection.newRun }), results);
  return reuse.ok ? ok({ ...whole, ...reuse.value, again: [...anew, ...reuse.value.again] }) : reuse;
}

function partsOfSelection(loaded: LoadedPlan, starts: readonly number[], isPart: boolean): Parts {
  const { graph, plan } = loaded;
  const ids = (steps: Iterable<number>): string[] => [...steps].map((step) => graph.ids[step] ?? "");
  const again = new Set(isPart ? starts : marked(withDescendants(graph, starts)));
  const needed = new Set(marked(withDeps(graph, again)).filter((step) => !again.has(step)));
  const before = new Set(marked(withAncestors(graph, again)).filter((step) => !again.has(step) && !needed.has(step)));
  const beside = isPart
    ? []
    : plan.steps.map((_, step) => step).filter((step) => !again.has(step) && !needed.has(step) && !before.has(step));
  return { again: new Set(ids(again)), needed: ids(needed), before: ids(before), beside: ids(beside) };
}

const NOTHING_KNOWN: Reusable = { results: new Map(), changed: new Map(), skipped: new Set(), ended: new Map() };

function isKnown({ results, skipped, ended }: Reusable, id: string): boolean {
  return results.has(id) || skipped.has(id) || ended.has(id);
}

/** Steps by what their results are built on: their deps, and what they come after and read. */
type Users = ReadonlyMap<string, readonly string[]>;

function usersOf({ plan: { steps } }: LoadedPlan, reads: Reads): Users {
  const users = new Map<string, string[]>();
  for (const step of steps) {
    for (const base of [...(step.deps ?? []), ...(reads.get(step.id) ?? [])]) {
      const known = users.get(base);
      if (known === undefined) users.set(base, [step.id]);
      else known.push(step.id);
    }
  }
  return users;
}

/** These, and what was built on them. */
function withBuiltOn(users: Users, ids: readonly string[]): ReadonlySet<string> {
  const found = new Set(ids);
  for (const id of found) for (const user of users.get(id) ?? []) found.add(user);
  return found;
}

function indicesIn({ graph }: LoadedPlan, ids: readonly string[]): readonly number[] {
  return ids.flatMap((id) => graph.indexOf.get(id) ?? []);
}

/** Why some steps alone cannot run: their expressions read a step that is left out, since nothing says how it ended. */
function unreadProblem(
  loaded: LoadedPlan,
  { kept, reads }: { readonly kept: readonly string[]; readonly reads: Reads },
  source: Result<Source, Problem>,
): Problem | undefined {
  const known = new Set(kept);
  const unread = new Set<string>();
  for (const index of indicesIn(loaded, kept)) {
    const step = loaded.plan.steps[index];
    if (step === undefined) continue;
    for (const id of reads.get(step.id) ?? []) if (!known.has(id)) unread.add(id);
  }
  if (unread.size === 0) return undefined;
  if (!source.ok) return source.error;
  return missingProblem(source.value.run, [...unread], source.value.reusable);
}

/** Which of the steps before it a step reads, by the step's id. */
type Reads = ReadonlyMap<string, readonly string[]>;

/** Of steps that only come after others: a dep is built on in any case. */
async function readsOf({ plan: { steps } }: LoadedPlan): Promise<Reads> {
  const reads = new Map<string, readonly string[]>();
  const later = steps.filter(({ after }) => after !== undefined && after.length > 0);
  if (later.length === 0) return reads;
  const { depNamesOf } = await import("../plan/expression/dep-names.ts");
  for (const step of later) {
    const names = depNamesOf(step);
    reads.set(step.id, names === undefined ? (step.after ?? []) : (step.after ?? []).filter((id) => names.has(id)));
  }
  return reads;
}

/** Names the steps that run although they have ended, since they are others now. */
function changedSentences({ changed }: Reusable, ids: readonly string[]): readonly string[] {
  return ids.flatMap((id) => {
    const why = changed.get(id);
    return why === undefined ? [] : [`${id} runs again: ${why}.`];
  });
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
function withoutBase(
  chosen: LoadedPlan,
  { skipped, ended, users }: Reusable & { readonly users: Users },
  results: Map<string, ReusedResult>,
): readonly string[] {
  const anew = chosen.graph.ids.filter((id) => !results.has(id) && !skipped.has(id) && !ended.has(id));
  const sentences: string[] = [];
  for (const cause of anew) {
    if (results.size === 0) break;
    for (const id of withBuiltOn(users, [cause]))
      if (results.delete(id)) sentences.push(`${id} runs again: it depends on ${cause}, which runs again.`);
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
  { run, state, ended, newRun }: Source & Pick<Selection, "newRun"> & Pick<Reusable, "ended">,
  results: Map<string, ReusedResult>,
): Promise<Result<Reuse, Problem>> {
  const again: string[] = [];
  const reuse: NonNullable<StartOptions["reuse"]> = defined({
    run,
    results,
    ended: ended.size === 0 ? undefined : ended,
  });
  // Results without the work of agents need no repository.
  if (!hasAgentWork(state)) return ok({ plan: chosen, reuse, again });
  const agents = await ports.agents();
  for (;;) {
    const steps = [...results].map(([id, { output }]) => ({
      id,
      also: partsOf(state, id),
      commits: isOfAgents(state, id) ? commitsIn(output) : [],
    }));
    const replayed = await agents.replay(defined({ from: run, steps, run: newRun }));
    if (!replayed.ok) return replayed;
    if (replayed.value.kind === "replayed") {
      const { kind: _kind, now, ...beginning } = replayed.value;
      for (const [id, result] of results)
        if (isOfAgents(state, id)) results.set(id, { ...result, output: withCommits(result.output, now) });
      const isBare = beginning.begin === beginning.base;
      return ok({ plan: chosen, reuse: defined({ ...reuse, beginning: isBare ? undefined : beginning }), again });
    }
    const { step, why } = replayed.value;
    again.push(`${step} runs again: its work in run ${run} ${why}.`);
    const start = chosen.graph.indexOf.get(step);
    const lost = start === undefined ? [] : marked(withDescendants(chosen.graph, [start]));
    for (const id of [step, ...lost.map((one) => chosen.graph.ids[one] ?? "")]) results.delete(id);
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
      const several = id.split(",").map((part) => part.trim());
      const hint = several.every((part) => graph.indexOf.has(part))
        ? `Write several steps apart: ${several.join(" ")}`
        : near === undefined
          ? "`heddle plan` lists the steps."
          : `Did you mean ${near}?`;
      return err({ code: "UnknownStep", message: `the plan has no step ${JSON.stringify(id)}`, hint });
    }
    steps.push(step);
  }
  return ok(steps);
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
  { dir, log }: ReusePorts,
  { plan, file }: LoadedPlan,
  run: string | undefined,
  { needed, before, beside }: Parts,
): Promise<Result<Source, Problem>> {
  const folder = file === undefined ? dir : dirname(file);
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
    const drift = await planFileDrift(state, (each) => planFileContent(folder, each));
    const source = { run: candidate, state, reusable: without(reusable(state, plan, drift), ranSince) };
    const lacks = (ids: readonly string[]): readonly string[] => ids.filter((id) => !isKnown(source.reusable, id));
    const missing = needed.filter((id) => !source.reusable.results.has(id) && !source.reusable.skipped.has(id));
    if (missing.length === 0 && lacks([...before, ...beside]).length === 0) return ok(source);
    const ran = [...needed, ...before, ...beside].filter(
      (id) => (state.attempts[state.index.byId.get(id) ?? -1] ?? 0) > 0,
    );
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

function without({ results, skipped, ended, changed }: Reusable, ids: ReadonlySet<string>): Reusable {
  return {
    results: new Map([...results].filter(([id]) => !ids.has(id))),
    skipped: new Set([...skipped].filter((id) => !ids.has(id))),
    ended: new Map([...ended].filter(([id]) => !ids.has(id))),
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
