/**
 * Agent adapter port: carries out one task with one coding agent. An adapter knows how its agent is started, prompted
 * and read; it knows no run, retry, budget, journal or git. It gets a folder, a prompt and rules, and returns one {@link
 * AgentOutcome}.
 *
 * Invariants (tested for every adapter by the conformance suite):
 *  1. `outcome` settles once, never rejects, and only after no process of the agent that can be found is running.
 *  2. `ok` means that there was no sign of failure, not that the task is done: the caller checks the files.
 *  3. An unknown value is absent: a token count or a cost is never 0 because it is unknown.
 *  4. Memory is bounded whatever the agent prints. Its output is data, never code, and may be malformed.
 */
import type { Json, JsonObject } from "../../base/json.ts";
import type { AgentClass, Outcome, RateLimit, SessionTotals, StopReason } from "../../run/attempt.ts";
import type { TokenUsage } from "../../run/event.ts";
import type { AgentProtocol, RuleBinding, ToolKind } from "../../plan/agents-config.ts";
import type { Result } from "../../base/result.ts";
import type { LoginState } from "../port.ts";

export interface AgentOutcome {
  readonly status: "ok" | "failed" | "cancelled" | "timeout" | "needs-input";
  readonly class?: AgentClass;
  /** What went wrong, for people; at most a few hundred characters. */
  readonly message?: string;
  /** The agent's last message (its end, where it is longer than {@link TEXT_LIMIT}). */
  readonly text: string;
  /** Of this attempt only. */
  readonly usage?: TokenUsage;
  /** US dollars of this attempt only, if the agent reports them. */
  readonly cost?: number;
  /** As the agent reported it, for the record. */
  readonly rawUsage?: Json;
  readonly totals?: SessionTotals;
  readonly sessionId?: string;
  /** It failed because the session that it was to continue is not there any more. */
  readonly isSessionGone?: true;
  readonly rateLimit?: RateLimit;
  /** Which clock ran out, with `timeout`. */
  readonly timeout?: "start" | "idle" | "attempt";
  /** The model that was used, if the agent reports it. */
  readonly model?: string;
}

/** Characters of text that an outcome carries. */
export const TEXT_LIMIT = 32_768;

export type PermissionDecision = "allow" | "deny" | "ask";

/** What an agent asks permission for. */
export interface PermissionRequest {
  readonly kind: ToolKind;
  readonly title: string;
  /** Absolute, links followed as far as they exist. */
  readonly paths: readonly string[];
  /** The paths are folders, and stand for all that is in them. */
  readonly isWhole?: true;
  /** Of a shell. */
  readonly command?: string;
  /** `SERVER/TOOL`, of a server that was handed over. */
  readonly tool?: string;
}

/** Matches if all of its conditions do; without conditions it matches everything. */
export interface PermissionRule {
  readonly kind?: readonly ToolKind[];
  /**
   * A glob (`*`, `**`, `?`), relative to the attempt's folder unless absolute. An `allow` matches where every path of the
   * request does (and there is one), a `deny` or `ask` where one does.
   */
  readonly path?: string;
  /** A pattern with `*`. In an `allow`, `*` stands for no character that a shell acts on. */
  readonly command?: string;
  /** A pattern with `*` over `SERVER/TOOL`. */
  readonly tool?: string;
  readonly decision: PermissionDecision;
}

/** The first rule that matches decides. */
export interface PermissionPolicy {
  readonly rules: readonly PermissionRule[];
  readonly otherwise: PermissionDecision;
}

