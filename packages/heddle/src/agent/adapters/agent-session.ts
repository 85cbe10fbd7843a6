/**
 * Agent session: the process, timers, verdict and shutdown that all adapters share. Knows no protocol: the caller says
 * how to cancel and what a line means.
 *
 * Invariants:
 *  1. The first verdict counts: done, failed, stopped, timed out, or exited unexpectedly.
 *  2. Whatever the verdict, the process is ended in steps (cancel, end of input, TERM, KILL, sweep), and the outcome
 *     settles after that.
 */
import { present } from "../../base/assert.ts";
import { defined } from "../../base/defined.ts";
import { type AgentFailure, rateLimitOf, shortMessage } from "./failure-class.ts";
import { missingProgram, type Program } from "./program.ts";
import { type LineReader, lineReader } from "./line-reader.ts";
import type { AgentContext, AgentEvent, AgentHandle, AgentOutcome, AgentStop } from "./port.ts";
import { type AgentProcess, type AgentWorld, startAgentProcess } from "./process.ts";
import { type Deadlines, type Expiry, deadlines } from "./timers.ts";

export interface AgentSessionSpec {
  readonly provider: string;
  readonly program: Program;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdout: (chunk: Buffer) => void;
  /** The last message so far. */
  readonly text: () => string;
  /** Asks the agent to end its turn and waits until it has, for a limited time. */
  readonly cancel?: () => Promise<void>;
  /** The agent ended without a verdict; `undefined`: its end gives none, so it crashed. */
  readonly exited?: (code: number, lastWords: string) => AgentFailure | "done" | undefined;
  /** Lines of its error output that are counted instead of logged. */
  readonly noise?: RegExp | undefined;
  /** All output is there: what is held of it is to be read now. */
  readonly drain?: () => void;
}

export interface SessionInfo {
  readonly sessionId: string;
  readonly resumed: boolean;
}

type Notes = Pick<AgentOutcome, "usage" | "cost" | "rawUsage" | "totals" | "model">;

type Verdict =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly failure: AgentFailure }
  | { readonly kind: "stopped"; readonly reason: AgentStop }
  | { readonly kind: "expired"; readonly which: Expiry };

/** Bytes of one line of an agent's error output. */
const MAX_ERROR_LINE = 16_384;
/** Lines of error output that are kept for the message of a crash. */
const LAST_WORDS = 5;

export function startSession(world: AgentWorld, context: AgentContext, spec: AgentSessionSpec): AgentSession {
  return new AgentSession(world, context, spec);
}

export class AgentSession {
  readonly process: AgentProcess;
  readonly deadlines: Deadlines;
  readonly handle: AgentHandle;
  readonly #world: AgentWorld;
  readonly #context: AgentContext;
  readonly #spec: AgentSessionSpec;
  readonly #errors: ErrorOutput;
  /** Why there is no such program; absent: there is one. */
  readonly #missing: string | undefined;
  readonly #whenGone: (() => void)[] = [];
  #verdict: Verdict | undefined;
  #session: SessionInfo | undefined;
  #notes: Notes = {};
  #isKilled = false;

