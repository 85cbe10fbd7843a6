/**
 * Executor: carries out one attempt from task to outcome: gets a workspace, fills in the step's templates, calls a
 * runner, checks the output. Knows no run, no retry and no journal. Never throws: an error is the attempt's outcome.
 */
import type { AgentExecutor } from "../agent/port.ts";
import type { Execute, RunningTask } from "../backend/port.ts";
import { defined } from "../base/defined.ts";
import { messageOf } from "../base/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Action, Functions, Step, StepFunction } from "../plan/plan.ts";
import type { Attempt, Runner, Work } from "../runner/port.ts";
import type { Workspace, Workspaces } from "../workspace/port.ts";
import { filledEnv, filledText, filledValue, mayHoldTemplate } from "./templates.ts";
import type { Outcome, StopReason, Note, Task } from "../run/attempt.ts";
import type { AnswerDecision } from "../run/event.ts";

/** What the code of a run's plan is found by; registered by the caller that starts the run. */
export interface PlanCode {
  readonly functions: Functions;
  /** Absolute path of the module that the plan came from. */
  readonly planModule?: string;
  /** Absolute folder that module paths of `call` start from. */
  readonly folder: string;
}

export interface ExecuteOptions {
  readonly runner: Runner;
  readonly workspaces: Workspaces;
  readonly codeFor: (run: string) => PlanCode;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * What is wrong with an output by its step's schema, in one line; `undefined`: nothing. Ends, whatever they are, and at once when
   * the signal is given: what it says then is not asked for.
   */
  readonly checkOutput: (schema: JsonObject, output: Json, signal: AbortSignal) => Promise<string | undefined>;
  /** What commands print is shown with colours. */
  readonly colour?: boolean | undefined;
  /** Does what an attempt does, as a part of its trace. Absent: nothing is traced. */
  readonly traced?: (<T>(task: Task, work: () => T) => T) | undefined;
  /** Carries out agents' steps; asked for with the first one. Absent: they fail. */
  readonly agents?: () => Promise<AgentExecutor>;
}

/** Carries out a task. */
export function executor(options: ExecuteOptions): Execute {
  return (task, onNote) => new Execution(options, task, onNote);
}

/** Keeps `stop` and `kill` until there is an attempt to pass them to. */
class Execution implements RunningTask {
  readonly outcome: Promise<Outcome>;
  readonly #options: ExecuteOptions;
  readonly #task: Task;
  readonly #onNote: (note: Note) => void;
  #running: RunningTask | undefined;
  #stopReason: StopReason | undefined;
  #isKilled = false;
  /** No output counts whose check was not done when the attempt had to end. */
  readonly #checking: AbortController | undefined;

  constructor(options: ExecuteOptions, task: Task, onNote: (note: Note) => void) {
    this.#options = options;
    this.#task = task;
    this.#onNote = onNote;
    this.#checking = task.step.output === undefined ? undefined : new AbortController();
    this.outcome = this.#work();
  }

  stop(reason: StopReason): void {
    this.#stopReason ??= reason;
    this.#checking?.abort();
    this.#running?.stop(reason);
  }

  kill(): void {
    this.#isKilled = true;
    this.#stopReason ??= "cancel";
    this.#checking?.abort();
    this.#running?.kill();
  }

  answer(decision: AnswerDecision): void {
    this.#running?.answer?.(decision);
  }

