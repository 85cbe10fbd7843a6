/**
 * Event types: a closed union of what can happen in a run; each variant says when it is recorded. Times are milliseconds
 * since the epoch, for information only: `seq` orders events.
 */
import type { Json, JsonObject } from "../base/json.ts";
import type { FailureClass, FailureMode, Plan, RollbackMode, Schedule, Step } from "../plan/plan.ts";

/** Version of the event shapes below; raised with an upgrade function in `run/upgrade.ts` for what older journals hold. */
export const EVENT_VERSION = 2;

/**
 * Version of the rules that a run is checked, compared and resumed by; recorded as it begins. 1: a container ended with success
 * when all its children had ended, however. 2: only when each of them succeeded, was skipped, or failed while optional; what reaches
 * an agent's prompt is part of its step's definition; a failing line ends a command; attempts of a step that left the run and comes
 * back are counted on. 3: a plan inside a step keeps its own limits and says what a failure in it means; a step that stands for a
 * plan holds its locks and pools while it is open, and its output is checked.
 */
export const RUN_RULES = 3;

/** Of what the machine has too little for one more attempt, by the limits of the run's plan. */
export interface MachineShortage {
  readonly resource: "memory" | "cpu";
  /** In use: megabytes, or percent of all processors. */
  readonly used: number;
  /** What the plan allows, in the same unit. */
  readonly limit: number;
}

/** Where an event belongs. `seq` is gapless from 1 within a run. */
export interface Envelope {
  readonly run: string;
  readonly seq: number;
  readonly time: number;
}

/** Choices of the caller that outlive the process: a resume uses them again. */
export interface RunOptions {
  readonly maxConcurrency: number;
  readonly maxAgents: number;
  readonly schedule: Schedule;
  readonly failure: FailureMode;
  readonly rollback: RollbackMode;
  readonly sequential?: boolean;
  readonly timeoutMs?: number;
  /** A run of some steps of its plan (`--only`): those that were named. Its plan has them and what comes before them. */
  readonly only?: readonly string[];
  /** The plan's file, relative to the project folder; absent for a plan built by code. */
  readonly planFile?: string;
}

export interface StepError {
  /** `error`, `exit`, `timeout`, ... for failed attempts; `rejected`, `interrupted`, `expression` and others that no retry mends. */
  readonly code: FailureClass | TerminalErrorCode;
  readonly message: string;
  readonly exitCode?: number;
  readonly signal?: string;
  /** Of an agent's failure: `auth`, `rate-limit`, `no-changes`, ... */
  readonly class?: string;
  /** Another attempt would not help, whatever the plan says about retries. */
  readonly final?: true;
  /** The end of what the failed command printed, where the step's log does not have it. Older journals have it in the message. */
  readonly output?: string;
}

/** Failures that another attempt would not fix. */
export type TerminalErrorCode = "rejected" | "interrupted" | "expression" | "expansion" | "unsupported" | "abandoned";

export interface ResourceUsage {
  /** Highest memory of the attempt's processes together, where it could be sampled. */
  readonly peakMemoryMb?: number;
  readonly cpuMs?: number;
}

/** Tokens of an agent; an absent member is unknown, never zero. `input` holds neither of the cached ones. */
export interface TokenUsage {
  readonly input?: number;
  readonly cachedRead?: number;
  readonly cacheWrite?: number;
  readonly output?: number;
  readonly reasoning?: number;
}

/** What a plan says of its own steps. As a step of another plan it keeps to it inside. Absent members: nothing is said. */
export interface SubplanSettings extends Pick<
  Plan,
  "maxConcurrency" | "maxAgents" | "failure" | "timeoutMs" | "resources" | "defaults"
> {
  /** What the step around it says of commands, for steps that are added inside on the way. */
  readonly handed?: HandedDown;
}

/** What a step that stands for a plan hands down to the steps inside. */
export type HandedDown = Pick<Step, "env" | "envMode" | "passEnv" | "secrets" | "cwd" | "shell" | "graceMs">;

/** What a person may be asked about. */
export type QuestionAbout = "step" | "interrupt" | "conflict" | "question" | "permission";

/** What a person is asked. */
export type OpenQuestion = EventOf<"approval.requested">["data"];

/** A person's answer to a question. */
export type AnswerDecision = "approve" | "reject";

/**
 * How a person resolves a conflict: the integration branch's side, the step's side, or the worktree as that person
 * left it.
 */
