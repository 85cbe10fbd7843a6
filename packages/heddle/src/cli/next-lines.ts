/**
 * Next-command lines: what to type next for a run, the same at the end of `heddle run`, in `heddle` and in `heddle show`. Names what
 * still has an effect, and no log that is not there.
 */
import { existsSync } from "node:fs";
import { safeLine } from "../base/safe-text.ts";
import { shellWord } from "../base/shell-word.ts";
import type { RunSnapshot } from "../view/history.ts";
import { questionAt } from "../view/question.ts";
import { listensTo, untilOf, writesLog } from "../view/run-view.ts";
import type { RunStatus } from "../view/status.ts";

/** Steps of one kind that are named. */
const MOST_STEPS = 10;
/** Logs of failed steps that are named. */
const MOST_LOGS = 3;

export interface NextInput {
  readonly state: RunSnapshot;
  readonly status: RunStatus;
  /** A process holds the run now. */
  readonly live: boolean;
  readonly now: number;
  readonly logFile: (step: string, attempt: number) => string | null;
}

export interface NextCommand {
  /** In lower case: `continue`, `answer`. */
  readonly what: string;
  readonly command: string;
}

/** As lines of their own: `Continue: heddle resume ...`. */
export function* nextLines(input: NextInput): Generator<string, void, undefined> {
  for (const { what, command } of nextCommands(input))
    yield `${what.slice(0, 1).toUpperCase()}${what.slice(1)}: ${command}`;
}

export function* nextCommands(input: NextInput): Generator<NextCommand, void, undefined> {
  const { state, status, live } = input;
  const { run } = state;
  if (status === "paused") yield { what: "continue", command: `heddle unpause ${run}` };
  if (status === "failed" || status === "cancelled" || status === "interrupted") yield* continuing(state);
  const answers = [...answersTo(input)];
  yield* answers;
  if (status === "waiting" && !live)
    yield { what: answers.length > 0 ? "then continue" : "continue", command: `heddle resume ${run}` };
  yield* logsOf(input);
}

/** A step that failed in an earlier run and is not part of this one runs by no resume: it would end the same. */
function* continuing({ run, steps, phases }: RunSnapshot): Generator<NextCommand, void, undefined> {
  const carried = indicesOf(
    phases,
    (phase) => phase.tag === "skipped" && phase.reason.kind === "earlier" && phase.reason.status === "failed",
  );
  const isOver = phases.every(({ tag }) => tag === "succeeded" || tag === "cached" || tag === "skipped");
  if (carried.length === 0 || !isOver) yield { what: "continue", command: `heddle resume ${run}` };
  for (const step of carried.slice(0, MOST_LOGS))
    yield { what: "run it again", command: `heddle rerun ${run} --from ${word(steps[step]?.id)}` };
}

/** What a person can no longer answer in time is not named. */
function* answersTo({ state, live, now }: NextInput): Generator<NextCommand, void, undefined> {
  const { run, steps, phases } = state;
  const isInTime = (step: number): boolean => {
    const until = untilOf(state, step, live);
    return until === undefined || until > now;
  };
  const asking = indicesOf(
    phases,
    ({ tag }, step) => (live || tag !== "running") && questionAt(state, step) !== undefined,
  );
  for (const step of asking.filter(isInTime).slice(0, MOST_STEPS)) {
    const about = questionAt(state, step)?.about;
    const id = word(steps[step]?.id);
    if (about === "conflict")
      yield { what: "resolve", command: `heddle resolve ${run} ${id} --ours|--theirs|--continue` };
    else yield { what: "answer", command: approveWords(run, steps[step]?.id, about === "question") };
  }
  const listening = indicesOf(phases, (_, step) => listensTo(state, step) !== undefined);
  for (const step of listening.filter(isInTime).slice(0, MOST_STEPS))
    yield { what: "send", command: `heddle signal ${run} ${word(listensTo(state, step))}` };
}

/** An agent's question wants words as its answer. */
export function approveWords(run: string, step: string | undefined, wantsWords: boolean): string {
  return `heddle approve ${run} ${word(step)}${wantsWords ? ' --comment "..."' : ""}`;
}

/** Of failed steps; where others failed too, not of `optional` ones. */
function* logsOf({ state, logFile }: NextInput): Generator<NextCommand, void, undefined> {
  const { run, steps, phases, attempts } = state;
  const logged = indicesOf(phases, ({ tag }, step) => {
    const attempt = attempts[step] ?? 0;
    return (
      tag === "failed" &&
      attempt > 0 &&
      writesLog(state, step) &&
      existsSync(logFile(steps[step]?.id ?? "", attempt) ?? "")
    );
  });
  const required = logged.filter((step) => steps[step]?.optional !== true);
  for (const step of (required.length > 0 ? required : logged).slice(0, MOST_LOGS))
    yield { what: "log", command: `heddle logs ${run} ${word(steps[step]?.id)}` };
}

function indicesOf<Item>(items: readonly Item[], test: (item: Item, at: number) => boolean): readonly number[] {
  const found: number[] = [];
  for (const [at, item] of items.entries()) if (test(item, at)) found.push(at);
  return found;
}

/** As it is typed: ids of items have brackets, which shells expand. */
function word(text = ""): string {
  return shellWord(safeLine(text));
}
