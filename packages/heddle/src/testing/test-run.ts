/**
 * Test run: runs a plan by the real engine in memory, on a clock that goes on by itself to the next moment at which something is
 * due. Knows no test runner.
 *
 * Invariants:
 *  1. The clock stands still while anything is at work. Nothing waits for real time but real functions.
 *  2. A test run comes to an end: where nothing can happen any more it is `waiting`, or an error that says what is waited for.
 */
import path from "node:path";
import { loadedPlan, type CheckedPlan, type Runnable } from "../api/plan.ts";
import { invalidOption } from "../api/errors.ts";
import type { AnswerOptions } from "../api/handle.ts";
import { toStartOptions, type RunPlanOptions } from "../api/settings.ts";
import { systemClock } from "../base/clock.ts";
import { defined } from "../base/defined.ts";
import { writeDuration } from "../base/duration.ts";
import { HeddleError, orThrow } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { suggest } from "../base/suggest.ts";
import { openTestProject } from "../host/test-project.ts";
import type { PlanDefinition } from "../plan/define.ts";
import type { Action, Step } from "../plan/plan.ts";
import type { OptionsWith, ParamsInput, ParamSpecs } from "../plan/param-values.ts";
import type { Answer, Event, LoadedPlan, Project, RunHandle, RunOutcome } from "../project/port.ts";
import { questionAt } from "../view/question.ts";
import { failuresOf } from "../view/run-progress.ts";
import { FakeMachine, type Fakes } from "./fake-machine.ts";
import { ms } from "./fake-attempt.ts";
import { eventsTold, outputsIn, testStep, type TestResult } from "./test-result.ts";
import { settle } from "./virtual-clock.ts";

/** A person's answer to a question. */
export type FakeAnswer =
  | "approve"
  | "reject"
  | (AnswerOptions & {
      /** The answer to an approval; to an agent's question it is yes where `answer` is given; default: `approve`. */
      readonly decision?: "approve" | "reject";
      /** The text for an agent that asks; default: none. */
      readonly answer?: string;
      /** How long the person takes on the fake clock, as in `"10m"`, or a number of seconds; default: no time. */
      readonly after?: string | number;
    });

/** A run in a test, while it goes on. */
export interface RunInTest {
  /** Milliseconds on the fake clock since the run's begin. */
  elapsedMs(): number;
  /** Ends the run as `cancelled`. */
  cancel(): void;
  /** From now on so many steps at once. @throws {HeddleError} `InvalidRequest` where it is no whole number from 1. */
  setConcurrency(maxConcurrency: number): void;
  /** No new step starts until {@link unpause}. */
  pause(reason?: string): void;
  /** Takes a {@link pause} back. */
  unpause(): void;
  /** Answers the question of a step. @throws {HeddleError} `NotAsked`, `InvalidAnswer`. */
  answer(step: string, answer: FakeAnswer): void;
  /** Sends a signal for a step that waits for it, or will. Rejects with a {@link HeddleError}: `UnknownSignal`, `SignalNotAwaited`, ... */
  signal(name: string, value?: Json): Promise<void>;
}

/** What happens in a run beside the plan itself. */
export interface TestScript {
  /** What steps do in place of their work, by id; items of a `forEach` by `id[0]`, or all by `id`; default: functions run, all else fails. */
  readonly steps?: Fakes;
  /** Answers to questions, by step id, one after another where a step asks again; default: nobody answers. */
  readonly answers?: { readonly [step: string]: FakeAnswer | readonly FakeAnswer[] };
  /** What else happens, by the time since the run's begin, as in `"10m"`; default: nothing. */
  readonly at?: { readonly [after: string]: (run: RunInTest) => unknown };
  /** Called with every event, in order; default: none. */
  readonly onEvent?: (event: Event, run: RunInTest) => void;
}

/** The options of `run` that mean something in memory, and what is faked. */
export interface TestRunOptions<P extends ParamSpecs = ParamSpecs>
  extends TestScript, Omit<RunPlanOptions<P>, "projectDir" | "memory" | "wait" | "signal" | "onEvent"> {
  /** What expressions know as `env`; default: empty. */
  readonly env?: { readonly [name: string]: string };
  /** Where the fake clock begins; default: 2000-01-01 00:00 UTC. */
  readonly now?: Date;
  /** Real time that a function of the plan may take before the test run fails, as in `"1m"`, or a number of seconds; default: 4s. */
  readonly stuckAfter?: string | number;
}

/** A finished test run, which can be resumed: by other fakes, as after a failure was fixed. */
export interface ResumableResult extends TestResult {
  /** Continues the run. The clock goes on where it stood. */
  resume(script?: TestScript): Promise<ResumableResult>;
}

