/**
 * Agent runner: carries out one turn of one coding agent with its adapter, environment, sandbox, log and masking, and
 * converts the agent's outcome into the attempt's. Knows no git and no budget, and not what the prompt means.
 *
 * Invariants:
 *  1. A success without the files that it should have written is a failure of class `no-changes`.
 *  2. Secret values are masked in log, output, errors and events.
 *  3. A message to the turn before its agent has started is delivered as soon as it has.
 */
import path from "node:path";
import { existsSync, mkdirSync } from "node:fs";
import { defined } from "../../base/defined.ts";
import { messageOf } from "../../base/errors.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import { type Masker, maskerFor } from "../../base/mask.ts";
import { type Result, err, ok } from "../../base/result.ts";
import type { FailureClass } from "../../plan/plan.ts";
import type { BaseEnvironments } from "../../process/environment.ts";
import type { MemoryWatch } from "../../process/memory.ts";
import type { AgentDetails, Outcome, StopReason } from "../../run/attempt.ts";
import { maskOutcome } from "../../run/mask-outcome.ts";
import { agentEnvironment } from "./environment.ts";
import { PERMISSION_PRESETS, reachOf } from "./permissions.ts";
import {
  type AgentAdapter,
  type AgentContext,
  type AgentEvent,
  type AgentHandle,
  type AgentOutcome,
  type AgentRunner,
  type AgentStop,
  type AgentTurn,
  type PermissionRequest,
  DEFAULT_AGENT_LIMITS,
  type RunningTurn,
  eventData,
} from "./port.ts";
import { isRetryable } from "./retry.ts";
import type { Box, Sandbox } from "./sandbox.ts";
import { type Transcript, transcript } from "./transcript.ts";

export interface AgentRunnerOptions {
  readonly adapters: ReadonlyMap<string, AgentAdapter>;
  readonly bases: BaseEnvironments;
  readonly memory: MemoryWatch;
  readonly sandbox: Sandbox;
  /** Called for each run whose agent may have left a process behind. */
  readonly onLeftovers?: (run: string) => void;
}

export function agentRunner(options: AgentRunnerOptions): AgentRunner {
  return {
    start(turn) {
      const adapter = options.adapters.get(turn.agent);
      if (adapter !== undefined) return new LocalTurn(options, turn, adapter);
      const known = [...options.adapters.keys()].toSorted().join(", ");
      return unstarted(failed("spawn", `there is no agent ${turn.agent}; there are ${known}`));
    },
  };
}

function unstarted(outcome: Outcome): RunningTurn {
  return { outcome: Promise.resolve(outcome), stop() {}, kill() {}, end() {} };
}

/** What an attempt reports that are passed on as progress; the rest is in the log. */
const TOLD: ReadonlySet<AgentEvent["type"]> = new Set([
  "session",
  "tool",
  "permission",
  "usage",
  "retrying",
  "plan",
  "notice",
] satisfies AgentEvent["type"][]);

/**
 * A session id that can be continued. The agent chose it, and some take it as an argument: for one that could be read
 * as an option, or as several words, a new session is started.
 */
const SESSION = /^[A-Za-z0-9][\w.:@+=/-]{0,255}$/;

/** Reports of progress for each attempt; what is over is dropped, but for usage. */
const MAX_PROGRESS = 1000;

/** What is prepared before the agent starts. */
interface Prepared {
  readonly env: Readonly<Record<string, string>>;
  readonly mask: Masker | undefined;
  readonly box: Box;
  readonly log: Transcript;
}

class LocalTurn implements RunningTurn {
  readonly outcome: Promise<Outcome>;
  readonly #options: AgentRunnerOptions;
  readonly #turn: AgentTurn;
  readonly #adapter: AgentAdapter;
  #handle: AgentHandle | undefined;
  /** Why the attempt is ended, if it is. */
  #reason: StopReason | undefined;
  /** How the agent is to be ended, as soon as there is one. */
  #ending: AgentStop | "kill" | undefined;

  constructor(options: AgentRunnerOptions, turn: AgentTurn, adapter: AgentAdapter) {
    this.#options = options;
    this.#turn = turn;
    this.#adapter = adapter;
    this.outcome = this.#carryOut();
  }

  stop(why: StopReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = why;
    this.end("cancel");
  }

