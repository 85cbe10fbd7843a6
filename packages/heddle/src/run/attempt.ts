/**
 * Attempt types: the task that is dispatched, what it reports while it runs, its outcome. Plain data, so that it can
 * cross processes. Knows no runner, no agent protocol and no git.
 */
import type { Json, JsonObject } from "../base/json.ts";
import type { AgentsConfig } from "../plan/agents-config.ts";
import type { Step } from "../plan/plan.ts";
import type { AgentRecord } from "./agent-record.ts";
import type { EventOf, ResourceUsage, StepError, TokenUsage } from "./event.ts";
import type { Problem } from "../base/errors.ts";

/** Why an attempt is ended from outside. */
export type StopReason = "cancel" | "fail-fast" | "run-timeout" | "step-timeout" | "timeout" | "memory";

export type Outcome =
  /** `steps`: what the attempt wants added to the run, not yet validated. */
  | {
      readonly kind: "succeeded";
      readonly output: Json;
      readonly steps?: readonly unknown[];
      readonly usage?: ResourceUsage;
      readonly agent?: AgentDetails;
    }
  | {
      readonly kind: "failed";
      readonly error: StepError;
      readonly usage?: ResourceUsage;
      /** With the class of an agent's failure, and what is known of a rate limit. */
      readonly agent?: AgentDetails;
    }
  /**
   * A person has to decide: about an agent's work that conflicts with merged work (`conflict`), or about a question
   * that the agent needs answered (`question`).
   */
  | {
      readonly kind: "unresolved";
      readonly about: "conflict" | "question";
      readonly question: string;
      /** Answers to choose from; absent: any. */
      readonly options?: readonly string[];
      readonly usage?: ResourceUsage;
      readonly agent?: AgentDetails;
    }
  /** Ended on request. `abandoned`: it ignored the request and could not be ended by force; it no longer counts. */
  | {
      readonly kind: "stopped";
      readonly reason: StopReason;
      readonly abandoned?: true;
      readonly usage?: ResourceUsage;
      readonly agent?: AgentDetails;
    };

/** What processes of an attempt pass on to their own, so that what they trace joins the run's trace (W3C Trace Context). */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** An attempt whose start is recorded: all that a worker needs to carry it out. `(run, step, attempt)` is its fencing token. */
export interface Task {
  readonly run: string;
  readonly step: Step;
  readonly attempt: number;
  readonly params: JsonObject;
  /** Outputs of the step's deps by id. */
  readonly deps: JsonObject;
  /** Ended statuses of the step's deps by id, for expressions. */
  readonly depStatus: Readonly<Record<string, string>>;
  readonly item?: Json;
  readonly graceMs: number;
  /** The shell of the step's commands, with its options. */
  readonly shell: string;
  /** Of an agent's step. */
  readonly agent?: AgentTask;
  /** Of a step that stands for a plan file: the files of such steps around it, outermost first. Absent: none. */
  readonly within?: readonly string[];
  /** Absent: the run is not traced. */
  readonly trace?: TraceContext;
}

/** What an agent's step needs besides its own definition. */
export interface AgentTask {
  readonly plan: string;
  /** The plan's `agents:`. */
  readonly config: AgentsConfig;
  readonly maxAgents: number;
  /** Place in the plan: of two that are merged at once the smaller goes first. */
  readonly order: number;
  /** The commit that the run begins at; absent: what is checked out. */
  readonly base?: string;
  /** The commit that its integration branch begins at; absent: {@link base}. */
  readonly begin?: string;
  /** Short name of the branch that was checked out then; absent: none was. */
  readonly branch?: string;
  /** The last merge that the run's history has; absent: none. */
  readonly recorded?: string;
  /** Steps that share the worktree, this one left out, in the plan's order. */
  readonly group: readonly { readonly id: string; readonly description?: string; readonly isDone: boolean }[];
  /** Who worked in the group's worktree last, and the attempt of it without a recorded end. */
  readonly lastUser?: { readonly step: string; readonly open?: number };
  /** The step's id in its own plan: without that of a subplan's step. */
  readonly id: string;
  /** Ids that the step may name, in the plan's order. */
  readonly ids: readonly string[];
  /** Descriptions of the deps, for the prompt. */
  readonly depTexts: Readonly<Record<string, string>>;
  /** What earlier attempts of the step came to. `open`: the engine of that attempt died. */
  readonly before: AgentRecord;
}

