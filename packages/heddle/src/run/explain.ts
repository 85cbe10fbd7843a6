/** Step explanations: why a step is in its state, in one sentence that helps to act. */
import { unreachable } from "../base/assert.ts";
import { shellWord } from "../base/shell-word.ts";
import { formatDuration } from "../base/duration.ts";
import { formatTimestamp } from "../base/timestamp.ts";
import { plural } from "../base/plural.ts";
import { boundsAround, boundsOf, claimsOf } from "./claims.ts";
import { waitText } from "./attempt-wait.ts";
import type { CancelReason, OpenQuestion, QuestionAbout, SkipReason } from "./event.ts";
import type { StepPhase } from "./facts.ts";
import { closesAt } from "./queue.ts";
import { depsOf, groupLock, hasEnded, isRunEnded, phaseOf, satisfies, stepAt, type RunState } from "./state.ts";
import { runStatus } from "./status.ts";
import { writeGlobsOf } from "./write-locks.ts";

export interface ExplainContext {
  /** On the engine's clock. */
  readonly now: number;
  /** A process holds the run now. */
  readonly live: boolean;
}

/** One sentence for the step's phase; for a waiting step everything that it waits for. */
export function explainStep(state: RunState, step: number, { now, live }: ExplainContext): string {
  const phase = phaseOf(state, step);
  switch (phase.tag) {
    case "waiting":
      return explainWait(state, step, { now, live });
    case "running":
      if (isInterrupted(state, live)) return interruptedText(state, step);
      if (phase.asks !== undefined) return askedText(phase.asks, state.askedAt.get(step), now);
      if (phase.waits !== undefined) return `attempt ${phase.attempt}, ${waitText(phase.waits, now)}`;
      return `attempt ${phase.attempt}, running for ${formatDuration(now - phase.since)}`;
    case "expanded": {
      const container = state.containers.get(step);
      const left = state.index.containers.get(step)?.left ?? 0;
      return `${left} of its ${plural(container?.children.length ?? 0, "step")} ${left === 1 ? "has" : "have"} not ended`;
    }
    case "retrying":
      return `next attempt in ${formatDuration(Math.max(0, phase.retryAt - now))}; the last one failed: ${phase.error.message}`;
    case "waiting-for-answer":
      if (phase.answer !== undefined) {
        const { decision, by } = phase.answer;
        return `${decision === "approve" ? answerWord(phase.about) : "rejected"} by ${by}; ${live ? "its end is being recorded" : "resume continues with it"}`;
      }
      if (closesAt(state, step) <= now)
        return `the time for an answer is over; resume goes on without one: ${phase.question}`;
      return phase.about === "conflict" ? phase.question : `waiting for an answer: ${phase.question}`;
    case "sleeping":
      return sleepText(phase, now, live);
    case "waiting-for-signal":
      return signalText(state, step, phase, { now, live });
    case "interrupted":
      return interruptedText(state, step);
    case "succeeded":
      return `succeeded after ${formatDuration(phase.durationMs)}${outdatedText(state, step)}`;
    case "cached":
      return reusedText(phase, now);
    case "failed":
      return phase.error.message;
    case "cancelled":
      return cancelText(phase.reason);
    case "skipped":
      return skipText(phase.reason);
    default:
      return unreachable(phase);
  }
}

/** Of an attempt at work, whose question has a deadline. */
function askedText({ question, deadline }: OpenQuestion, askedAt: number | undefined, now: number): string {
  const since = askedAt === undefined ? "" : ` for ${formatDuration(Math.max(0, now - askedAt))}`;
  const left = deadline === undefined ? "" : `, refused in ${formatDuration(Math.max(0, deadline - now))}`;
  return `waiting for an answer${since}${left}: ${question}`;
}

/**
 * A step that the step comes after, in `deps` or `after`, and that succeeded after it: a resume keeps what has succeeded, also where something
 * before it failed, was skipped or was undone then. `undefined`: it has seen all of them.
 */
export function outdatedBy(state: Pick<RunState, "phases" | "steps" | "index">, step: number): string | undefined {
  const phase = state.phases[step];
  if (phase?.tag !== "succeeded") return undefined;
  const { deps = [], after = [] } = state.steps[step] ?? {};
  return [...deps, ...after].find((id) => {
    const before = state.phases[state.index.byId.get(id) ?? -1];
    return before?.tag === "succeeded" && before.endedAt > phase.endedAt;
  });
}

