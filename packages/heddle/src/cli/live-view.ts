/**
 * Live view: shows the running steps with elapsed time and last line of output, above a progress bar with counts and the
 * time left. Other output scrolls above it.
 *
 * Invariants:
 *  1. A frame is written at once, at most {@link FRAMES_PER_SECOND} times a second.
 *  2. A frame is never wider or higher than the terminal, so that the cursor can always return to its first line.
 *  3. After {@link LiveView.stop} nothing of the frame is left, the cursor is visible, and the keyboard is as before.
 */
import type { CancelTimer, Clock } from "../base/clock.ts";
import { defined } from "../base/defined.ts";
import { formatDuration } from "../base/duration.ts";
import type { RunEvent } from "../view/history.ts";
import { progressOf, type Progress } from "../view/progress.ts";
import { lastLines } from "../project/log-lines.ts";
import { safeLine } from "../base/safe-text.ts";
import { cut, pad, widthOf } from "./output-text.ts";
import { answerOf, choicesOf, keysOf } from "./question-format.ts";
import type { Output, Style } from "./output.ts";
import { type TerminalQuestion, Questions } from "./questions.ts";
import type { Sink } from "./print-queue.ts";
import type { OpenQuestion, RunHandle } from "../project/port.ts";

const FRAMES_PER_SECOND = 11;
/** Running steps shown; of the others the number is said. */
const MOST_ROWS = 12;
/** The state is looked at as a whole so often, and the logs of shown steps. */
const SURVEY_MS = 500;
const LOG_MS = 250;
const PENDING_BYTES = 65_536;

const UP = (lines: number): string => (lines > 0 ? `\u001b[${lines}A` : "");
const CLEAR_BELOW = "\r\u001b[J";
const BEGIN_FRAME = "\u001b[?2026h";
const END_FRAME = "\u001b[?2026l";

export interface LiveViewOptions {
  readonly out: Output;
  readonly clock: Clock;
  readonly handle: Pick<RunHandle, "state" | "waitingFor"> & Partial<Pick<RunHandle, "answer">>;
  /** Milliseconds by step id. */
  readonly expected: ReadonlyMap<string, number>;
  readonly logFile: (step: string, attempt: number) => string;
}

interface Running {
  readonly step: string;
  readonly attempt: number;
  readonly since: number;
  lastLine: string;
  lookedAt: number;
}

export class LiveView implements Sink {
  readonly #options: LiveViewOptions;
  readonly #running = new Map<string, Running>();
  readonly #questions: Questions;
  readonly #stopListening: (() => void)[] = [];
  #pending = "";
  /** Widths of the lines of the frame on the screen. */
  #shown: readonly number[] = [];
  #progress: Progress | undefined;
  #surveyedAt = 0;
  #cancelTick: CancelTimer;
  #stopped = false;

