/**
 * Task tools port: the tools by which a working agent speaks with its run. The caller gives each attempt a token ({@link
 * TaskServer.issueToken}) and gets the agent's reports through {@link TaskListener}. Knows no engine, no plan and no
 * agent.
 *
 * Invariants:
 *  1. The token is the identity: an agent never names its task, so it cannot speak for another one.
 *  2. What the listener has accepted is delivered once: the same call again is answered from memory.
 *  3. An attempt ends once: after an accepted `completed`, `failed` or `planSubmitted`, or a deferred question, nothing
 *     else of it is delivered.
 */
import type { Clock } from "../../base/clock.ts";

/** At most eight, `[a-z_]` alone: agents put their own prefixes before them. */
export type ToolName =
  | "task_get"
  | "task_progress"
  | "task_complete"
  | "task_fail"
  | "task_ask"
  | "task_propose"
  | "expertise_add"
  | "plan_submit";

/** What an agent that carries out a step is offered. */
export const WORKER_TOOLS: readonly ToolName[] = [
  "task_get",
  "task_progress",
  "task_complete",
  "task_fail",
  "task_ask",
  "task_propose",
  "expertise_add",
];

/** What an agent that makes a plan is offered. */
export const PLANNER_TOOLS: readonly ToolName[] = ["task_get", "task_progress", "task_fail", "task_ask", "plan_submit"];

/** What `task_get` answers, as it is. Keep it small: an agent reads it all. */
export interface TaskBrief {
  readonly run: string;
  readonly step: string;
  /** From 1. */
  readonly attempt: number;
  readonly description?: string;
  readonly prompt?: string;
  /** What must hold for the work to be accepted. */
  readonly acceptance?: readonly string[];
  readonly group?: string;
  /** Commands that will be run on the result. */
  readonly verify?: readonly string[];
  /** What the steps before this one left. */
  readonly deps?: readonly { readonly step: string; readonly status: string; readonly summary?: string }[];
  /** Questions of earlier attempts, with what a person answered. */
  readonly answers?: readonly { readonly question: string; readonly answer: string }[];
  /** Why earlier attempts were not accepted, the latest last. */
  readonly earlierFailures?: readonly string[];
}

/** All texts come without control characters other than line ends and tabs, and within the limits of docs/reference/task-tools.md. */
export interface ProgressReport {
  readonly message: string;
  /** 0 to 100. */
  readonly percent?: number;
}

export interface TaskCompletion {
  readonly summary: string;
  /** What the agent says that it changed: a claim to check, not a fact. Its own spelling, absolute or relative. */
  readonly files: readonly string[];
}

export interface TaskFailure {
  readonly reason: string;
  readonly retryable: boolean;
}

export interface TaskQuestion {
  readonly question: string;
  /** Answers to choose from; empty: any. */
  readonly options: readonly string[];
}

export interface Proposal {
  readonly title: string;
  /** Ids of steps that it should wait for. Not checked here. */
  readonly deps: readonly string[];
  readonly prompt: string;
}

export interface Lesson {
  /** The domain that it belongs to, as the agent named it. */
  readonly domain: string;
  readonly kind: "key-file" | "pattern" | "practice" | "failure";
  readonly text: string;
  /** Files that it is about. */
  readonly files: readonly string[];
}

export interface PlanSubmission {
  /** The text of a plan file, YAML or JSON. Neither parsed nor checked here. */
  readonly plan: string;
}

/** `reason` is read by the agent: say what to do about it. The agent can fix it and call again. */
export type ReportDecision = { readonly kind: "accepted" } | { readonly kind: "refused"; readonly reason: string };

export type QuestionReply =
  | { readonly kind: "answered"; readonly answer: string }
  /** Nobody can answer now: the agent is asked to end its turn. The listener ends the attempt as `needs-input`. */
  | { readonly kind: "deferred" }
  | { readonly kind: "refused"; readonly reason: string };

export type ProposalDecision =
  | { readonly kind: "added"; readonly step: string }
  | { readonly kind: "awaiting-approval" }
  | { readonly kind: "refused"; readonly reason: string };

export type PlanDecision =
  | { readonly kind: "accepted"; readonly steps: number }
  | { readonly kind: "refused"; readonly problems: readonly string[] };

/**
 * Gets an attempt's reports, one method per tool. May take its time: after {@link TaskServerOptions.answerWithinMs}
 * the agent is asked to call again, and that call waits for the same promise. A rejection is reported to the agent as
 * an error of the run, and the same call can then be made again. Methods of tools that are not offered are never
 * called.
 */
export interface TaskListener {
  progress(report: ProgressReport): void;
  completed(completion: TaskCompletion): Promise<ReportDecision>;
  failed(failure: TaskFailure): Promise<ReportDecision>;
  asked(question: TaskQuestion): Promise<QuestionReply>;
  proposed(proposal: Proposal): Promise<ProposalDecision>;
  learned(lesson: Lesson): Promise<ReportDecision>;
  planSubmitted(submission: PlanSubmission): Promise<PlanDecision>;
}

/** One attempt that is about to get an agent. */
export interface AttemptTask {
  readonly brief: TaskBrief;
  readonly tools: readonly ToolName[];
  readonly listener: TaskListener;
}

/** How an agent reaches its tools: by HTTP, or, where it has only stdio, by a small program that forwards to it. */
export interface TaskAccess {
  /** `http://127.0.0.1:PORT/mcp`. An agent behind a proxy needs `127.0.0.1` in its `NO_PROXY`, or the proxy gets the token. */
  readonly url: string;
  /** Secret. Goes into the header `Authorization: Bearer TOKEN` and nowhere else: no log, no argv, no event. */
  readonly token: string;
  /** The token is in `env` alone. `command` is absolute. `env` goes over what the agent gives its children. */
  readonly stdio: {
    readonly command: string;
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  };
}

export interface TaskServerOptions {
  readonly clock: Clock;
  /** Of this program, shown to agents. */
  readonly version: string;
  /** Absolute path of the Node that runs the stdio program. */
  readonly node: string;
  /**
   * After this long without the listener's answer the agent is asked to call again; shorter than agents wait for a
   * tool. Default 25 s.
   */
  readonly answerWithinMs?: number;
  /** Gets internal errors, one sentence each, never with a token. */
  readonly onFault?: (message: string) => void;
}

export interface TaskServer extends AsyncDisposable {
  /** Never the same token twice. Throws once the server is closed. */
  issueToken(task: AttemptTask): TaskAccess;
  /**
   * Ends the attempt's access: calls in flight are answered as refused or cut off, later ones get 401. An unknown
   * token is not an error. What the listener has got already stands.
   */
  revoke(token: string): void;
}
