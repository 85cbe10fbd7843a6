/** Where attempts execute: in this process, or on workers elsewhere. Knows nothing of the order of steps. */
import type { Outcome, StopReason } from "../runner/port.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { Step } from "../plan/plan.ts";
import type { AgentRecord } from "../run/agent-record.ts";
import type { Decision, EventOf } from "../run/event.ts";

export type { Decision } from "../run/event.ts";

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
  /** Of an agent's step. */
  readonly agent?: AgentTask;
}

/** What an agent's step takes beside its own definition. */
export interface AgentTask {
  readonly plan: string;
  /** The plan's `agents:`, as validated. */
  readonly config: JsonObject;
  readonly maxAgents: number;
  /** Place in the plan: of two that are merged at once the smaller goes first. */
  readonly order: number;
  /** The commit that the run begins at; absent: what is checked out. */
  readonly base?: string;
  /** The commit that its integration branch begins at; absent: {@link base}. */
  readonly begin?: string;
  /** Short name of the branch that was checked out then; absent: none was. */
  readonly branch?: string;
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
  | "usage.recorded";

/** News of an attempt while it runs: recorded as the event of this type. */
export type Note = { readonly [T in NoteType]: { readonly type: T; readonly data: EventOf<T>["data"] } }[NoteType];

export interface Dispatched {
  readonly outcome: Promise<Outcome>;
  stop(reason: StopReason): void;
  kill(): void;
  /** To the question that the attempt has open (a note `approval.requested` about `permission`); absent: it never has one. */
  answer?(decision: Decision): void;
}

export interface Backend extends AsyncDisposable {
  dispatch(task: Task, onNote: (note: Note) => void): Dispatched;
  /** Told how many attempts may run at once, before the first. */
  warm(width: number): void;
  /** Ends what dead engines left of this run, and what ended attempts left behind; resolves when nothing is left. */
  sweep(run: string, graceMs: number, keep?: (step: string, attempt: number) => boolean): Promise<number>;
}