  constructor(options: LiveViewOptions) {
    this.#options = options;
    this.#questions = new Questions({
      clock: options.clock,
      onSignal: (signal) => void process.kill(process.pid, signal),
    });
    this.#questions.grab();
    for (const [index, phase] of options.handle.state().phases.entries()) {
      const step = options.handle.state().steps[index];
      if (phase.tag === "running" && step !== undefined) this.#begin(step.id, phase.attempt, phase.since);
    }
    const suspend = (): void => this.#suspend();
    const redraw = (): void => this.#draw();
    const comeBack = (): void => {
      this.#questions.grab();
      this.#draw();
    };
    process.on("SIGTSTP", suspend);
    process.on("SIGCONT", comeBack);
    this.#stopListening.push(
      options.out.onResize(redraw),
      () => process.off("SIGTSTP", suspend),
      () => process.off("SIGCONT", comeBack),
    );
    this.#cancelTick = options.clock.after(0, () => this.#tick());
  }

  /** Asks for yes or no in the frame. */
  async ask(question: string): Promise<boolean> {
    return (await this.#questions.ask({ text: question, hint: "[y/n]", keys: ["y", "n"] })) === "y";
  }

  event(event: RunEvent): void {
    switch (event.type) {
      case "step.started":
        // What only waits does not run.
        if (!this.#isWait(event.step)) this.#begin(event.step, event.attempt, event.time);
        return;
      case "step.succeeded":
      case "step.failed":
      case "step.cancelled":
      case "steps.added":
        if (event.type !== "steps.added" || event.data.kind === "children") this.#running.delete(event.step);
        this.#questions.withdraw(event.step);
        return;
      case "approval.requested":
        // The attempt has ended; one that continues stays visible.
        if (event.data.about === "conflict" || event.data.about === "question") this.#running.delete(event.step);
        void this.#askPerson(event.step, event.data);
        return;
      case "approval.given":
        this.#questions.withdraw(event.step);
        return;
      default:
        return;
    }
  }

  /** A question that was asked before this process took the run up. */
  openQuestion(step: string, asked: OpenQuestion): void {
    void this.#askPerson(step, asked);
  }

  write(text: string): boolean {
    if (this.#stopped) return this.#options.out.write(text);
    this.#pending += text;
    if (this.#pending.length > PENDING_BYTES) this.#draw();
    return true;
  }

  drained(): Promise<void> {
    return this.#options.out.drained();
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelTick();
    this.#questions.close();
    for (const stop of this.#stopListening) stop();
    this.#options.out.write(`${this.#eraser()}${this.#pending}`);
    this.#pending = "";
    this.#options.out.showCursor();
  }

  #isWait(id: string): boolean {
    const state = this.#options.handle.state();
    const tag = state.phases[state.index.byId.get(id) ?? -1]?.tag;
    return tag === "sleeping" || tag === "waiting-for-signal";
  }

  #begin(step: string, attempt: number, since: number): void {
    this.#running.set(step, { step, attempt, since, lastLine: "", lookedAt: 0 });
  }

  async #askPerson(step: string, question: OpenQuestion): Promise<void> {
    const { handle, out } = this.#options;
    if (handle.answer === undefined || !out.canAsk) return;
    const keys = keysOf(question);
    const asked = this.#questions.ask(
      defined({ text: `${step}: ${question.question}`, hint: choicesOf(question), about: step, keys }),
    );
    const said = await asked.catch(() => undefined);
    if (said === undefined) return;
    const { userName } = await import("./user.ts");
    handle.answer(step, { ...answerOf(question, said), by: userName() });
  }

  #tick(): void {
    this.#draw();
    this.#cancelTick = this.#options.clock.after(1000 / FRAMES_PER_SECOND, () => this.#tick());
  }

  #draw(): void {
    if (this.#stopped) return;
    const { out } = this.#options;
    const lines = this.#frame();
    const text = lines.map((line) => line.text).join("\n");
    out.hideCursor();
    out.write(`${BEGIN_FRAME}${this.#eraser()}${this.#pending}${text}${END_FRAME}`);
    this.#pending = "";
    this.#shown = lines.map((line) => line.width);
  }

  /** Goes back to the first line of the shown frame and clears. A narrower terminal has folded its lines since. */
  #eraser(): string {
    const { columns } = this.#options.out;
    const height = this.#shown.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    this.#shown = [];
    return height === 0 ? "" : `${UP(height - 1)}${CLEAR_BELOW}`;
  }

  #suspend(): void {
    this.#options.out.write(this.#eraser());
    this.#options.out.showCursor();
    this.#questions.release();
    process.kill(process.pid, "SIGSTOP");
  }

  #frame(): readonly Line[] {
    const { out, clock, handle } = this.#options;
    const now = clock.now();
    if (this.#progress === undefined || now - this.#surveyedAt > SURVEY_MS) {
      this.#progress = progressOf(handle.state(), this.#options.expected, now);
      this.#surveyedAt = now;
    }
    const question = this.#questions.current;
    const asked = question === undefined ? [] : this.#questionLines(question);
    const rows = Math.max(1, Math.min(MOST_ROWS, out.rows - 4 - Math.max(1, asked.length)));
    const running = [...this.#running.values()];
    const shown = running.length > rows ? running.slice(0, rows - 1) : running;
    const idWidth = Math.min(
      Math.max(8, ...shown.map(({ step }) => widthOf(safeLine(step)))),
      Math.max(8, Math.floor(out.columns / 3)),
    );
    const lines = shown.map((row) => this.#runningLine(row, idWidth, now));
    if (shown.length < running.length)
      lines.push(line(out, [[`  … and ${running.length - shown.length} more running`, "dim"]]));
    lines.push(...asked, this.#bar(this.#progress, running.length));
    return lines;
  }

  #questionLines({ text, hint: choices, keys }: TerminalQuestion): readonly Line[] {
    const { out } = this.#options;
    // The choices appear when they can be taken.
    const hint = this.#questions.isReadable ? choices : "";
    const shown = safeLine(text);
    const asked: Piece[] = [
      ["? ", "yellow"],
      [shown, "bold"],
    ];
    const fits = keys !== undefined && widthOf(shown) + widthOf(hint) + 4 < out.columns;
    if (fits) return [line(out, [...asked, [` ${hint} `, "yellow"]])];
    if (keys !== undefined) return [line(out, asked), line(out, [[`  ${hint} `, "yellow"]])];
    // Its end is what somebody who types wants to see.
    const typed = [...this.#questions.typed].slice(-Math.floor(out.columns / 2)).join("");
    return [
      line(out, asked),
      ...(hint === "" ? [] : [line(out, [[`  ${safeLine(hint)}`, "dim"]])]),
      line(out, [
        ["> ", "yellow"],
        [`${safeLine(typed)}█`, "bold"],
      ]),
    ];
  }

  #runningLine(row: Running, idWidth: number, now: number): Line {
    const { out, logFile } = this.#options;
    if (now - row.lookedAt > LOG_MS) {
      row.lookedAt = now;
      row.lastLine =
        lastLines(logFile(row.step, row.attempt), 3).findLast((text) => text.trim() !== "") ?? row.lastLine;
    }
    const attempt = row.attempt > 1 ? ` attempt ${row.attempt}` : "";
    return line(out, [
      ["▶ ", "cyan"],
      [pad(cut(safeLine(row.step), idWidth), idWidth), "bold"],
      [` ${formatDuration(now - row.since).padStart(7)}${attempt}  `, "dim"],
      [safeLine(row.lastLine).trim(), "dim"],
    ]);
  }

  #bar({ counts, ended, total, leftMs }: Progress, running: number): Line {
    const { out, handle } = this.#options;
    const width = Math.max(5, Math.min(30, Math.floor(out.columns / 4)));
    const done = total === 0 ? width : Math.floor((ended / total) * width);
    const held = handle.waitingFor();
    const paused = handle.state().phase.tag === "paused" ? "paused" : undefined;
    const parts = [
      ...(leftMs === undefined || ended === total ? [] : [`about ${formatDuration(leftMs)} left`]),
      `${running} running`,
      ...(counts.failed > 0 ? [`${counts.failed} failed`] : []),
      ...(counts.skipped > 0 ? [`${counts.skipped} skipped`] : []),
      ...(counts.waiting > 0 ? [`${counts.waiting} waiting`] : []),
      ...(paused !== undefined ? [paused] : held === undefined ? [] : [`held back: ${safeLine(held)}`]),
    ];
    return line(out, [
      ["━".repeat(done), counts.failed > 0 ? "red" : "green"],
      ["━".repeat(width - done), "dim"],
      [` ${ended}/${total}`, "bold"],
      [`  ${parts.join(" · ")}`, undefined],
    ]);
  }
}

type Piece = readonly [text: string, style: Style | undefined];

interface Line {
  readonly text: string;
  readonly width: number;
}

/** Pieces side by side, cut to the terminal; one column stays free, so that no terminal breaks the line. */
function line(out: Output, pieces: readonly Piece[]): Line {
  let room = Math.max(1, out.columns - 1);
  let text = "";
  let width = 0;
  for (const [piece, style] of pieces) {
    const fitting = cut(piece, room);
    const used = widthOf(fitting);
    text += style === undefined ? fitting : out.style(style, fitting);
    width += used;
    room -= used;
    if (room <= 0) break;
  }
  return { text, width };
}
