/**
 * Signal problems: why a run cannot take a signal. One that comes before its step waits is kept, so what counts is whether a step
 * can still take it; a name that nothing in the run waits for is a mistake of the sender. Knows no journal and no schema.
 */
import type { Problem } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import { suggest } from "../base/suggest.ts";
import { hasTemplate } from "../plan/expression/templates.ts";
import type { Step } from "../plan/plan.ts";
import { closesAt } from "./queue.ts";
import { hasEnded, isContainerStep, isRunEnded, phaseOf, stepAt, type RunState } from "./state.ts";

/** What of a run can take signals of one name. */
interface Takers {
  /** Steps that can take one, now or later. */
  count: number;
  /** Some names are known only when their steps begin. */
  isOpen: boolean;
  /** A step waits for it whose time is over. */
  late: string | undefined;
  /** Every name that is known, those of steps that have ended too. */
  readonly names: Set<string>;
}

interface Arrival {
  readonly now: number;
  /** Signals of the name that came before it and are not recorded yet; absent: none. */
  readonly queued?: number;
  /** As {@link queued}, of any name. */
  readonly queuedInAll?: number;
}

/** `undefined`: a step takes it, now or when it begins to wait. */
export function signalProblem(
  state: RunState,
  name: string,
  { now, queued = 0, queuedInAll = queued }: Arrival,
): Problem | undefined {
  const { run, phase } = state;
  if (isRunEnded(phase)) {
    return {
      code: "RunEnded",
      message: `run ${run} has ended: ${phase.tag}; no step of it waits for a signal`,
      hint: `\`heddle show ${run}\` shows it.${phase.tag === "succeeded" ? "" : ` After \`heddle resume ${run}\` its steps wait again.`}`,
    };
  }
  const takers = takersOf(state, name, now);
  const kept = (state.signals.get(name)?.length ?? 0) + queued;
  if (takers.count !== Infinity && takers.count > kept) return undefined;
  if (takers.isOpen || takers.count === Infinity) return isFull(state, queuedInAll) ? tooManySignals(run) : undefined;
  if (takers.late !== undefined) {
    return {
      code: "SignalTooLate",
      message: `the time for the signal ${name} in run ${run} is over; what the \`onTimeout\` of ${takers.late} says counts`,
      hint: `\`heddle resume ${run}\` goes on with that.`,
    };
  }
  if (takers.names.has(name)) {
    const why = kept > 0 ? "each step that waits for it has one already" : "the steps that wait for it have ended";
    return {
      code: "SignalNotAwaited",
      message: `run ${run} needs no further signal ${name}: ${why}`,
      hint: `\`heddle show ${run}\` shows its steps.`,
    };
  }
  const meant = suggest(name, [...takers.names]);
  const known = takers.names.size === 0 ? "none does" : `there are ${[...takers.names].slice(0, 10).join(", ")}`;
  return {
    code: "UnknownSignal",
    message: `no step of run ${run} waits for the signal ${name}${meant === undefined ? `: ${known}` : ""}`,
    hint: meant === undefined ? `\`heddle show ${run}\` shows what its steps wait for.` : `Did you mean "${meant}"?`,
  };
}

/** Signals that a run keeps for names that its steps may come to wait for, and the characters of their values. */
const MOST_KEPT = 1000;
const MOST_KEPT_SIZE = 16 * 1024 * 1024;

/** What the steps of a plan can take at once is not counted: the plan bounds it. */
function isFull({ signals }: RunState, queued: number): boolean {
  let count = queued;
  let size = 0;
  for (const kept of signals.values()) {
    count += kept.length;
    for (const each of kept) size += each.size;
  }
  return count >= MOST_KEPT || size >= MOST_KEPT_SIZE;
}

function tooManySignals(run: string): Problem {
  return {
    code: "TooManySignals",
    message: `run ${run} keeps as many signals as it may that no step has taken yet: ${MOST_KEPT}, or ${MOST_KEPT_SIZE / 1024 / 1024} MiB of values`,
    hint: "Send it again when steps have taken some. Is its name one that a step of the run will wait for?",
  };
}

function takersOf(state: RunState, name: string, now: number): Takers {
  const takers: Takers = { count: 0, isOpen: false, late: undefined, names: new Set() };
  for (let step = 0; step < state.steps.length; step++) {
    const phase = phaseOf(state, step);
    const definition = stepAt(state, step);
    if (phase.tag === "waiting-for-signal") {
      takers.names.add(phase.signal);
      if (phase.signal !== name) continue;
      if (phase.fired === true || closesAt(state, step) <= now) takers.late ??= definition.id;
      else takers.count++;
    } else if (!(isContainerStep(definition) && state.containers.has(step))) {
      // The children of one that was expanded stand for themselves.
      noteStep(takers, definition, name, hasEnded(phase));
    }
  }
  return takers;
}

/** A step that does not wait yet, or no more. */
function noteStep(takers: Takers, { action, forEach }: Step, name: string, isOver: boolean): void {
  if (action.kind === "signal") {
    if (hasTemplate(action.name)) takers.isOpen ||= !isOver;
    else {
      takers.names.add(action.name);
      if (action.name === name && !isOver) takers.count += forEach === undefined ? 1 : Infinity;
    }
  }
  if (action.kind !== "plan") return;
  if (action.plan === undefined) takers.isOpen ||= !isOver;
  else
    for (const inner of action.plan.steps)
      noteStep(takers, forEach === undefined ? inner : { ...inner, forEach }, name, isOver);
}

/** `wrong`: what is wrong with its value by the `output` schema of a step that may take it. */
export function invalidSignal(run: string, signal: string, step: string, wrong: string): Problem {
  return {
    code: "InvalidSignal",
    message: `the value of the signal ${signal} is not what step ${step} of run ${run} takes: ${wrong}`,
    hint: "Nothing was recorded. Send a value that matches the `output` schema of that step.",
  };
}

/** The schemas of steps that may take a signal of the name: what its value has to match. */
export function schemasOfSignal(
  state: RunState,
  name: string,
): readonly { readonly step: string; readonly schema: JsonObject }[] {
  return state.steps.flatMap(({ id, action, output }, step) => {
    const phase = phaseOf(state, step);
    if (output === undefined || action.kind !== "signal" || hasEnded(phase)) return [];
    const wanted = phase.tag === "waiting-for-signal" ? phase.signal : action.name;
    return wanted === name ? [{ step: id, schema: output }] : [];
  });
}
