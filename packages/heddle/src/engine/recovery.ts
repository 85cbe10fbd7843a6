/**
 * Recovery: prepares a run for an engine that takes it over: folds and checks the history, and finds what has changed
 * and what was interrupted.
 */
import { defined } from "../base/defined.ts";
import { type Problem, caught } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import { partOfPlan, withDescendants } from "../graph/select.ts";
import type { EventLog } from "../journal/port.ts";
import { apply, createState } from "../run/apply.ts";
import type { Event, EventOf } from "../run/event.ts";
import { isCutShort } from "../run/finish.ts";
import type { StepPhase } from "../run/facts.ts";
import { driftOf, hasSuccessInside, type PlanFileDrift } from "../run/fingerprint.ts";
import { HistoryChecker } from "../run/check/history-checker.ts";
import { binds } from "../run/check/rules.ts";
import {
  forEachSuccessor,
  hasEnded,
  isContainerStep,
  isWaiting,
  outermostAround,
  phaseOf,
  satisfies,
  stepAt,
  type RunState,
} from "../run/state.ts";
import type { LoadedPlan } from "../graph/loaded-plan.ts";
import { shellWord } from "../base/shell-word.ts";
import { suggest } from "../base/suggest.ts";
import type { StepsAgain } from "./api.ts";
import type { Functions, Step } from "../plan/plan.ts";
import { isSheltered } from "../run/shelter.ts";
import { functionOf } from "./executor.ts";

export interface Recovered {
  readonly state: RunState;
  /** Has seen the whole history; continues with what is appended. */
  readonly checker: HistoryChecker;
  /** Of the trace that it is a part of; absent: it is not traced. */
  readonly traceparent?: string;
}

/** Folds a recorded history. A history that breaks a rule of the engine is a problem, not a state. */
export async function recover(journal: EventLog, run: string): Promise<Result<Recovered, Problem>> {
  const checker = new HistoryChecker();
  let state: RunState | undefined;
  let traceparent: string | undefined;
  return await caught(async () => {
    for await (const batch of journal.read(run)) {
      for (const event of batch) {
        // What the engine of then did not know as a rule does not make its history a broken one.
        const violation = checker.next(event).find(({ rule }) => binds(rule, checker.version));
        if (violation) return err(broken(run, violation.seq, violation.message));
        if (state !== undefined) apply(state, event);
        else {
          const created = begin(event);
          if (!created.ok) return created;
          state = created.value;
          if (event.type === "run.created") ({ traceparent } = event.data);
        }
      }
    }
    if (state !== undefined) return ok(defined({ state, checker, traceparent }));
    return err({
      code: "EmptyHistory",
      message: `run ${run} has no events: its process died before it began`,
      hint: "Start over with `heddle run`; `heddle gc` removes what is left of this run.",
    });
  });
}

function begin(event: Event): Result<RunState, Problem> {
  if (event.type !== "run.created") return err(broken(event.run, event.seq, `the history begins with ${event.type}`));
  const created = createState(event);
  return created.ok ? created : err(broken(event.run, event.seq, "the recorded plan is not a graph"));
}

function broken(run: string, seq: number, message: string): Problem {
  return {
    code: "HistoryBroken",
    message: `the history of run ${run} breaks a rule of the engine at event ${seq}: ${message}`,
    hint: `\`heddle replay ${run}\` shows details. Start over with \`heddle run\`.`,
  };
}

/**
 * Why a run must not continue: a container that was cut short was recorded as a success, under older rules.
 * Continuing would omit the work of its steps, approvals among them. `reset`: steps that start again.
 */
export function cutShortProblem(state: RunState, reset: readonly string[]): Problem | undefined {
  const anew = new Set(reset);
  for (const step of state.containers.keys()) {
    if (!isCutShort(state, step)) continue;
    const { id } = stepAt(state, outermostAround(state, step));
    if (anew.has(id)) continue;
    const lost = cancelledIn(state, step);
    const more = lost.length > 5 ? ` and ${lost.length - 5} more` : "";
    return {
      code: "ContainerCutShort",
      message: `run ${state.run} recorded ${stepAt(state, step).id} as succeeded although some of its steps never ran: ${lost.slice(0, 5).join(", ")}${more}`,
      hint: `Run it and everything that depends on it again: \`heddle rerun ${state.run} --from ${id}\`.`,
    };
  }
  return undefined;
}