  end(why: AgentStop): void {
    if (this.#ending !== undefined) return;
    this.#ending = why;
    this.#endAgent();
  }

  kill(): void {
    this.#reason ??= "cancel";
    this.#ending = "kill";
    this.#endAgent();
  }

  #endAgent(): void {
    if (this.#handle === undefined || this.#ending === undefined) return;
    if (this.#ending === "kill") this.#handle.kill();
    else this.#handle.stop(this.#ending);
  }

  async #carryOut(): Promise<Outcome> {
    const prepared = await this.#prepare();
    if (!prepared.ok) return prepared.error;
    const { mask, box, log } = prepared.value;
    const context = this.#contextOf(prepared.value);
    let { ended, peakMemoryMb } = await this.#work(context);
    if (ended.isSessionGone === true && this.#ending === undefined) {
      const text = `cannot continue session ${context.resume?.sessionId ?? ""}: ${ended.message ?? "it is gone"}; a new one is begun`;
      log.line(`[notice] ${text}`);
      context.emit({ type: "notice", text });
      const { resume: _gone, ...anew } = context;
      ({ ended, peakMemoryMb } = await this.#work(anew));
    }
    this.#options.onLeftovers?.(this.#turn.run);
    const plain = this.#outcomeOf(ended, detailsOf(ended, this.#turn, this.#adapter, box.kind), peakMemoryMb);
    log.line(endLine(ended));
    log.end();
    const usage = peakMemoryMb === undefined ? undefined : { peakMemoryMb };
    const whole: Outcome = defined({ ...plain, usage });
    return mask === undefined ? whole : maskOutcome(whole, mask);
  }

  /** One process of the agent, from its start to its end. */
  async #work(context: AgentContext): Promise<{ ended: AgentOutcome; peakMemoryMb: number | undefined }> {
    const handle = this.#adapter.start(context);
    const watch = this.#options.memory.watch(
      this.#turn.maxMemoryMb,
      () => handle.members() as never,
      () => this.stop("memory"),
    );
    this.#handle = handle;
    this.#endAgent();
    return { ended: await handle.outcome, peakMemoryMb: watch.end() };
  }

  async #prepare(): Promise<Result<Prepared, Outcome>> {
    const turn = this.#turn;
    const { bases, sandbox } = this.#options;
    const env = agentEnvironment(
      bases,
      defined({
        run: turn.run,
        step: turn.step,
        attempt: turn.attempt,
        cwd: turn.cwd,
        tree: turn.tree,
        mode: turn.envMode,
        direct: ownHosts(turn),
        env: turn.env,
        passEnv: turn.passEnv,
        home: turn.home,
        ports: turn.ports,
      }),
    );
    const masking = maskerFor(turn.secrets, (name) => env[name] ?? bases.inherit[name]);
    // Another attempt would find the same value.
    if (!masking.ok)
      return err({ kind: "failed", error: { code: "spawn", message: masking.error, class: "spawn", final: true } });
    const mask = masking.value;
    if (turn.home !== undefined) {
      try {
        mkdirSync(turn.home, { recursive: true });
      } catch (thrown) {
        return err(failed("spawn", `cannot create the agent's home folder: ${messageOf(thrown)}`));
      }
    }
    const found = await sandbox.around({
      mode: turn.sandbox ?? "auto",
      cwd: turn.cwd,
      isReadOnly: turn.readOnly === true,
      readable: turn.gitDir === undefined ? [] : [turn.gitDir],
      writable: [
        ...(turn.tree === undefined ? [] : [turn.tree]),
        ...(turn.writable ?? []),
        ...filesAtHome(turn, this.#adapter, env["HOME"]),
      ],
      made: foldersAtHome(turn, this.#adapter, env["HOME"]),
      isNested: this.#adapter.nestsSandbox && reachOf(turn.policy ?? PERMISSION_PRESETS.worktree, turn.cwd) !== "full",
    });
    // Another attempt would find none either.
    if (!found.ok)
      return err({ kind: "failed", error: { code: "spawn", message: found.error, class: "spawn", final: true } });
    const log = transcript(turn.logFile, mask);
    if (!log.ok) return err(failed("spawn", `cannot open the log: ${log.error}`));
    return ok({ env, mask, box: found.value, log: log.value });
  }

  #contextOf({ env, mask, box, log }: Prepared): AgentContext {
    const turn = this.#turn;
    const emit = this.#emitter(mask);
    if (box.notice !== undefined) {
      log.line(`[notice] ${box.notice}`);
      emit({ type: "notice", text: box.notice });
    }
    return defined({
      cwd: turn.cwd,
      prompt: turn.prompt,
      env,
      mcp: turn.mcp ?? [],
      policy: turn.policy ?? PERMISSION_PRESETS.worktree,
      limits: { ...DEFAULT_AGENT_LIMITS, graceMs: turn.graceMs, ...turn.limits },
      emit,
      log: (line) => log.line(line),
      model: turn.model ?? this.#adapter.defaultModel,
      resume: turn.resume !== undefined && SESSION.test(turn.resume.sessionId) ? turn.resume : undefined,
      wrap: box.wrap,
      ask: this.#asker(mask),
    });
  }