  constructor(world: AgentWorld, context: AgentContext, spec: AgentSessionSpec) {
    this.#world = world;
    this.#context = context;
    this.#spec = spec;
    this.#errors = new ErrorOutput(context.log, spec.noise);
    this.#missing = missingProgram(spec.program, context.env["PATH"] ?? "");
    this.process = this.#start();
    this.deadlines = deadlines(world.clock, context.limits, (which) => this.#decide({ kind: "expired", which }));
    if (this.process.pid !== undefined) context.emit({ type: "started", pid: this.process.pid });
    this.handle = {
      outcome: this.#settle(),
      stop: (reason) => this.#decide({ kind: "stopped", reason }),
      kill: () => this.#kill(),
      members: () => this.process.members(),
    };
  }

  get session(): SessionInfo | undefined {
    return this.#session;
  }

  /** A verdict is there. */
  get isEnding(): boolean {
    return this.#verdict !== undefined;
  }

  /** The verdict is a broken protocol: its further output is ignored. */
  get isBroken(): boolean {
    return this.#verdict !== undefined && isBroken(this.#verdict);
  }

  /** A message of the agent to report. */
  emit(event: AgentEvent): void {
    this.#context.emit(event);
  }

  log(line: string): void {
    this.#context.log(line);
  }

  /** It is ready for a prompt. */
  ready(opened: SessionInfo): void {
    this.#session = opened;
    this.deadlines.ready();
    this.emit({ type: "session", ...opened });
  }

  note(more: Notes): void {
    this.#notes = { ...this.#notes, ...more };
    if (more.usage === undefined && more.cost === undefined) return;
    const { usage, cost, totals } = this.#notes;
    this.emit(defined({ type: "usage", usage, cost, totals }));
  }

  notice(text: string): void {
    this.log(`[notice] ${text}`);
    this.emit({ type: "notice", text });
  }

  done(): void {
    this.#decide({ kind: "done" });
  }

  fail(failure: AgentFailure): void {
    this.#decide({ kind: "failed", failure });
  }

  /** Called once, when the process is gone and its output is read. */
  whenGone(call: () => void): void {
    this.#whenGone.push(call);
  }

  #start(): AgentProcess {
    const { cwd, env, limits, wrap } = this.#context;
    const spec = this.#spec;
    const words = [...spec.program.args, ...spec.args];
    // A sandbox would start anyway, and its error would be taken for the agent's.
    const [program, ...args] =
      wrap === undefined || this.#missing !== undefined
        ? ([spec.program.command, ...words] as const)
        : wrap(spec.program.command, words);
    return startAgentProcess(this.#world, {
      program,
      args,
      cwd,
      env: { ...env, ...spec.env },
      graceMs: limits.graceMs,
      stdout: spec.stdout,
      stderr: (chunk) => this.#errors.push(chunk),
    });
  }

  #kill(): void {
    this.#isKilled = true;
    this.#decide({ kind: "stopped", reason: "cancel" });
    this.process.kill();
  }

  /** The first counts. */
  #decide(verdict: Verdict): void {
    if (this.#verdict !== undefined) return;
    this.#verdict = verdict;
    this.deadlines.end();
    void this.#windDown(verdict);
  }

  /** Ends the process in steps, as far as it has not ended by itself. */
  async #windDown(verdict: Verdict): Promise<void> {
    if (this.#isKilled) return;
    const { limits } = this.#context;
    const { exited } = this.process;
    if (verdict.kind === "stopped" || verdict.kind === "expired")
      await this.#within(limits.cancelMs, Promise.race([this.#spec.cancel?.().catch(() => {}), exited]));
    this.process.endInput();
    if (!isBroken(verdict)) await this.#within(limits.exitMs, exited);
    this.process.stop(limits.graceMs);
  }

  async #within(ms: number, work: Promise<unknown>): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.#world.clock.after(ms, resolve);
    await Promise.race([work, late]);
    cancel();
  }

  async #settle(): Promise<AgentOutcome> {
    await this.process.exited;
    this.#spec.drain?.();
    this.#errors.end();
    // The last messages may still be in transit.
    await new Promise<void>((resolve) => void setImmediate(resolve));
    if (this.#verdict === undefined) this.#decide(await this.#verdictOfEnd());
    for (const call of this.#whenGone) call();
    await this.process.ended;
    this.deadlines.end();
    const common = defined<Known>({
      text: this.#spec.text(),
      ...this.#notes,
      sessionId: this.#session?.sessionId,
    });
    return outcomeOf(present(this.#verdict, "the verdict of an agent that has ended"), common, this.#spec.provider);
  }

  /** Of a process that ended by itself. */
  async #verdictOfEnd(): Promise<Verdict> {
    const end = await this.process.ended;
    const words = this.#errors.lastWords;
    if (end.kind === "unstarted")
      return failed("spawn", this.#missing ?? `cannot start ${this.#spec.program.command}: ${end.message}`);
    const judged = this.#spec.exited?.(end.code, words);
    if (judged === "done") return { kind: "done" };
    if (judged !== undefined) return { kind: "failed", failure: judged };
    const how = end.signal === undefined ? `exit code ${end.code}` : end.signal;
    const isMissing = (end.code === 127 || end.code === 126) && this.#session === undefined;
    const message = `the agent ended unexpectedly (${how})${words === "" ? "" : `: ${words}`}`;
    return failed(isMissing ? "spawn" : "crash", message);
  }
}

/** Error output of an agent: logged line by line; the last lines say why it crashed. */
class ErrorOutput {
  readonly #lines: LineReader;
  readonly #log: (line: string) => void;
  readonly #last: string[] = [];
  #passedOver = 0;

  constructor(log: (line: string) => void, noise: RegExp | undefined) {
    this.#log = log;
    this.#lines = lineReader(MAX_ERROR_LINE, {
      line: (text) => {
        if (noise?.test(text) === true) {
          this.#passedOver++;
          return;
        }
        log(`[stderr] ${text}`);
        this.#last.push(text);
        if (this.#last.length > LAST_WORDS) this.#last.shift();
      },
      tooLong: () => log("[stderr] (line too long, omitted)"),
    });
  }

  get lastWords(): string {
    return shortMessage(this.#last.join(" | "), 300);
  }

  push(chunk: Buffer): void {
    this.#lines.push(chunk);
  }

  end(): void {
    this.#lines.end();
    if (this.#passedOver > 0) this.#log(`[stderr] (${this.#passedOver} lines that say nothing, omitted)`);
    this.#passedOver = 0;
  }
}

/** What an outcome has whatever the verdict is. */
type Known = Omit<AgentOutcome, "status">;

function outcomeOf(verdict: Verdict, known: Known, provider: string): AgentOutcome {
  switch (verdict.kind) {
    case "done":
      return { status: "ok", ...known };
    case "failed": {
      const { failure } = verdict;
      const rateLimit = rateLimitOf(failure, provider);
      const { class: name, message, isSessionGone } = failure;
      return defined({ status: "failed", class: name, message, ...known, rateLimit, isSessionGone });
    }
    case "stopped":
      if (verdict.reason === "cancel") return { status: "cancelled", ...known };
      if (verdict.reason === "needs-input") return { status: "needs-input", ...known };
      return { status: "failed", class: "budget", message: "the budget is used up", ...known };
    case "expired": {
      const { which } = verdict;
      const stall = which === "attempt" ? undefined : ("stall" as const);
      return defined({ status: "timeout", timeout: which, message: EXPIRED[which], ...known, class: stall });
    }
  }
}

const EXPIRED: Readonly<Record<Expiry, string>> = {
  start: "the agent took too long to start",
  idle: "the agent reported nothing for too long",
  attempt: "the attempt took too long",
};

function failed(name: AgentFailure["class"], message: string): Verdict {
  return { kind: "failed", failure: { class: name, message } };
}

function isBroken(verdict: Verdict): boolean {
  return verdict.kind === "failed" && verdict.failure.class === "protocol";
}