function cancelledIn(state: RunState, container: number): readonly string[] {
  return (state.containers.get(container)?.children ?? []).flatMap((child) =>
    phaseOf(state, child).tag === "cancelled" ? [stepAt(state, child).id] : cancelledIn(state, child),
  );
}

/** Why a run must not continue here: functions that it still needs were not loaded with a plan. `reset`: steps that start again. */
export function functionsProblem(state: RunState, reset: readonly string[]): Problem | undefined {
  // A container that starts again names its functions, and so do its children.
  const missing = new Set<string>();
  const anew = new Set(reset);
  for (let step = 0; step < state.steps.length; step++) {
    if (!anew.has(stepAt(state, step).id)) {
      const phase = phaseOf(state, step);
      // Of a container that was expanded, its children say what they need.
      if ((hasEnded(phase) && satisfies(phase)) || state.containers.has(step)) continue;
    }
    addFunctions(stepAt(state, step), "", missing);
  }
  if (missing.size === 0) return undefined;
  const { run, options } = state;
  return {
    code: "FunctionsNotLoaded",
    message: `run ${run} needs functions of its plan, which are not loaded here: ${shortList([...missing])}`,
    hint:
      options.planFile === undefined
        ? `It was started by a program: continue it there with \`resume("${run}", plan)\`. Nothing was recorded.`
        : `They are in ${options.planFile}, which does not exist any more: restore it. Nothing was recorded.`,
  };
}

function addFunctions({ id, action }: Step, prefix: string, found: Set<string>): void {
  if (action.kind === "function") found.add(prefix + id);
  if (action.kind !== "plan") return;
  for (const inner of action.plan?.steps ?? []) addFunctions(inner, `${prefix}${id}/`, found);
}

/** What a run that nobody works on is cancelled with. */
export interface CancelOptions {
  /** Of its plan; absent: none could be loaded. */
  readonly functions?: Functions | undefined;
  /** Why its plan file gives none, in one line; absent: it is not there, or the run has none. */
  readonly unloaded?: string | undefined;
}

/** Why a run must not be cancelled here: functions of steps that are always to run are not there. */
export function alwaysProblem(state: RunState, { functions, unloaded }: CancelOptions): Problem | undefined {
  const needed = new Set<string>();
  for (let step = 0; step < state.steps.length; step++) {
    const phase = phaseOf(state, step);
    if ((hasEnded(phase) && satisfies(phase)) || state.containers.has(step) || !isSheltered(state, step)) continue;
    addFunctions(stepAt(state, step), "", needed);
  }
  const missing = [...needed].filter((id) => functions === undefined || functionOf(functions, id) === undefined);
  if (missing.length === 0) return undefined;
  const { run, options } = state;
  const why = unloaded === undefined ? "which does not exist any more" : `which cannot be loaded: ${unloaded}`;
  const lacks = functions === undefined ? `${why}. Restore it` : "which has other steps now. Restore them";
  return {
    code: "FunctionsNotLoaded",
    message: `what is always to run of run ${run} needs functions of its plan, which are not loaded here: ${shortList(missing)}`,
    hint:
      options.planFile === undefined
        ? `It was started by a program: continue it there with \`resume("${run}", plan)\`, and cancel that. Nothing was recorded.`
        : `They are in ${options.planFile}, ${lacks}, and cancel again. Nothing was recorded.`,
  };
}

function shortList(ids: readonly string[]): string {
  return `${ids.slice(0, 5).join(", ")}${ids.length > 5 ? ` and ${ids.length - 5} more` : ""}`;
}

