/**
 * Memory journal: keeps everything in this process, for tests, the simulation and runs that leave nothing behind. Events
 * are kept by reference: an append copies nothing and costs only what the batch costs.
 *
 * Invariants: those of the port, as far as they need no disk. Two journals over one {@link MemoryStore} behave like two
 * processes over one file.
 */
import { BugError } from "../base/assert.ts";
import { HeddleError } from "../base/errors.ts";
import { canonicalJson, isJsonObject, type Json } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Event } from "../run/event.ts";
import { durationsText, KEPT_DURATIONS, medians } from "./durations.ts";
import { inForce, type LeaseRow, type LeaseRules } from "./lease.ts";
import { memoryIdempotency, type StoredKey } from "./memory-idempotency.ts";
import { keepNotices, memoryOutbox, type KeptNotice } from "./memory-outbox.ts";
import {
  LEASE_TERM_MS,
  placeOf,
  refuseTasks,
  type AppendError,
  type EventLog,
  type Holder,
  type Journal,
  type Lease,
  type Leases,
  type Locks,
  type Mailbox,
  type Maintenance,
  type RunFilter,
  type RunRecord,
  type RunRequest,
  type Statistics,
  type Watcher,
} from "./port.ts";

export interface MemoryOptions {
  /** What is stored; shared by journals that are to see each other's runs. Default: a new, empty one. */
  readonly store?: MemoryStore;
  /** Milliseconds, for leases. Default: a clock that does not move, so that no lease expires. */
  readonly now?: () => number;
  /** Default: every holder lives. */
  readonly isAlive?: (holder: Holder) => boolean;
  /** Default {@link LEASE_TERM_MS}. */
  readonly leaseTermMs?: number;
  /** What is wrong with an event; a malformed one is a bug of the caller and thrown. */
  readonly validate?: (event: Event) => string | undefined;
}

interface StoredRun {
  /** Grows with every run. */
  readonly place: number;
  readonly run: string;
  readonly plan: string;
  readonly createdAt: number;
  readonly events: Event[];
  summary: Json;
  lease: LeaseRow;
  durations: { readonly plan: string; readonly text: string } | undefined;
}

interface Lock {
  readonly run: StoredRun;
  readonly fence: number;
  readonly step: string;
  readonly name: string;
  readonly write: boolean;
}

/** The stored state; made by {@link memoryStore}, opaque to everybody else. */
export interface MemoryStore {
  readonly runs: Map<string, StoredRun>;
  requests: readonly RunRequest[];
  locks: readonly Lock[];
  lastRequest: number;
  lastPlace: number;
  /** By key, oldest first. */
  readonly keys: Map<string, StoredKey>;
  lastClaim: number;
  notices: KeptNotice[];
  lastNotice: number;
  /** Grows with every write. */
  version: number;
}

export function memoryStore(): MemoryStore {
  return {
    runs: new Map(),
    requests: [],
    locks: [],
    lastRequest: 0,
    lastPlace: 0,
    keys: new Map(),
    lastClaim: 0,
    notices: [],
    lastNotice: 0,
    version: 0,
  };
}

export function memoryJournal(options: MemoryOptions = {}): Journal {
  const world: World = {
    store: options.store ?? memoryStore(),
    validate: options.validate,
    rules: {
      now: options.now ?? (() => 0),
      isAlive: options.isAlive ?? (() => true),
      machine: HERE,
      termMs: options.leaseTermMs ?? LEASE_TERM_MS,
    },
  };
  // Nothing is held: what the store keeps is the store's.
  const close = async (): Promise<void> => undefined;
  return {
    ...eventLog(world),
    ...leases(world),
    ...mailbox(world),
    ...locks(world),
    ...statistics(world),
    ...memoryIdempotency(world),
    ...memoryOutbox(world),
    ...maintenance(world),
    close,
    [Symbol.asyncDispose]: close,
  };
}

const BATCH = 1000;
const HERE = { boot: "", space: "" };

/** What all concerns of one journal share. */
interface World {
  readonly store: MemoryStore;
  readonly rules: LeaseRules;
  readonly validate: ((event: Event) => string | undefined) | undefined;
}

