/**
 * Line view: prints a run as one line per change of state. On a terminal the lines scroll above the live view and say
 * how steps ended. Elsewhere starts are printed too, each line begins with its step, and a step's output follows as a
 * block or as it comes.
 */
import { formatTimestamp } from "../base/timestamp.ts";
import { plural } from "../base/plural.ts";
import { tookText } from "../view/times.ts";
import type { RunEvent, RunSnapshot } from "../view/history.ts";
import { noticeOf } from "../view/notices.ts";
import { shortageNotice, waitNotice } from "../view/waits.ts";
import { writesLog } from "../view/run-view.ts";
import { STATUS_SYMBOL } from "../view/status.ts";
import { lastLines, LogCursor } from "../project/log-lines.ts";
import { safeLine } from "../base/safe-text.ts";
import { shellWord } from "../base/shell-word.ts";
import { failureText } from "../view/failure-text.ts";
import { timeText } from "./format.ts";
import { cut, cutMiddle, pad, widthOf } from "./output-text.ts";
import { approveWords } from "./next-lines.ts";
import type { Output, Style } from "./output.ts";
import type { OutputMode } from "./output-mode.ts";
import type { WorkflowCommands } from "./workflow-commands.ts";
import type { PrintQueue } from "./print-queue.ts";
import type { OpenQuestion } from "../project/port.ts";

export interface LineViewOptions {
  readonly out: Output;
  readonly queue: PrintQueue;
  /** Pauses before layers are asked, not printed. */
  readonly interactive?: boolean;
  /** Absent: no output of steps, one line each (a terminal with a live view). */
  readonly mode: OutputMode | undefined;
  /** In `github` mode. */
  readonly commands?: WorkflowCommands | undefined;
  readonly state: () => RunSnapshot;
  readonly logFile: (step: string, attempt: number) => string;
}

/** Steps skipped one after the other for one reason that have a line each on a terminal. */
const SKIPS_SHOWN = 10;

/** How many lines below its output a failure is still in view. */
const LINES_IN_VIEW = 40;

/** Of an undo that failed. */
const UNDO_LINES = 10;

type StepwiseEvent = Extract<RunEvent, { readonly step: string }>;

export class LineView {
  readonly #options: LineViewOptions;
  #width: number | undefined;
  /** Steps whose agent asked, and has no answer yet. */
  readonly #questions = new Set<string>();
  readonly #followed = new Map<string, LogCursor>();
  /** Steps skipped one after the other, and why. */
  #skipped = { why: "", count: 0 };
  /** Where the printed output of a failed step ends, in lines of the queue. */
  readonly #outputEnds = new Map<string, number>();

  constructor(options: LineViewOptions) {
    this.#options = options;
  }

  event(event: RunEvent): void {
    // Failures of steps are told at the end; of an undo, nothing else would tell.
    if (this.#options.mode === "quiet" && event.type !== "rollback.failed") return;
    if (event.type !== "step.skipped") this.#endSkips();
    if ("step" in event) this.#onStep(event);
    else this.#onRun(event);
  }

  /** In `stream` mode: prints what running steps wrote since. */
  poll(): void {
    for (const [step, cursor] of this.#followed) this.#options.queue.log(cursor, this.#prefix(step), false);
  }

  /** The output of the step was printed, and not much after it. */
  isOutputInView(step: string): boolean {
    const end = this.#outputEnds.get(step);
    return end !== undefined && this.#options.queue.lines - end <= LINES_IN_VIEW;
  }

  #prefix(step: string): string {
    return `${this.#options.out.style("dim", `[${safeLine(step)}]`)} `;
  }

  /** `errors` prints only failures. */
  get #terse(): boolean {
    return this.#options.mode === "errors" && !this.#options.out.isTerminal;
  }

