/**
 * Journal port: the append-only history of runs, in one interface per concern. Knows that events have a run, a number, a
 * time, a type and data; not what they mean.
 *
 * A user of a journal names the concerns that it needs, not {@link Journal}. A further concern (a ledger of costs) is a
 * further interface here, a file beside the others in `sqlite/`, and its own
 * group in the conformance suite.
 *
 * Invariants that every implementation keeps (tested by `test/support/suites/journal/`):
 *  1. `seq` has no gap from 1 per run; an append whose first `seq` is not the last one plus 1 is refused.
 *  2. When `append` resolves with `ok`, the events are on disk (if there is a disk) before anything else happens.
 *  3. An append is all or nothing, and idempotent: the same events again (same run, seq and content) are accepted once.
 *  4. Only the holder of a run's current lease appends to it: each lease has a fencing number, a late ex-holder is
 *     refused.
 *  5. After an append that ended with `unknown`, the journal refuses further appends until it is reopened.
 *  6. What is read is what was appended, or an error that names the position: each event has a checksum.
 */
import type { Json } from "../base/json.ts";
import { BugError } from "../base/assert.ts";
import { HeddleError, type Problem } from "../base/errors.ts";
import type { Result } from "../base/result.ts";
import type { Event } from "../run/event.ts";

/** A process, so that a lease of a dead one is recognised at once. */
export interface Holder {
  readonly pid: number;
  /** Start of the process in the system's own units, `""` where the system does not tell: guards against a reused pid. */
  readonly started: string;
  /** What a person calls it: `heddle run`, `heddle serve`, ... */
  readonly title: string;
}

/** The right to append to one run. */
export interface Lease {
  readonly run: string;
  /** Fencing number: grows with every lease of the run. */
  readonly fence: number;
  readonly holder: Holder;
}

export interface RunRecord {
  readonly run: string;
  readonly plan: string;
  readonly createdAt: number;
  readonly lastSeq: number;
  /** The engine's last summary of the run, as handed to `append`. */
  readonly summary: Json;
  /** Who holds a lease that is in force, else `null`. */
  readonly holder: Holder | null;
}

/** `held`: another live process has the run. */
export type LeaseError =
  | { readonly kind: "held"; readonly holder: Holder }
  | { readonly kind: "unknown-run" }
  | { readonly kind: "failed"; readonly problem: Problem };

export type AppendError =
  /** The lease was taken over: stop, do not write, do not act. */
  | { readonly kind: "fenced"; readonly holder: Holder | null }
  /** `seq` does not follow the last one. */
  | { readonly kind: "conflict"; readonly expected: number; readonly actual: number }
  /** The system refused (full disk, I/O error, read-only): whether the events are stored is not known. Reopen and read again. */
  | { readonly kind: "unknown"; readonly problem: Problem };

/** A job that follows from an event, for a backend whose queue is in the journal's own database. */
export interface QueuedTask {
  /** With the run the task's name: queued twice, it is one job. */
  readonly step: string;
  readonly attempt: number;
  /** The backend's own; the journal does not look into it. */
  readonly body: Json;
}

export interface AppendOptions {
  /** Stored with the run in the same commit; shown by `runs()`. */
  readonly summary?: Json;
  /**
   * Queued in the commit of their events, or not at all: history and queue cannot disagree. A journal without a queue (memory,
   * SQLite) throws a `BugError` before it stores anything: whoever paired it with such a backend made a mistake.
   */
  readonly tasks?: readonly QueuedTask[];
  /** To be sent, stored in the commit of the events that they are about. */
  readonly notices?: readonly StoredNotice[];
}

/** A notice as it is stored: texts that the journal does not look into. */
export interface StoredNotice {
  /** Of the event that it is about. */
  readonly seq: number;
  /** Who gets it. With run and `seq` its name: stored twice, it is one. */
  readonly target: string;
  readonly body: string;
}

/** A request from another process to the engine that holds the run. */
export interface RunRequest {
  /** Grows over the journal. */
  readonly id: number;
  readonly run: string;
  readonly time: number;
  readonly body: Json;
}