  /** A person sees what is asked, masked. */
  #asker(mask: Masker | undefined): AgentTurn["onAsk"] {
    const { onAsk } = this.#turn;
    if (onAsk === undefined || mask === undefined) return onAsk;
    return (request) =>
      onAsk({ ...(mask.json(request as unknown as Json) as unknown as PermissionRequest), kind: request.kind });
  }

  /** Passes events on as progress of the attempt, masked. */
  #emitter(mask: Masker | undefined): (event: AgentEvent) => void {
    let told = 0;
    let isWaiting = false;
    return (event) => {
      const hasAnswered = event.type === "text" || event.type === "thought";
      // Of the progress that is told, all ends a wait; the provider's answer alone is told nowhere else.
      if (isWaiting && hasAnswered && told < MAX_PROGRESS) this.#turn.onProgress?.({ type: "waited" });
      if (hasAnswered || event.type === "tool") isWaiting = false;
      if (event.type === "retrying") isWaiting = true;
      if (!TOLD.has(event.type) || (event.type !== "usage" && ++told > MAX_PROGRESS)) return;
      const data = eventData(event);
      this.#turn.onProgress?.(mask === undefined ? data : (mask.json(data) as JsonObject));
    };
  }

  #outcomeOf(ended: AgentOutcome, agent: AgentDetails, peakMemoryMb: number | undefined): Outcome {
    const reason = this.#reason;
    if (reason === "memory") {
      const took = peakMemoryMb === undefined ? "more" : `${peakMemoryMb} MB`;
      const message = `the agent's processes used ${took} of memory, its limit is ${this.#turn.maxMemoryMb} MB`;
      return { ...failed("memory", message), agent };
    }
    if (reason !== undefined) return { kind: "stopped", reason, agent };
    switch (ended.status) {
      case "ok":
        return judged(ended, this.#turn, agent);
      case "cancelled":
        return { kind: "stopped", reason: "cancel", agent };
      case "timeout":
        return { ...failed("timeout", ended.message ?? "the agent took too long"), agent };
      case "needs-input":
        return { ...failed("error", "the agent needs an answer to continue"), agent };
      case "failed": {
        const code = ended.class === "spawn" ? "spawn" : "error";
        const { class: name = "crash", message = "the agent failed" } = ended;
        return { ...failed(code, `${name}: ${message}`), agent };
      }
    }
  }
}

function endLine({ status, class: name, message }: AgentOutcome): string {
  return `[end] ${status}${name === undefined ? "" : ` (${name})`}${message === undefined ? "" : `: ${message}`}`;
}

/** Hosts of heddle's own tools: on this machine. */
function ownHosts({ mcp = [] }: AgentTurn): readonly string[] {
  const hosts = mcp.flatMap((server) => (server.type === "http" ? [new URL(server.url).hostname] : []));
  return [...new Set(hosts.filter((host) => ["127.0.0.1", "localhost", "[::1]"].includes(host)))];
}

/** The whole of a private home; of the user's home only the agent's own folders. */
function foldersAtHome(turn: AgentTurn, adapter: AgentAdapter, home: string | undefined): readonly string[] {
  if (turn.home !== undefined) return [turn.home];
  return home === undefined ? [] : adapter.homePaths.map((name) => path.join(home, name));
}

function filesAtHome(turn: AgentTurn, adapter: AgentAdapter, home: string | undefined): readonly string[] {
  if (turn.home !== undefined || home === undefined) return [];
  return adapter.homeFiles.map((name) => path.join(home, name));
}

function detailsOf(
  ended: AgentOutcome,
  turn: AgentTurn,
  adapter: AgentAdapter,
  sandbox: AgentDetails["sandbox"],
): AgentDetails {
  return defined({
    agent: adapter.id,
    provider: adapter.provider,
    sandbox,
    class: ended.class,
    retryable: ended.class === undefined ? undefined : isRetryable(ended.class),
    sessionId: ended.sessionId,
    model: ended.model ?? turn.model ?? adapter.defaultModel,
    usage: ended.usage,
    usd: ended.cost,
    rawUsage: ended.rawUsage,
    totals: ended.totals,
    rateLimit: ended.rateLimit,
    promptHash: turn.promptHash,
    needsInput: ended.status === "needs-input" ? true : undefined,
  });
}

/** A success needs the files that were asked for. */
function judged(ended: AgentOutcome, turn: AgentTurn, agent: AgentDetails): Outcome {
  const missing = (turn.expect?.files ?? []).filter((file) => !existsSync(path.resolve(turn.cwd, file)));
  if (missing.length === 0) return { kind: "succeeded", output: { text: ended.text }, agent };
  return {
    ...failed("error", `no-changes: the agent says it is done, but ${missing.join(", ")} does not exist`),
    agent: { ...agent, class: "no-changes", retryable: isRetryable("no-changes") },
  };
}

function failed(code: FailureClass, message: string): Extract<Outcome, { kind: "failed" }> {
  return { kind: "failed", error: { code, message } };
}
