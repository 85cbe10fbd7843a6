/** Log texts: lines as they would stand on a terminal in the end, without what only moves or colours. Pure. */

// Sequences of a terminal (CSI, OSC, others), and control characters but tabs.
const SEQUENCES =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])|[\u0000-\u0008\u000b-\u000c\u000e-\u001f\u007f]/g;

/** Of progress that was written over, what was written last. */
export function plainLine(line: string): string {
  const parts = line.split("\r").filter((part) => part !== "");
  return (parts.at(-1) ?? "").replaceAll(SEQUENCES, "");
}

export interface LogEnd {
  /** Number of the first of the lines, from 1. */
  readonly from: number;
  /** As they are in the log. */
  readonly lines: readonly string[];
  /** The last one goes on. */
  readonly isOpen: boolean;
}

/** The end with more behind it, at most `most` lines of it. */
export function logEndWith({ from, lines, isOpen }: LogEnd, text: string, most: number): LogEnd {
  if (text === "") return { from, lines, isOpen };
  const more = text.split("\n");
  const ends = more.at(-1) === "";
  if (ends) more.pop();
  const all = isOpen
    ? [...lines.slice(0, -1), (lines.at(-1) ?? "") + (more[0] ?? ""), ...more.slice(1)]
    : [...lines, ...more];
  const left = Math.max(0, all.length - most);
  return { from: from + left, lines: all.slice(left), isOpen: !ends };
}
