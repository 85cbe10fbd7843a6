/**
 * Command context: what every command gets, and the first steps that most commands share: open the project, find the
 * run.
 */
import { existsSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import type { Problem } from "../base/errors.ts";
import { isRunId } from "../base/ids.ts";
import { err, ok, type Result } from "../base/result.ts";
import { suggest } from "../base/suggest.ts";
import type { RunSnapshot } from "../view/history.ts";
import type { Output } from "./output.ts";
import type { Project } from "../project/port.ts";

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
export async function openToWrite(context: Context): Promise<Result<Project, Problem>> {
  const { openProject } = await import("../host/open.ts");
  return openProject(context.dir, { title: `heddle ${context.command}` });
}

/** For commands about recorded runs. A folder without a journal has none: nothing is made there. */
export async function openToRead(context: Context): Promise<Result<Project, Problem>> {
  const { openProject } = await import("../host/open.ts");
  const opened = await openProject(context.dir, { title: `heddle ${context.command}`, readOnly: true });
  return !opened.ok && opened.error.code === "JournalMissing" ? err(NO_RUNS) : opened;
}

/** As {@link openToRead}, for commands that write. */
export async function openToChange(context: Context): Promise<Result<Project, Problem>> {
  const { layoutOf } = await import("../project/layout.ts");
  return existsSync(layoutOf(context.dir).journalFile) ? openToWrite(context) : err(NO_RUNS);
}

const NO_RUNS: Problem = {
  code: "NoRuns",
  message: "there are no runs in this folder yet",
  hint: "Start one with `heddle run`.",
};

const SUGGESTED_AMONG = 200;

/** The run whose id begins with `text`; without a text the latest one. */
export async function findRun(project: Project, text: string | undefined): Promise<Result<string, Problem>> {
  if (text === undefined) {
    const [latest] = await project.journal.runs({ limit: 1 });
    if (latest !== undefined) return ok(latest.run);
    return err(NO_RUNS);
  }
  const found = isRunId(text) ? await project.journal.find(text) : [];
  if (found.length === 1 && found[0] !== undefined) return ok(found[0]);
  if (found.includes(text)) return ok(text);
  if (found.length > 1) {
    const message = `several run ids begin with ${text}: ${found.slice(0, 5).join(", ")}`;
    return err({ code: "AmbiguousRun", message, hint: "Type more of the id." });
  }
  const runs = await project.journal.runs({ limit: SUGGESTED_AMONG });
  const near =
    suggest(
      text,
      runs.map((record) => record.run),
    ) ??
    suggest(
      text,
      runs.map((record) => record.run.slice(0, text.length)),
    );
  const hint =
    near === undefined
      ? "`heddle runs` lists the runs of this project."
      : `Did you mean ${near}? \`heddle runs\` lists them.`;
  return err({ code: "UnknownRun", message: `no run id begins with ${JSON.stringify(text)}`, hint });
}

/** The step called `id`, or a problem that names the nearest one. */
export function findStep(state: RunSnapshot, id: string): Result<number, Problem> {
  const step = state.index.byId.get(id);
  if (step !== undefined) return ok(step);
  const near = suggest(id, state.index.byId.keys());
  const hint = near === undefined ? `\`heddle show ${state.run}\` lists its steps.` : `Did you mean ${near}?`;
  return err({ code: "UnknownStep", message: `run ${state.run} has no step ${JSON.stringify(id)}`, hint });
}

/**
 * RUN and STEP as typed. A single word is a step of the latest run, else a run, so that a step's name is never taken
 * for the beginning of an id.
 */
export async function findRunAndStep(
  project: Project,
  words: readonly (string | undefined)[],
): Promise<Result<{ readonly run: string; readonly step: string | undefined }, Problem>> {
  const [first, step] = words;
  if (first === undefined || step !== undefined) {
    const run = await findRun(project, first);
    return run.ok ? ok({ run: run.value, step }) : run;
  }
  const latest = await findRun(project, undefined);
  if (latest.ok && latest.value !== first && (await hasStep(project, latest.value, first))) {
    return ok({ run: latest.value, step: first });
  }
  const run = await findRun(project, first);
  if (run.ok) return ok({ run: run.value, step: undefined });
  return latest.ok ? ok({ run: latest.value, step: first }) : run;
}

async function hasStep(project: Project, run: string, step: string): Promise<boolean> {
  const { readRun } = await import("../project/read-run.ts");
  const read = await readRun(project, run);
  return read.ok && read.value.state.index.byId.has(step);
}
