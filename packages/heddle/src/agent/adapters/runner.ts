/**
 * Runner for `agent`: one attempt of one coding agent. Puts adapter, environment, sandbox, log and masking together, and turns
 * the agent's outcome into the attempt's. Knows no prompt's meaning, no git, no budget.
 *
 * Invariants:
 *  1. A success that had to leave files, and did not, is a failure of class `no-changes`.
 *  2. A secret's value is masked in log, output, errors and news.
 */
import path from "node:path";
import { existsSync, mkdirSync } from "node:fs";
import { defined } from "../../base/defined.ts";
import { messageOf } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import type { FailureClass } from "../../plan/plan.ts";
import type { BaseEnvironments } from "../../runner/environment.ts";
import { masker } from "../../runner/mask.ts";
import type { MemoryWatch } from "../../runner/memory.ts";
import { failedAttempt, maskOutcome } from "../../runner/outcome.ts";
import type { Attempt, Runner, RunningAttempt } from "../../runner/port.ts";
import { agentEnvironment } from "./environment.ts";
import { PERMISSION_PRESETS } from "./permissions.ts";
import {
  type AgentAdapter,
  type AgentEvent,
  type AgentHandle,
  type AgentOutcome,
  type AgentWork,
  DEFAULT_AGENT_LIMITS,
  eventData,
} from "./port.ts";
import { isRetryable } from "./retry.ts";
import type { Sandbox } from "./sandbox.ts";
import { transcript } from "./transcript.ts";
import type { Outcome, StopReason, AgentDetails } from "../../run/attempt.ts";

export interface AgentRunnerOptions {
  readonly adapters: ReadonlyMap<string, AgentAdapter>;
  readonly bases: BaseEnvironments;
  readonly memory: MemoryWatch;
  readonly sandbox: Sandbox;
  /** Told of each run whose agent may have left a process behind. */
  readonly onLoose?: (run: string) => void;
}

export function agentRunner(options: AgentRunnerOptions): Runner {
  return {
    kinds: ["agent"],
    start: (attempt) => startAgent(options, attempt),
    async [Symbol.asyncDispose]() {},
  };
}

/** News of an attempt that are passed on as progress; the rest is in the log. */
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
 * A session that can be gone on in. An agent named it itself, and some take it as an argument: one that could be read as an option, or
 * as more than one word, is begun anew.
 */
const SESSION = /^[A-Za-z0-9][\w.:@+=/-]{0,255}$/;

/** Reports of progress for each attempt; what is over is dropped, but for usage. */
const MAX_PROGRESS = 1000;

function startAgent(options: AgentRunnerOptions, attempt: Attempt): RunningAttempt {
  const { work } = attempt;
  if (work.kind !== "agent") return failedAttempt("spawn", `an agent cannot carry out work of kind ${work.kind}`);
  const adapter = options.adapters.get(work.agent);
  if (adapter === undefined) {
    const known = [...options.adapters.keys()].toSorted().join(", ");
    return failedAttempt("spawn", `no agent is called ${work.agent}; there are ${known}`);
  }
  let handle: AgentHandle | undefined;
  let reason: StopReason | undefined;
  let pending: "stop" | "kill" | "needs-input" | "budget" | undefined;
  function act(): void {
    if (handle === undefined || pending === undefined) return;
    if (pending === "kill") handle.kill();
    else handle.stop(pending === "stop" ? "cancel" : pending);
  }
  function stop(why: StopReason): void {
    if (reason !== undefined) return;
    reason = why;
    if (pending !== undefined) return;
    pending = "stop";
    act();
  }
  const outcome = carryOut({
    options,
    attempt,
    work,
    adapter,
    stop,
    reason: () => reason,
    started(running) {
      handle = running;
      act();
    },
  });
  return {
    outcome,
    stop,
    kill() {
      reason ??= "cancel";
      pending = "kill";
      act();
    },
    end(why) {
      pending ??= why;
      act();
    },
  };
}

interface Carrying {
  readonly options: AgentRunnerOptions;
  readonly attempt: Attempt;
  readonly work: AgentWork;
  readonly adapter: AgentAdapter;
  readonly stop: (why: StopReason) => void;
  readonly reason: () => StopReason | undefined;
  readonly started: (handle: AgentHandle) => void;
}

