/** Failure text: an error of a step as one line, and the output that it quotes. Pure. */
import type { StepError } from "../run/event.ts";

export interface FailureText {
  /** What failed, in one line. */
  readonly line: string;
  /** The output that the message quotes, line by line; empty: it quotes none. */
  readonly quoted: readonly string[];
}

/** Commands that verify an agent's work are quoted as `$ COMMAND`, their output, and `(why they ended)`. */
const VERIFICATION = /^(?:the )?verification failed:\n\$ ([^\n]*)\n(?:([\s\S]*)\n)?\(([^\n]*)\)(?:\n([^\n]*))?$/;

const LONGEST_COMMAND = 80;

export function failureText({ message }: Pick<StepError, "message">): FailureText {
  const verified = VERIFICATION.exec(message);
  if (verified !== null) {
    const [, command = "", output = "", why = "", limit] = verified;
    const shown = command.length > LONGEST_COMMAND ? `${command.slice(0, LONGEST_COMMAND)}…` : command;
    const line = `verification \`${shown}\` failed: ${why}${limit === undefined ? "" : `; ${limit}`}`;
    return { line, quoted: output === "" ? [] : output.split("\n") };
  }
  const [first = "", ...rest] = message.trimEnd().split("\n");
  return { line: first, quoted: rest };
}
