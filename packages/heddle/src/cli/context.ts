/** Command context: what every command gets, and the first step that most commands share: open the project. */
import type { Clock } from "../base/clock.ts";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import type { Result } from "../base/result.ts";
import { safeText } from "../base/safe-text.ts";
import type { Output } from "./output.ts";
import type { ProjectAccess } from "../project/folder.ts";
import type { Project } from "../project/port.ts";
import type { RunStatus } from "../view/status.ts";

export interface Context {
  readonly out: Output;
  readonly clock: Clock;
  /** Absolute: the project folder. */
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  /** Print JSON instead of text. */
  readonly json: boolean;
  /** Name of the command, for others who find a run held. */
  readonly command: string;
}

/** The contract with scripts. */
export const EXIT = { ok: 0, failed: 1, usage: 2, waiting: 3, cancelled: 130 } as const;

/** Of a command that ends with a run. */
export function exitCodeOf(status: RunStatus): number {
  switch (status) {
    case "succeeded":
      return EXIT.ok;
    case "waiting":
      return EXIT.waiting;
    case "cancelled":
      return EXIT.cancelled;
    case "failed":
    case "interrupted":
    case "running":
    case "paused":
      return EXIT.failed;
  }
}

/** Problems of the project or its disk, not of the command line. */
const FAULT = /^(Journal|Project|History|DiskFull)/;

/** Prints a problem and returns its exit code: by default 2, or 1 for problems of the project or its disk. */
export function fail(
  context: Context,
  problem: Problem,
  code: number = FAULT.test(problem.code) && problem.code !== "JournalMissing" ? EXIT.failed : EXIT.usage,
): number {
  context.out.problem(problem);
  return code;
}

/** The project with a writable journal, created if there is none. */
export function openToWrite(context: Context): Promise<Result<Project, Problem>> {
  return open(context, "create");
}

/** For commands about recorded runs. A folder without a journal has none: nothing is made there. */
export function openToRead(context: Context): Promise<Result<Project, Problem>> {
  return open(context, "read");
}

/** As {@link openToRead}, for commands that write. */
export function openToChange(context: Context): Promise<Result<Project, Problem>> {
  return open(context, "change");
}

async function open(
  { dir, command, out, json, env }: Context,
  access: ProjectAccess,
): Promise<Result<Project, Problem>> {
  const { openProject } = await import("../host/open.ts");
  return openProject(dir, {
    title: `heddle ${command}`,
    access,
    colour: out.hasColour && !json,
    trace: defined({ traceparent: env["TRACEPARENT"], tracestate: env["TRACESTATE"] }),
    onWarning: (text) => out.note(safeText(text)),
  });
}
