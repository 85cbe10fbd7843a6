/** Run lookup: finds the run, and the step, for an id, the beginning of one, or nothing. */
import type { Problem } from "../base/errors.ts";
import { isRunId } from "../base/ids.ts";
import { err, ok, type Result } from "../base/result.ts";
import { suggest } from "../base/suggest.ts";
import type { EventLog } from "../journal/port.ts";
import type { RunSnapshot } from "../view/history.ts";

/** `step` absent: none was named. */
export interface RunAndStep {
  readonly run: string;
  readonly step: string | undefined;
}

const SUGGESTED_AMONG = 200;
/** Of a shorter word, every run is as near as any other. */
const SHORTEST_GUESS = 4;

export const NO_RUNS: Problem = {
  code: "NoRuns",
  message: "there are no runs in this folder yet",
  hint: "Start one with `heddle run`.",
};

/** The run whose id begins with `text`; without a text the latest one. */
export async function findRun(
  log: Pick<EventLog, "runs" | "find">,
  text: string | undefined,
): Promise<Result<string, Problem>> {
  if (text === undefined) {
    const [latest] = await log.runs({ limit: 1 });
    if (latest !== undefined) return ok(latest.run);
    return err(NO_RUNS);
  }
  const found = isRunId(text) ? await log.find(text) : [];
  if (found.length === 1 && found[0] !== undefined) return ok(found[0]);
  if (found.includes(text)) return ok(text);
  if (found.length > 1) {
    const message = `several run ids begin with ${text}: ${found.slice(0, 5).join(", ")}`;
    return err({ code: "AmbiguousRun", message, hint: "Type more of the id." });
  }
  const near = await nearestRun(log, text);
  const hint =
    near === undefined
      ? "`heddle runs` lists the runs of this project."
      : `Did you mean ${near}? \`heddle runs\` lists them.`;
  return err({ code: "UnknownRun", message: `no run id begins with ${JSON.stringify(text)}`, hint });
}

/** A whole id: of it, or of its beginning, `text` is a misspelling. */
async function nearestRun(log: Pick<EventLog, "runs">, text: string): Promise<string | undefined> {
  if (text.length < SHORTEST_GUESS) return undefined;
  const runs = (await log.runs({ limit: SUGGESTED_AMONG })).map((record) => record.run);
  const beginnings = runs.map((run) => run.slice(0, text.length));
  const near = suggest(text, runs) ?? suggest(text, beginnings);
  return near === undefined ? undefined : runs.find((run) => run.startsWith(near));
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
  log: Pick<EventLog, "runs" | "find" | "get" | "read">,
  words: readonly (string | undefined)[],
): Promise<Result<RunAndStep, Problem>> {
  const [first, step] = words;
  if (first === undefined || step !== undefined) {
    const run = await findRun(log, first);
    return run.ok ? ok({ run: run.value, step }) : run;
  }
  const latest = await findRun(log, undefined);
  if (latest.ok && latest.value !== first && (await hasStep(log, latest.value, first))) {
    return ok({ run: latest.value, step: first });
  }
  const run = await findRun(log, first);
  if (run.ok) return ok({ run: run.value, step: undefined });
  return latest.ok ? ok({ run: latest.value, step: first }) : run;
}

async function hasStep(log: Pick<EventLog, "get" | "read">, run: string, step: string): Promise<boolean> {
  const { readRun } = await import("./read-run.ts");
  const read = await readRun(log, run);
  return read.ok && read.value.state.index.byId.has(step);
}