function outdatedText(state: RunState, step: number): string {
  const later = outdatedBy(state, step);
  return later === undefined ? "" : `, before ${later} did, which it comes after`;
}

/** Where a result came from, and how old it is. */
function reusedText({ from, madeAt }: Extract<StepPhase, { readonly tag: "cached" }>, now: number): string {
  const age = madeAt === undefined ? "" : `, made ${formatDuration(Math.max(0, now - madeAt))} ago`;
  return `result reused from run ${from}${age}`;
}

/** Why a step was skipped, for people. */
export function skipText(reason: SkipReason): string {
  switch (reason.kind) {
    case "dependency":
      return `skipped because ${reason.cause} did not succeed`;
    case "condition":
      return "skipped: its condition is false";
    case "earlier":
      return `not run: it ${reason.status === "failed" ? "failed" : "was skipped"} in run ${reason.from}`;
    case "up-to-date":
      return "skipped: up to date";
    default:
      return unreachable(reason);
  }
}

function sleepText({ at = 0 }: PhaseOf<"sleeping">, now: number, live: boolean): string {
  if (at > now) return `waiting until ${formatTimestamp(at)}, for ${formatDuration(at - now)}`;
  return `its time was over at ${formatTimestamp(at)}; ${live ? "its end is being recorded" : "resume continues with it"}`;
}

function signalText(
  state: RunState,
  step: number,
  phase: PhaseOf<"waiting-for-signal">,
  { now, live }: ExplainContext,
): string {
  const { signal } = phase;
  const deadline = closesAt(state, step);
  const [oldest] = state.signals.get(signal) ?? [];
  if (oldest !== undefined && oldest.time < deadline)
    return `the signal ${signal} has come; ${live ? "its end is being recorded" : "resume continues with it"}`;
  if (deadline <= now)
    return `the time for the signal ${signal} is over; resume continues with what its onTimeout says`;
  const until = deadline === Infinity ? "" : ` until ${formatTimestamp(deadline)}`;
  return `waiting for the signal ${signal}${until}: heddle signal ${state.run} ${shellWord(signal)}`;
}

type PhaseOf<T extends StepPhase["tag"]> = Extract<StepPhase, { readonly tag: T }>;

/** Whether what the history shows as running ended with its engine. */
function isInterrupted(state: RunState, live: boolean): boolean {
  return !live && runStatus(state, live) === "interrupted";
}

function interruptedText(state: RunState, step: number): string {
  const wanted = stepAt(state, step).onInterrupt ?? "rerun";
  return `heddle died; ${wanted === "rerun" ? "resume runs it again" : `its plan says onInterrupt: ${wanted}`}`;
}

function answerWord(about: QuestionAbout): string {
  return about === "question" ? "answered" : about === "conflict" ? "resolved" : "approved";
}

function cancelText(reason: CancelReason): string {
  switch (reason) {
    case "cancel":
      return "cancelled by request";
    case "fail-fast":
      return "cancelled because another step failed";
    case "step-timeout":
      return "cancelled because the step around it timed out";
    case "run-timeout":
      return "cancelled because the run timed out";
    default:
      return unreachable(reason);
  }
}

/** When the last of what it depends on had ended; `undefined`: it depends on nothing, and the run has not started. */
export function readyAt(state: RunState, step: number): number | undefined {
  const before = [
    ...depsOf(state, step),
    ...(stepAt(state, step).after ?? []).map((id) => state.index.byId.get(id) ?? -1).filter((from) => from !== -1),
  ];
  const ends = before.flatMap((from) => {
    const phase = phaseOf(state, from);
    return "endedAt" in phase ? [phase.endedAt] : [];
  });
  const since = Math.max(state.startedAt ?? 0, ...ends);
  return since === 0 ? undefined : since;
}

