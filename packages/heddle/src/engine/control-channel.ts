/** Control channel: renews the lease while an engine holds a run, and reads requests that were sent to it. */
import { HEARTBEAT_MS, type Lease, type Leases, type Mailbox, type Watcher } from "../journal/port.ts";
import type { Problem } from "../base/errors.ts";
import { answerProblem, checkControlRequest, type ControlRequest } from "../run/control.ts";
import { runInBackground } from "./background.ts";
import type { Timers } from "./timers.ts";
import { err, ok, type Result } from "../base/result.ts";
import { eventsOfAnswer, eventsOfSignal, isTooLate } from "../run/input-events.ts";
import { signalProblem } from "../run/signal-problem.ts";
import type { EventBody } from "../run/event.ts";
import { askedAt, phaseOf, type RunState } from "../run/state.ts";
import { answeredTooLate, leaseProblem, notAsked } from "./problems.ts";
import type { EnginePorts } from "./ports.ts";
import { Recorder } from "./recorder.ts";
import { recover } from "./recovery.ts";

export interface ControlChannelOptions {
  readonly journal: Leases & Mailbox;
  readonly lease: Lease;
  readonly timers: Timers;
  /** 0: no other process can send a request. */
  readonly pollMs: number;
  /** Resolves when all that follows from them at once is on disk; false: nothing more will be recorded. */
  readonly handle: (requests: readonly ControlRequest[]) => Promise<boolean>;
  readonly leaseLost: () => void;
  /** Called when the journal cannot answer. */
  readonly onFault: (problem: Problem) => void;
}

/** Runs until the timers are closed. */
export function openControlChannel(options: ControlChannelOptions): void {
  // A journal that no other process has: nobody takes the run over, and nobody asks.
  if (options.pollMs === 0) return;
  beat(options);
  poll(options, options.journal.watch(), 0);
}

function beat(options: ControlChannelOptions): void {
  options.timers.arm("heartbeat", HEARTBEAT_MS, () => {
    const answered = options.journal.heartbeat(options.lease).then((held) => {
      if (held) beat(options);
      else options.leaseLost();
    });
    runInBackground(answered, options.onFault);
  });
}

function poll(options: ControlChannelOptions, watcher: Watcher, last: number): void {
  options.timers.arm("poll", options.pollMs, () => {
    runInBackground(
      handleNew(options, watcher, last).then((seen) => poll(options, watcher, seen)),
      options.onFault,
    );
  });
}

/**
 * Handles requests newer than `last`; returns the newest seen. They are settled when what follows from them is on disk: an
 * engine that is killed before that leaves them to the next one, which takes none a second time. One that the check refuses is
 * settled without effect: its sender sees that nothing happened, and the run continues.
 */
async function handleNew(
  { journal, lease, handle }: ControlChannelOptions,
  watcher: Watcher,
  last: number,
): Promise<number> {
  if (!watcher.changed()) return last;
  const requests = await journal.requests(lease.run, last);
  const newest = requests.at(-1)?.id ?? last;
  if (newest === last) return last;
  const checked = requests.map(({ body }) => checkControlRequest(body));
  const isRecorded = await handle(checked.flatMap((request) => (request.ok ? [request.value] : [])));
  if (isRecorded) await journal.settle(lease.run, newest);
  return newest;
}

/** What is recorded also where nobody works on the run: a resume goes on with it. */
export type RecordedRequest = Extract<ControlRequest, { kind: "answer" | "signal" }>;

/** Records an answer or a signal where nobody works on the run. */
export async function recordRequest(
  ports: EnginePorts,
  run: string,
  request: RecordedRequest,
): Promise<Result<"done", Problem>> {
  const leased = await ports.journal.acquire(run, ports.holder);
  if (!leased.ok) return err(leaseProblem(leased.error, run));
  try {
    const recovered = await recover(ports.journal, run);
    if (!recovered.ok) return recovered;
    const { state } = recovered.value;
    const taken = eventsOfRequest(state, request, ports.clock.now());
    if (!taken.ok) return taken;
    const recorder = new Recorder({ ...ports, lease: leased.value, ...recovered.value });
    for (const event of taken.value) recorder.record(event);
    const committed = await recorder.commit();
    return committed.ok ? ok("done") : committed;
  } finally {
    await ports.journal.release(leased.value);
  }
}

/** The events of a signal, or of an answer to a question that was open when its engine went. */
function eventsOfRequest(
  state: RunState,
  request: RecordedRequest,
  now: number,
): Result<readonly EventBody[], Problem> {
  if (request.kind === "answer") return eventsOfAnswerRequest(state, request, now);
  const isNew = !state.signalIds.has(request.id);
  const problem = isNew ? signalProblem(state, request.signal, { now }) : undefined;
  return problem === undefined ? ok(eventsOfSignal(state, request)) : err(problem);
}

function eventsOfAnswerRequest(
  state: RunState,
  { kind: _kind, step: id, askedAt: meant, ...answer }: Extract<ControlRequest, { kind: "answer" }>,
  now: number,
): Result<readonly EventBody[], Problem> {
  const step = state.index.byId.get(id);
  const phase = step === undefined ? undefined : phaseOf(state, step);
  if (step === undefined || phase?.tag !== "waiting-for-answer" || phase.answer !== undefined) {
    // A question of a running attempt ended with its engine.
    const tag = phase?.tag === "running" ? "interrupted" : phase?.tag;
    return err(notAsked(state.run, id, tag));
  }
  if (meant !== undefined && meant !== askedAt(state, step)) return err(notAsked(state.run, id, "answered"));
  if (isTooLate(state, step, now)) return err(answeredTooLate(state.run, id));
  const problem = answerProblem(phase, answer, `${state.run} ${id}`);
  return problem === undefined ? ok(eventsOfAnswer(state, step, answer)) : err(problem);
}

/**
 * Deals with requests that the last engine left, sent before `since`: an answer or a signal is recorded, as it would be where nobody works
 * on the run, before anything else is asked; what was to cancel or pause that engine's work ended with it.
 */
export async function takeLeftRequests(
  { journal, clock }: Pick<EnginePorts, "journal" | "clock">,
  { state, recorder, since }: { readonly state: RunState; readonly recorder: Recorder; readonly since: number },
): Promise<Result<void, Problem>> {
  const left = (await journal.requests(state.run, 0)).filter(({ time }) => time < since);
  const newest = left.at(-1);
  if (newest === undefined) return ok(undefined);
  for (const { body, time } of left) {
    const checked = checkControlRequest(body);
    if (!checked.ok || (checked.value.kind !== "answer" && checked.value.kind !== "signal")) continue;
    if (checked.value.kind === "answer" && isOlderThanQuestion(state, checked.value, time)) continue;
    const taken = eventsOfRequest(state, checked.value, clock.now());
    if (taken.ok) for (const event of taken.value) recorder.record(event);
  }
  const committed = await recorder.commit();
  if (committed.ok) await journal.settle(state.run, newest.id);
  return committed;
}

/** It was for an earlier question of the step: its event is on disk, and its engine was killed before it was settled. */
function isOlderThanQuestion(
  state: RunState,
  { step }: Extract<RecordedRequest, { kind: "answer" }>,
  time: number,
): boolean {
  const phase = state.phases[state.index.byId.get(step) ?? -1];
  return phase?.tag === "waiting-for-answer" && time < phase.since;
}
