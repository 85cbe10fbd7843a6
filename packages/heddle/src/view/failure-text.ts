/** Failure text: an error of a step as one line, and the output that it quotes. Pure. */
import type { StepError } from "../run/event.ts";

export interface FailureText {
  /** What failed, in one line. */
  readonly line: string;
  /** The output that the error quotes, line by line; empty: it quotes none. */
  readonly quoted: readonly string[];
}

/** What stands below the first line of a message is quoted, as in journals whose errors have no output of their own. */
export function failureText({ message, output }: Pick<StepError, "message" | "output">): FailureText {
  const [line = "", ...rest] = message.trimEnd().split("\n");
  return { line, quoted: output === undefined ? rest : [...rest, ...output.trimEnd().split("\n")] };
}
