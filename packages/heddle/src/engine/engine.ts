/**
 * Engine: starts, resumes and undoes runs: takes the lease, records how the run begins, and passes it to the scheduler.
 */
import { BugError, present } from "../base/assert.ts";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import { shellWord } from "../base/shell-word.ts";
import { randomId } from "../base/ids.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Graph } from "../graph/graph.ts";
import { remainingPath } from "../graph/paths.ts";
import type { Lease } from "../journal/port.ts";
import { DEFAULT_GRACE_MS, DEFAULT_MAX_AGENTS, type Plan, type Step } from "../plan/plan.ts";
import { createState } from "../run/apply.ts";
import { withConcurrency } from "../run/concurrency.ts";
import { earlierFailures, stepsToUndo } from "../run/finish.ts";
import { RUN_RULES, type CancelReason, type EventOf, type RunOptions } from "../run/event.ts";
import { HistoryChecker } from "../run/check/history-checker.ts";
import { isRunEnded, stepAt, type RunState } from "../run/state.ts";
import { withAlwaysAgain } from "../run/resume.ts";
import { newVolatile } from "../run/volatile.ts";
import type { ResumeOptions, RunHandle, StartOptions, WaitOptions } from "./api.ts";
import type { Answer, ConcurrencyChange, RunOutcome, Signal } from "../run/control.ts";
import { signalProblem } from "../run/signal-problem.ts";
import { faultOf } from "./background.ts";
import { takeLeftRequests } from "./control-channel.ts";
import { finishAgents, isLandingDue, recordedLanding } from "./landing.ts";
import type { EnginePorts } from "./ports.ts";
import { leaseProblem } from "./problems.ts";
import { Recorder } from "./recorder.ts";
import { planFileDrift } from "./plan-file-drift.ts";
import {
  againProblem,
  alwaysProblem,
  type CancelOptions,
  cutShortProblem,
  functionsProblem,
  planForRun,
  planResume,
  recover,
  type ResumeChoices,
} from "./recovery.ts";
import { resultOf } from "./result.ts";
import { Scheduler } from "./scheduler.ts";
import type { RunTrace } from "../telemetry/port.ts";
import type { Landing } from "../run/attempt.ts";
import type { LoadedPlan } from "../graph/loaded-plan.ts";

/** Takes a plan as a new run and starts it. The handle comes back before anything has run. */
export async function startRun(
  ports: EnginePorts,
  loaded: LoadedPlan,
  options: StartOptions & { readonly maxConcurrency: number },
): Promise<Result<RunHandle, Problem>> {
  const run = options.run ?? randomId(ports.random);
  const now = ports.clock.now();
  warm(ports, loaded.plan.steps);
  const trace = (await ports.openTracing?.())?.begin({ run, plan: loaded.plan.name });
  const leased = await ports.journal.create({ run, plan: loaded.plan.name, createdAt: now }, ports.holder);
  if (!leased.ok) return err(leaseProblem(leased.error, run));
  const created: EventOf<"run.created"> = {
    run,
    seq: 1,
    time: now,
    type: "run.created",
    data: creation(ports, loaded.plan, { ...options, traceparent: trace?.traceparent }),
  };
  const state = createState(created, loaded.graph);
  if (!state.ok) throw new BugError("a loaded plan is not a graph");
  const checker = new HistoryChecker();
  checker.next(created);
  const recorder = new Recorder({ ...ports, lease: leased.value, state: state.value, checker, pending: [created] });
  try {
    await weigh(ports, state.value, loaded.graph, loaded.plan);
  } catch (thrown) {
    await ports.journal.release(leased.value);
    return err(faultOf(thrown));
  }
  resetVolatile(ports, state.value, options);
  recorder.record({ type: "run.started", data: {} });
  if (options.reuse !== undefined) recordReuse(recorder, options.reuse);
  return ok(runLoop(ports, { lease: leased.value, state: state.value, recorder, trace }, options));
}

function recordReuse(recorder: Recorder, { run: from, results, ended }: NonNullable<StartOptions["reuse"]>): void {
  for (const [step, result] of results) recorder.record({ type: "step.reused", step, data: { from, ...result } });
  for (const [step, end] of ended ?? [])
    recorder.record({ type: "step.skipped", step, data: { reason: { kind: "earlier", ...end } } });
}

/** The runners of commands are prepared first: they start in parallel to the first commits, which take as long. */
function warm(ports: EnginePorts, steps: readonly Step[]): void {
  if (steps.some(({ action }) => action.kind === "run")) ports.backend.warm();
}

