/**
 * Question format: the text of a run's question, what may be typed, and the answer that a line stands for. Knows no
 * terminal and no command.
 */
import type { Answer, OpenQuestion, Resolution } from "../project/port.ts";
import { optionOf } from "../view/question.ts";

type GivenAnswer = Omit<Answer, "by">;

/** Words that answer, of which the first letter does too; absent: any line of text does. */
export function wordsOf({ about }: OpenQuestion): readonly string[] | undefined {
  if (about === "question") return undefined;
  return about === "conflict" ? ["ours", "theirs", "continue"] : ["yes", "no"];
}

/** What may be typed, for people. */
export function choicesOf({ about, options = [] }: OpenQuestion): string {
  if (about === "conflict") return "[o]urs, [t]heirs, or edit it in its worktree and [c]ontinue, then Enter:";
  if (about !== "question") return "[y/n] then Enter:";
  return options.length === 0
    ? ""
    : `(${options.map((option, at) => `${at + 1} ${option}`).join(", ")}, or your own answer)`;
}

/** Of a word or a line that the question takes. */
export function answerOf(question: OpenQuestion, said: string): GivenAnswer {
  if (question.about === "question") return { decision: "approve", comment: optionOf(question, said) };
  if (question.about === "conflict") return { decision: "approve", choice: said as Resolution };
  return { decision: said === "yes" ? "approve" : "reject" };
}
