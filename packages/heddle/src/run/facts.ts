/**
 * Facts of a run: the result of folding its history, as plain data that can be copied, compared and sent. Steps are
 * numbers: their position in the plan, then in the order in which they were added. Contains nothing that can be derived.
 */
import type { Json, JsonObject } from "../base/json.ts";
import type { Plan, Step } from "../plan/plan.ts";
import type { AgentRecord } from "./agent-record.ts";
import type {
  CancelReason,
  EventOf,
  MachineShortage,
  OpenQuestion,
  ReusedResult,
  RunOptions,
  SkipReason,
  StepError,
  SubplanSettings,
} from "./event.ts";
import type { AttemptWait } from "./attempt-wait.ts";
import type { UsageRecord } from "./usage.ts";

export type StepPhase =
  /** Not started, or to be run again: its predecessors, its layer, a slot or a person's answer are still wanted. */
  | { readonly tag: "waiting" }
  /** `asks`: it is running and has an open question. `waits`: what its attempt waits for. */
  | {
      readonly tag: "running";
      readonly attempt: number;
      readonly since: number;
      readonly asks?: OpenQuestion;
      readonly waits?: AttemptWait;
    }
  /** A container whose children are in the run; it ends when they have. */
  | { readonly tag: "expanded"; readonly since: number }
  | { readonly tag: "retrying"; readonly retryAt: number; readonly delayMs: number; readonly error: StepError }
  | ({
      readonly tag: "waiting-for-answer";
      readonly since: number;
      /** Given, and its consequence not yet recorded. */
      readonly answer?: EventOf<"approval.given">["data"];
    } & OpenQuestion)
  /** `fired`: its time is over, and its end not yet recorded. `at`: absent until its timer is set. */
  | {
      readonly tag: "sleeping";
      readonly since: number;
      readonly at?: number;
      readonly durationMs?: number;
      readonly fired?: true;
    }
  /** `fired`: its time is over, and its end not yet recorded. */
  | {
      readonly tag: "waiting-for-signal";
      readonly since: number;
      readonly signal: string;
      readonly deadline?: number;
      readonly durationMs?: number;
      readonly fired?: true;
    }
  /** Started by an engine that died, and its plan wants more than a new attempt (`onInterrupt`). */
  | { readonly tag: "interrupted" }
  | { readonly tag: "succeeded"; readonly output: Json; readonly durationMs: number; readonly endedAt: number }
  | ({ readonly tag: "cached"; readonly from: string; readonly endedAt: number } & ReusedResult)
  | { readonly tag: "skipped"; readonly reason: SkipReason; readonly endedAt: number }
  | { readonly tag: "failed"; readonly error: StepError; readonly durationMs: number; readonly endedAt: number }
  | { readonly tag: "cancelled"; readonly reason: CancelReason; readonly durationMs: number; readonly endedAt: number };

export type RunPhase =
  | { readonly tag: "created" }
  | { readonly tag: "running" }
  | { readonly tag: "paused"; readonly reason: string }
  | { readonly tag: "succeeded"; readonly endedAt: number }
  | { readonly tag: "failed"; readonly endedAt: number; readonly reason?: string }
  | { readonly tag: "cancelled"; readonly endedAt: number; readonly reason: CancelReason };

/** A container: a `forEach` with its items, or a `plan` with the steps of a subplan. */
export interface Container {
  readonly kind: "forEach" | "plan";
  readonly children: number[];
  /** Items at once; absent: no limit of its own. */
  readonly maxConcurrency?: number;
  /** What is cut from the front of a child's id to get the id it has inside the subplan. */
  readonly prefix: string;
  /** Parameters that expressions of the children see. */
  readonly params: JsonObject;
  /** Hash of what the subplan's file said; absent: it stands in no file, or the engine of then did not record it. */
  readonly content?: string;
  /** What the subplan says of its own steps; absent: nothing, or it is no subplan. */
  readonly settings?: SubplanSettings;
}

