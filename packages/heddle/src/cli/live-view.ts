/**
 * Live view: shows the running steps with elapsed time and last words, the question that is open, and a progress bar with
 * counts and the time left. Other output scrolls above it. What stands in it is composed by `live-frame.ts`.
 *
 * Invariants:
 *  1. A frame is written at once, at most {@link FRAMES_PER_SECOND} times a second.
 *  2. A frame begins in the first column. While a line above it is not whole, there is none.
 *  3. After {@link LiveView.stop} nothing of the frame is left, the cursor is visible, and the keyboard is as before; also
 *     where the process is ended by a key.
 */
import type { CancelTimer, Clock } from "../base/clock.ts";
import { defined } from "../base/defined.ts";
import type { RunEvent, RunSnapshot } from "../view/history.ts";
import { progressOf } from "../view/progress.ts";
import { questionAt } from "../view/question.ts";
import { stepCounts } from "../view/status.ts";
import { waitOfStep } from "../view/waits.ts";
import { lastLines } from "../project/log-lines.ts";
import { frameLines, type FrameBar, type FrameQuestion, type FrameRow } from "./live-frame.ts";
import { cut, rowsOf } from "./output-text.ts";
import { answerOf, choicesOf, wordsOf } from "./question-format.ts";
import type { Output } from "./output.ts";
import { Questions } from "./questions.ts";
import type { StyledLine } from "./styled-line.ts";
import type { Sink } from "./print-queue.ts";
import type { OpenQuestion, RunHandle } from "../project/port.ts";

const FRAMES_PER_SECOND = 11;
/** The time left is estimated so often, and the logs of running steps looked at. */
const SURVEY_MS = 500;
const LOG_MS = 250;
const PENDING_BYTES = 65_536;
/** Lines of a log in which an agent's words are looked for. */
const AGENT_LINES = 60;

const UP = (lines: number): string => (lines > 0 ? `\u001b[${lines}A` : "");
const CLEAR_BELOW = "\r\u001b[J";
const BEGIN_FRAME = "\u001b[?2026h";
const END_FRAME = "\u001b[?2026l";
const BELL = "\u0007";

export interface LiveViewOptions {
  readonly out: Output;
  readonly clock: Clock;
  readonly handle: Pick<RunHandle, "state" | "waitingFor"> & Partial<Pick<RunHandle, "answer">>;
  /** Milliseconds by step id. */
  readonly expected: ReadonlyMap<string, number>;
  readonly logFile: (step: string, attempt: number) => string;
  /** Where a conflict of the step can be resolved. */
  readonly worktreeOf?: (step: string) => Promise<string | undefined>;
  /** Rings when a person is asked. */
  readonly bell?: boolean;
}

interface Running {
  readonly step: string;
  readonly attempt: number;
  readonly since: number;
  words: string;
  lookedAt: number;
}

export class LiveView implements Sink {
  readonly #options: LiveViewOptions;
  readonly #running = new Map<string, Running>();
  /** Questions without an answer, by step. */
  readonly #asking = new Map<string, string>();
  /** Below the question of a step. */
  readonly #details = new Map<string, readonly string[]>();
  readonly #questions: Questions;
  readonly #stopListening: (() => void)[] = [];
  #pending = "";
  /** What was written last has no end yet. */
  #isMidLine = false;
  /** The frame on the screen. */
  #shown: readonly StyledLine[] = [];
  #leftMs: number | undefined;
  #surveyedAt = Number.NEGATIVE_INFINITY;
  #cancelTick: CancelTimer;
  #stopped = false;