/** A server of tools that the agent may use. */
export type McpServer =
  | {
      readonly type: "stdio";
      readonly name: string;
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  | {
      readonly type: "http";
      readonly name: string;
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
    };

export interface AgentLimits {
  /** From the start of the process until the agent takes a prompt. */
  readonly startMs: number;
  /** Without any report of the agent. Stands still while somebody is asked for permission. */
  readonly idleMs: number;
  /** The same while a tool of the agent is running. */
  readonly toolIdleMs: number;
  /** The whole attempt; absent: none. */
  readonly attemptMs?: number;
  /** Between the request to cancel and the end of its input. */
  readonly cancelMs: number;
  /** Between the end of its input and SIGTERM. */
  readonly exitMs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** How long an answer to a permission request may take; then it is rejected. */
  readonly askMs: number;
}

export const DEFAULT_AGENT_LIMITS: AgentLimits = {
  startMs: 90_000,
  idleMs: 600_000,
  toolIdleMs: 3_600_000,
  cancelMs: 5000,
  exitMs: 3000,
  graceMs: 5000,
  askMs: 3_600_000,
};

/** What an attempt reports, as it comes. Texts are the agent's own: escape them before showing. */
export type AgentEvent =
  /** The process runs. */
  | { readonly type: "started"; readonly pid: number }
  /** It takes prompts; `resumed`: in the session that was asked for. */
  | { readonly type: "session"; readonly sessionId: string; readonly resumed: boolean }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "thought"; readonly text: string }
  | {
      readonly type: "tool";
      readonly id: string;
      readonly title: string;
      readonly kind: ToolKind;
      readonly status: "pending" | "running" | "done" | "failed";
      readonly paths: readonly string[];
    }
  | {
      readonly type: "permission";
      readonly request: PermissionRequest;
      readonly decision: "allow" | "deny";
      /** Who decided: a rule, a person, a timeout, or an agent that offers no such option. */
      readonly by: "rule" | "person" | "deadline" | "agent";
    }
  /** Running totals of this attempt. */
  | {
      readonly type: "usage";
      readonly usage?: TokenUsage;
      readonly cost?: number;
      /** Of the session, which the next attempt would go on from. */
      readonly totals?: SessionTotals;
    }
  /** The agent retries a request to its provider. */
  | { readonly type: "retrying"; readonly class: AgentClass; readonly message: string; readonly rateLimit?: RateLimit }
  | { readonly type: "plan"; readonly entries: readonly { readonly text: string; readonly status: string }[] }
  | { readonly type: "notice"; readonly text: string };

export interface AgentContext {
  /** Absolute. */
  readonly cwd: string;
  /** Passed to the agent by its input, never as an argument. */
  readonly prompt: string;
  readonly model?: string;
  /** All that the agent's process finds in its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly mcp: readonly McpServer[];
  readonly policy: PermissionPolicy;
  readonly limits: AgentLimits;
  /** A session to continue; if that fails, the outcome only has a new session id. */
  readonly resume?: { readonly sessionId: string; readonly totals?: SessionTotals };
  /** Puts a sandbox around the program, if there is one. */
  readonly wrap?: (program: string, args: readonly string[]) => readonly [string, ...string[]];
  /** Answers what the policy leaves to a person; absent: rejected. */
  readonly ask?: (request: PermissionRequest) => Promise<"allow" | "deny">;
  /** Must not throw. */
  readonly emit: (event: AgentEvent) => void;
  /** Lines for the attempt's log, without line end. */
  readonly log: (line: string) => void;
}

/** Why an attempt is ended from outside. */
export type AgentStop = "cancel" | "needs-input" | "budget";

export interface AgentHandle {
  readonly outcome: Promise<AgentOutcome>;
  /** Asks the agent to end: by its protocol, the end of its input, TERM, KILL, a sweep. The first reason counts. */
  stop(reason: AgentStop): void;
  /** Ends it at once. */
  kill(): void;
  /** Living processes of the attempt. */
  members(): readonly { readonly pid: number; readonly memoryMb: number }[];
}

export interface AgentProbe {
  readonly found: boolean;
  /** The file that would be started. */
  readonly program?: string;
  readonly version?: string;
  /** Why it cannot be used, and what to do, for people. */
  readonly problem?: string;
}

