/**
 * Shell runner for `run`: one shell command per attempt. Knows what a command gets (environment, files) and what its end
 * means; its {@link Commands} know how processes are started.
 */
import { closeSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { defined } from "../base/defined.ts";
import { messageOf } from "../base/errors.ts";
import { openPlainToAppend } from "../files/plain-file.ts";
import { ok, type Result } from "../base/result.ts";
import { type BaseEnvironments, type Environment, TAG_VARIABLE, passed, withoutToken } from "../process/environment.ts";
import { type Exchange, exchangeFiles, makeExchange, readOutput, readSteps, removeExchange } from "./exchange.ts";
import { type Masker, maskerFor } from "../base/mask.ts";
import { maskOutcome } from "../run/mask-outcome.ts";
import { failedAttempt } from "./failed-attempt.ts";
import { writeToLog } from "./log-file.ts";
import type { Attempt, RunningAttempt, Runner } from "./port.ts";
import { type CommandEnd, type ProcessSpec, type Commands, argumentsOf } from "../process/process.ts";
import { formatTag } from "../process/table.ts";
import type { MemoryWatch } from "../process/memory.ts";
import type { Outcome, StopReason } from "../run/attempt.ts";
import type { ResourceUsage } from "../run/event.ts";

export interface ShellOptions {
  readonly commands: Commands;
  readonly bases: BaseEnvironments;
  readonly memory: MemoryWatch;
  /** Called for each run whose command may have left a process behind. */
  readonly onLeftovers?: (run: string) => void;
}

export function shellRunner(options: ShellOptions): Runner {
  return {
    kinds: ["run"],
    start: (attempt) => startShell(options, attempt),
    warm: () => options.commands.warm(),
    [Symbol.asyncDispose]: () => options.commands[Symbol.asyncDispose](),
  };
}

function startShell(options: ShellOptions, attempt: Attempt): RunningAttempt {
  const { work } = attempt;
  if (work.kind !== "run") return failedAttempt("spawn", `a shell cannot carry out work of kind ${work.kind}`);
  const files = attempt.exchangeBase === null ? undefined : exchangeFiles(attempt.exchangeBase);
  const env = environmentOf(options.bases, attempt, files);
  try {
    if (files !== undefined) makeExchange(files, attempt.deps);
  } catch (thrown) {
    return failedAttempt("spawn", `cannot write the files for the step: ${messageOf(thrown)}`);
  }
  const masking = maskerFor(attempt.secrets, (name) => env[name] ?? options.bases.inherit[name]);
  if (!masking.ok) {
    if (files !== undefined) removeExchange(files);
    return failedAttempt("spawn", masking.error);
  }
  const mask = masking.value;
  const opened =
    mask === undefined ? ok(undefined) : maskedLog(attempt.logFile, mask, () => running.stop(attempt.graceMs));
  if (!opened.ok) {
    if (files !== undefined) removeExchange(files);
    return failedAttempt("spawn", `cannot open the log: ${attempt.logFile} ${opened.error}`);
  }
  const log = opened.value;
  const spec: ProcessSpec = defined({
    command: work.command,
    shell: work.shell,
    cwd: attempt.cwd,
    base: attempt.envMode,
    env,
    logFile: attempt.logFile,
    graceMs: attempt.graceMs,
    sink: log?.write,
  });
  const running = options.commands.start(spec);
  let reason: StopReason | undefined;
  function stop(why: StopReason): void {
    if (reason !== undefined) return;
    reason = why;
    running.stop(attempt.graceMs);
  }
  const watch = options.memory.watch(attempt.maxMemoryMb, running.members, () => stop("memory"));
  const outcome = running.ended.then((end) => {
    const peakMemoryMb = watch.end();
    log?.end();
    if (end.kind === "exited" && !end.contained) options.onLeftovers?.(attempt.run);
    const usage = peakMemoryMb === undefined ? undefined : { peakMemoryMb };
    const ended = outcomeOf({ attempt, end, reason, files, usage, spec, mask });
    const problem = log?.problem();
    const isCut = problem !== undefined && reason === undefined;
    const plain: Outcome = isCut ? { kind: "failed", error: { code: "spawn", message: problem } } : ended;
    if (files !== undefined) removeExchange(files);
    return mask === undefined ? plain : maskOutcome(plain, mask);
  });
  return {
    outcome,
    stop,
    kill() {
      reason ??= "cancel";
      running.kill();
    },
  };
}

function environmentOf(bases: BaseEnvironments, attempt: Attempt, files: Exchange | undefined): Environment {
  const tag = { run: attempt.run, attempt: attempt.attempt, step: attempt.step };
  const env: Record<string, string> = {
    ...(isColoured(bases, attempt) ? { FORCE_COLOR: "1" } : undefined),
    ...(attempt.passEnv.length > 0 ? passed(bases, attempt.passEnv) : undefined),
    ...withoutToken(attempt.env),
    HEDDLE_RUN: attempt.run,
    HEDDLE_STEP: attempt.step,
    HEDDLE_ATTEMPT: String(attempt.attempt),
    [TAG_VARIABLE]: formatTag(tag),
  };
  if (attempt.item !== undefined)
    env["ITEM"] = typeof attempt.item === "string" ? attempt.item : JSON.stringify(attempt.item);
  if (files !== undefined) {
    env["HEDDLE_OUTPUT"] = files.output;
    env["HEDDLE_STEPS"] = files.steps;
    if (attempt.deps !== undefined) env["HEDDLE_DEPS"] = files.deps;
  }
  return env;
}

/** `strict` is an allow-list. Who has decided about colours, in the plan or around heddle, has decided. */
function isColoured(bases: BaseEnvironments, { colour, env, envMode }: Attempt): boolean {
  const isDecided = (of: Environment): boolean => "FORCE_COLOR" in of || "NO_COLOR" in of;
  return colour === true && envMode === "inherit" && !isDecided(bases.inherit) && !isDecided(env);
}

interface Ended {
  readonly attempt: Attempt;
  readonly end: CommandEnd;
  readonly reason: StopReason | undefined;
  readonly files: Exchange | undefined;
  readonly usage: ResourceUsage | undefined;
  readonly spec: ProcessSpec;
  readonly mask: Masker | undefined;
}

function outcomeOf({ attempt, end, reason, files, usage, spec, mask }: Ended): Outcome {
  const used = usage === undefined ? {} : { usage };
  if (reason === "memory") {
    const peak = usage?.peakMemoryMb;
    const message = `the step's processes used ${peak === undefined ? "more" : `${peak} MB`}, its limit is ${attempt.maxMemoryMb} MB`;
    return { kind: "failed", error: { code: "memory", message }, ...used };
  }
  if (reason !== undefined) return { kind: "stopped", reason, ...used };
  if (end.kind === "unstarted" || end.code === 126 || end.code === 127) {
    const message = tooLarge(spec) ?? whyNotStarted(spec) ?? (end.kind === "unstarted" ? end.message : undefined);
    if (message !== undefined) return { kind: "failed", error: { code: "spawn", message }, ...used };
  }
  if (end.kind === "unstarted")
    return { kind: "failed", error: { code: "spawn", message: "the command did not start" } };
  if (end.code !== 0) return { kind: "failed", error: exitError(end), ...used };
  if (files === undefined) return { kind: "succeeded", output: null, ...used };
  const plain = attempt.colour === true;
  const output = readOutput(files, mask, plain);
  if (!output.ok) return { kind: "failed", error: { code: "output", message: output.error }, ...used };
  const steps = readSteps(files, mask, plain);
  if (!steps.ok) return { kind: "failed", error: { code: "output", message: steps.error }, ...used };
  return defined({ kind: "succeeded", output: output.value, steps: steps.value, ...used });
}

function exitError(end: Extract<CommandEnd, { kind: "exited" }>): {
  code: "exit";
  message: string;
  exitCode: number;
  signal?: string;
} {
  if (end.signal !== undefined) {
    return {
      code: "exit",
      // A command that exits with such a code by itself looks the same.
      message: `the command ended with exit code ${end.code}, that of a process killed by ${end.signal}`,
      exitCode: end.code,
      signal: end.signal,
    };
  }
  const why = end.code === 127 ? ": a command was not found" : end.code === 126 ? ": a file is not executable" : "";
  return { code: "exit", message: `the command ended with exit code ${end.code}${why}`, exitCode: end.code };
}

/** Bytes of one `NAME=value` that Linux passes to a program, with the byte that ends it. */
const LONGEST_VARIABLE = 128 * 1024;

function tooLarge({ env }: ProcessSpec): string | undefined {
  for (const [name, value] of Object.entries(env)) {
    const bytes = Buffer.byteLength(value);
    if (Buffer.byteLength(name) + bytes + 2 <= LONGEST_VARIABLE) continue;
    return (
      `the variable ${name} has ${bytes} bytes, more than the system passes to a command (${LONGEST_VARIABLE}); ` +
      "read large values from the file $HEDDLE_DEPS"
    );
  }
  return undefined;
}

/** What of the command's surroundings is missing, looked at after the fact. */
function whyNotStarted(spec: ProcessSpec): string | undefined {
  if (!isFolder(spec.cwd)) return `the folder ${spec.cwd} does not exist`;
  const [program] = argumentsOf(spec);
  const path = spec.env["PATH"] ?? process.env["PATH"] ?? "";
  const candidates = program.includes("/") ? [program] : path.split(delimiter).map((folder) => join(folder, program));
  if (!candidates.some((file) => statSync(file, { throwIfNoEntry: false })?.isFile()))
    return `the shell ${program} was not found`;
  return undefined;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

interface MaskedLog {
  readonly write: (stream: "stdout" | "stderr", chunk: Buffer) => void;
  end(): void;
  /** Why it could not be written. */
  problem(): string | undefined;
}

/** Writes what comes, masked, as it comes: the write itself is what holds a flood back. */
function maskedLog(logFile: string | null, mask: Masker, onProblem: () => void): Result<MaskedLog, string> {
  const opened = logFile === null ? ok(undefined) : openPlainToAppend(logFile);
  if (!opened.ok) return opened;
  const file = opened.value;
  let problem: string | undefined;
  const put = (chunk: Buffer): void => {
    if (file === undefined || logFile === null || problem !== undefined) return;
    problem = writeToLog(file, logFile, chunk);
    if (problem !== undefined) onProblem();
  };
  const streams = { stdout: mask.stream(put), stderr: mask.stream(put) };
  return ok({
    write: (stream, chunk) => streams[stream].push(chunk),
    end() {
      streams.stdout.end();
      streams.stderr.end();
      if (file !== undefined) closeSync(file);
    },
    problem: () => problem,
  });
}
