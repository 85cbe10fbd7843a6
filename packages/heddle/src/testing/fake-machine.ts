/**
 * Fake machine: carries out the attempts of a test on virtual time: by their fakes, or by the real functions of the plan. Starts
 * no process, writes no file, knows no order of steps.
 *
 * Invariants:
 *  1. An attempt is at work from its dispatch to its outcome, but for the time that its fake waits for the clock. The clock may go on
 *     only where none is at work.
 *  2. A command, an agent and a `call` without a fake fails: nothing is tested by what did not happen.
 */
import type { AgentExecutor, AgentJob } from "../agent/port.ts";
import type { Execute } from "../backend/port.ts";
import { defined } from "../base/defined.ts";
import { messageOf } from "../base/errors.ts";
import { err, ok } from "../base/result.ts";
import { toJson, type Json } from "../base/json.ts";
import type { TestMachine } from "../host/test-project.ts";
import type { StepFunction } from "../plan/plan.ts";
import type { Outcome, StopReason } from "../run/attempt.ts";
import type { Attempt, RunningAttempt, Runner, Work } from "../runner/port.ts";
import type { Workspaces } from "../workspace/port.ts";
import { type Fake, type FakeCall, type FakeFunction, type FakeScript, scriptOf } from "./fake-attempt.ts";
import { VirtualClock } from "./virtual-clock.ts";

export type Fakes = { readonly [step: string]: Fake };

/** A call that was made in place of an attempt's work, or of one of its `verify` commands. */
export interface MadeCall extends FakeCall {
  /** The step's own work, or its undo. */
  readonly isMain: boolean;
}

/** Without jitter: a retry comes after exactly the time that the plan says. */
const NO_CHANCE = 0.5;

/** What an attempt's fake is asked with. */
interface Asked {
  readonly call: FakeCall;
  /** Checks and converts the output, as the real function's is. */
  readonly check?: StepFunction["check"];
  /** What fails where nothing else is said. */
  readonly code: "exit" | "error";
}

export class FakeMachine implements TestMachine {
  readonly clock: VirtualClock;
  readonly random = (): number => NO_CHANCE;
  readonly environment: Readonly<Record<string, string>>;
  readonly workspaces: Workspaces;
  readonly agents: AgentExecutor;
  readonly calls: MadeCall[] = [];
  fakes: Fakes = {};
  /** The steps of what is at work, by attempt. */
  readonly #atWork = new Map<unknown, string>();
  #idle: (() => void) | undefined;
  /** Attempts whose own work has begun: what follows is their verification. */
  readonly #begun = new Set<string>();