function eventLog(world: World): EventLog {
  const { store, rules } = world;
  return {
    async append(lease, events, options) {
      refuseTasks(options);
      for (const event of events) accept(world, lease, event);
      const stored = heldRun(store, lease);
      if (stored === undefined) return fenced(world, lease.run);
      const known = stored.events.length;
      const actual = events[0]?.seq ?? known + 1;
      if (actual <= known) return again(stored.events, events);
      let expected = known + 1;
      for (const event of events) {
        if (event.seq !== expected) return err({ kind: "conflict", expected, actual: event.seq });
        expected++;
      }
      for (const event of events) stored.events.push(event);
      if (options?.summary !== undefined) stored.summary = options.summary;
      if (options?.notices !== undefined) keepNotices(store, lease.run, options.notices);
      store.version++;
      return ok(undefined);
    },

    async *read(run, options = {}) {
      const { after = 0, before = Number.POSITIVE_INFINITY, backwards = false, step } = options;
      const wanted = (event: Event): boolean =>
        event.seq > after && event.seq < before && (step === undefined || ("step" in event && event.step === step));
      const length = (): number => store.runs.get(run)?.events.length ?? 0;
      let at = backwards ? Math.min(length(), before - 1) : after;
      let left = options.limit ?? Number.POSITIVE_INFINITY;
      while (left > 0) {
        const from = backwards ? Math.max(after, at - BATCH) : at;
        const batch = store.runs.get(run)?.events.slice(from, backwards ? at : from + BATCH) ?? [];
        const [first] = batch;
        if (first === undefined || first.seq >= before) return;
        at = backwards ? from : from + batch.length;
        const given = (backwards ? batch.toReversed() : batch).filter(wanted).slice(0, left);
        left -= given.length;
        if (given.length > 0) yield given;
      }
    },

    async runs({ limit, plan } = {}) {
      const wanted = [...store.runs.values()].filter((run) => plan === undefined || run.plan === plan);
      return wanted
        .reverse()
        .slice(0, limit)
        .map((run) => recordOf(run, rules));
    },

    async runPage({ limit, cursor, ...filter }) {
      const below = placeOf(cursor);
      const wanted = [...store.runs.values()].filter((run) => run.place < below && isWanted(run, filter)).reverse();
      const stored = wanted.slice(0, limit);
      const last = stored.at(-1);
      const records = stored.map((run) => recordOf(run, rules));
      return wanted.length > limit && last !== undefined ? { records, next: String(last.place) } : { records };
    },

    async marks(member) {
      return [...store.runs.values()].map(({ run, events, summary }) => {
        const value = isJsonObject(summary) ? summary[member] : null;
        return { run, lastSeq: events.length, member: typeof value === "string" ? value : null };
      });
    },

    async get(run) {
      const stored = store.runs.get(run);
      return stored === undefined ? undefined : recordOf(stored, rules);
    },

    async find(prefix) {
      const ids = [...store.runs.keys()].filter((id) => id.startsWith(prefix));
      return ids.reverse().slice(0, 10);
    },

    watch: () => watchWrites(store),
  };
}

function isWanted(run: StoredRun, { plan, since, until, text, summary }: RunFilter): boolean {
  if (plan !== undefined && run.plan !== plan) return false;
  if (run.createdAt < (since ?? -Infinity) || run.createdAt >= (until ?? Infinity)) return false;
  if (text !== undefined && !asciiLower(`${run.run} ${run.plan}`).includes(asciiLower(text))) return false;
  if (summary === undefined) return true;
  const value = isJsonObject(run.summary) ? (run.summary[summary.member] ?? null) : null;
  return summary.oneOf.some((one) => one === value);
}