  #say(style: Style, symbol: string, step: string, text: string): void {
    const { out, queue } = this.#options;
    const mark = out.style(style, symbol);
    if (out.isTerminal) {
      const width = this.#idWidth();
      const room = Math.max(8, out.columns - width - 5);
      queue.line(`${mark} ${pad(cutMiddle(safeLine(step), width), width)}  ${cut(safeLine(text), room)}`);
    } else queue.line(`[${safeLine(step)}] ${mark} ${safeLine(text)}`);
  }

  /** Width of the plan's longest id, computed once, within what the terminal has now. */
  #idWidth(): number {
    const { state, out } = this.#options;
    this.#width ??= Math.max(
      8,
      ...state()
        .steps.slice(0, 1000)
        .map(({ id }) => widthOf(safeLine(id))),
    );
    return Math.min(this.#width, Math.max(8, Math.floor(out.columns / 3)));
  }

  #onRun(event: Exclude<RunEvent, StepwiseEvent>): void {
    const { queue, out } = this.#options;
    if (this.#terse) return;
    if (this.#options.interactive === true && (event.type === "run.paused" || event.type === "run.unpaused")) return;
    switch (event.type) {
      case "run.paused":
        queue.line(
          out.style(
            "yellow",
            `Paused: ${safeLine(event.data.reason)}. No new step starts until \`heddle unpause ${event.run}\`.`,
          ),
        );
        return;
      case "run.unpaused":
        queue.line("Continued.");
        return;
      case "machine.short":
        queue.line(out.style("yellow", `${shortageNotice(event.data)}.`));
        return;
      case "run.options": {
        const { maxConcurrency, by } = event.data;
        queue.line(`${plural(maxConcurrency, "step")} at once from now on, set by ${safeLine(by)}.`);
        return;
      }
      case "rollback.started":
        queue.line(`Undoing ${plural(event.data.steps.length, "succeeded step")}, the newest first.`);
        return;
      case "rollback.ended":
        queue.line(
          `Undone: ${event.data.undone}${event.data.failed > 0 ? `, failed to undo: ${event.data.failed}` : ""}.`,
        );
        return;
      default:
        return;
    }
  }

  #onStep(event: StepwiseEvent): void {
    switch (event.type) {
      case "step.started":
        if (event.data.signal !== undefined) return this.#sayListening(event.step, event.data.signal);
        return this.#onStarted(event.step, event.attempt);
      case "step.succeeded":
        this.#ended(event, {
          style: "green",
          symbol: STATUS_SYMBOL.succeeded,
          text: this.#took("succeeded in", event.data.durationMs),
        });
        return;
      case "step.failed": {
        const { error, durationMs, willRetry, retryDelayMs } = event.data;
        const next = willRetry ? `; next attempt in ${tookText(retryDelayMs ?? 0)}` : "";
        const symbol = willRetry ? STATUS_SYMBOL.retrying : STATUS_SYMBOL.failed;
        const text = `${this.#took("failed after", durationMs)}: ${failureText(error).line}${next}`;
        this.#ended(event, {
          style: willRetry ? "yellow" : "red",
          symbol,
          text,
          failure: willRetry ? "warning" : "error",
        });
        return;
      }
      case "step.cancelled":
        const why = event.data.reason === "cancel" ? "" : ` (${event.data.reason})`;
        const text = `${this.#took("cancelled after", event.data.durationMs)}${why}`;
        this.#ended(event, { style: "magenta", symbol: STATUS_SYMBOL.cancelled, text });
        return;
      default:
        if (!this.#terse || event.type === "rollback.failed" || event.type === "approval.requested")
          this.#onQuietEnd(event);
    }
  }

  #onQuietEnd(event: StepwiseEvent): void {
    const { step } = event;
    switch (event.type) {
      case "step.skipped":
        return this.#saySkipped(step, skipLine(event.data.reason));
      case "step.cached":
        return this.#say("cyan", STATUS_SYMBOL.cached, step, `reused from run ${event.data.from}`);
      case "step.reused": {
        const { from, madeAt } = event.data;
        const age = madeAt === undefined ? "" : `, made ${timeText(madeAt, event.time)}`;
        return this.#say("cyan", STATUS_SYMBOL.cached, step, `reused from run ${from}${age}`);
      }
      case "timer.set":
        return this.#say("dim", STATUS_SYMBOL.waiting, step, `waits until ${formatTimestamp(event.data.at)}`);
      case "steps.added":
        return this.#say("dim", "+", step, `adds ${plural(event.data.steps.length, "step")}`);
      case "step.progress": {
        const notice = noticeOf(event.data);
        if (notice !== undefined) return this.#say("yellow", "!", step, notice.text);
        const wait = waitNotice(event.data, event.time);
        return wait === undefined ? undefined : this.#say("yellow", "…", step, wait);
      }
      case "worktree.conflicted":
        return this.#say(
          "yellow",
          "⚡",
          step,
          event.data.reason === "conflict"
            ? `conflicts with merged work in ${event.data.files.join(", ")}`
            : "fails verification on top of what was merged",
        );
      case "worktree.merged":
        return this.#say(
          "dim",
          "⇥",
          step,
          `merged as ${event.data.commit.slice(0, 10)}: ${filesText(event.data.files)}`,
        );
      case "approval.requested":
        return this.#sayAsked(step, event.data);
      case "approval.given": {
        const { decision, by, comment, choice } = event.data;
        const yes = this.#questions.delete(step)
          ? "answered"
          : choice === undefined
            ? "approved"
            : `resolved (${choice})`;
        const said = comment === undefined ? "" : `: ${comment}`;
        const done = decision === "approve" ? yes : "rejected";
        return this.#say("yellow", STATUS_SYMBOL["needs-approval"], step, `${done} by ${by}${said}`);
      }
      case "step.rolledback":
        return this.#say("magenta", "↶", step, this.#took("undone in", event.data.durationMs));
      case "rollback.failed":
        this.#say("red", STATUS_SYMBOL.failed, step, `its undo failed: ${event.data.error.message}`);
        return this.#undoOutput(step);
      default:
        return;
    }
  }

  /** On a terminal a failure deep in a plan would scroll away what came before it. */
  #saySkipped(step: string, why: string): void {
    if (this.#skipped.why !== why) this.#endSkips();
    this.#skipped = { why, count: this.#skipped.count + 1 };
    if (this.#options.out.isTerminal && this.#skipped.count > SKIPS_SHOWN) return;
    this.#say("dim", STATUS_SYMBOL.skipped, step, why);
  }

  #endSkips(): void {
    const { why, count } = this.#skipped;
    const { out, queue } = this.#options;
    this.#skipped = { why: "", count: 0 };
    if (!out.isTerminal || count <= SKIPS_SHOWN) return;
    const more = `${STATUS_SYMBOL.skipped} … and ${count - SKIPS_SHOWN} more ${safeLine(why)}`;
    queue.line(out.style("dim", cut(more, out.columns - 1)));
  }

  /** The undo's log is that of attempt 0. */
  #undoOutput(step: string): void {
    const { queue, out, logFile } = this.#options;
    const log = logFile(step, 0);
    for (const line of lastLines(log, UNDO_LINES)) queue.line(`    ${out.style("dim", safeLine(line))}`);
    queue.line(`    log: ${safeLine(log)}`);
  }

  #took(words: string, ms: number): string {
    return this.#options.out.isTerminal && words.startsWith("succeeded") ? tookText(ms) : `${words} ${tookText(ms)}`;
  }

  /** A question that was asked before this process took the run up. */
  openQuestion(step: string, asked: OpenQuestion): void {
    if (this.#options.mode !== "quiet") this.#sayAsked(step, asked);
  }

  #sayAsked(step: string, { about, question, options = [] }: OpenQuestion): void {
    const { run } = this.#options.state();
    if (about === "question") this.#questions.add(step);
    if (about === "conflict") return this.#say("yellow", STATUS_SYMBOL["needs-resolution"], step, question);
    const choices = options.length === 0 ? "" : ` (${options.map((option, at) => `${at + 1} ${option}`).join(", ")})`;
    const command = approveWords(run, step, about === "question");
    const { out, queue } = this.#options;
    const asks = `asks: ${question}${choices}`;
    if (!out.isTerminal) return this.#say("yellow", STATUS_SYMBOL["needs-approval"], step, `${asks}  (${command})`);
    // Whole, on a line of its own: it may be typed elsewhere.
    this.#say("yellow", STATUS_SYMBOL["needs-approval"], step, asks);
    queue.line(out.style("dim", `    answer: ${command}`));
  }

  #sayListening(step: string, signal: string): void {
    if (this.#terse) return;
    const { run } = this.#options.state();
    this.#say(
      "dim",
      STATUS_SYMBOL.waiting,
      step,
      `waits for the signal ${signal}  (heddle signal ${run} ${shellWord(signal)})`,
    );
  }

  #onStarted(step: string, attempt: number): void {
    const { out, mode, state, logFile } = this.#options;
    if (!out.isTerminal && !this.#terse)
      this.#say("dim", STATUS_SYMBOL.running, step, attempt > 1 ? `started, attempt ${attempt}` : "started");
    if (mode === "stream" && hasLog(state(), step)) this.#followed.set(step, new LogCursor(logFile(step, attempt)));
  }

  /** The line and the output of an ended attempt: the block before or after, as reads best. */
  #ended({ step, attempt }: { readonly step: string; readonly attempt: number }, end: AttemptEnd): void {
    const { queue, mode, logFile, state, commands } = this.#options;
    const { style, symbol, text, failure } = end;
    const followed = this.#followed.get(step);
    if (followed !== undefined) {
      this.#followed.delete(step);
      queue.log(followed, this.#prefix(step), true);
    }
    const wanted = mode === "grouped" || mode === "github" || (mode === "errors" && failure !== undefined);
    const isPrinted = wanted && hasLog(state(), step);
    if (commands !== undefined && isPrinted) commands.group(`${symbol} ${step} ${text}`);
    else if (!this.#terse || failure !== undefined) this.#say(style, symbol, step, text);
    if (isPrinted) queue.log(new LogCursor(logFile(step, attempt)), "    ", true);
    if (commands !== undefined && isPrinted) commands.endGroup();
    if (failure === undefined) return;
    commands?.annotate(failure, { title: `heddle: ${step}` }, text);
    // What is folded is not in view.
    if (commands === undefined && (isPrinted || followed !== undefined))
      queue.whenPrinted((lines) => void this.#outputEnds.set(step, lines));
  }
}

/** How an attempt ended, as its line says. `failure`: how bad, if it failed. */
interface AttemptEnd {
  readonly style: Style;
  readonly symbol: string;
  readonly text: string;
  readonly failure?: "error" | "warning";
}

function skipLine(reason: Extract<RunEvent, { readonly type: "step.skipped" }>["data"]["reason"]): string {
  switch (reason.kind) {
    case "dependency":
      return `skipped: ${reason.cause} did not succeed`;
    case "condition":
      return "skipped: its condition is false";
    case "earlier":
      return `not run: it ${reason.status === "failed" ? "failed" : "was skipped"} in run ${reason.from}`;
    default:
      return "skipped: up to date";
  }
}

function filesText(files: readonly string[]): string {
  const shown = files.slice(0, 3).join(", ");
  return files.length > 3 ? `${shown} and ${files.length - 3} more` : shown;
}

function hasLog(state: RunSnapshot, id: string): boolean {
  const at = state.index.byId.get(id);
  const step = state.steps[at ?? -1];
  return at !== undefined && step !== undefined && writesLog(state, at);
}