  constructor(options: LiveViewOptions) {
    this.#options = options;
    this.#questions = new Questions({
      clock: options.clock,
      onSignal: (signal) => void process.kill(process.pid, signal),
      keyboard: options.out.keyboard,
    });
    this.#questions.grab();
    this.#takeUp(options.handle.state());
    this.#listen();
    this.#cancelTick = options.clock.after(0, () => this.#tick());
  }

  /** Asks for yes or no in the frame. */
  async ask(question: string): Promise<boolean> {
    this.#ring();
    return (await this.#questions.ask({ text: question, hint: "[y/n] then Enter:", choices: ["yes", "no"] })) === "yes";
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
        this.#settled(event.step);
        return;
      case "approval.requested":
        // The attempt has ended; one that continues stays visible.
        if (event.data.about === "conflict" || event.data.about === "question") this.#running.delete(event.step);
        this.openQuestion(event.step, event.data);
        return;
      case "approval.given":
        this.#settled(event.step);
        return;
      default:
        return;
    }
  }

  /** A question of now, or one that was asked before this process took the run up. */
  openQuestion(step: string, asked: OpenQuestion): void {
    this.#asking.set(step, asked.question);
    this.#ring();
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

  #listen(): void {
    const { out } = this.#options;
    const suspend = (): void => this.#suspend();
    const comeBack = (): void => {
      this.#questions.grab();
      this.#draw();
    };
    const quit = (): void => {
      this.stop();
      process.kill(process.pid, "SIGQUIT");
    };
    process.on("SIGTSTP", suspend).on("SIGCONT", comeBack).on("SIGQUIT", quit);
    this.#stopListening.push(
      out.onResize(() => this.#draw()),
      () => process.off("SIGTSTP", suspend).off("SIGCONT", comeBack).off("SIGQUIT", quit),
    );
  }

  /** What runs, and what is asked, when the view begins. Questions of a run of this process are asked by their events. */
  #takeUp(state: RunSnapshot): void {
    for (const [index, phase] of state.phases.entries()) {
      const id = state.steps[index]?.id ?? "";
      if (phase.tag === "running") this.#begin(id, phase.attempt, phase.since);
      const asked = questionAt(state, index);
      if (asked !== undefined && this.#options.handle.answer === undefined) this.#asking.set(id, asked.question);
    }
  }

  #begin(step: string, attempt: number, since: number): void {
    this.#running.set(step, { step, attempt, since, words: "", lookedAt: Number.NEGATIVE_INFINITY });
  }

  #settled(step: string): void {
    this.#asking.delete(step);
    this.#details.delete(step);
    this.#questions.withdraw(step);
  }

  #ring(): void {
    if (this.#options.bell === true) this.#options.out.write(BELL);
  }

  async #askPerson(step: string, question: OpenQuestion): Promise<void> {
    const { handle, out, worktreeOf } = this.#options;
    if (handle.answer === undefined || !out.canAsk) return;
    if (question.about === "conflict") {
      const path = await worktreeOf?.(step);
      // Answered meanwhile, by somebody else.
      if (!this.#asking.has(step)) return;
      if (path !== undefined) this.#details.set(step, [`worktree: ${path}`]);
    }
    const text = `${step}: ${question.question}`;
    const asked = this.#questions.ask(
      defined({ text, hint: choicesOf(question), about: step, choices: wordsOf(question) }),
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
    out.hideCursor();
    const whole = this.#pending.lastIndexOf("\n") + 1;
    const rest = this.#pending.length - whole;
    if (rest > PENDING_BYTES || (this.#isMidLine && whole === 0)) {
      // More of a line than is kept: it is written where the frame stood, which comes back when it is whole.
      if (this.#pending !== "") out.write(`${this.#eraser()}${this.#pending}`);
      this.#pending = "";
      this.#isMidLine = true;
      return;
    }
    const lines = this.#frame();
    const above = this.#pending.slice(0, whole);
    this.#pending = this.#pending.slice(whole);
    this.#isMidLine = false;
    out.write(`${BEGIN_FRAME}${this.#eraser()}${above}${lines.map(({ text }) => text).join("\n")}${END_FRAME}`);
    this.#shown = lines;
  }

  /** Goes back to the first line of the shown frame and clears. A narrower terminal has folded its lines since. */
  #eraser(): string {
    const { columns } = this.#options.out;
    const height = this.#shown.reduce((sum, { plain }) => sum + rowsOf(plain, columns), 0);
    this.#shown = [];
    return height === 0 ? "" : `${UP(height - 1)}${CLEAR_BELOW}`;
  }

  #suspend(): void {
    this.#options.out.write(this.#eraser());
    this.#options.out.showCursor();
    this.#questions.release();
    process.kill(process.pid, "SIGSTOP");
  }

  #frame(): readonly StyledLine[] {
    const { out, clock } = this.#options;
    const now = clock.now();
    return frameLines({
      columns: out.columns,
      rows: out.rows,
      now,
      running: [...this.#running.values()].map((row) => this.#rowOf(row, now)),
      question: this.#question(),
      bar: this.#bar(now),
      style: (style, text) => out.style(style, text),
    });
  }

  #question(): FrameQuestion | undefined {
    const { current, isReadable, typed, refused } = this.#questions;
    if (current === undefined) return undefined;
    // What may be typed appears when it is taken.
    const words = refused === "" ? current.hint : `${JSON.stringify(cut(refused, 20))} is no answer: ${current.hint}`;
    const hint = isReadable ? words : "";
    return { text: current.text, details: this.#details.get(current.about ?? "") ?? [], hint, typed };
  }

  #rowOf(row: Running, now: number): FrameRow {
    const { step, attempt, since } = row;
    const asked = this.#asking.get(step);
    const waits = (): string | undefined => waitOfStep(this.#options.handle.state(), step, now);
    const words = (): string => asked ?? waits() ?? this.#lastWords(row, now);
    return { step, attempt, since, words, needsPerson: asked !== undefined };
  }

  #lastWords(row: Running, now: number): string {
    if (now - row.lookedAt > LOG_MS) {
      row.lookedAt = now;
      row.words = this.#wordsOf(row) ?? row.words;
    }
    return row.words;
  }

  /** What the step wrote last; of an agent what it said last, rather than what it did. */
  #wordsOf({ step, attempt }: Running): string | undefined {
    const { handle, logFile } = this.#options;
    const { steps, index } = handle.state();
    const isAgent = steps[index.byId.get(step) ?? -1]?.action.kind === "agent";
    const lines = lastLines(logFile(step, attempt), isAgent ? AGENT_LINES : 3).filter((text) => text.trim() !== "");
    return (isAgent ? lines.findLast((text) => !/^\[[\w ]+\]/.test(text)) : undefined) ?? lines.at(-1);
  }

  #bar(now: number): FrameBar {
    const { handle, expected } = this.#options;
    const state = handle.state();
    if (now - this.#surveyedAt > SURVEY_MS) {
      this.#leftMs = progressOf(state, expected, now).leftMs;
      this.#surveyedAt = now;
    }
    const counts = stepCounts(state, true);
    const total = state.steps.length;
    const asksRunning = [...this.#asking.keys()].filter((step) => this.#running.has(step)).length;
    return {
      counts,
      needPerson: this.#asking.size,
      waiting: Math.max(0, counts.waiting - (this.#asking.size - asksRunning)),
      ended: total - state.index.open,
      total,
      running: this.#running.size,
      isPaused: state.phase.tag === "paused",
      heldBy: handle.waitingFor(),
      leftMs: this.#leftMs,
    };
  }
}