type TestArguments<P extends ParamSpecs> = OptionsWith<Omit<TestRunOptions, "params">, ParamsInput<P>>;

const RUN_ID = "test";
const BEGIN = Date.UTC(2000, 0, 1);
/** Steps at once where nobody says: a test does not depend on the machine. */
const NO_LIMIT = 1_000_000;
const STUCK_AFTER = "4s";
/** How often nothing must happen, with a little real time in between, before a run counts as stuck. */
const QUIET_TURNS = 20;

/**
 * Runs a plan in memory: by the real engine, on a fake clock, with fakes in place of commands and agents. Real functions run as they
 * are. Timeouts, retries and sleeps pass at once, and exactly.
 *
 * ```ts
 * const result = await testRun(release, { steps: { build: [fails("flaky"), succeeds()] }, answers: { ship: "approve" } });
 * ```
 *
 * @throws {PlanError} where the plan cannot run. @throws {HeddleError} where a fake fits no step, or the run hangs.
 */
export function testRun<P extends ParamSpecs>(
  plan: PlanDefinition<P> | CheckedPlan,
  ...[options]: TestArguments<P>
): Promise<ResumableResult>;
export async function testRun(plan: Runnable, options: TestRunOptions = {}): Promise<ResumableResult> {
  const { params, env = {}, now = new Date(BEGIN), stuckAfter = STUCK_AFTER, onEvent: _onEvent, ...rest } = options;
  const settings = toStartOptions(rest);
  if (!settings.ok) throw settings.error;
  const read = await loadedPlan(plan, params);
  if (!read.ok) throw read.error;
  const loaded = read.value;
  if (!Number.isFinite(now.getTime())) throw invalidOption("now", "a valid date", now);
  const dir = loaded.file === undefined ? process.cwd() : path.dirname(loaded.file);
  const machine = new FakeMachine({ now: now.getTime(), dir, env });
  // What is loaded on the way takes real time, for which a clock at its next moment does not wait.
  await Promise.all([
    import("../plan/expression/cel.ts"),
    import("../plan/expression/check.ts"),
    import("../plan/schema/output-check.ts"),
  ]);
  const test = new TestSession(openTestProject(dir, machine), machine, loaded, ms(stuckAfter));
  const maxConcurrency = settings.value.maxConcurrency ?? loaded.plan.maxConcurrency ?? NO_LIMIT;
  const start = { ...settings.value, maxConcurrency, run: RUN_ID, wait: true };
  return test.carryOut(options, (onEvent) => test.project.runs.start(loaded, { ...start, onEvent }));
}

type Begin = (onEvent: (event: Event) => void) => ReturnType<Project["runs"]["start"]>;

class TestSession {
  readonly project: Project;
  readonly #machine: FakeMachine;
  readonly #loaded: LoadedPlan;
  readonly #stuckAfterMs: number;
  readonly #events: Event[] = [];
  #begunAt = 0;
  #signals = 0;

  constructor(project: Project, machine: FakeMachine, loaded: LoadedPlan, stuckAfterMs: number) {
    this.project = project;
    this.#machine = machine;
    this.#loaded = loaded;
    this.#stuckAfterMs = stuckAfterMs;
  }

