/**
 * Agent session: the process, timers, verdict and shutdown that all adapters share. Knows no protocol: the caller says
 * how to cancel and what a line means.
 *
 * Invariants:
 *  1. The first verdict counts: done, failed, stopped, timed out, or exited unexpectedly.
 *  2. Whatever the verdict, the process is ended in steps (cancel, end of input, TERM, KILL, sweep), and the outcome
 *     settles after that.
 */
import { defined } from "../../base/defined.ts";
import { type AgentFailure, rateLimitOf, shortMessage } from "./failure-class.ts";
import { missingProgram, type Program } from "./program.ts";
import { lineReader } from "./line-reader.ts";
import type { AgentContext, AgentHandle, AgentOutcome, AgentStop } from "./port.ts";
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
  /** All output is there: what is held of it is to be read now. */
  readonly drain?: () => void;
}

export interface SessionInfo {
  readonly sessionId: string;
  readonly resumed: boolean;
}

type Notes = Pick<AgentOutcome, "usage" | "cost" | "rawUsage" | "totals" | "model">;

export interface AgentSession {
  readonly process: AgentProcess;
  readonly deadlines: Deadlines;
  readonly handle: AgentHandle;
  readonly session: SessionInfo | undefined;
  /** A verdict is there. */
  readonly isEnding: boolean;
  /** The verdict is a broken protocol: its further output is ignored. */
  readonly isBroken: boolean;
  /** It is ready for a prompt. */
  ready(session: SessionInfo): void;
  /** A message of the agent to report. */
  readonly emit: AgentContext["emit"];
  readonly log: AgentContext["log"];
  note(notes: Notes): void;
  notice(text: string): void;
  done(): void;
  fail(failure: AgentFailure): void;
  /** Called once, when the process is gone and its output is read. */
  whenGone(call: () => void): void;
}

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
  const { limits } = context;
  let verdict: Verdict | undefined;
  let session: SessionInfo | undefined;
  let notes: Notes = {};
  let isKilled = false;
  const lastWords: string[] = [];
  const calls: (() => void)[] = [];
  const errors = lineReader(MAX_ERROR_LINE, {
    line(text) {
      context.log(`[stderr] ${text}`);
      lastWords.push(text);
      if (lastWords.length > LAST_WORDS) lastWords.shift();
    },
    tooLong: () => context.log("[stderr] (line too long, omitted)"),
  });
  const missing = missingProgram(spec.program, context.env["PATH"] ?? "");
  // A sandbox would start anyway, and its error would be taken for the agent's.
  const wrap = missing === undefined ? context.wrap : undefined;
  const [program, ...args] = (wrap ?? ((name, rest) => [name, ...rest] as const))(spec.program.command, [
    ...spec.program.args,
    ...spec.args,
  ]);
  const running = startAgentProcess(world, {
    program,
    args,
    cwd: context.cwd,
    env: { ...context.env, ...spec.env },
    graceMs: limits.graceMs,
    stdout: spec.stdout,
    stderr: (chunk) => errors.push(chunk),
  });
  const clocks = deadlines(world.clock, limits, (which) => decide({ kind: "expired", which }));
  if (running.pid !== undefined) context.emit({ type: "started", pid: running.pid });

  function decide(made: Verdict): void {
    if (verdict !== undefined) return;
    verdict = made;
    clocks.end();
    void windDown(made);
  }

  async function windDown(made: Verdict): Promise<void> {
    if (isKilled) return;
    const broken = made.kind === "failed" && made.failure.class === "protocol";
    if (made.kind === "stopped" || made.kind === "expired")
      await within(limits.cancelMs, Promise.race([spec.cancel?.().catch(() => {}), running.exited]));
    running.endInput();
    if (!broken) await within(limits.exitMs, running.exited);
    running.stop(limits.graceMs);
  }

  async function within(ms: number, work: Promise<unknown>): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = world.clock.after(ms, resolve);
    await Promise.race([work, late]);
    cancel();
  }

  async function settle(): Promise<AgentOutcome> {
    await running.exited;
    spec.drain?.();
    errors.end();
    // The last messages may still be in transit.
    await new Promise<void>((resolve) => void setImmediate(resolve));
    if (verdict === undefined) decide(await verdictOfEnd());
    for (const call of calls) call();
    await running.ended;
    clocks.end();
    return outcomeOf(verdict as unknown as Verdict);
  }

  async function verdictOfEnd(): Promise<Verdict> {
    const end = await running.ended;
    const words = shortMessage(lastWords.join(" | "), 300);
    if (end.kind === "unstarted")
      return failed({
        class: "spawn",
        message: missing ?? `cannot start ${spec.program.command}: ${end.message}`,
      });
    const judged = spec.exited?.(end.code, words);
    if (judged === "done") return { kind: "done" };
    if (judged !== undefined) return failed(judged);
    const how = end.signal === undefined ? `exit code ${end.code}` : end.signal;
    const message = `the agent ended unexpectedly (${how})${words === "" ? "" : `: ${words}`}`;
    const isMissing = (end.code === 127 || end.code === 126) && session === undefined;
    return failed({ class: isMissing ? "spawn" : "crash", message });
  }

  function outcomeOf(made: Verdict): AgentOutcome {
    const common = defined<Omit<AgentOutcome, "status">>({
      text: spec.text(),
      ...notes,
      sessionId: session?.sessionId,
    });
    switch (made.kind) {
      case "done":
        return { status: "ok", ...common };
      case "failed": {
        const { failure } = made;
        const rateLimit = rateLimitOf(failure, spec.provider);
        return defined({ status: "failed", class: failure.class, message: failure.message, ...common, rateLimit });
      }
      case "stopped":
        if (made.reason === "cancel") return { status: "cancelled", ...common };
        if (made.reason === "needs-input") return { status: "needs-input", ...common };
        return { status: "failed", class: "budget", message: "the budget is used up", ...common };
      case "expired": {
        const message = EXPIRED[made.which];
        const isStall = made.which !== "attempt";
        return defined({
          status: "timeout",
          timeout: made.which,
          message,
          ...common,
          class: isStall ? "stall" : undefined,
        });
      }
    }
  }

  return {
    process: running,
    deadlines: clocks,
    handle: {
      outcome: settle(),
      stop: (reason) => decide({ kind: "stopped", reason }),
      kill() {
        isKilled = true;
        decide({ kind: "stopped", reason: "cancel" });
        running.kill();
      },
      members: () => running.members(),
    },
    get session() {
      return session;
    },
    get isEnding() {
      return verdict !== undefined;
    },
    get isBroken() {
      return verdict?.kind === "failed" && verdict.failure.class === "protocol";
    },
    emit: context.emit,
    log: context.log,
    ready(opened) {
      session = opened;
      clocks.ready();
      context.emit({ type: "session", ...opened });
    },
    note(more) {
      notes = { ...notes, ...more };
      if (more.usage === undefined && more.cost === undefined) return;
      context.emit(defined({ type: "usage", usage: notes.usage, cost: notes.cost }));
    },
    notice(text) {
      context.log(`[notice] ${text}`);
      context.emit({ type: "notice", text });
    },
    done: () => decide({ kind: "done" }),
    fail: (failure) => decide(failed(failure)),
    whenGone: (call) => void calls.push(call),
  };
}

const EXPIRED: Readonly<Record<Expiry, string>> = {
  start: "the agent took too long to start",
  idle: "the agent reported nothing for too long",
  attempt: "the attempt took too long",
};

function failed(failure: AgentFailure): Verdict {
  return { kind: "failed", failure };
}