/** One caller's place in the stream of writes; watchers do not take from each other. */
export interface Watcher {
  /**
   * Whether anything was written since this watcher's last call, by whichever connection, this journal's own included; `true`
   * at the first call. May be `true` for nothing, never `false` for something. Cheap enough to ask ten times a second.
   */
  changed(): boolean;
}

export interface ReadOptions {
  /** Only events with a greater `seq`; default 0. */
  readonly after?: number;
  /** Only events with a smaller `seq`. */
  readonly before?: number;
  /** At most so many. */
  readonly limit?: number;
  /** Only events of this step. */
  readonly step?: string;
  /** From the last to the first; `limit` counts from there. Events recorded meanwhile are not given. */
  readonly backwards?: boolean;
}

/** Which runs a list has; each member narrows it. */
export interface RunFilter {
  /** Of this plan. */
  readonly plan?: string;
  /** Created at this time or later, milliseconds since the epoch. */
  readonly since?: number;
  /** Created before this time. */
  readonly until?: number;
  /** Whose id or plan's name has this text in it, whatever the case of ASCII letters. */
  readonly text?: string;
  /** Whose summary has one of these values as its member; `null`: it has no such member. */
  readonly summary?: { readonly member: string; readonly oneOf: readonly (string | null)[] };
}

export interface RunPageOptions extends RunFilter {
  readonly limit: number;
  /** {@link RunPage.next} of the page before; absent: the first page. */
  readonly cursor?: string;
}

export interface RunPage {
  /** Newest first. Damaged records are left out. */
  readonly records: readonly RunRecord[];
  /** Where the next page begins, whatever is added or removed until then; absent: this is the last. */
  readonly next?: string;
}

/** How far a run has come, as a list of thousands may have it. */
export interface RunMark {
  readonly run: string;
  readonly lastSeq: number;
  /** A member of the run's summary, where it is a text; else `null`. */
  readonly member: string | null;
}

export interface IntegrityReport {
  readonly ok: boolean;
  readonly events: number;
  readonly problems: readonly Problem[];
}

/** Looked at again and again, by any number of callers. */
interface Watchable {
  /** A watcher of the caller's own. It holds nothing open: it is dropped, not closed. */
  watch(): Watcher;
}

/** Histories and what is told of them in lists. */
export interface EventLog extends Watchable {
  append(lease: Lease, events: readonly Event[], options?: AppendOptions): Promise<Result<void, AppendError>>;
  /** Events in order, in batches. A damaged record ends the iteration with a thrown `HeddleError` (`JournalDamaged`) that names run and seq. */
  read(run: string, options?: ReadOptions): AsyncIterable<readonly Event[]>;
  /** Newest first. */
  runs(options?: { readonly limit?: number; readonly plan?: string }): Promise<readonly RunRecord[]>;
  /** A part of the list of runs. Throws a `HeddleError` (`InvalidCursor`) for a cursor that is none. */
  runPage(options: RunPageOptions): Promise<RunPage>;
  /** All runs in any order, with a member of their summaries. Checks no record: it is to be cheap for thousands. */
  marks(member: string): Promise<readonly RunMark[]>;
  get(run: string): Promise<RunRecord | undefined>;
  /** Ids that begin with `prefix`, at most 10, newest first. */
  find(prefix: string): Promise<readonly string[]>;
}

/** Who may append to which run: one holder at a time, the dead and the silent replaced. */
export interface Leases {
  /** Adds a run without events and takes its lease. A known id is refused as `conflict`-like `failed`. */
  create(
    run: { readonly run: string; readonly plan: string; readonly createdAt: number },
    holder: Holder,
  ): Promise<Result<Lease, LeaseError>>;
  /** Takes the lease of a run whose holder is gone: dead, released, or silent for longer than the lease's term. */
  acquire(run: string, holder: Holder): Promise<Result<Lease, LeaseError>>;
  /** Says that the holder lives; `false`: the lease was lost. Called by the engine at intervals of {@link HEARTBEAT_MS}. */
  heartbeat(lease: Lease): Promise<boolean>;
  /** Gives the lease and every lock taken under it back. */
  release(lease: Lease): Promise<void>;
}