export interface ResumeChoices {
  /** The version of this program. */
  readonly engine: string;
  /** The plan as it is now for this run; absent: the recorded one. */
  readonly current?: LoadedPlan | undefined;
  /** Plan files that the run has read and that are others now. */
  readonly files?: readonly PlanFileDrift[];
  readonly acceptChanges?: boolean;
  /** Of this run, as {@link againProblem} says. */
  readonly again?: StepsAgain;
}

/** The data of `run.resumed`, or why the run cannot continue. */
export function planResume(
  state: RunState,
  { engine, current, files, acceptChanges, again }: ResumeChoices,
): Result<EventOf<"run.resumed">["data"], Problem> {
  const interrupted: string[] = [];
  for (let step = 0; step < state.steps.length; step++) {
    if (phaseOf(state, step).tag === "running" && !isContainerStep(stepAt(state, step)))
      interrupted.push(stepAt(state, step).id);
  }
  const plan = current?.plan ?? state.plan;
  const drift = driftOf(state, plan, files);
  if (drift.changed.length > 0 && acceptChanges !== true) return err(changedProblem(state.run, drift.changed));
  const { steps: named = [], downstream = true } = again ?? {};
  const changed = [...drift.changed.map(({ id }) => id), ...drift.renewed];
  const now = current ?? { plan, graph: state.index.graph };
  const reset = resetBy(state, now, downstream ? [...changed, ...named] : changed);
  const asked = askedAgain(state, reset);
  const alone = downstream ? [] : named.filter((id) => isResettable(state, id));
  const all = [...new Set([...reset, ...asked, ...alone])];
  return ok(defined({ engine, interrupted, reset: all, plan: drift.differs ? plan : undefined }));
}

function isResettable(state: RunState, id: string): boolean {
  const step = state.index.byId.get(id);
  return step !== undefined && hasBegun(state, step);
}

/** Why these steps cannot run again as parts of this run. */
export function againProblem(state: RunState, { steps }: StepsAgain): Problem | undefined {
  const { run } = state;
  // Taken as none, a list that turned out empty would be another request: to run all that failed.
  if (steps.length === 0) {
    return {
      code: "NothingToRetry",
      message: `no step of run ${run} is named to run again: the list is empty`,
      hint: `Name steps, or give no list: \`heddle retry ${run}\` runs what failed.`,
    };
  }
  for (const id of steps) {
    const step = state.index.byId.get(id);
    if (step === undefined) {
      const near = suggest(id, state.index.byId.keys());
      const hint = near === undefined ? `\`heddle show ${run}\` lists its steps.` : `Did you mean ${near}?`;
      return { code: "UnknownStep", message: `run ${run} has no step ${JSON.stringify(id)}`, hint };
    }
    const phase = phaseOf(state, step);
    if (phase.tag === "skipped" && phase.reason.kind === "earlier") {
      return {
        code: "NotRetriable",
        message: `${id} is no part of run ${run}: it ended in run ${phase.reason.from}`,
        hint: `\`heddle rerun ${run} --from ${shellWord(id)}\` runs it, and what depends on it, in a new run.`,
      };
    }
    const around = closedAround(state, step);
    if (around === undefined) continue;
    return {
      code: "NotRetriable",
      message: `${id} is inside ${around}, which has ended as a whole`,
      hint: `\`heddle retry ${run} ${shellWord(around)}\` runs ${around} again, with all steps inside.`,
    };
  }
  return undefined;
}

/** The outermost container around the step that a resume leaves as it is. */
function closedAround(state: RunState, step: number): string | undefined {
  let found: string | undefined;
  for (let at = state.parents[step] ?? -1; at !== -1; at = state.parents[at] ?? -1) {
    const phase = phaseOf(state, at);
    if (hasEnded(phase) && satisfies(phase)) found = stepAt(state, at).id;
  }
  return found;
}

/**
 * Steps that were skipped by their condition, or whose steps failed, and that come after a step that runs again: what the condition
 * read may be otherwise now.
 */
