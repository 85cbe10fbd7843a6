/** Log reading for tools and resources: the end of a step's log, or its lines with a text, short and harmless. */
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import { safeLine } from "../base/safe-text.ts";
import { findStep } from "../project/find-run.ts";
import { lastLines, logProblem, sizeOf } from "../project/log-lines.ts";
import { logTargets, noLog, unreadableLogs } from "../project/log-targets.ts";
import type { Project } from "../project/port.ts";
import type { ReadRun } from "../project/read-run.ts";
import { harmlessText } from "./harmless.ts";

/** Of the end of a log that is read. */
const MOST_BYTES = 65_536;
/** Characters of all lines of an answer, and of one. */
const MOST_CHARACTERS = 48_000;
const LINE_CHARACTERS = 2000;

export interface WantedLog {
  readonly step: string;
  /** Absent: the latest. */
  readonly attempt?: number | undefined;
  /** At most so many lines. */
  readonly lines: number;
  /** Only those with this text. */
  readonly contains?: string | undefined;
  /** Where the search goes on: `next` of the one before. */
  readonly after?: number | undefined;
}

export async function readLog(
  project: Pick<Project, "logs">,
  state: ReadRun["state"],
  { step, attempt, lines: most, contains, after }: WantedLog,
): Promise<Result<JsonObject, Problem>> {
  const found = findStep(state, step);
  if (!found.ok) return found;
  const [target] = logTargets(project.logs.file, state, { step, attempt });
  if (target === undefined) return err(noLog(state, step, attempt));
  const problem = logProblem(target.log);
  if (problem !== undefined) return err(unreadableLogs([`the log ${safeLine(target.log)} ${problem}`]));
  const bytes = sizeOf(target.log);
  const of = { run: state.run, step, attempt: target.attempt };
  const about = { ...of, bytes };
  if (contains !== undefined) {
    const searched = await project.logs.search(of, defined({ text: contains, ignoreCase: true, limit: most, after }));
    if (!searched.ok) return searched;
    const { hits, next } = searched.value ?? { hits: [], next: undefined };
    const lines = hits.map(({ excerpt }) => harmlessText(excerpt, LINE_CHARACTERS));
    return ok(defined({ ...about, lines, lineNumbers: hits.map(({ line }) => line), isCut: next !== undefined, next }));
  }
  const last = lastLines(target.log, most, MOST_BYTES);
  const lines = shortened(last);
  // The line break at the end of a line counts too.
  const shown = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
  return ok({ ...about, lines, isCut: lines.length < last.length || shown < bytes });
}

/** The last ones that an answer has room for, without what could fool a reader. */
function shortened(lines: readonly string[]): readonly string[] {
  const kept: string[] = [];
  let room = MOST_CHARACTERS;
  for (const line of lines.toReversed()) {
    const text = harmlessText(line, LINE_CHARACTERS);
    room -= text.length + 1;
    if (room < 0) break;
    kept.push(text);
  }
  return kept.reverse();
}
