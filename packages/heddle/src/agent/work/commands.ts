/**
 * Worktree commands: runs a plan's setup and verify commands in a worktree. Each writes to its own file, whose end
 * explains a failure.
 */
import { rmSync } from "node:fs";
import type { Clock } from "../../base/clock.ts";
import { defined } from "../../base/defined.ts";
import { plainFileProblem, readPlainEnd } from "../../files/plain-file.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { Runner } from "../../runner/port.ts";
import { portVariables } from "../adapters/environment.ts";
import { Cancellation } from "./cancellation.ts";
import type { AgentJob } from "../port.ts";
import type { VerifyFailure } from "../../git/types.ts";
import type { Outcome } from "../../run/attempt.ts";

export interface CommandPlace {
  /** Absolute. */
  readonly folder: string;
  readonly ports: readonly number[];
  /** For names of databases and the like: the worktree's own. */
  readonly slug: string;
  /** Suffixes of file names: `setup`, `verify`. */
  readonly name: string;
  /** Beside that of the attempt itself. */
  readonly signal?: AbortSignal;
}

/** What agents and commands know the worktree's slug by. */
export const SLUG_VARIABLE = "HEDDLE_SLUG";

/** Bytes of output that a failure's message contains. */
const TAIL_BYTES = 8000;

/** Runs one command after the other; the error is the first that failed. */
export async function runCommands(
  runner: Runner,
  clock: Clock,
  job: AgentJob,
  cancellation: Cancellation,
  commands: readonly string[],
  place: CommandPlace,
): Promise<Result<void, VerifyFailure>> {
  for (const command of commands) {
    const logFile = job.logFile === null ? null : `${job.logFile.replace(/\.log$/, "")}.${place.name}.log`;
    // Not more than a file: what else stands in its place is told when the command's log is opened.
    if (logFile !== null && plainFileProblem(logFile) === undefined) rmSync(logFile, { force: true });
    const outcome = await runOne(runner, clock, job, cancellation, command, { ...place, logFile });
    if (outcome.kind === "succeeded") continue;
    const reason = outcome.kind === "failed" ? outcome.error.message : "it was ended";
    return err({ command, reason, output: logFile === null ? "" : tail(logFile) });
  }
  return ok(undefined);
}

/** As a terminal would show it, for the agent whose work it is. */
export function transcriptOf({ command, reason, output }: VerifyFailure): string {
  return `$ ${command}\n${output === "" ? "" : `${output}\n`}(${reason})`;
}

async function runOne(
  runner: Runner,
  clock: Clock,
  job: AgentJob,
  cancellation: Cancellation,
  command: string,
  place: CommandPlace & { readonly logFile: string | null },
): Promise<Outcome> {
  const { task } = job;
  const { step } = task;
  const ports = place.ports;
  const running = runner.start(
    defined({
      run: task.run,
      step: step.id,
      attempt: task.attempt,
      work: { kind: "run", command, shell: task.shell },
      cwd: place.folder,
      env: {
        ...job.env,
        [SLUG_VARIABLE]: place.slug,
        ...portVariables(ports),
      },
      envMode: step.envMode ?? "inherit",
      passEnv: step.passEnv ?? [],
      secrets: step.secrets ?? [],
      isolate: false,
      params: task.params,
      item: task.item,
      logFile: place.logFile,
      exchangeBase: null,
      graceMs: task.graceMs,
    }),
  );
  const own = new Cancellation(clock);
  const end = (): void => own.stop("cancel");
  place.signal?.addEventListener("abort", end, { once: true });
  if (place.signal?.aborted === true) end();
  const [outcome] = await Promise.all([cancellation.follow(running), own.follow(running)]);
  place.signal?.removeEventListener("abort", end);
  return outcome;
}

/** The end of a file, from the beginning of a line. */
function tail(file: string): string {
  const read = readPlainEnd(file, TAIL_BYTES);
  if (read === undefined) return "";
  const text = read.end.toString("utf8").trimEnd();
  return read.isAll ? text : text.slice(text.indexOf("\n") + 1);
}