function askedAgain(state: RunState, reset: readonly string[]): readonly string[] {
  const open = new Set(reset.map((id) => state.index.byId.get(id) ?? -1));
  for (let step = 0; step < state.steps.length; step++) if (isTriedAgain(phaseOf(state, step))) open.add(step);
  const asked = new Set<number>();
  for (const step of open) {
    if (step < 0) continue;
    forEachSuccessor(state, step, (successor) => {
      if (!isAnswered(state, successor) || isInClosed(state, successor)) return;
      if (!reset.includes(stepAt(state, successor).id)) asked.add(successor);
      open.add(successor);
    });
  }
  return [...asked].map((step) => stepAt(state, step).id);
}

/** Whether the step's condition was asked, and a resume would not ask it by itself: of containers whose steps it tries again, too. */
function isAnswered(state: RunState, step: number): boolean {
  const phase = phaseOf(state, step);
  if (phase.tag === "skipped") return phase.reason.kind === "condition";
  const isOpenedAgain = isTriedAgain(phase) && state.containers.has(step) && stepAt(state, step).if !== undefined;
  return isOpenedAgain && !hasSuccessInside(state, step);
}

/** Whether a resume runs the step again that has ended so. */
function isTriedAgain(phase: StepPhase): boolean {
  return hasEnded(phase) && !satisfies(phase) && !(phase.tag === "skipped" && phase.reason.kind === "earlier");
}

/** Whether the container around the step has ended, and is left as it is. */
function isInClosed(state: RunState, step: number): boolean {
  const parent = state.parents[step] ?? -1;
  return parent !== -1 && hasEnded(phaseOf(state, parent)) && satisfies(phaseOf(state, parent));
}

/** The plan as it is now for this run: of a run of some steps alone these, what they depend on now, and the order among them. */
export function planForRun(state: RunState, current: LoadedPlan | undefined): LoadedPlan | undefined {
  if (state.options.only === undefined || current === undefined) return current;
  return partOfPlan(
    current,
    state.plan.steps.flatMap(({ id }) => current.graph.indexOf.get(id) ?? []),
  );
}

/** Steps that start again because these do: what depends on them, in the plan and among the steps that were added to the run. */
function resetBy(
  state: RunState,
  { plan, graph }: Pick<LoadedPlan, "plan" | "graph">,
  ids: readonly string[],
): readonly string[] {
  const marks = withDescendants(
    graph,
    ids.flatMap((id) => graph.indexOf.get(id) ?? []),
  );
  const reset = plan.steps.flatMap((step, at) => {
    const index = state.index.byId.get(step.id);
    return marks[at] === 1 && index !== undefined && hasBegun(state, index) ? [step.id] : [];
  });
  const added = ids.flatMap((id) => (graph.indexOf.has(id) ? [] : (state.index.byId.get(id) ?? [])));
  const again = new Set(added);
  for (const step of again) forEachSuccessor(state, step, (successor) => again.add(successor));
  return [...reset, ...[...again].filter((step) => hasBegun(state, step)).map((step) => stepAt(state, step).id)];
}

/** Whether something of the step would be left standing by a resume that does not reset it. */
function hasBegun(state: RunState, index: number): boolean {
  const phase = phaseOf(state, index);
  if (hasEnded(phase) && satisfies(phase)) return true;
  const { tag } = phase;
  return state.containers.has(index) || tag === "retrying" || tag === "waiting-for-answer" || isWaiting(tag);
}

function changedProblem(
  run: string,
  changed: readonly { readonly id: string; readonly keys: readonly string[] }[],
): Problem {
  const lines = changed.slice(0, 10).map(({ id, keys }) => `  ${id}: ${keys.join(", ")}`);
  if (changed.length > 10) lines.push(`  and ${changed.length - 10} more`);
  return {
    code: "PlanChanged",
    message: `the plan changed: ${changed.length === 1 ? "a step that has succeeded has" : `${changed.length} steps that have succeeded have`} a different definition now\n${lines.join("\n")}`,
    hint: `Run them and everything that depends on them again with \`heddle resume ${run} --accept-changes\`, or start over with \`heddle run\`.`,
  };
}
