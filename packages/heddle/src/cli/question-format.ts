/**
 * Question format: the text of a run's question, its keys, and the answer that a key or a line stands for. Knows no
 * terminal and no command.
 */
import type { Answer, OpenQuestion } from "../project/port.ts";
import { optionOf } from "../view/question.ts";

type GivenAnswer = Omit<Answer, "by">;

/** Keys that answer; absent: a line of text does. */
export function keysOf({ about }: OpenQuestion): readonly string[] | undefined {
  if (about === "question") return undefined;
  return about === "conflict" ? ["o", "t", "c"] : ["y", "n"];
}

/** What may be pressed or typed, for people. */
export function choicesOf({ about, options = [] }: OpenQuestion): string {
  if (about === "conflict") return "[o]urs, [t]heirs, or edit it in its worktree and [c]ontinue";
  if (about !== "question") return "[y/n]";
  return options.length === 0
    ? ""
    : `(${options.map((option, at) => `${at + 1} ${option}`).join(", ")}, or your own answer)`;
}

const CONFLICT_KEYS = { o: "ours", t: "theirs", c: "continue" } as const;

/** Of a key or a line that the question takes. */
export function answerOf(question: OpenQuestion, said: string): GivenAnswer {
  if (question.about === "question") return { decision: "approve", comment: optionOf(question, said) };
  if (question.about === "conflict")
    return { decision: "approve", choice: CONFLICT_KEYS[said as keyof typeof CONFLICT_KEYS] };
  return { decision: said === "y" ? "approve" : "reject" };
}