type NoteType =
  | "step.progress"
  | "approval.requested"
  | "worktree.created"
  | "worktree.merged"
  | "worktree.conflicted"
  | "worktree.removed"
  | "usage.recorded"
  | "lesson.recorded";

/** What an attempt reports while it runs: recorded as the event of this type. */
export type Note = { readonly [T in NoteType]: { readonly type: T; readonly data: EventOf<T>["data"] } }[NoteType];

/** Why an attempt of an agent was no success. */
export const AGENT_CLASSES = [
  /** Not logged in, or the key was refused. */
  "auth",
  /** Too many requests for now: waiting helps. */
  "rate-limit",
  /** An allowance is used up: waiting helps after hours or days, if at all. */
  "quota",
  /** The provider cannot serve now. */
  "overloaded",
  /** The provider could not be reached, or the stream was cut. */
  "network",
  /** The conversation is too long for the model. */
  "context",
  /** The model declined. */
  "refusal",
  /** A limit on spending was reached. */
  "budget",
  /** The provider, or the agent, does not accept what it was asked. */
  "bad-request",
  /** It needed something that the rules deny. */
  "permission",
  /** It ended in the middle of its work. */
  "crash",
  /** It could not be started. */
  "spawn",
  /** It said something that its protocol does not allow. */
  "protocol",
  /** It reported nothing for too long. */
  "stall",
  /** It says that it is done, and nothing has changed that had to. */
  "no-changes",
] as const;

export type AgentClass = (typeof AGENT_CLASSES)[number];

/** Running totals of a session as its agent reports them; what a later attempt in the session subtracts. */
export interface SessionTotals {
  readonly usage?: TokenUsage;
  readonly usd?: number;
}

export interface RateLimit {
  /** Whose limit it is: `anthropic`, `openai`, `google`, or the adapter's id where that is not known. */
  readonly provider: string;
  /** How long to wait, where the provider said so. */
  readonly retryAfterMs?: number;
}

/** Details of an agent's attempt besides its outcome; plain data for the journal. */
export interface AgentDetails {
  readonly agent: string;
  readonly provider: string;
  readonly class?: AgentClass;
  readonly retryable?: boolean;
  readonly sessionId?: string;
  readonly model?: string;
  readonly usage?: TokenUsage;
  readonly usd?: number;
  readonly rawUsage?: Json;
  readonly totals?: SessionTotals;
  readonly rateLimit?: RateLimit;
  readonly promptHash?: string;
  readonly sandbox: "bubblewrap" | "none";
  readonly needsInput?: boolean;
}

/** What became of the integration branch at the end of a run. */
export interface Landing {
  /** Where all that was merged is. */
  readonly integration: string;
  readonly commits: number;
  /** As the plan or a command says; absent: do not land. */
  readonly mode?: LandMode;
  /** Where it landed; absent: it did not, as the plan says, or because of {@link problem}. */
  readonly branch?: string;
  readonly commit?: string;
  /** The merge that landed; absent: steps were reverted on top of it. */
  readonly head?: string;
  readonly problem?: Problem;
  /** What had to be put right, as sentences for people; not recorded. */
  readonly notices?: readonly string[];
}

export type LandMode = "ff" | "merge" | "branch";

/** Where the integration branch of a new run begins. */
export interface Beginning {
  /** The new run. */
  readonly run: string;
  readonly base: string;
  /** Absent: HEAD is detached. */
  readonly branch?: string;
  /** {@link base} with the work of reused steps on top. */
  readonly begin: string;
}