/** What is known of a run from its history alone. */
export interface Facts {
  readonly run: string;
  /** Of the last event folded in. */
  seq: number;
  readonly createdAt: number;
  startedAt: number | undefined;
  lastTime: number;
  /** How long engines worked on the run since it began, or went on after an end, but for the one that has it now. */
  workedMs: number;
  /** When the engine that has the run took it up. */
  takenUpAt: number;
  /** The last event that an engine recorded: answers and signals that came while none worked on the run are none. */
  workedUntil: number;
  /** The last event is a person's answer, or a signal: nobody has gone on with the run since. */
  endsAnswered: boolean;
  phase: RunPhase;
  /** When it went on after the last pause; 0: it was not paused. */
  unpausedAt: number;
  plan: Plan;
  options: RunOptions;
  /** Version of the rules that the run keeps; see {@link RUN_RULES}. */
  readonly rules: number;

  readonly steps: Step[];
  readonly phases: StepPhase[];
  /** Attempts started so far, over all resumes. */
  readonly attempts: number[];
  /** Of steps that left the run, by id: where one comes back, its attempts are counted on, so that no two are called the same. */
  readonly pastAttempts: Map<string, number>;
  /** Attempts that no longer count for `retry`: those before the last resume. */
  readonly attemptBase: number[];
  /** When the first attempt since the last resume started: `totalTimeout` counts from there. */
  readonly firstStart: (number | undefined)[];
  /** When the first attempt of all started. */
  readonly startedTimes: (number | undefined)[];
  readonly layers: number[];
  /** The container that a step is a child of, or -1. */
  readonly parents: number[];
  /**
   * Which of the steps it was, counted from 1, whose predecessors had all ended; 0: they have not. Counted again by
   * each engine.
   */
  readonly arrivals: number[];
  /** When they had, or their layer opened; meant where {@link arrivals} is not 0. */
  readonly arrivedTimes: number[];
  /** How many have arrived. */
  arrived: number;
  /** Attempts started since the engine took the run up. */
  starts: number;
  /** Of those, how many there were when a step that wants pools or locks arrived. */
  readonly readySince: Map<number, number>;
  /** When running steps last asked a person; counts while they have an open question. */
  readonly askedAt: Map<number, number>;
  /** Steps that may start, and wait for a lock that another run holds. */
  readonly lockWaits: Map<number, AttemptWait>;
  /** What the machine lacks, so that nothing starts; `undefined`: nothing that was recorded. */
  shortage: MachineShortage | undefined;
  readonly items: Map<number, Json>;
  readonly containers: Map<number, Container>;
  /** The step that added this one while it ran; absent for steps of the plan and children. */
  readonly addedBy: Map<number, number>;
  /** Successes in the order in which they were recorded (with what was undone since still in). */
  readonly successes: number[];
  /** What was found out about a step before it may start: it has to run. */
  readonly examined: Map<number, Examination>;

  /** Signals that no step has taken yet, by name, the oldest first. */
  readonly signals: Map<string, readonly ReceivedSignal[]>;
  /** Ids of the requests that brought signals. */
  readonly signalIds: Set<string>;

  /** Commit of the project's checkout when the run was created. */
  readonly gitHead: string | undefined;
  /** The branch that it was on; `undefined`: none. */
  readonly branch: string | undefined;
  /** What the integration branch begins at, if not at {@link gitHead}. */
  readonly begin: string | undefined;
  /** What was merged, in the order in which it was recorded. */
  readonly merges: MergeRecord[];
  /** How its work landed, or why not; `undefined`: it has not been tried since the run went on last. */
  landing: LandingRecord | undefined;
  /** What is known of agents' steps, by id. */
  readonly agentRecords: Map<string, AgentRecord>;
  /** Who worked last in a group's worktree: ids of steps by group. */
  readonly groupUsers: Map<string, string>;
  /** What agents used, by step, attempt, agent and model. */
  readonly usage: Map<string, UsageRecord>;

  /** Succeeded steps are being undone. */
  rollback: { readonly steps: readonly number[]; readonly next: number } | undefined;
  /** A rollback of this lifetime of the engine is done. */
  rolledBack: boolean;
}

export interface ReceivedSignal {
  readonly value: Json;
  readonly time: number;
  /** Characters of the value as JSON. */
  readonly size: number;
}

export type MergeRecord = Pick<EventOf<"worktree.merged">["data"], "commit" | "onto">;

export type Examination = EventOf<"step.examined">["data"];

/** As recorded. */
export type LandingRecord = EventOf<"run.landed" | "landing.refused">["data"];
