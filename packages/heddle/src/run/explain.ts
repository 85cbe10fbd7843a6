/** Step explanations: why a step is in its state, in one sentence that helps to act. */
import { unreachable } from "../base/assert.ts";
import { shellWord } from "../base/shell-word.ts";
import { formatDuration } from "../base/duration.ts";
import { formatTimestamp } from "../base/timestamp.ts";
import { plural } from "../base/plural.ts";
import { waitText } from "./attempt-wait.ts";
import type { CancelReason, MachineShortage, OpenQuestion, QuestionAbout, SkipReason } from "./event.ts";
import type { StepPhase } from "./facts.ts";
import { closesAt } from "./queue.ts";
import { readyAt, reasonsOf, type Reason, type ReasonContext } from "./reasons.ts";
import { isRunEnded, phaseOf, stepAt, type RunState } from "./state.ts";
import { runStatus } from "./status.ts";

/** One sentence for the step's phase; for a waiting step all of its `reasons`, which are found out where the caller has not. */
export function explainStep(
  state: RunState,
  step: number,
  context: ReasonContext,
  reasons: readonly Reason[] = reasonsOf(state, step, context),
): string {
  const { now, live } = context;
  const phase = phaseOf(state, step);
  switch (phase.tag) {
    case "waiting":
      return explainWait(state, step, context, reasons);
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
    case "retrying": {
      const isDue = live && phase.retryAt <= now;
      const next = isDue
        ? `the next attempt is ${reasonsText(state, step, context, reasons)}`
        : `next attempt in ${formatDuration(Math.max(0, phase.retryAt - now))}`;
      return `${next}; the last one failed: ${phase.error.message}`;
    }
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
  { now, live }: ReasonContext,
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

function explainWait(state: RunState, step: number, context: ReasonContext, reasons: readonly Reason[]): string {
  const text = reasonsText(state, step, context, reasons);
  if (!reasons.every(({ kind }) => IS_PLACE.has(kind))) return text;
  const waitedMs = context.now - (readyAt(state, step) ?? context.now);
  return waitedMs > 0 ? `${text}, for ${formatDuration(waitedMs)}` : text;
}

/** Kinds of reasons that a step waits for which has all that it comes after. */
const IS_PLACE: ReadonlySet<Reason["kind"]> = new Set(["slot", "agent-slot", "pool", "lock", "group", "writes"]);

const WAITS_FOR = "waiting for ";

/** All reasons in one sentence. */
function reasonsText(state: RunState, step: number, context: ReasonContext, reasons: readonly Reason[]): string {
  let text = "";
  let isWait = false;
  for (const reason of reasons) {
    const next = reasonText(state, step, reason, context);
    if (text === "") text = next;
    else if (isWait && next.startsWith(WAITS_FOR)) text += ` and for ${next.slice(WAITS_FOR.length)}`;
    else text += `; ${next}`;
    isWait = next.startsWith(WAITS_FOR);
  }
  return text;
}

/** What the machine lacks, with what is in use and the limit that says so. */
export function shortageText({ resource, used, limit }: MachineShortage): string {
  return resource === "memory"
    ? `memory: ${used} MB in use, limits.maxMemoryMb is ${limit}`
    : `CPU: ${used} % in use, limits.maxCpuPercent is ${limit}`;
}

function reasonText(state: RunState, step: number, reason: Reason, { now, live }: ReasonContext): string {
  const { kind, steps = [], resource = "", have = 0, want = 0, of = 0, used = 0, limit = 0, until } = reason;
  const [first] = steps;
  switch (kind) {
    case "deps": {
      const named = steps.slice(0, 4).map((id) => `${id} (${phaseWord(state, state.index.byId.get(id) ?? -1, live)})`);
      const more = want - have - named.length;
      return `${WAITS_FOR}${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
    }
    case "layer":
      return `${WAITS_FOR}layer ${have} to end (schedule: layers)`;
    case "slot":
    case "agent-slot": {
      const whose = resource === "" ? (first ?? "") : resource;
      const what = `${kind === "slot" ? "a slot" : "an agent slot"}${whose === "" ? "" : ` of ${whose}`}`;
      return `${WAITS_FOR}${what}${of === 0 ? "" : `: ${of - have} of ${of} are in use`}`;
    }
    case "pool":
      return `${WAITS_FOR}${want} ${resource}: ${have} of ${of} are free`;
    case "lock":
      return `${WAITS_FOR}the lock ${reason.lock ?? ""}`;
    case "foreign-lock": {
      const wait = state.lockWaits.get(step);
      return wait === undefined ? `${WAITS_FOR}a lock held by run ${reason.run ?? ""}` : waitText(wait, now);
    }
    case "group":
      return `${WAITS_FOR}the worktree of its group: another step of ${resource} is using it`;
    case "writes":
      return `${WAITS_FOR}${first ?? ""}, which may write the same files`;
    case "worktree":
      return `${WAITS_FOR}a worktree: all are in use`;
    case "memory":
    case "cpu":
      return `${WAITS_FOR}${shortageText({ resource: kind, used, limit })}`;
    case "rate-limit":
      return `${WAITS_FOR}${resource === "" ? "its provider" : resource}, which takes no requests`;
    case "retry-delay":
    case "timer":
      return `waiting until ${formatTimestamp(until ?? now)}`;
    case "person":
      return "waiting for an answer";
    case "signal":
      return `${WAITS_FOR}the signal ${reason.signal ?? ""}`;
    case "condition":
      return "ready: its condition is looked at next";
    case "paused":
      return "the run is paused";
    case "ending":
      return state.rollback === undefined ? "nothing more starts: a failure ends the run" : "the run is being undone";
    case "resume":
      return isRunEnded(state.phase) ? explainUnstarted(state, step) : "resume starts it";
    case "turn":
      return "ready";
    default:
      return unreachable(kind);
  }
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