/** Requests that other processes leave for the engine that holds a run. */
export interface Mailbox extends Watchable {
  /** Leaves a request for the run's engine; returns its id. `undefined`: the journal has no such run. */
  request(run: string, time: number, body: Json): Promise<number | undefined>;
  /** Those left since request `after`, oldest first. */
  requests(run: string, after: number): Promise<readonly RunRequest[]>;
  /** Forgets requests up to and including `id`: what follows from them is on disk. */
  settle(run: string, id: number): Promise<void>;
}

export interface LockNames {
  readonly read: readonly string[];
  readonly write: readonly string[];
}

/** Named locks of steps, over every run of the journal. */
export interface Locks {
  /**
   * Takes locks for a step, all or none: a write lock excludes all others, read locks share. Locks of leases no longer in force
   * do not count. Returns the run that is in the way, or `undefined` when taken.
   */
  lock(lease: Lease, step: string, names: LockNames): Promise<string | undefined>;
  unlock(lease: Lease, step: string): Promise<void>;
}

/** What earlier runs took, which orders the next one. */
export interface Statistics {
  /** Remembers how long the steps of a run took (successful attempts, milliseconds), for {@link expectedDurations}. */
  recordDurations(run: string, plan: string, durations: ReadonlyMap<string, number>): Promise<void>;
  /** Median per step over the latest runs of the plan. */
  expectedDurations(plan: string): Promise<ReadonlyMap<string, number>>;
}

/** A request that its sender may send again: the key that it chose, and what it asks for. */
export interface KeyedRequest {
  readonly key: string;
  /** Of all that the request asks for: another digest is another request. */
  readonly digest: string;
  /** When it came, milliseconds since the epoch. */
  readonly time: number;
  /** A name for what follows from it; that of an earlier begin counts if that one's process died. */
  readonly effect: string;
}

/** The right to carry out a keyed request. */
export interface KeyClaim {
  readonly key: string;
  /** Differs from that of every other claim: a late holder neither answers nor abandons for its successor. */
  readonly claim: number;
  /**
   * The same in every claim of one request: what is named by it (a run's id) cannot come to be twice, even if the process
   * that began died between the effect and its answer.
   */
  readonly effect: string;
}

/** What a keyed request was answered the first time. */
export interface FirstAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type BegunRequest =
  /** To be carried out by the caller, who then calls `finishRequest` or `abandonRequest`. */
  | { readonly kind: "new"; readonly claim: KeyClaim }
  /** Somebody who lives carries it out. */
  | { readonly kind: "under-way" }
  | { readonly kind: "done"; readonly answer: FirstAnswer }
  /** The key belongs to a request that asked for something else. */
  | { readonly kind: "other-request" };

/** Keys of requests with their first answers: a request that is sent again is not carried out again. */
export interface Idempotency {
  /**
   * Claims a request, or tells what became of it. Of any number of callers with one key exactly one gets `new`, until its
   * process is dead or {@link KEY_TERM_MS} have passed: then the next one does.
   */
  beginRequest(request: KeyedRequest, holder: Holder): Promise<BegunRequest>;
  /** Stores the answer. `false`: the claim is another's by now, or the answer is longer than {@link MOST_ANSWER_BYTES}. */
  finishRequest(claim: KeyClaim, answer: FirstAnswer): Promise<boolean>;
  /** The request had no effect: its key is free again. */
  abandonRequest(claim: KeyClaim): Promise<void>;
}

/** The right to send a notice once. */
export interface TakenNotice extends StoredNotice {
  readonly run: string;
  /** Differs from that of every other taking: a late holder does not settle for its successor. */
  readonly claim: number;
  /** From 1; counted when it is taken, so that one whose process died over it counts too. */
  readonly attempt: number;
}

/** What came of sending a notice. `why`: for people. */
export type NoticeEnd =
  | { readonly kind: "sent" }
  /** It is due again at `at`, milliseconds since the epoch. */
  | { readonly kind: "again"; readonly at: number; readonly why: string }
  /** It is not sent any more. */
  | { readonly kind: "failed"; readonly why: string };