function creation(
  ports: EnginePorts,
  plan: Plan,
  options: StartOptions & { readonly maxConcurrency: number; readonly traceparent: string | undefined },
): EventOf<"run.created">["data"] {
  const beginning = options.reuse?.beginning;
  const head = beginning === undefined ? ports.gitHead() : { ...beginning, commit: beginning.base };
  const timeoutMs = options.timeoutMs ?? plan.timeoutMs;
  const runOptions: RunOptions = defined({
    maxConcurrency: options.sequential === true ? 1 : options.maxConcurrency,
    maxAgents: options.maxAgents ?? plan.maxAgents ?? DEFAULT_MAX_AGENTS,
    schedule: options.schedule ?? plan.schedule ?? "ready",
    failure: options.failure ?? plan.failure ?? "fail-fast",
    rollback: options.rollback ?? plan.rollback ?? "none",
    sequential: options.sequential === true ? true : undefined,
    timeoutMs,
    only: options.only,
    planFile: options.planFile,
  });
  return defined({
    plan,
    options: runOptions,
    engine: ports.version,
    rules: RUN_RULES,
    gitHead: head?.commit,
    branch: head?.branch,
    begin: beginning?.begin,
    from: options.reuse?.run,
    traceparent: options.traceparent,
  });
}

/** A run whose history and lease an engine has. */
interface TakenRun {
  readonly lease: Lease;
  readonly state: RunState;
  readonly recorder: Recorder;
  readonly trace: RunTrace | undefined;
}

/** Goes on with a recorded run. A run that succeeded executes nothing: it lands, if it has not, and its handle has the recorded result. */
export async function resumeRun(
  ports: EnginePorts,
  run: string,
  options: ResumeOptions,
): Promise<Result<RunHandle, Problem>> {
  return takeOver(ports, run, async (taken) => {
    const { state, recorder } = taken;
    // After a rollback by command some of its steps wait again.
    const isDone = state.phase.tag === "succeeded" && state.index.open === 0;
    const { again } = options;
    if (again === undefined) {
      if (options.mode === "retry" && (isDone || !hasPartsToRetry(state))) return err(nothingToRetry(state));
      if (isDone && !isLandingDue(state)) return ok(undefined);
    } else {
      const unfit = againProblem(state, again);
      if (unfit !== undefined) return err(unfit);
    }
    const current = planForRun(state, options.current);
    const choices = await choicesOf(ports, state, { ...options, current });
    const planned = isDone && again === undefined ? undefined : withAlways(state, planResume(state, choices));
    if (planned?.ok === false) return planned;
    const cutShort = cutShortProblem(state, planned?.value.reset ?? []);
    if (cutShort !== undefined) return err(cutShort);
    if (planned === undefined) return ok(runLoop(ports, taken, options));
    const unloaded = current === undefined ? functionsProblem(state, planned.value.reset) : undefined;
    if (unloaded !== undefined) return err(unloaded);
    const data =
      options.maxConcurrency === undefined
        ? planned.value
        : { ...planned.value, options: withConcurrency(state.options, options.maxConcurrency) };
    await ports.backend.sweep(run, state.plan.graceMs ?? DEFAULT_GRACE_MS);
    const isNewPlan = data.plan !== undefined && current !== undefined;
    await weigh(ports, state, isNewPlan ? current.graph : state.index.graph, data.plan ?? state.plan);
    resetVolatile(ports, state, options);
    recorder.record({ type: "run.resumed", data });
    if (state.startedAt === undefined) recorder.record({ type: "run.started", data: {} });
    return ok(runLoop(ports, taken, options));
  });
}

async function choicesOf(
  ports: EnginePorts,
  state: RunState,
  { current, acceptChanges, again }: Pick<ResumeChoices, "current" | "acceptChanges" | "again">,
): Promise<ResumeChoices> {
  const { planFile } = state.options;
  const files = await planFileDrift(state, (file) => ports.subplanContent(planFile, file));
  return defined({ engine: ports.version, current, files, acceptChanges, again });
}

/** What is always to run runs again after what it comes after. */
function withAlways(
  state: RunState,
  planned: Result<EventOf<"run.resumed">["data"], Problem>,
): Result<EventOf<"run.resumed">["data"], Problem> {
  if (!planned.ok) return planned;
  return ok({ ...planned.value, reset: withAlwaysAgain(state, planned.value.reset) });
}

