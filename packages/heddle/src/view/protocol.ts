/**
 * Protocol: the documents of the HTTP API beside the other read models, for the server that writes them and the client that reads them.
 * Their shapes are public: fields may be added, none removed. Times are milliseconds since the epoch.
 */
import type { CanonicalEvent } from "../run/canonical-history.ts";
import type { Event } from "../run/event.ts";
import type { RunAttention } from "./attention.ts";
import type { RunLine } from "./list.ts";
import type { Notice } from "./notices.ts";
import type { RunOverview } from "./run-overview.ts";
import type { StepDetail } from "./step-detail.ts";
import type { StepView } from "./run-view.ts";
import type { RunStatus } from "./status.ts";

/** `GET /api/health`. */
export interface HealthDocument {
  readonly ok: true;
  /** Of heddle. */
  readonly version: string;
  readonly uptimeMs: number;
}

export interface ProjectLine {
  /** Its name, as it stands in addresses. */
  readonly project: string;
  /** Name of its folder, without where that is. */
  readonly folder: string;
  /** Runs under way, paused ones too: at most 200 are counted. */
  readonly running: number;
  /** What waits for a person in it, as `GET /api/attention` lists it. */
  readonly needsYou: number;
  /** Why it cannot be opened; absent: it can. */
  readonly problem?: string;
}

/** `GET /api/projects`. */
export interface ProjectList {
  readonly items: readonly ProjectLine[];
}

export interface AttentionItem extends RunAttention {
  readonly project: string;
}

/** `GET /api/attention`: what holds up most comes first; of equals, what has waited longest. */
export interface AttentionList {
  readonly items: readonly AttentionItem[];
  /** What to send as `cursor` for more; absent: there are no more. */
  readonly next?: string;
  /** What could not be looked at, and why: a project, or one of its runs. */
  readonly unreadable: readonly { readonly project: string; readonly run?: string; readonly problem: string }[];
  /** There are runs that were not looked at: of each project the newest 200 at work, and the newest 200 interrupted ones, are. */
  readonly isPartial: boolean;
}

/** `GET .../runs`, the newest first. */
export interface RunList {
  readonly runs: readonly RunLine[];
  /** What to send as `cursor` for more; absent: there are no more. */
  readonly next?: string;
}

/** `GET .../overviews`: in the order that was asked for. */
export interface RunOverviewList {
  readonly items: readonly (RunOverview | { readonly run: string; readonly problem: string })[];
}

/** `POST .../runs`. */
export interface StartedRun {
  /** The run's id. */
  readonly run: string;
  /** Name of its plan. */
  readonly plan: string;
  readonly status: RunStatus;
}

/** `POST .../runs/{run}/resume`, `/retry` and `/rollback`: the server works on the run. */
export interface TakenRun {
  readonly run: string;
}

/**
 * What became of a word to a run: `done`, its consequence is in the history; `sent`, it is left for the process that works on the run,
 * which may still refuse it.
 */
export interface SaidToRun {
  readonly run: string;
  /** `cancel`, `approve`, `signal`, ... */
  readonly request: string;
  readonly result: "sent" | "done";
}

/** `POST .../runs/{run}/cancel`, `/pause`, `/unpause` and `/concurrency`. */
export interface SteeredRun extends SaidToRun {
  /** Steps that were running then. */
  readonly running: number;
}

/** `POST .../steps/{step}/approve`, `/reject`, `/answer` and `/resolve`. */
export interface SaidToStep extends SaidToRun {
  /** The step's id. */
  readonly step: string;
}

/** `GET .../steps/{step}`. */
export interface StepDocument {
  readonly run: string;
  /** Of the last event of the run as it is shown: with it, an answer is one to the question in here. */
  readonly seq: number;
  readonly step: StepView;
  /** Warnings that people should read, each once for each attempt. */
  readonly notices: readonly (Notice & { readonly attempt: number })[];
  /** The last capture of each attempt's work: a commit, and the ref that keeps it. */
  readonly captured: readonly { readonly attempt: number; readonly commit: string; readonly ref: string }[];
  /** What was merged of its work last; absent: nothing was. */
  readonly merged?: MergedFiles;
  readonly detail: StepDetail;
  /** What its agent was told by the latest attempt, at most 256 KiB of it; absent: it is no agent's, or has not begun. */
  readonly prompt?: string;
}