function explainWait(state: RunState, step: number, { now, live }: ExplainContext): string {
  if (isRunEnded(state.phase)) return explainUnstarted(state, step);
  const definition = stepAt(state, step);
  const open = [
    ...depsOf(state, step).filter((dep) => !satisfies(phaseOf(state, dep))),
    ...(definition.after ?? [])
      .map((id) => state.index.byId.get(id) ?? -1)
      .filter((from) => from !== -1 && !hasEnded(phaseOf(state, from))),
  ];
  if (open.length > 0) {
    const names = open.slice(0, 4).map((from) => `${stepAt(state, from).id} (${phaseWord(state, from, live)})`);
    const more = open.length > 4 ? ` and ${open.length - 4} more` : "";
    return `waiting for ${names.join(", ")}${more}`;
  }
  if (state.phase.tag === "paused") return "the run is paused";
  if (!live) return "resume starts it";
  const layer = state.layers[step] ?? 0;
  if (state.options.schedule === "layers" && state.parents[step] === -1 && layer > state.index.openLayer) {
    return `waiting for layer ${state.index.openLayer + 1} to end (schedule: layers)`;
  }
  const lock = state.lockWaits.get(step);
  if (lock !== undefined) return waitText(lock, now);
  const place = explainPlace(state, step);
  if (place === undefined) return "ready";
  const since = readyAt(state, step);
  return since === undefined ? place : `${place}, for ${formatDuration(Math.max(0, now - since))}`;
}

/** For a run that has ended. */
function explainUnstarted(state: RunState, step: number): string {
  if (state.successes.includes(step)) return "undone; resume runs it again";
  const { tag } = state.phase;
  return `not started: the run ${tag === "cancelled" ? "was cancelled" : tag}`;
}

/** The phase of a step that another one waits for, in the words of `heddle show`. */
function phaseWord(state: RunState, step: number, live: boolean): string {
  const phase = phaseOf(state, step);
  switch (phase.tag) {
    case "waiting-for-answer":
      return phase.answer === undefined ? "needs an answer" : "answered";
    case "running":
      if (live && phase.asks !== undefined) return "needs an answer";
      return isInterrupted(state, live) ? "interrupted" : "running";
    case "expanded":
      return isInterrupted(state, live) ? "interrupted" : "running";
    case "sleeping":
      return "waiting until its time";
    case "waiting-for-signal":
      return state.signals.has(phase.signal) ? "its signal has come" : `waiting for the signal ${phase.signal}`;
    default:
      return phase.tag;
  }
}

function explainPlace(state: RunState, step: number): string | undefined {
  const definition = stepAt(state, step);
  if (state.index.slots >= state.options.maxConcurrency)
    return `waiting for a slot: ${state.index.slots} of ${state.options.maxConcurrency} are in use`;
  if (definition.action.kind === "agent" && state.index.agents >= state.options.maxAgents) {
    return `waiting for an agent slot: ${state.index.agents} of ${state.options.maxAgents} are in use`;
  }
  const isAgent = definition.action.kind === "agent";
  for (const subplan of boundsAround(state, step)) {
    const { attempts, agents } = boundsOf(state, subplan);
    const use = state.index.containers.get(subplan);
    const { id } = stepAt(state, subplan);
    if ((use?.slots ?? 0) >= attempts) return `waiting for a slot of ${id}: ${attempts} of ${attempts} are in use`;
    if (isAgent && (use?.agents ?? 0) >= agents)
      return `waiting for an agent slot of ${id}: ${agents} of ${agents} are in use`;
  }
  const { pools, shared, inner } = claimsOf(state, step);
  for (const { key, pool, units, capacity } of pools) {
    const used = state.index.pools.get(key) ?? 0;
    if (used + units > capacity) return `waiting for ${units} ${pool}: ${capacity - used} of ${capacity} are free`;
  }
  for (const { read, write } of [shared, inner]) {
    for (const name of [...read, ...write]) {
      const { readers = 0, writers = 0 } = state.index.locks.get(name) ?? {};
      const others = write.includes(name) ? readers + writers : writers;
      if (others > 0) return `waiting for the lock ${name.slice(name.indexOf(" ") + 1)}`;
    }
  }
  const turn = groupLock(definition);
  if (turn !== undefined && (state.index.locks.get(turn)?.writers ?? 0) > 0)
    return `waiting for the worktree of its group: another step of ${definition.group ?? ""} is using it`;
  const writer = state.index.writing.holder(writeGlobsOf(state.plan, definition));
  if (writer !== undefined) return `waiting for ${stepAt(state, writer).id}, which may write the same files`;
  return undefined;
}