async function carryOut(carrying: Carrying): Promise<Outcome> {
  const { options, attempt, work, adapter } = carrying;
  const env = agentEnvironment(
    options.bases,
    defined({
      run: attempt.run,
      step: attempt.step,
      attempt: attempt.attempt,
      cwd: attempt.cwd,
      tree: work.tree,
      mode: attempt.envMode,
      direct: ownHosts(work),
      env: attempt.env,
      passEnv: attempt.passEnv,
      home: work.home,
      ports: work.ports,
    }),
  );
  const mask = masker(attempt.secrets.map((name) => env[name] ?? options.bases.inherit[name]));
  if (work.home !== undefined) {
    try {
      mkdirSync(work.home, { recursive: true });
    } catch (thrown) {
      return failed("spawn", `the agent's home cannot be made: ${messageOf(thrown)}`);
    }
  }
  const found = await options.sandbox.around({
    mode: work.sandbox ?? "auto",
    cwd: attempt.cwd,
    readable: work.gitDir === undefined ? [] : [work.gitDir],
    writable: [
      ...(work.tree === undefined ? [] : [work.tree]),
      ...(work.writable ?? []),
      ...atHome(work, adapter, env["HOME"]),
    ],
  });
  // Another attempt would find none either.
  if (!found.ok) return { kind: "failed", error: { code: "spawn", message: found.error, class: "spawn", final: true } };
  const box = found.value;
  let log;
  try {
    log = transcript(attempt.logFile, mask);
  } catch (thrown) {
    return failed("spawn", `the log cannot be opened: ${messageOf(thrown)}`);
  }
  const model = work.model ?? adapter.defaultModel;
  let progress = 0;
  const tell = (event: AgentEvent): void => {
    if (!TOLD.has(event.type) || (event.type !== "usage" && ++progress > MAX_PROGRESS)) return;
    const data = eventData(event);
    attempt.onProgress?.(mask === undefined ? data : (mask.json(data) as JsonObject));
  };
  if (box.notice !== undefined) {
    log.line(`[notice] ${box.notice}`);
    tell({ type: "notice", text: box.notice });
  }
  const handle = adapter.start(
    defined({
      cwd: attempt.cwd,
      prompt: work.prompt,
      env,
      mcp: work.mcp ?? [],
      policy: work.policy ?? PERMISSION_PRESETS.worktree,
      limits: { ...DEFAULT_AGENT_LIMITS, graceMs: attempt.graceMs, ...work.limits },
      emit: tell,
      log: (line) => log.line(line),
      model,
      resume: work.resume === undefined || !SESSION.test(work.resume.sessionId) ? undefined : work.resume,
      wrap: box.wrap,
      ask: attempt.onAsk,
    }),
  );
  const watch = options.memory.watch(
    attempt.maxMemoryMb,
    () => handle.members() as never,
    () => carrying.stop("memory"),
  );
  carrying.started(handle);
  const ended = await handle.outcome;
  const peakMemoryMb = watch.end();
  const usage = peakMemoryMb === undefined ? undefined : { peakMemoryMb };
  options.onLoose?.(attempt.run);
  const details = detailsOf(ended, carrying, box.kind);
  const plain = outcomeOf(ended, carrying, details, peakMemoryMb);
  log.line(
    `[end] ${ended.status}${ended.class === undefined ? "" : ` (${ended.class})`}${ended.message === undefined ? "" : `: ${ended.message}`}`,
  );
  log.end();
  const whole: Outcome = defined({ ...plain, usage });
  return mask === undefined ? whole : maskOutcome(whole, mask);
}

/** Hosts of heddle's own tools: on this machine. */
function ownHosts({ mcp = [] }: AgentWork): readonly string[] {
  const hosts = mcp.flatMap((server) => (server.type === "http" ? [new URL(server.url).hostname] : []));
  return [...new Set(hosts.filter((host) => ["127.0.0.1", "localhost", "[::1]"].includes(host)))];
}

/** A private home as a whole; of a person's only what the agent keeps there. */
function atHome(work: AgentWork, adapter: AgentAdapter, home: string | undefined): readonly string[] {
  if (work.home !== undefined) return [work.home];
  return home === undefined ? [] : adapter.homePaths.map((name) => path.join(home, name));
}

function detailsOf(ended: AgentOutcome, { work, adapter }: Carrying, sandbox: AgentDetails["sandbox"]): AgentDetails {
  const model = ended.model ?? work.model ?? adapter.defaultModel;
  return defined({
    agent: adapter.id,
    provider: adapter.provider,
    sandbox,
    class: ended.class,
    retryable: ended.class === undefined ? undefined : isRetryable(ended.class),
    sessionId: ended.sessionId,
    model,
    usage: ended.usage,
    usd: ended.cost,
    rawUsage: ended.rawUsage,
    totals: ended.totals,
    rateLimit: ended.rateLimit,
    promptHash: work.promptHash,
    needsInput: ended.status === "needs-input" ? true : undefined,
  });
}

function outcomeOf(
  ended: AgentOutcome,
  carrying: Carrying,
  agent: AgentDetails,
  peakMemoryMb: number | undefined,
): Outcome {
  const { attempt } = carrying;
  const reason = carrying.reason();
  if (reason === "memory") {
    const took = peakMemoryMb === undefined ? "more" : `${peakMemoryMb} MB`;
    return { ...failed("memory", `the agent's processes took ${took}, its limit is ${attempt.maxMemoryMb} MB`), agent };
  }
  if (reason !== undefined) return { kind: "stopped", reason, agent };
  switch (ended.status) {
    case "ok":
      return judged(ended, carrying, agent);
    case "cancelled":
      return { kind: "stopped", reason: "cancel", agent };
    case "timeout":
      return { ...failed("timeout", ended.message ?? "the agent took too long"), agent };
    case "needs-input":
      return { ...failed("error", "the agent has a question that it cannot go on without"), agent };
    case "failed": {
      const code = ended.class === "spawn" ? "spawn" : "error";
      const { class: name = "crash", message = "the agent failed" } = ended;
      return { ...failed(code, `${name}: ${message}`), agent };
    }
  }
}

/** A success is one only with the files that were asked for. */
function judged(ended: AgentOutcome, carrying: Carrying, agent: AgentDetails): Outcome {
  const { attempt, work } = carrying;
  const missing = (work.expect?.files ?? []).filter((file) => !existsSync(path.resolve(attempt.cwd, file)));
  if (missing.length === 0) return { kind: "succeeded", output: { text: ended.text }, agent };
  return {
    ...failed("error", `no-changes: the agent says that it is done, and ${missing.join(", ")} is not there`),
    agent: { ...agent, class: "no-changes", retryable: isRetryable("no-changes") },
  };
}

function failed(code: FailureClass, message: string): Extract<Outcome, { kind: "failed" }> {
  return { kind: "failed", error: { code, message } };
}
