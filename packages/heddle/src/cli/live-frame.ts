/**
 * Live frame: composes the lines of the live view: the running steps, the question that is open, a progress bar. Pure: knows no
 * terminal, no clock and no keyboard.
 *
 * Invariants:
 *  1. No line is as wide as the terminal, so that none is folded; what does not fit is cut, names in their middle.
 *  2. There are fewer lines than the terminal has rows, so that the cursor can return to the first one.
 *  3. Where not all running steps fit, those that need a person stay.
 */
import { formatDuration } from "../base/duration.ts";
import { safeLine } from "../base/safe-text.ts";
import type { StepCounts } from "../view/status.ts";
import type { Style } from "./output.ts";
import { cutMiddle, pad, widthOf, wrapped } from "./output-text.ts";
import { type Piece, styledLine, type StyledLine } from "./styled-line.ts";

/** Running steps shown; of the others the number is said. */
const MOST_ROWS = 12;

export interface FrameRow {
  readonly step: string;
  readonly attempt: number;
  readonly since: number;
  /** What it wrote last, or asks: looked up for rows that are shown. */
  readonly words: () => string;
  readonly needsPerson: boolean;
}

export interface FrameQuestion {
  readonly text: string;
  /** Lines below it, such as where to look. */
  readonly details: readonly string[];
  /** What may be typed; empty until an answer is taken. */
  readonly hint: string;
  readonly typed: string;
}

export interface FrameBar {
  readonly counts: StepCounts;
  /** Steps that wait for a person's answer. They are in `counts.waiting` or `counts.running`. */
  readonly needPerson: number;
  readonly waiting: number;
  readonly ended: number;
  readonly total: number;
  /** Attempts at work. */
  readonly running: number;
  readonly isPaused: boolean;
  /** Why nothing starts although steps are ready. */
  readonly heldBy: string | undefined;
  /** Expected; `undefined`: unknown. */
  readonly leftMs: number | undefined;
}

export interface FrameInput {
  readonly columns: number;
  readonly rows: number;
  readonly now: number;
  readonly running: readonly FrameRow[];
  readonly question: FrameQuestion | undefined;
  readonly bar: FrameBar;
  readonly style: (style: Style, text: string) => string;
}

export function frameLines(input: FrameInput): readonly StyledLine[] {
  const { rows, running } = input;
  const asked = questionLines(input);
  const room = Math.max(1, Math.min(MOST_ROWS, rows - 4 - Math.max(1, asked.length)));
  const ordered = [...running.filter((row) => row.needsPerson), ...running.filter((row) => !row.needsPerson)];
  const shown = ordered.length > room ? ordered.slice(0, room - 1) : ordered;
  const idWidth = Math.min(
    Math.max(8, ...shown.map(({ step }) => widthOf(safeLine(step)))),
    Math.max(8, Math.floor(input.columns / 3)),
  );
  const lines = shown.map((row) => rowLine(input, row, idWidth));
  if (shown.length < running.length)
    lines.push(styledLine(input, [[`  … and ${running.length - shown.length} more running`, "dim"]]));
  lines.push(...asked, barLine(input));
  return lines.slice(-Math.max(1, rows - 1));
}

function rowLine(
  input: FrameInput,
  { step, attempt, since, words, needsPerson }: FrameRow,
  idWidth: number,
): StyledLine {
  const again = attempt > 1 ? ` attempt ${attempt}` : "";
  return styledLine(input, [
    needsPerson ? ["? ", "yellow"] : ["▶ ", "cyan"],
    [pad(cutMiddle(safeLine(step), idWidth), idWidth), "bold"],
    [` ${formatDuration(input.now - since).padStart(7)}${again}  `, "dim"],
    [safeLine(words()).trim(), needsPerson ? "yellow" : "dim"],
  ]);
}

/** At most half of the terminal's height: the end of a long question is cut, its answer is not. */
function questionLines(input: FrameInput): readonly StyledLine[] {
  const { question, columns } = input;
  if (question === undefined) return [];
  const text = safeLine(question.text);
  const hint = safeLine(question.hint);
  // Its end is what somebody who types wants to see.
  const typed = `${lastColumns(safeLine(question.typed), Math.floor(columns / 2))}█`;
  const isShort = question.details.length === 0 && widthOf(`? ${text} ${hint} `) + 12 < columns;
  if (isShort) {
    const answer: readonly Piece[] = hint === "" ? [] : [[` ${hint} `, "yellow"]];
    return [
      styledLine(input, [
        ["? ", "yellow"],
        [text, "bold"],
        ...answer,
        [` ${typed}`.slice(hint === "" ? 0 : 1), "bold"],
      ]),
    ];
  }
  const most = Math.max(1, Math.floor(input.rows / 2) - 1);
  const asked = wrapped(text, columns - 3, most).map((part, at) =>
    styledLine(input, [
      [at === 0 ? "? " : "  ", "yellow"],
      [part, "bold"],
    ]),
  );
  const details = question.details.flatMap((detail) => wrapped(safeLine(detail), columns - 3, 3)).slice(0, most);
  const isRoomy = widthOf(hint) + 14 < columns;
  const hints = hint === "" || isRoomy ? [] : wrapped(hint, columns - 3, 3);
  return [
    ...asked,
    ...[...details, ...hints].map((part) => styledLine(input, [[`  ${part}`, "dim"]])),
    styledLine(input, [
      [`  ${hint !== "" && isRoomy ? hint : ">"} `, "yellow"],
      [typed, "bold"],
    ]),
  ];
}

function lastColumns(text: string, columns: number): string {
  const characters = [...text];
  let width = 0;
  let from = characters.length;
  while (from > 0 && width + widthOf(characters[from - 1] ?? "") <= columns) width += widthOf(characters[--from] ?? "");
  return characters.slice(from).join("");
}

function barLine(input: FrameInput): StyledLine {
  const { counts, needPerson, waiting, ended, total, running, isPaused, heldBy, leftMs } = input.bar;
  const width = Math.max(5, Math.min(30, Math.floor(input.columns / 4)));
  const done = total === 0 ? width : Math.floor((ended / total) * width);
  // Nobody knows how long a person takes.
  const isTimed = leftMs !== undefined && ended < total && !isPaused && running > 0;
  const parts = [
    ...(isPaused ? ["paused"] : []),
    ...(counts.failed > 0 ? [`${counts.failed} failed`] : []),
    ...(isTimed ? [`about ${formatDuration(leftMs)} left`] : []),
    `${running} running`,
    ...(isPaused || heldBy === undefined ? [] : [`held back: ${safeLine(heldBy)}`]),
    ...(counts.skipped > 0 ? [`${counts.skipped} skipped`] : []),
    ...(waiting > 0 ? [`${waiting} waiting`] : []),
  ];
  const needs: readonly Piece[] =
    needPerson === 0 ? [] : [[`  ${needPerson} ${needPerson === 1 ? "needs" : "need"} you`, "yellow"]];
  return styledLine(input, [
    ["━".repeat(done), counts.failed > 0 ? "red" : "green"],
    ["━".repeat(width - done), "dim"],
    [` ${ended}/${total}`, "bold"],
    ...needs,
    [`${needs.length === 0 ? "  " : " · "}${parts.join(" · ")}`, undefined],
  ]);
}