export interface NoticeRecord {
  readonly run: string;
  readonly seq: number;
  readonly target: string;
  readonly attempts: number;
  readonly state: "pending" | "sent" | "failed";
  /** What went wrong last; absent: nothing. */
  readonly why?: string;
}

/** Words for people and programs outside, each sent until its receiver has taken it. They are put in by `append`. */
export interface Outbox {
  /**
   * Takes notices that are due, oldest first, each for one caller until it settles it, its process is dead, or
   * {@link NOTICE_TERM_MS} have passed. `now`: milliseconds since the epoch.
   */
  takeNotices(now: number, most: number, holder: Holder): Promise<readonly TakenNotice[]>;
  /** `false`: another has taken it meanwhile, or it is gone. */
  settleNotice(taken: TakenNotice, end: NoticeEnd): Promise<boolean>;
  /** When the next one is due, milliseconds since the epoch; `undefined`: none is left to send. */
  nextNotice(): Promise<number | undefined>;
  /** The newest first. */
  notices(options: {
    readonly limit: number;
    readonly run?: string;
    readonly state?: NoticeRecord["state"];
  }): Promise<readonly NoticeRecord[]>;
}

/** What people do with the whole of it. */
export interface Maintenance {
  /** Removes a run with all that is stored of it. A run with a live holder is refused (`false`). */
  remove(run: string): Promise<boolean>;
  /** A consistent copy of everything at `path`, made while others write. */
  backup(path: string): Promise<void>;
  /** Reads every record and checks it. */
  check(): Promise<IntegrityReport>;
}

/** All concerns over one store. */
export interface Journal
  extends EventLog, Leases, Mailbox, Locks, Statistics, Idempotency, Outbox, Maintenance, AsyncDisposable {
  /** Closes; the journal cannot be used after. */
  close(): Promise<void>;
}

export const HEARTBEAT_MS = 5000;
/** A holder silent for so long has lost its lease, alive or not (a stopped process): three heartbeats and a little. */
export const LEASE_TERM_MS = 16_000;

/** How long a claim of a keyed request holds while its process lives: no request takes so long. */
export const KEY_TERM_MS = 120_000;
/** How long keys are remembered. */
export const KEY_KEPT_MS = 86_400_000;
/** Of keys; the oldest are forgotten first, those that are answered before those under way. */
export const MOST_KEYS = 10_000;
/** Of all stored answers, in UTF-16 units. */
export const MOST_KEY_BYTES: number = 8 * 1024 * 1024;
/** Of one stored answer. */
export const MOST_ANSWER_BYTES: number = 256 * 1024;

/** How long the right to send a notice holds while its process lives: no sending takes so long. */
export const NOTICE_TERM_MS = 60_000;
/** Notices that are kept, sent or not; the oldest go first, those that are settled before those that are not. */
export const MOST_NOTICES = 1000;
/** Of one notice's body, in UTF-16 units. */
export const MOST_NOTICE: number = 32 * 1024;

/** The number in a cursor, which is a place in the order in which runs were created; absent: behind all. */
export function placeOf(cursor: string | undefined): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  if (/^[0-9]{1,15}$/.test(cursor)) return Number(cursor);
  throw new HeddleError({
    code: "InvalidCursor",
    message: `${JSON.stringify(cursor.slice(0, 40))} is no cursor`,
    hint: "Send `next` of the page before as it is, or none for the first page.",
  });
}

/** For journals without a queue. */
export function refuseTasks(options: AppendOptions | undefined): void {
  const [first] = options?.tasks ?? [];
  if (first !== undefined)
    throw new BugError(`this journal has no queue: the task of step ${first.step} cannot go with its events`);
}

/** What a full disk is to whoever keeps a journal, or the folder of one, on it. `said`: the system's own words. */
export function diskFull(file: string, said: string): Problem {
  return {
    code: "DiskFull",
    message: `cannot write ${file}: the disk is full (${said})`,
    hint: "Free some space, then resume the run. Nothing recorded is lost.",
  };
}