function asciiLower(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function accept({ validate }: World, lease: Lease, event: Event): void {
  if (event.run !== lease.run) throw new BugError(`event of run ${event.run} appended under the lease of ${lease.run}`);
  const problem = validate?.(event);
  if (problem !== undefined)
    throw new BugError(`event ${event.seq} (${event.type}) of run ${event.run} is malformed: ${problem}`);
}

function fenced({ store, rules }: World, run: string): Result<void, AppendError> {
  const current = store.runs.get(run)?.lease;
  return err({ kind: "fenced", holder: current !== undefined && inForce(current, rules) ? current.holder : null });
}

/** Events that are there already: accepted when each is the same. */
function again(stored: readonly Event[], events: readonly Event[]): Result<void, AppendError> {
  const actual = events[0]?.seq ?? 0;
  const same = events.every((event, index) => {
    const known = stored[actual - 1 + index];
    return (
      known !== undefined &&
      (known === event || canonicalJson(known as unknown as Json) === canonicalJson(event as unknown as Json))
    );
  });
  return same ? ok(undefined) : err({ kind: "conflict", expected: stored.length + 1, actual });
}

function recordOf({ run, plan, createdAt, events, summary, lease }: StoredRun, rules: LeaseRules): RunRecord {
  return {
    run,
    plan,
    createdAt,
    lastSeq: events.length,
    summary,
    holder: inForce(lease, rules) ? lease.holder : null,
  };
}

function watchWrites(store: MemoryStore): Watcher {
  let seen = -1;
  return {
    changed() {
      const changed = store.version !== seen;
      seen = store.version;
      return changed;
    },
  };
}

function leases({ store, rules }: World): Leases {
  const newLease = (fence: number, holder: Holder): LeaseRow => ({
    fence,
    holder,
    machine: HERE,
    beat: rules.now(),
    released: false,
  });
  return {
    async create(run, holder) {
      if (store.runs.has(run.run)) {
        const problem = {
          code: "RunExists",
          message: `run ${run.run} exists already`,
          hint: "Resume it, or start a run with another id.",
        };
        return err({ kind: "failed", problem });
      }
      const place = ++store.lastPlace;
      store.runs.set(run.run, {
        ...run,
        place,
        events: [],
        summary: null,
        lease: newLease(1, holder),
        durations: undefined,
      });
      store.version++;
      return ok({ run: run.run, fence: 1, holder });
    },

    async acquire(run, holder) {
      const stored = store.runs.get(run);
      if (stored === undefined) return err({ kind: "unknown-run" });
      if (inForce(stored.lease, rules)) return err({ kind: "held", holder: stored.lease.holder });
      stored.lease = newLease(stored.lease.fence + 1, holder);
      dropLocks(store, (lock) => lock.run === stored);
      store.version++;
      return ok({ run, fence: stored.lease.fence, holder });
    },

    async heartbeat(lease) {
      const stored = heldRun(store, lease);
      if (stored === undefined) return false;
      stored.lease = { ...stored.lease, beat: rules.now() };
      store.version++;
      return true;
    },

    async release(lease) {
      const stored = heldRun(store, lease);
      if (stored === undefined) return;
      stored.lease = { ...stored.lease, released: true };
      dropLocks(store, (lock) => lock.run === stored);
      store.version++;
    },
  };
}

/** The run, if `lease` is its current one. */
function heldRun(store: MemoryStore, lease: Lease): StoredRun | undefined {
  const stored = store.runs.get(lease.run);
  return stored !== undefined && stored.lease.fence === lease.fence && !stored.lease.released ? stored : undefined;
}

function mailbox({ store }: World): Mailbox {
  return {
    async request(run, time, body) {
      if (!store.runs.has(run)) return undefined;
      const id = ++store.lastRequest;
      store.requests = [...store.requests, { id, run, time, body }];
      store.version++;
      return id;
    },

    async requests(run, after) {
      return store.requests.filter((request) => request.run === run && request.id > after);
    },

    async settle(run, id) {
      store.requests = store.requests.filter((request) => request.run !== run || request.id > id);
      store.version++;
    },

    watch: () => watchWrites(store),
  };
}

function locks({ store, rules }: World): Locks {
  return {
    async lock(lease, step, names) {
      if (names.read.length === 0 && names.write.length === 0) return undefined;
      const run = heldRun(store, lease);
      if (run === undefined) return lease.run;
      for (const lock of store.locks) {
        if (lock.run === run && lock.step === step) continue;
        const conflicts = names.write.includes(lock.name) || (lock.write && names.read.includes(lock.name));
        const counts = lock.fence === lock.run.lease.fence && (lock.run === run || inForce(lock.run.lease, rules));
        if (conflicts && counts) return lock.run.run;
      }
      const take = (name: string, write: boolean): Lock => ({ run, fence: lease.fence, step, name, write });
      const writes = names.write.map((name) => take(name, true));
      const reads = names.read.filter((name) => !names.write.includes(name)).map((name) => take(name, false));
      store.locks = [...store.locks, ...writes, ...reads];
      store.version++;
      return undefined;
    },

    async unlock(lease, step) {
      dropLocks(store, (lock) => lock.run.run === lease.run && lock.fence === lease.fence && lock.step === step);
      store.version++;
    },
  };
}

function dropLocks(store: MemoryStore, which: (lock: Lock) => boolean): void {
  if (store.locks.length > 0) store.locks = store.locks.filter((lock) => !which(lock));
}

function statistics({ store }: World): Statistics {
  return {
    async recordDurations(run, plan, durations) {
      const stored = store.runs.get(run);
      if (stored !== undefined) stored.durations = { plan, text: durationsText(durations) };
      const older = [...store.runs.values()]
        .filter((other) => other.durations?.plan === plan)
        .slice(0, -KEPT_DURATIONS);
      for (const other of older) other.durations = undefined;
      store.version++;
    },

    async expectedDurations(plan) {
      const texts: string[] = [];
      for (const { durations } of store.runs.values()) if (durations?.plan === plan) texts.push(durations.text);
      return medians(texts);
    },
  };
}

function maintenance({ store, rules }: World): Maintenance {
  return {
    async remove(run) {
      const stored = store.runs.get(run);
      if (stored === undefined || inForce(stored.lease, rules)) return false;
      store.runs.delete(run);
      store.requests = store.requests.filter((request) => request.run !== run);
      store.notices = store.notices.filter((notice) => notice.run !== run);
      dropLocks(store, (lock) => lock.run === stored);
      store.version++;
      return true;
    },

    async backup(path) {
      throw new HeddleError({ code: "JournalUnusable", message: `a journal in memory cannot be copied to ${path}` });
    },

    async check() {
      let events = 0;
      for (const run of store.runs.values()) events += run.events.length;
      return { ok: true, events, problems: [] };
    },
  };
}