  async carryOut(script: TestScript, begin: Begin): Promise<ResumableResult> {
    const { steps = {}, answers = {}, at = {}, onEvent } = script;
    checkKinds(this.#loaded, steps, answers);
    this.#machine.fakes = steps;
    if (this.#events.length === 0) this.#begunAt = this.#machine.clock.now();
    const handle = Promise.withResolvers<RunHandle>();
    const session: { handle?: RunHandle } = {};
    const control = this.#control(() => session.handle);
    const given = new Map<string, number>();
    let listenerFault: { readonly thrown: unknown } | undefined;
    const onFault = (thrown: unknown): void => {
      listenerFault ??= { thrown };
      session.handle?.cancel();
    };
    const guarded = (work: () => unknown): void => {
      try {
        const result = work();
        if (result instanceof Promise) result.catch(onFault);
      } catch (thrown) {
        onFault(thrown);
      }
    };
    const asked = (step: string): void => {
      const time = given.get(step) ?? 0;
      given.set(step, time + 1);
      const answer = answerFor(answers, step, time);
      if (answer !== undefined)
        this.#machine.clock.after(afterMs(answer), () => guarded(() => control.answer(step, answer)));
    };
    const begun = await begin((event) => {
      this.#events.push(event);
      if (event.type === "approval.requested") asked(event.step);
      if (onEvent !== undefined) void handle.promise.then(() => guarded(() => onEvent(event, control)));
    });
    const held = orThrow(begun);
    session.handle = held;
    handle.resolve(held);
    // Of a run that is resumed: what was asked before.
    for (const [at, { id }] of held.state().steps.entries())
      if (questionAt(held.state(), at) !== undefined && !given.has(id)) asked(id);
    const due = new Set(Object.keys(at));
    const cancels = Object.entries(at).map(([after, act]) =>
      this.#machine.clock.after(ms(after), () => {
        due.delete(after);
        guarded(() => act(control));
      }),
    );
    const beganAt = this.#machine.clock.now();
    const outcome = await this.#drive(held);
    for (const cancel of cancels) cancel();
    if (listenerFault !== undefined) throw listenerFault.thrown;
    if (outcome.stopped !== undefined) throw new HeddleError(outcome.stopped);
    checkNames(held, [...Object.keys(steps), ...Object.keys(answers)]);
    const [late] = due;
    if (late !== undefined) throw tooLate(late, this.#machine.clock.now() - beganAt);
    return this.#result(held, outcome);
  }

  #control(handle: () => RunHandle | undefined): RunInTest {
    return {
      elapsedMs: () => this.#machine.clock.now() - this.#begunAt,
      cancel: () => handle()?.cancel(),
      signal: async (signal, value = null) => {
        const id = `signal ${++this.#signals}`;
        const sent = await handle()?.signal({ signal, value, by: "test", id });
        if (sent !== undefined) orThrow(sent);
      },
      setConcurrency: (maxConcurrency) =>
        void orThrow(handle()?.setConcurrency({ maxConcurrency, by: "test" }) ?? { ok: true, value: undefined }),
      pause: (reason = "requested by the test") => handle()?.pause(reason),
      unpause: () => handle()?.unpause(),
      answer: (step, answer) =>
        void orThrow(handle()?.answer(step, asAnswer(answer)) ?? { ok: true, value: undefined }),
    };
  }