  constructor(options: { readonly now: number; readonly dir: string; readonly env: Readonly<Record<string, string>> }) {
    this.clock = new VirtualClock(options.now);
    this.environment = options.env;
    const { dir } = options;
    this.workspaces = {
      take: async () => ok({ cwd: dir, logFile: null, exchangeBase: null, release: async () => undefined }),
      logFile: () => null,
      removeRun: async () => undefined,
    };
    this.agents = {
      start: (job) => ({ ...this.#startAgent(job), answer: () => undefined }),
      finishRun: async () => undefined,
      revert: async (_run, { step }) => err({ code: "NotMerged", message: `nothing of ${step} is merged` }),
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  /** Ids of steps that are at work now: the clock stands still for them. */
  get atWork(): readonly string[] {
    return [...this.#atWork.values()];
  }

  /** Resolves when an attempt that is at work ends or waits for the clock. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }

  runner(functions: Runner): Runner {
    return {
      kinds: ["run", "call", "function"],
      start: (attempt) => this.#start(attempt, functions),
      [Symbol.asyncDispose]: () => functions[Symbol.asyncDispose](),
    };
  }

  watched(execute: Execute): Execute {
    return (task, onNote) => {
      const key = keyOf(task.step.id, task.attempt);
      this.#atWork.set(key, task.step.id);
      const running = execute(task, onNote);
      const end = (): void => this.#end(key);
      running.outcome.then(end, end);
      return running;
    };
  }

  async during<T>(work: Promise<T>): Promise<T> {
    this.#atWork.set(work, "");
    try {
      return await work;
    } finally {
      this.#end(work);
    }
  }

  #end(key: unknown): void {
    this.#atWork.delete(key);
    this.#idle?.();
    this.#idle = undefined;
  }

  #start(attempt: Attempt, functions: Runner): RunningAttempt {
    const { step, work } = attempt;
    const key = keyOf(step, attempt.attempt);
    const isMain = !this.#begun.has(key);
    this.#begun.add(key);
    const isUndo = attempt.attempt === 0;
    // Verification and undo work where a test says nothing of them.
    const isBeside = isUndo || !isMain;
    const given = isBeside ? this.#fakeOf(`${step}#${isUndo ? "undo" : "verify"}`) : this.#fakeOf(step);
    if (given === undefined && work.kind === "function") return functions.start(attempt);
    const kind = isUndo ? "undo" : isMain ? kindOf(work) : "verify";
    const call = (signal: AbortSignal): FakeCall =>
      defined<FakeCall>({
        step,
        attempt: attempt.attempt,
        kind,
        inputs: (work.kind === "function" ? work.inputs : (attempt.deps ?? {})) as FakeCall["inputs"],
        params: attempt.params,
        item: attempt.item,
        env: attempt.env,
        command: work.kind === "run" ? work.command : undefined,
        signal,
      });
    const check = work.kind === "function" ? work.fn.check : undefined;
    const code = work.kind === "run" ? "exit" : "error";
    const fake = given ?? (isBeside ? () => null : () => unscripted(step, kind));
    return this.#carryOut(fake, attempt.attempt, isMain, (signal) => defined({ call: call(signal), check, code }));
  }

  #startAgent({ task, prompt, env, check }: AgentJob): RunningAttempt {
    const step = task.step.id;
    const fake = this.#fakeOf(step) ?? (() => unscripted(step, "agent"));
    const call = (signal: AbortSignal): FakeCall =>
      defined<FakeCall>({
        step,
        attempt: task.attempt,
        kind: "agent",
        inputs: task.deps as FakeCall["inputs"],
        params: task.params,
        item: task.item,
        env,
        prompt,
        answers: (task.agent?.before.answers ?? []).map(({ answer }) => answer),
        signal,
      });
    const accepted: StepFunction["check"] =
      check &&
      (async (output) => {
        const problem = await check(output as Json);
        return problem === undefined ? { value: output } : { problem };
      });
    return this.#carryOut(fake, task.attempt, true, (signal) =>
      defined({ call: call(signal), check: accepted, code: "error" as const }),
    );
  }

  /** Of the step itself; else, for an item of a list, of the step that has the items. */
  #fakeOf(step: string): Fake | undefined {
    if (Object.hasOwn(this.fakes, step)) return this.fakes[step];
    const whole = step.replaceAll(/\[\d+\]/g, "");
    return Object.hasOwn(this.fakes, whole) ? this.fakes[whole] : undefined;
  }

  #carryOut(fake: Fake, attempt: number, isMain: boolean, ask: (signal: AbortSignal) => Asked): RunningAttempt {
    const aborter = new AbortController();
    const { promise: outcome, resolve } = Promise.withResolvers<Outcome>();
    let stopped: StopReason | undefined;
    const asked = ask(aborter.signal);
    this.calls.push({ ...asked.call, isMain });
    const stop = (reason: StopReason): void => {
      if (stopped !== undefined) return;
      stopped = reason;
      aborter.abort(reason);
      resolve({ kind: "stopped", reason });
    };
    void this.#play(fakeFor(fake, attempt), asked).then(resolve);
    return { outcome, stop, kill: () => stop("cancel") };
  }

  async #play(fake: FakeFunction | FakeScript, asked: Asked): Promise<Outcome> {
    try {
      if (typeof fake !== "function") return await this.#playScript(fake, asked);
      const value = await fake(asked.call);
      const script = scriptOf(value);
      return script === undefined ? await succeeded(value, asked) : await this.#playScript(script, asked);
    } catch (thrown) {
      return failed({ message: messageOf(thrown) }, asked);
    }
  }

  async #playScript(script: FakeScript, asked: Asked): Promise<Outcome> {
    await this.#wait(asked.call, script.kind === "hangs" ? Number.POSITIVE_INFINITY : script.takesMs);
    switch (script.kind) {
      case "succeeds":
        return await succeeded(script.output, asked);
      case "fails":
        return failed(script.error, asked);
      case "asks": {
        const { question, options } = script;
        if (asked.call.kind !== "agent") return failed({ message: "only a fake of an agent can ask" }, asked);
        return defined<Outcome>({ kind: "unresolved", about: "question", question, options });
      }
      case "hangs":
        return { kind: "stopped", reason: "cancel" };
    }
  }

  /** Lets the clock go on for so long, or until the attempt is stopped. */
  async #wait({ step, attempt, signal }: FakeCall, forMs: number): Promise<void> {
    if (forMs === 0 || signal.aborted) return;
    const key = keyOf(step, attempt);
    this.#end(key);
    await new Promise<void>((resolve) => {
      // At work again before the clock can go on.
      const goOn = (): void => {
        this.#atWork.set(key, step);
        resolve();
      };
      const cancel = Number.isFinite(forMs) ? this.clock.after(forMs, goOn) : undefined;
      signal.addEventListener("abort", () => {
        cancel?.();
        goOn();
      });
    });
  }
}

function keyOf(step: string, attempt: number): string {
  return `${attempt}:${step}`;
}

function kindOf(work: Work): FakeCall["kind"] {
  return work.kind === "run" ? "command" : work.kind;
}

function fakeFor(fake: Fake, attempt: number): FakeFunction | FakeScript {
  const one = Array.isArray(fake) ? (fake as readonly Fake[])[Math.min(Math.max(1, attempt), fake.length) - 1] : fake;
  const script = scriptOf(one);
  if (script !== undefined) return script;
  if (typeof one === "function") return one;
  return () => {
    throw new TypeError("a fake is made by succeeds, fails, hangs or asks, or is a function, or a list of these");
  };
}

async function succeeded(value: unknown, { call, check, code }: Asked): Promise<Outcome> {
  const checked = check === undefined ? { value } : await check(value);
  if ("problem" in checked)
    return failed({ code: "output", message: `the output is invalid: ${checked.problem}` }, { call, code });
  const output = toJson(checked.value);
  return output.ok
    ? { kind: "succeeded", output: output.value }
    : failed({ code: "output", message: output.error }, { call, code });
}

function failed(
  { message = "it failed", code: given, exitCode, class: of }: Extract<FakeScript, { kind: "fails" }>["error"],
  { code }: Asked,
): Outcome {
  const used = given ?? code;
  const exit = used === "exit" ? (exitCode ?? 1) : undefined;
  return { kind: "failed", error: defined({ code: used, message, exitCode: exit, class: of }) };
}

function unscripted(step: string, kind: FakeCall["kind"]): never {
  const what = kind === "agent" ? "an agent" : `a ${kind}`;
  throw new Error(
    `step ${step} is ${what}, and the test has no fake for it: steps: { ${JSON.stringify(step)}: succeeds() }`,
  );
}
