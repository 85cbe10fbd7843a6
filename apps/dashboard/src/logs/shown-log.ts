/** Shown log: lines with numbers, of which some are here. What a list of lines is made of: the log of one attempt, or those of many. */
import type { KeptLine } from "./line-store.ts";
import type { TextStyle } from "./text-style.ts";

export interface ShownLog {
  /** How many there are. */
  readonly lines: number;
  /** `undefined`: it is not here, or there is none. */
  line(number: number): KeptLine | undefined;
  /** In which style it begins. */
  styleBefore(line: number): TextStyle;
  /** Whether the number is that of the line in its file. */
  isNumbered(line: number): boolean;
  /** What is looked at: it is read. */
  want(from: number, to: number): void;
  /** Reads lines for who needs them all, such as a copy; they are not kept. Rejects as the source does. */
  read(from: number, to: number, signal: AbortSignal): Promise<readonly string[]>;
  /** Called after each change, and when lines came. */
  subscribe(listener: () => void): () => void;
  onMoved(mover: (moved: MovedLines) => void): () => void;
}

/** Lines that have other numbers now. */
export interface MovedLines {
  /** Those from here on, as they were numbered. */
  readonly from: number;
  readonly by: number;
}