  /** Lets time pass until the run has ended, or nothing but people can help. */
  async #drive(handle: RunHandle): Promise<RunOutcome> {
    const { clock } = this.#machine;
    let isOver = false;
    const over = (): void => void (isOver = true);
    handle.result.then(over, over);
    let quiet = 0;
    for (;;) {
      await settle();
      if (isOver) return await handle.result;
      if (this.#machine.atWork.length > 0) {
        await this.#waitForWork(handle);
        quiet = 0;
      } else if (clock.advance() || handle.stopWaiting()) quiet = 0;
      else if (++quiet > QUIET_TURNS) return await this.#stuck(handle, "nothing is due any more");
      else await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Real functions take real time. */
  async #waitForWork(handle: RunHandle): Promise<void> {
    const late = Promise.withResolvers<"late">();
    const cancel = systemClock().after(this.#stuckAfterMs, () => late.resolve("late"));
    const first = await Promise.race([this.#machine.idle(), handle.result, late.promise]);
    cancel();
    if (first !== "late") return;
    const steps = [...new Set(this.#machine.atWork)].join(", ");
    await this.#stuck(handle, `the function of step ${steps} has not returned for ${this.#stuckAfterMs / 1000} s`);
  }

  async #stuck(handle: RunHandle, why: string): Promise<never> {
    handle.kill();
    throw new HeddleError({
      code: "TestRunHangs",
      message: `the test run hangs: ${why}`,
      hint: "The fake clock stands still while a real function runs. Where it is to be timed out or cancelled, fake it: `steps: { id: hangs() }`.",
    });
  }

  #result(handle: RunHandle, outcome: RunOutcome): ResumableResult {
    const state = handle.state();
    const events = [...this.#events];
    const input = { state, events, calls: [...this.#machine.calls] };
    const outputs: Readonly<Record<string, Json>> = { ...outcome.outputs };
    return {
      run: RUN_ID,
      status: outcome.status,
      ...outputsIn(outputs),
      failures: failuresOf(state),
      ...eventsTold(events),
      step(id) {
        const found = testStep(input, id);
        if (found !== undefined) return found;
        throw unknownStep(handle, id);
      },
      resume: (script = {}) =>
        this.carryOut(script, (onEvent) =>
          this.project.runs.resume(RUN_ID, { wait: true, onEvent, current: this.#loaded }),
        ),
    };
  }
}

function answerFor(answers: NonNullable<TestScript["answers"]>, step: string, time: number): FakeAnswer | undefined {
  const whole = step.replaceAll(/\[\d+\]/g, "");
  const name = [step, whole].find((one) => Object.hasOwn(answers, one));
  const given = name === undefined ? undefined : answers[name];
  return Array.isArray(given) ? (given as readonly FakeAnswer[])[time] : (given as FakeAnswer | undefined);
}

function afterMs(answer: FakeAnswer): number {
  return typeof answer === "string" ? 0 : ms(answer.after);
}

function asAnswer(given: FakeAnswer): Answer {
  if (typeof given === "string") return { decision: given, by: "test" };
  const { decision = "approve", by = "test", comment, answer } = given;
  return defined<Answer>({ decision, by, comment: answer ?? comment });
}

/** Steps that do no work that could be faked: what a test says instead. */
const NOT_FAKED: { readonly [kind in Action["kind"]]?: (id: string) => string } = {
  approve: (id) => `without ${id}, which \`answers\` answers`,
  plan: (id) => `without ${id}: fake the steps inside, as ${id}/ID`,
  sleep: (id) => `without ${id}, whose time passes by itself`,
  signal: (id) => `without ${id}: send its signal, as in \`at: { "5m": (run) => run.signal(NAME) }\``,
};
const ASKING: ReadonlySet<Action["kind"]> = new Set(["approve", "agent", "plan"]);

/** What can be said before anything runs: a question is not faked as work, and work is not answered. */
function checkKinds({ plan }: LoadedPlan, steps: Fakes, answers: NonNullable<TestScript["answers"]>): void {
  for (const { id, action, verify, undo } of plan.steps) {
    // Agents verify by commands of the whole plan too.
    const commands = { verify: verify ?? (action.kind === "agent" ? [] : undefined), undo };
    for (const [key, command] of Object.entries(commands)) {
      const name = `${id}#${key}`;
      if (command === undefined && Object.hasOwn(steps, name))
        throw invalidOption("steps", `without ${name}: the step has no \`${key}\``, steps[name]);
    }
    const instead = NOT_FAKED[action.kind];
    if (instead !== undefined && Object.hasOwn(steps, id)) throw invalidOption("steps", instead(id), steps[id]);
    if (Object.hasOwn(answers, id) && !ASKING.has(action.kind))
      throw invalidOption("answers", `without ${id}, which asks nobody`, answers[id]);
  }
}

/** A name that no step has, or an item that never comes, would test nothing. What is inside of a step that never began is not known. */
function checkNames(handle: RunHandle, names: readonly string[]): void {
  const { steps, index, containers } = handle.state();
  const wholes = new Set(steps.map(({ id }) => id.replaceAll(/\[\d+\]/g, "")));
  for (const name of names) {
    const id = name.replace(/#(?:verify|undo)$/, "");
    if (index.byId.has(id) || wholes.has(id)) continue;
    const around = index.byId.get(stepAround(id, index.byId) ?? "");
    const step = around === undefined ? undefined : steps[around];
    const grows = step !== undefined && (step.forEach !== undefined || step.action.kind === "plan");
    if (around === undefined || !grows) throw unknownStep(handle, id);
    const children = containers.get(around)?.children;
    if (children !== undefined) throw neverCame(id, step, children.length);
  }
}

/** The innermost step of the run that the id is inside of. */
function stepAround(id: string, known: ReadonlyMap<string, number>): string | undefined {
  for (let at = id.length - 1; at > 0; at--) {
    const isBoundary = id[at] === "/" || id[at] === "[";
    if (isBoundary && known.has(id.slice(0, at))) return id.slice(0, at);
  }
  return undefined;
}

function neverCame(id: string, { id: around, forEach }: Step, count: number): HeddleError {
  const parts = forEach === undefined ? "step" : "item";
  return new HeddleError({
    code: "UnknownStep",
    message: `the run has no step ${JSON.stringify(id)}: ${around} had ${count} ${parts}${count === 1 ? "" : "s"}`,
    hint: "Take its fake or answer out, or correct what it is for: it was not used.",
  });
}

function tooLate(at: string, elapsedMs: number): HeddleError {
  return new HeddleError({
    code: "InvalidOption",
    message: `the option at has ${JSON.stringify(at)}, and the run was over after ${elapsedMs === 0 ? "no time" : writeDuration(elapsedMs)}`,
    hint: "What is to happen then did not. Give it an earlier time, or let the steps take longer: `succeeds(output, { takes })`.",
  });
}

function unknownStep(handle: RunHandle, id: string): HeddleError {
  const near = suggest(id, handle.state().index.byId.keys());
  return new HeddleError(
    defined({
      code: "UnknownStep",
      message: `the run has no step ${JSON.stringify(id)}`,
      hint: near === undefined ? undefined : `Did you mean ${near}?`,
    }),
  );
}