/**
 * Ends a run that nobody works on as `cancelled`: takes it up, ends what its dead engine left, and starts only what is always to run.
 * `onTaken` is called before anything has run.
 */
export async function cancelRun(
  ports: EnginePorts,
  run: string,
  options: CancelOptions = {},
  onTaken?: (handle: RunHandle) => void,
): Promise<Result<"done", Problem>> {
  const taken = await takeOver(ports, run, async (taken) => {
    const { state, recorder } = taken;
    if (isRunEnded(state.phase)) {
      return err({
        code: "RunEnded",
        message: `run ${run} has ended: ${state.phase.tag}`,
        hint: `\`heddle show ${run}\` shows it.`,
      });
    }
    const planned = planResume(state, { engine: ports.version });
    if (!planned.ok) return planned;
    const unloaded = alwaysProblem(state, options);
    if (unloaded !== undefined) return err(unloaded);
    await ports.backend.sweep(run, state.plan.graceMs ?? DEFAULT_GRACE_MS);
    resetVolatile(ports, state, {});
    recorder.record({ type: "run.resumed", data: planned.value });
    if (state.startedAt === undefined) recorder.record({ type: "run.started", data: {} });
    const handle = runLoop(ports, taken, {});
    handle.cancel();
    return ok(handle);
  });
  if (!taken.ok) return taken;
  onTaken?.(taken.value);
  const { stopped } = await taken.value.result;
  return stopped === undefined ? ok("done") : err(stopped);
}

/** Undoes the succeeded steps of a run that has ended, newest success first. */
export async function rollbackRun(ports: EnginePorts, run: string): Promise<Result<RunHandle, Problem>> {
  return takeOver(ports, run, async (taken) => {
    const { state, recorder } = taken;
    if (!isRunEnded(state.phase)) {
      return err({
        code: "RunNotEnded",
        message: `run ${run} has not ended, so its steps cannot be undone`,
        hint: `End it with \`heddle cancel ${run}\`, or continue it with \`heddle resume ${run}\`.`,
      });
    }
    const mode = state.options.rollback === "none" ? "all" : state.options.rollback;
    const steps = stepsToUndo(state, mode).map((step) => stepAt(state, step).id);
    if (steps.length === 0) return ok(undefined);
    await ports.backend.sweep(run, state.plan.graceMs ?? DEFAULT_GRACE_MS);
    resetVolatile(ports, state, {});
    recorder.record({ type: "rollback.started", data: { mode, steps } });
    return ok(runLoop(ports, taken, {}));
  });
}

/** Takes the lease and the history of a run; releases the lease if `go` does not pass it to a scheduler. */
async function takeOver(
  ports: EnginePorts,
  run: string,
  go: (taken: TakenRun) => Promise<Result<RunHandle | undefined, Problem>>,
): Promise<Result<RunHandle, Problem>> {
  const since = ports.clock.now();
  const leased = await ports.journal.acquire(run, ports.holder);
  if (!leased.ok) return err(leaseProblem(leased.error, run));
  let handed = false;
  try {
    const recovered = await recover(ports.journal, run);
    if (!recovered.ok) return recovered;
    const { state, checker, traceparent: recorded } = recovered.value;
    const tracing = await ports.openTracing?.();
    const trace = tracing?.begin(defined({ run, plan: state.plan.name, recorded }));
    trace?.takeUp(state);
    const recorder = new Recorder({ ...ports, lease: leased.value, state, checker });
    const left = await takeLeftRequests(ports, { state, recorder, since });
    if (!left.ok) return left;
    const gone = await go({ lease: leased.value, state, recorder, trace });
    if (!gone.ok) return gone;
    handed = gone.value !== undefined;
    return ok(gone.value ?? finishedHandle(state));
  } finally {
    if (!handed) await ports.journal.release(leased.value);
  }
}

function hasPartsToRetry({ index: { counts } }: RunState): boolean {
  return counts.failed + counts.cancelled + counts.interrupted + counts.retrying + counts.running > 0;
}