/** The work of a step, as it was merged. */
export interface MergedFiles {
  /** The step's own. */
  readonly branch: string;
  readonly commit: string;
  /** Files in all; {@link files} has the first 200. */
  readonly count: number;
  readonly files: readonly string[];
}

/** `GET .../runs/{run}/steps`, in the order of the plan. */
export interface StepPage {
  readonly run: string;
  /** Of the last event of the run as it is shown. */
  readonly seq: number;
  readonly items: readonly StepView[];
  /** What to send as `cursor` for more; absent: there are no more. */
  readonly next?: string;
}

/** `GET .../runs/{run}/events`. */
export interface EventPage {
  readonly items: readonly Event[];
  /** What to send as `after`, or as `before` where that was sent, for more; absent: there are no more now. */
  readonly next?: number;
}

/** `GET .../runs/{run}/history?canonical=true`. */
export interface CanonicalHistory {
  readonly items: readonly CanonicalEvent[];
}

/** One layer of a run; its words are those of the parallel-execution API. */
export interface Batch {
  /** From 1. */
  readonly batch_number: number;
  readonly task_ids: readonly string[];
  readonly status: "pending" | "running" | "completed" | "failed" | "cancelled";
  /** Steps that ended well: by themselves, from an earlier run, or not needed. */
  readonly completed: number;
  readonly failed: number;
  /** Seconds from the first start to the last end; `null` until it has ended. */
  readonly duration: number | null;
  /** US dollars; `null` where nothing exact is known. */
  readonly cost: number | null;
  readonly started_at: number | null;
  readonly completed_at: number | null;
}

/** `GET .../runs/{run}/batches/{batch}`. */
export interface BatchDocument extends Batch {
  readonly tasks: readonly StepView[];
}

/** `POST /api/tickets`. */
/** `GET .../attempts/{attempt}/log`. */
export interface LogPage {
  /** Number of the first line, from 1. */
  readonly from: number;
  readonly lines: readonly string[];
  /** Number of the line behind these; absent: there is none yet. */
  readonly next?: number;
  /** Of the log as it is now. */
  readonly totalLines: number;
  readonly totalBytes: number;
  /** Where the first of the lines begins in the file, in bytes. */
  readonly offset: number;
  /** The byte behind the last one, with its line break. */
  readonly end: number;
  /** Not all lines were counted yet: `totalLines`, and `from` where the last lines were asked for, are near. */
  readonly isGuess?: true;
  /** The only line is longer than an answer: this is its beginning, or its end where the last lines were asked for. */
  readonly isCut?: true;
  /** The last one has no line break yet: what is written next goes on in it. */
  readonly isOpen?: true;
}

/** `GET .../attempts/{attempt}/log/search`. */
export interface LogSearchPage {
  readonly hits: readonly {
    /** From 1. */
    readonly line: number;
    /** Where the hit begins in the file, in bytes. */
    readonly offset: number;
    /** The hit with what is around it in its line. */
    readonly excerpt: string;
  }[];
  /** What to send as `after` for more; absent: all of the log was searched. */
  readonly next?: number;
}

export interface TicketDocument {
  /** To be offered once, as the subprotocol `ticket.<ticket>`. */
  readonly ticket: string;
  readonly expiresAt: number;
}

/** What a refused request is answered with (RFC 9457). */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The path that was asked for. */
  readonly instance: string;
  /** Stable; docs/errors.md explains it. */
  readonly code: string;
  /** What to do next. */
  readonly hint?: string;
  /** What is wrong in the body or the query, by JSON pointer. */
  readonly errors?: readonly PointedError[];
  /** What is wrong with a plan. */
  readonly diagnostics?: readonly DiagnosticLine[];
}

export interface PointedError {
  readonly pointer: string;
  readonly detail: string;
}

/** One problem of a plan. */
export interface DiagnosticLine {
  readonly code: string;
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly file: string;
  /** From 1, as {@link column}. */
  readonly line: number;
  readonly column: number;
  readonly hint?: string;
}