export interface AgentAdapter {
  readonly id: string;
  /** Whose limits and prices apply: see {@link RateLimit}. */
  readonly provider: string;
  /** The agent's own folders, relative to HOME: writable in a sandbox, where they are made if they are missing. */
  readonly homePaths: readonly string[];
  /** The same for files, as far as they are there. */
  readonly homeFiles: readonly string[];
  /** It runs commands in a sandbox of its own, inside that of heddle. */
  readonly nestsSandbox: boolean;
  /** For attempts that name no model. */
  readonly defaultModel?: string;
  /** Whether another process can continue a session. */
  readonly resumes: boolean;
  /** Starts the program with `--version` at most; takes a few seconds at most. */
  probe(): Promise<AgentProbe>;
  start(context: AgentContext): AgentHandle;
}

/** A known agent, in one of the ways in which it can be spoken to. */
export interface AgentForm {
  readonly adapter: AgentAdapter;
  readonly protocol: AgentProtocol;
  readonly rules: RuleBinding;
  /** What of a login is here; reads no content. */
  login(): LoginState;
  /** Whether the sandbox works here around it. */
  sandbox(): Promise<Result<string, string>>;
}

/** One turn of an agent, resolved: templates filled in, defaults applied, paths absolute. */
export interface AgentTurn {
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  /** Id of an adapter. */
  readonly agent: string;
  /** The whole text (see `agent/prompt/`). */
  readonly prompt: string;
  readonly promptHash?: string;
  readonly model?: string;
  readonly mcp?: readonly McpServer[];
  /** Absent: the preset `worktree`. */
  readonly policy?: PermissionPolicy;
  readonly limits?: Partial<AgentLimits>;
  readonly resume?: { readonly sessionId: string; readonly totals?: SessionTotals };
  /** Absent: `auto`. `require`: fails where there is none. */
  readonly sandbox?: "auto" | "off" | "require";
  /** Absolute: where the agent works. */
  readonly cwd: string;
  /** The worktree that {@link cwd} lies in; absolute. Absent: the folder is the whole worktree. */
  readonly tree?: string;
  /** The agent may write nowhere but to what it keeps at home: in a sandbox also {@link cwd} is read-only. Absent: it may. */
  readonly readOnly?: true;
  /** Git's own folder of the worktree's repository: in a sandbox it can be read wherever it lies; absolute. */
  readonly gitDir?: string;
  /** Folders outside the worktree that the agent may write to in a sandbox; absolute. */
  readonly writable?: readonly string[];
  /** A private HOME for the agent, absolute, created if missing; absent: the caller's. */
  readonly home?: string;
  /** Assigned to the attempt: `PORT` is the first, `PORTS` all of them. */
  readonly ports?: readonly number[];
  /** Relative to {@link cwd}: files that must exist at the end. */
  readonly expect?: { readonly files: readonly string[] };
  /** Set for the turn, over what `envMode` and `passEnv` pass of the caller's: see a command's attempt. */
  readonly env: Readonly<Record<string, string>>;
  readonly envMode: "inherit" | "strict";
  readonly passEnv: readonly string[];
  /** Names of variables whose values are masked in log, progress and outcome. */
  readonly secrets: readonly string[];
  /** The log file; `null`: no log. Its folder exists. */
  readonly logFile: string | null;
  readonly graceMs: number;
  readonly maxMemoryMb?: number;
  readonly onProgress?: (data: JsonObject) => void;
  /** Asks a person what the policy leaves open; absent: rejected. */
  readonly onAsk?: (request: PermissionRequest) => Promise<"allow" | "deny">;
}

export interface RunningTurn {
  /** Settles once; never rejects; and not before nothing of the turn runs any more, as far as it can be found. */
  readonly outcome: Promise<Outcome>;
  /** Asks the agent to end. The first reason counts. */
  stop(reason: StopReason): void;
  /** Ends it at once, without grace. */
  kill(): void;
  /** Ends it for a reason that is not a failure: it has a question, or the budget is used up. */
  end(reason: Exclude<AgentStop, "cancel">): void;
}

/** Carries out turns: finds the adapter, and puts environment, sandbox, log and masking around it. */
export interface AgentRunner {
  start(turn: AgentTurn): RunningTurn;
}

/** Plain data: an event of an agent as its attempt's progress. */
export function eventData(event: AgentEvent): JsonObject {
  return event as unknown as JsonObject;
}