export type Resolution = "ours" | "theirs" | "continue";

/** How a step ended in the run that a reduced run takes results from. */
export type EarlierStatus = "failed" | "skipped";

/** `from`: the run that it ended in, which may be an earlier one still. */
export interface EarlierEnd {
  readonly from: string;
  readonly status: EarlierStatus;
}

/** Why a step did not run. */
export type SkipReason =
  /** `cause` is the step that failed, was cancelled or skipped first. */
  | { readonly kind: "dependency"; readonly cause: string }
  | { readonly kind: "condition" }
  /** It comes before steps of a reduced run, and ended without a result in the run that this one takes results from. */
  | ({ readonly kind: "earlier" } & EarlierEnd)
  | { readonly kind: "up-to-date"; readonly output: Json };

/** A recorded success that another run takes. */
export interface ReusedResult {
  readonly output: Json;
  /** When it was made, in whichever run; absent: not recorded. */
  readonly madeAt?: number;
  /** Hashes of what the plan files said that it was made with, by file; absent: none was, or it is not recorded. */
  readonly planFiles?: { readonly [file: string]: string };
}

export interface StepEvent {
  readonly step: string;
  readonly attempt: number;
}

export type EventBody =
  /** First event of every run: the plan as resolved and all that a resume needs. */
  | {
      readonly type: "run.created";
      readonly data: {
        readonly plan: Plan;
        readonly options: RunOptions;
        readonly engine: string;
        readonly gitHead?: string;
        /** Short name of the branch that was checked out there, and that agents' work may land on; absent: none was. */
        readonly branch?: string;
        /** The commit that the integration branch begins at, where it is another than `gitHead`: that with the work of reused steps. */
        readonly begin?: string;
        /** The run whose recorded successes this one reuses (`rerun`, `--only`, `--from`). */
        readonly from?: string;
        /** The {@link RUN_RULES} of the engine that began it; absent: 1. */
        readonly rules?: number;
        /** Its place in a trace, which each engine goes on with (W3C Trace Context); absent: it is not traced. */
        readonly traceparent?: string;
      };
    }
  /** The engine starts scheduling for the first time. */
  | { readonly type: "run.started"; readonly data: Record<string, never> }
  /** An engine took over a run that had ended or lost its engine; what was unfinished goes back to waiting. */
  | {
      readonly type: "run.resumed";
      readonly data: {
        readonly engine: string;
        /** Steps that were found started without an end. */
        readonly interrupted: readonly string[];
        /** Steps with a recorded success that run again (changed definitions and what depends on them). */
        readonly reset: readonly string[];
        /** The plan from now on, where it differs from the recorded one. */
        readonly plan?: Plan;
        readonly options?: RunOptions;
      };
    }
  /** Somebody changed how many steps of a run under way may be at work at once. What is at work stays so. */
  | { readonly type: "run.options"; readonly data: { readonly maxConcurrency: number; readonly by: string } }
  /** Steps could start and have not for some seconds, since the machine lacks something. Once for each such wait: it ends when an attempt starts. */
  | { readonly type: "machine.short"; readonly data: MachineShortage }
  /** Written before the attempt's effect begins. */
  | ({
      readonly type: "step.started";
      readonly data: {
        readonly item?: Json;
        /** The name that a `signal` step waits for, its templates filled in. */
        readonly signal?: string;
      };
    } & StepEvent)
  /** With the start of a `sleep`, or of a `signal` with a timeout: its time is over at `at`, whether a process works on the run or not. */
  | ({
      readonly type: "timer.set";
      readonly data: {
        readonly at: number;
        /** From its start; absent: the plan names the point in time. */
        readonly durationMs?: number;
      };
    } & StepEvent)
  /** The time is over: the step ends with the next event. */
  | ({ readonly type: "timer.fired"; readonly data: Record<string, never> } & StepEvent)
  /**
   * Somebody sent a signal. The step that has waited for its name longest takes it with its `step.succeeded`; if none waits, it is
   * kept for the next one that does.
   */
  | {
      readonly type: "signal.received";
      readonly data: {
        readonly signal: string;
        readonly value: Json;
        readonly by: string;
        /** Of the request that brought it: one that is delivered twice counts once. */
        readonly id?: string;
      };
    }
  /** Something that the step reported about its progress; optional and bounded in size and number. */
  | ({ readonly type: "step.progress"; readonly data: JsonObject } & StepEvent)
  /** The attempt succeeded; `output` is what dependents get. */
  | ({
      readonly type: "step.succeeded";
      readonly data: { readonly output: Json; readonly durationMs: number; readonly usage?: ResourceUsage };
    } & StepEvent)
  /** The attempt failed. With `willRetry` another one follows at `retryAt`. */
  | ({
      readonly type: "step.failed";
      readonly data: {
        readonly error: StepError;
        readonly durationMs: number;
        readonly willRetry: boolean;
        readonly retryAt?: number;
        readonly retryDelayMs?: number;
        readonly usage?: ResourceUsage;
      };
    } & StepEvent)
  /** The attempt, or a step that waited for its next one, was ended by a cancel, fail-fast or the run's timeout. */
  | ({
      readonly type: "step.cancelled";
      readonly data: { readonly reason: CancelReason; readonly durationMs: number; readonly abandoned?: true };
    } & StepEvent)
  /** The step will not run in this run. */
  | { readonly type: "step.skipped"; readonly step: string; readonly data: { readonly reason: SkipReason } }
  /** Found out before the step starts: no stored result can be used, so it has to run. */
  | {
      readonly type: "step.examined";
      readonly step: string;
      readonly data: {
        /** `run`: its key is known and nothing is stored for it. `uncacheable`: it has none. */
        readonly decision: "run" | "uncacheable";
        readonly key?: string;
        readonly reason?: string;
      };
    }
  /** A stored result is used for the step. `key`: how it was found. */
  | {
      readonly type: "step.cached";
      readonly step: string;
      readonly data: { readonly key: string; readonly from: string; readonly output: Json };
    }
  /** The recorded success of an earlier run is used: `rerun`, `--only` or `--from` did not run the step. */
  | {
      readonly type: "step.reused";
      readonly step: string;
      readonly data: { readonly from: string } & ReusedResult;
    }
  /**
   * The run grew. `children`: `parent` is a container (`forEach`, `plan`) that ends when they end. `siblings`: `parent` added
   * ordinary steps as it succeeded. `names` maps a child's id to its item or to its id in the subplan.
   */
  | {
      readonly type: "steps.added";
      readonly step: string;
      readonly data: {
        readonly kind: "children" | "siblings";
        readonly steps: readonly Step[];
        /** Items by position, for a `forEach`. */
        readonly items?: readonly Json[];
        /** At once, for a `forEach` with a limit. */
        readonly maxConcurrency?: number;
        /** Resolved parameters, for a subplan. */
        readonly params?: JsonObject;
        /** Hash of what the subplan's file said; absent: it stands in no file. */
        readonly content?: string;
        /** What the subplan says of its own steps. */
        readonly settings?: SubplanSettings;
      };
    }
  /**
   * A person is asked: by an `approve` step; about an interrupted step whose plan says `onInterrupt: ask`; about work
   * that conflicts with merged work (`conflict`), or by an agent that needs an answer (`question`): the attempt is
   * over in both cases, and releases its slots; by a running agent that needs permission for one thing
   * (`permission`): the attempt continues.
   */
  | ({
      readonly type: "approval.requested";
      readonly data: {
        readonly about: QuestionAbout;
        readonly question: string;
        /** Answers to choose from, of an agent's question; absent: any. */
        readonly options?: readonly string[];
        readonly deadline?: number;
      };
    } & StepEvent)
  /** Somebody answered, or the deadline did. To an agent's question the comment is the answer. */
  | ({
      readonly type: "approval.given";
      readonly data: {
        readonly decision: AnswerDecision;
        readonly by: string;
        readonly comment?: string;
        /** About a conflict. */
        readonly choice?: Resolution;
      };
    } & StepEvent)
  /** An attempt of an agent has its worktree. Paths are relative to the folder of all worktrees. */
  | ({
      readonly type: "worktree.created";
      readonly data: {
        readonly tree: string;
        readonly path: string;
        readonly branch?: string;
        /** The commit that its files began at. */
        readonly base: string;
        /** Made for this attempt; else it was there, perhaps with work in it. */
        readonly fresh: boolean;
      };
    } & StepEvent)
  /** The attempt's work is on the integration branch, verified. */
  | ({
      readonly type: "worktree.merged";
      readonly data: {
        readonly branch: string;
        readonly commit: string;
        readonly onto: string;
        /** The last merge below that, where something is between: a revert, or a merge that may not be recorded. */
        readonly after?: string;
        /** What the attempt left, and the ref that keeps it. */
        readonly captured: string;
        readonly ref: string;
        readonly files: readonly string[];
      };
    } & StepEvent)
  /** The attempt's work was not merged: it conflicts with the branch, or failed verification on top of it. */
  | ({
      readonly type: "worktree.conflicted";
      readonly data: {
        readonly reason: "conflict" | "verify";
        readonly files: readonly string[];
        readonly head: string;
        readonly captured: string;
        readonly ref: string;
        /** Which time in this attempt, from 1. */
        readonly time: number;
        /** The end of what the verification printed. */
        readonly output?: string;
      };
    } & StepEvent)
  /** The folder was removed; its branch and captures stay. */
  | ({
      readonly type: "worktree.removed";
      readonly data: { readonly tree: string; readonly path: string };
    } & StepEvent)
  /** An agent ended its turn: what it took, and where what it left is kept. Absent members are unknown. */
  | ({
      readonly type: "usage.recorded";
      readonly data: {
        readonly agent: string;
        readonly provider?: string;
        readonly model?: string;
        readonly sessionId?: string;
        readonly promptHash?: string;
        readonly tokens?: TokenUsage;
        readonly usd?: number;
        /** Running totals of the session, as the agent counts them. */
        readonly totals?: JsonObject;
        readonly raw?: Json;
        /** Of the failure, if it was one. */
        readonly class?: string;
        readonly sandbox?: string;
        readonly captured?: string;
        readonly ref?: string;
      };
    } & StepEvent)
  /** An agent reported what others who work on the project should know. It is not reviewed. */
  | ({
      readonly type: "lesson.recorded";
      readonly data: {
        /** As the agent named it. */
        readonly domain: string;
        readonly kind: "key-file" | "pattern" | "practice" | "failure";
        readonly text: string;
        /** Files that it is about, as the agent wrote them. */
        readonly files: readonly string[];
      };
    } & StepEvent)
  /** The undo of succeeded steps begins. */
  | {
      readonly type: "rollback.started";
      readonly data: { readonly mode: RollbackMode; readonly steps: readonly string[] };
    }
  /** One step's undo succeeded; the step counts as never run. */
  | { readonly type: "step.rolledback"; readonly step: string; readonly data: { readonly durationMs: number } }
  /** One step's undo failed; the others continue. */
  | {
      readonly type: "rollback.failed";
      readonly step: string;
      readonly data: { readonly error: StepError; readonly durationMs: number };
    }
  | { readonly type: "rollback.ended"; readonly data: { readonly undone: number; readonly failed: number } }
  /** No new step starts until `run.unpaused`; running ones continue. */
  | { readonly type: "run.paused"; readonly data: { readonly reason: string } }
  | { readonly type: "run.unpaused"; readonly data: Record<string, never> }
  /** Last event of a run that reached its end: every step succeeded, was skipped, or failed as `optional`. */
  | { readonly type: "run.succeeded"; readonly data: { readonly durationMs: number } }
  | {
      readonly type: "run.failed";
      readonly data: { readonly durationMs: number; readonly failed: readonly string[]; readonly reason?: string };
    }
  | { readonly type: "run.cancelled"; readonly data: { readonly durationMs: number; readonly reason: CancelReason } }
  /** After a success: what agents did is on the branch that the plan names, all of it. `head`: the merge that landed; absent: steps were reverted on top of it. */
  | {
      readonly type: "run.landed";
      readonly data: LandingPlace & { readonly branch: string; readonly commit: string; readonly head?: string };
    }
  /** After a success: what agents did could not be brought to that branch; a later resume tries again. */
  | {
      readonly type: "landing.refused";
      readonly data: LandingPlace & {
        readonly problem: { readonly code: string; readonly message: string; readonly hint?: string };
      };
    };

/** What is to land, and how. */
export interface LandingPlace {
  readonly mode: "ff" | "merge" | "branch";
  /** Short name of the branch that holds all that was merged. */
  readonly integration: string;
  /** Merged steps on it. */
  readonly commits: number;
}

/** `step-timeout`: the time of the container around the step was over. */
export type CancelReason = "cancel" | "fail-fast" | "run-timeout" | "step-timeout";

export type Event = Envelope & EventBody;
export type EventType = EventBody["type"];
export type EventOf<T extends EventType> = Extract<Event, { readonly type: T }>;