  async #work(): Promise<Outcome> {
    const { run, step, attempt } = this.#task;
    // An agent works in a worktree, where the folder is looked for when it begins.
    const cwd = isAgents(step) ? undefined : step.cwd;
    let workspace: Workspace | undefined;
    try {
      const taken = await this.#options.workspaces.take({ run, step: step.id, attempt, cwd });
      if (!taken.ok) return failed("spawn", taken.error.message);
      workspace = taken.value;
      return await this.#workIn(workspace);
    } catch (thrown) {
      return failed("spawn", messageOf(thrown));
    } finally {
      await workspace?.release();
    }
  }

  async #workIn(workspace: Workspace): Promise<Outcome> {
    const task = this.#task;
    const filled = isAsWritten(task.step) ? ok(task.step) : await fill(task, this.#options);
    if (!filled.ok) return failed("expression", filled.error);
    if (isAgents(task.step)) {
      const signal = this.#checking?.signal;
      const agent = await startAgent(task, workspace, filled.value, {
        ...this.#options,
        signal,
        onNote: this.#onNote,
      });
      if (agent === undefined) return failed("spawn", "agents cannot be started here");
      if (this.#stopReason !== undefined) agent.stop(this.#stopReason);
      // Verification and what the plan says of its output are part of its merge.
      return await this.#follow(agent);
    }
    const prepared = prepare(task, workspace, filled.value, this.#options, (data) => this.#tell(data));
    if (!prepared.ok) return failed("spawn", prepared.error);
    const { value: attempt } = prepared;
    if (this.#stopReason !== undefined) return { kind: "stopped", reason: this.#stopReason };
    const start = (): RunningTask => this.#options.runner.start(attempt);
    const { traced } = this.#options;
    const outcome = await this.#follow(traced === undefined ? start() : traced(task, start));
    const { output, verify } = task.step;
    if (output === undefined && verify === undefined) return outcome;
    return await this.#examine(attempt, workspace, outcome);
  }

  #tell(data: JsonObject): void {
    this.#onNote({ type: "step.progress", data });
  }

  #follow(running: RunningTask): Promise<Outcome> {
    this.#running = running;
    if (this.#isKilled) running.kill();
    return running.outcome;
  }

  /** Holds a success against what the plan says of it. */
  async #examine(attempt: Attempt, workspace: Workspace, first: Outcome): Promise<Outcome> {
    const { step } = this.#task;
    let outcome = first;
    if (outcome.kind === "succeeded" && step.output !== undefined && this.#checking !== undefined) {
      const { output, usage } = outcome;
      const problem = mismatch(await this.#options.checkOutput(step.output, output, this.#checking.signal));
      if (this.#stopReason !== undefined) return defined({ kind: "stopped", reason: this.#stopReason, usage });
      if (problem !== undefined) outcome = failed("output", problem);
    }
    for (const command of step.verify ?? NONE) {
      if (outcome.kind !== "succeeded") break;
      if (this.#stopReason !== undefined) return { kind: "stopped", reason: this.#stopReason };
      const verification = this.#options.runner.start(verificationOf(attempt, command, this.#task, workspace));
      outcome = judged(outcome, command, await this.#follow(verification));
    }
    return outcome;
  }
}

const NONE: readonly string[] = [];
const NO_ENV: Readonly<Record<string, string>> = {};

function isAgents({ action }: Step): boolean {
  return action.kind === "agent";
}

function failed(code: "spawn" | "output" | "expression", message: string): Outcome {
  return { kind: "failed", error: { code, message } };
}

/** `undefined`: there are no agents here. */
async function startAgent(
  task: Task,
  workspace: Workspace,
  { action, env = NO_ENV }: Filled,
  options: ExecuteOptions & { readonly signal: AbortSignal | undefined; readonly onNote: (note: Note) => void },
): Promise<RunningTask | undefined> {
  const { signal, onNote } = options;
  const agents = await options.agents?.();
  if (agents === undefined) return undefined;
  const prompt = action.kind === "agent" ? action.prompt : "";
  const { folder } = options.codeFor(task.run);
  const schema = task.step.output;
  const check =
    schema &&
    signal &&
    (async (output: Json): Promise<string | undefined> => mismatch(await options.checkOutput(schema, output, signal)));
  const known = { ...traceVariables(task), ...env };
  return agents.start(defined({ task, prompt, env: known, folder, logFile: workspace.logFile, check }), onNote);
}

/** One `verify` command as a separate attempt: same folder, environment and log; its result is its exit code. */
function verificationOf(
  attempt: Attempt,
  command: string,
  { shell }: Task,
  { exchangeBase: base }: Workspace,
): Attempt {
  const exchangeBase = base === null ? null : `${base}.verify`;
  return { ...attempt, work: { kind: "run", command, shell }, exchangeBase, isolate: false };
}

/** The step's success, if its verification agrees. */
function judged(success: Outcome, command: string, verdict: Outcome): Outcome {
  if (verdict.kind === "succeeded") return success;
  if (verdict.kind !== "failed") return verdict;
  const line = command.trim().split("\n", 1)[0] ?? "";
  return {
    ...verdict,
    error: { ...verdict.error, message: `verify \`${line.slice(0, 80)}\` failed: ${verdict.error.message}` },
  };
}

/** The step's action and environment without a template left in them. */
type Filled = Pick<Step, "action" | "env">;

function prepare(
  task: Task,
  workspace: Workspace,
  filled: Filled,
  options: ExecuteOptions,
  onProgress: (data: JsonObject) => void,
): Result<Attempt, string> {
  const { step } = task;
  const work = workOf(task, filled.action, options.codeFor(task.run));
  if (!work.ok) return work;
  const attempt: Attempt = {
    run: task.run,
    step: step.id,
    attempt: task.attempt,
    work: work.value,
    cwd: workspace.cwd,
    env: task.trace === undefined ? (filled.env ?? NO_ENV) : { ...traceVariables(task), ...filled.env },
    envMode: step.envMode ?? (step.action.kind === "agent" ? "strict" : "inherit"),
    passEnv: step.passEnv ?? NONE,
    secrets: step.secrets ?? NONE,
    isolate: step.isolate === true,
    colour: options.colour,
    deps: step.deps === undefined ? undefined : task.deps,
    params: task.params,
    logFile: workspace.logFile,
    // For commands alone: a workspace may have to make a folder for it.
    exchangeBase: work.value.kind === "run" ? workspace.exchangeBase : null,
    graceMs: task.graceMs,
    onProgress,
    item: task.item,
    maxMemoryMb: step.limits?.maxMemoryMb,
  };
  return ok(attempt);
}

/** As processes find their place in a trace. What the plan says of these variables goes first. */
function traceVariables({ trace }: Task): Readonly<Record<string, string>> {
  return trace === undefined ? NO_ENV : defined({ TRACEPARENT: trace.traceparent, TRACESTATE: trace.tracestate });
}

/** What may contain templates besides the environment. */
function templatesOf(action: Action): Json | undefined {
  if (action.kind === "call") return action.with;
  return action.kind === "agent" ? action.prompt : undefined;
}

function isAsWritten({ action, env }: Step): boolean {
  return !mayHoldTemplate(env, templatesOf(action));
}

/** The step's action and environment with every template evaluated. */
async function fill(task: Task, { environment }: ExecuteOptions): Promise<Result<Filled, string>> {
  const { action } = task.step;
  const env = await filledEnv(task, environment);
  if (!env.ok) return env;
  if (action.kind === "agent") {
    const prompt = await filledText(action.prompt, task, environment);
    if (!prompt.ok) return err(`the prompt cannot be evaluated: ${prompt.error}`);
    return ok({ action: { ...action, prompt: prompt.value }, env: env.value });
  }
  if (action.kind !== "call" || action.with === undefined) return ok({ action, env: env.value });
  const filled = await filledValue(action.with, task, environment);
  if (!filled.ok) return err(`"with" cannot be evaluated: ${filled.error}`);
  return ok({ action: { ...action, with: isJsonObject(filled.value) ? filled.value : {} }, env: env.value });
}

function workOf(task: Task, action: Action, code: PlanCode): Result<Work, string> {
  switch (action.kind) {
    case "run":
      return ok({ kind: "run", command: action.command, shell: task.shell });
    case "call":
      return ok({
        kind: "call",
        module: joinPath(code.folder, action.module),
        export: action.export,
        with: action.with ?? {},
      });
    case "function": {
      const fn = functionOf(code.functions, task.step.id);
      if (fn === undefined)
        return err(`the function of step ${task.step.id} is not loaded: run the plan from the module that defines it`);
      const inputs: Record<string, Json> = Object.create(null) as Record<string, Json>;
      for (const [name, id] of Object.entries(action.needs ?? {})) inputs[name] = task.deps[id] ?? null;
      return ok({ kind: "function", inputs, fn, planModule: code.planModule });
    }
    default:
      return err(`no runner carries out a step of kind ${action.kind}`);
  }
}

/** The items of a `forEach` share the function of their container. */
export function functionOf(functions: Functions, id: string): StepFunction | undefined {
  return functions.get(id) ?? functions.get(id.replaceAll(/\[\d+\]/g, ""));
}

function joinPath(folder: string, path: string): string {
  return path.startsWith("/") ? path : `${folder}/${path}`;
}

function mismatch(problem: string | undefined): string | undefined {
  return problem === undefined ? undefined : `the output does not match its schema: ${problem}`;
}