function nothingToRetry(state: RunState): Problem {
  const { run, phase, index } = state;
  const [carried] = earlierFailures(state);
  const optional = phase.tag === "succeeded" && index.counts.failed > 0;
  const message = optional
    ? `run ${run} has succeeded: only optional steps failed`
    : `run ${run} has no failed, cancelled or interrupted step`;
  const hint = optional
    ? `\`heddle rerun ${run} --from STEP\` runs one of them, and what depends on it, in a new run.`
    : carried !== undefined
      ? `\`heddle rerun ${run} --from ${shellWord(stepAt(state, carried).id)}\` runs what failed before, and what depends on it, in a new run.`
      : phase.tag === "succeeded"
        ? `\`heddle show ${run}\` shows its steps.`
        : `\`heddle resume ${run}\` continues it.`;
  return { code: "NothingToRetry", message, hint };
}

/**
 * Gives steps their weight: the longest expected remaining path, from recorded durations, else estimates, else 1. Before the
 * event that fills the queues, which are ordered by it.
 */
async function weigh(ports: EnginePorts, state: RunState, graph: Graph, plan: Plan): Promise<void> {
  const recorded = await ports.journal.expectedDurations(plan.name);
  const expected = (step: Step): number => recorded.get(step.id) ?? step.estimateMs ?? 1;
  const remaining = remainingPath(graph, (at) => expected(present(plan.steps[at], "step", at)));
  state.index.rank = { weight: (step) => remaining[step] ?? expected(stepAt(state, step)) };
}

/** Before the event that lets steps arrive: the volatile state is reset. */
function resetVolatile(ports: EnginePorts, state: RunState, { pauseBeforeLayers }: WaitOptions): void {
  const policy = {
    sweeps: true,
    examines: ports.examine !== undefined,
    pausesBeforeLayers: pauseBeforeLayers === true,
  };
  Object.assign(state.volatile, newVolatile(policy));
}

function runLoop(ports: EnginePorts, taken: TakenRun, options: WaitOptions): RunHandle {
  const { lease, state, recorder, trace } = taken;
  let landing: Landing | undefined;
  const scheduler = new Scheduler({
    atEnd: async (isStopped) => {
      landing = await finishAgents(ports, state, recorder, isStopped);
    },
    ports,
    lease,
    state,
    recorder,
    trace,
    wait: options.wait === true,
  });
  if (trace !== undefined) recorder.subscribe((event) => trace.event(event, state));
  if (options.onEvent !== undefined) recorder.subscribe(options.onEvent);
  if (state.index.open > 0) warm(ports, state.steps);
  // A turn later, so that the caller can subscribe to the handle before the first event.
  const result = ports
    .batchTick()
    .then(() => scheduler.run())
    .then((ended) => withLanding(ended, landing))
    .finally(() => trace?.end());
  return {
    run: state.run,
    result,
    state: () => state,
    subscribe: (listener) => recorder.subscribe(listener),
    cancel: (reason: CancelReason = "cancel") => scheduler.cancel(reason),
    stopWaiting: () => scheduler.stopWaiting(),
    kill: () => scheduler.kill(),
    setConcurrency: (change: ConcurrencyChange) => scheduler.setConcurrency(change),
    pause: (reason: string) => scheduler.pause(reason),
    unpause: () => scheduler.unpause(),
    answer: (step: string, answer: Answer) => scheduler.answer(step, answer),
    signal: (signal: Signal) => scheduler.signal(signal),
    waitingFor: () => scheduler.waitingFor(),
  };
}

/** Its outputs are collected when they are asked for: the result is extended, not copied. */
function withLanding(ended: RunOutcome, landing: Landing | undefined): RunOutcome {
  return landing === undefined ? ended : Object.defineProperty(ended, "landing", { value: landing, enumerable: true });
}

/** The handle of a run in which nothing is left to do. */
function finishedHandle(state: RunState): RunHandle {
  const status: RunOutcome["status"] =
    state.phase.tag === "failed" || state.phase.tag === "cancelled" ? state.phase.tag : "succeeded";
  const nothing = (): void => undefined;
  return {
    run: state.run,
    result: Promise.resolve(withLanding(resultOf(state, status, undefined), recordedLanding(state))),
    state: () => state,
    subscribe: () => nothing,
    cancel: nothing,
    stopWaiting: () => false,
    kill: nothing,
    setConcurrency: () => ok(undefined),
    pause: nothing,
    unpause: nothing,
    answer: (step) =>
      err({ code: "NotAsked", message: `run ${state.run} has ended; step ${step} is not waiting for an answer` }),
    signal: async ({ signal }) =>
      err(
        signalProblem(state, signal, { now: state.lastTime }) ?? {
          code: "RunEnded",
          message: `run ${state.run} has ended`,
        },
      ),
    waitingFor: () => undefined,
  };
}
