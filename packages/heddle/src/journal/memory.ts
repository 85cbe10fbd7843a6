/**
 * A journal that lives in this process: for tests, the simulation and runs that leave nothing behind. Keeps events by
 * reference: an append costs what the batch costs, and nothing is copied or turned into text.
 *
 * Invariants: those of the port, as far as there is no disk. Two journals over one {@link MemoryStore} are like two
 * processes over one file.
 */
import { HeddleError } from "../base/errors.ts";
import { BugError } from "../base/assert.ts";
import { canonicalJson, type Json } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Event } from "../run/event.ts";
import { durationsText, KEPT_DURATIONS, medians } from "./durations.ts";
import { inForce, type LeaseRow, type LeaseRules } from "./lease.ts";
import {
  LEASE_TERM_MS,
  type AppendError,
  type AppendOptions,
  type Holder,
  type IntegrityReport,
  type Journal,
  type Lease,
  type LeaseError,
  type ReadOptions,
  type RunRecord,
  type RunRequest,
  type Watcher,
} from "./port.ts";

export interface MemoryOptions {
  /** What is stored; shared by journals that are to see each other's runs. Default: a new, empty one. */
  readonly store?: MemoryStore;
  /** Milliseconds, for leases. Default: a clock that stands still, so that no lease falls silent. */
  readonly now?: () => number;
  /** Default: every holder lives. */
  readonly isAlive?: (holder: Holder) => boolean;
  /** Default {@link LEASE_TERM_MS}. */
  readonly leaseTermMs?: number;
  /** What is wrong with an event; a malformed one is a bug of the caller and thrown. */
  readonly validate?: (event: Event) => string | undefined;
}

interface StoredRun {
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
  /** Grows with every write. */
  version: number;
}

export function memoryStore(): MemoryStore {
  return { runs: new Map(), requests: [], locks: [], lastRequest: 0, version: 0 };
}

export function memoryJournal(options: MemoryOptions = {}): Journal {
  return new MemoryJournal(options);
}

const BATCH = 1000;
const HERE = { boot: "", space: "" };

class MemoryJournal implements Journal {
  readonly #store: MemoryStore;
  readonly #rules: LeaseRules;
  readonly #validate: ((event: Event) => string | undefined) | undefined;

  constructor(options: MemoryOptions) {
    this.#store = options.store ?? memoryStore();
    this.#validate = options.validate;
    this.#rules = {
      now: options.now ?? (() => 0),
      isAlive: options.isAlive ?? (() => true),
      machine: HERE,
      termMs: options.leaseTermMs ?? LEASE_TERM_MS,
    };
  }

  async create(
    run: { readonly run: string; readonly plan: string; readonly createdAt: number },
    holder: Holder,
  ): Promise<Result<Lease, LeaseError>> {
    if (this.#store.runs.has(run.run)) {
      const problem = {
        code: "RunExists",
        message: `there is a run ${run.run} already`,
        hint: "Resume it, or start one with another id.",
      };
      return err({ kind: "failed", problem });
    }
    const lease = this.#newLease(1, holder);
    this.#store.runs.set(run.run, { ...run, events: [], summary: null, lease, durations: undefined });
    this.#wrote();
    return ok({ run: run.run, fence: 1, holder });
  }

  async acquire(run: string, holder: Holder): Promise<Result<Lease, LeaseError>> {
    const stored = this.#store.runs.get(run);
    if (stored === undefined) return err({ kind: "unknown-run" });
    if (inForce(stored.lease, this.#rules)) return err({ kind: "held", holder: stored.lease.holder });
    stored.lease = this.#newLease(stored.lease.fence + 1, holder);
    this.#dropLocks((lock) => lock.run === stored);
    this.#wrote();
    return ok({ run, fence: stored.lease.fence, holder });
  }

  async heartbeat(lease: Lease): Promise<boolean> {
    const stored = this.#held(lease);
    if (stored === undefined) return false;
    stored.lease = { ...stored.lease, beat: this.#rules.now() };
    this.#wrote();
    return true;
  }

  async release(lease: Lease): Promise<void> {
    const stored = this.#held(lease);
    if (stored === undefined) return;
    stored.lease = { ...stored.lease, released: true };
    this.#dropLocks((lock) => lock.run === stored);
    this.#wrote();
  }

  async append(lease: Lease, events: readonly Event[], options?: AppendOptions): Promise<Result<void, AppendError>> {
    for (const event of events) this.#accept(lease, event);
    const stored = this.#held(lease);
    if (stored === undefined) {
      const current = this.#store.runs.get(lease.run)?.lease;
      return err({
        kind: "fenced",
        holder: current !== undefined && inForce(current, this.#rules) ? current.holder : null,
      });
    }
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
    this.#wrote();
    return ok(undefined);
  }

  #accept(lease: Lease, event: Event): void {
    if (event.run !== lease.run)
      throw new BugError(`event of run ${event.run} appended under the lease of ${lease.run}`);
    const problem = this.#validate?.(event);
    if (problem !== undefined)
      throw new BugError(`event ${event.seq} (${event.type}) of run ${event.run} is malformed: ${problem}`);
  }

  async *read(run: string, options: ReadOptions = {}): AsyncGenerator<readonly Event[]> {
    let at = options.after ?? 0;
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    while (left > 0) {
      const batch = this.#store.runs.get(run)?.events.slice(at, at + BATCH) ?? [];
      if (batch.length === 0) return;
      at += batch.length;
      const wanted =
        options.step === undefined ? batch : batch.filter((event) => "step" in event && event.step === options.step);
      const given = wanted.slice(0, left);
      left -= given.length;
      if (given.length > 0) yield given;
    }
  }

  async runs(options: { readonly limit?: number; readonly plan?: string } = {}): Promise<readonly RunRecord[]> {
    const wanted = [...this.#store.runs.values()].filter(
      (run) => options.plan === undefined || run.plan === options.plan,
    );
    return wanted
      .reverse()
      .slice(0, options.limit)
      .map((run) => this.#record(run));
  }

  async get(run: string): Promise<RunRecord | undefined> {
    const stored = this.#store.runs.get(run);
    return stored === undefined ? undefined : this.#record(stored);
  }

  #record({ run, plan, createdAt, events, summary, lease }: StoredRun): RunRecord {
    return {
      run,
      plan,
      createdAt,
      lastSeq: events.length,
      summary,
      holder: inForce(lease, this.#rules) ? lease.holder : null,
    };
  }

  async find(prefix: string): Promise<readonly string[]> {
    const ids = [...this.#store.runs.keys()].filter((id) => id.startsWith(prefix));
    return ids.reverse().slice(0, 10);
  }

  async remove(run: string): Promise<boolean> {
    const stored = this.#store.runs.get(run);
    if (stored === undefined || inForce(stored.lease, this.#rules)) return false;
    this.#store.runs.delete(run);
    this.#store.requests = this.#store.requests.filter((request) => request.run !== run);
    this.#dropLocks((lock) => lock.run === stored);
    this.#wrote();
    return true;
  }

  async request(run: string, time: number, body: Json): Promise<number> {
    if (!this.#store.runs.has(run)) {
      throw new HeddleError({
        code: "UnknownRun",
        message: `the journal has no run ${run}`,
        hint: "List runs with `heddle runs`.",
      });
    }
    const id = ++this.#store.lastRequest;
    this.#store.requests = [...this.#store.requests, { id, run, time, body }];
    this.#wrote();
    return id;
  }

  async requests(run: string, after: number): Promise<readonly RunRequest[]> {
    return this.#store.requests.filter((request) => request.run === run && request.id > after);
  }

  async settle(run: string, id: number): Promise<void> {
    this.#store.requests = this.#store.requests.filter((request) => request.run !== run || request.id > id);
    this.#wrote();
  }

  watch(): Watcher {
    let seen = -1;
    return {
      changed: () => {
        const { version } = this.#store;
        const changed = version !== seen;
        seen = version;
        return changed;
      },
    };
  }

  async lock(
    lease: Lease,
    step: string,
    names: { readonly read: readonly string[]; readonly write: readonly string[] },
  ): Promise<string | undefined> {
    if (names.read.length === 0 && names.write.length === 0) return undefined;
    const run = this.#held(lease);
    if (run === undefined) return lease.run;
    for (const lock of this.#store.locks) {
      if (lock.run === run && lock.step === step) continue;
      const clash = names.write.includes(lock.name) || (lock.write && names.read.includes(lock.name));
      const counts = lock.fence === lock.run.lease.fence && (lock.run === run || inForce(lock.run.lease, this.#rules));
      if (clash && counts) return lock.run.run;
    }
    const take = (name: string, write: boolean): Lock => ({ run, fence: lease.fence, step, name, write });
    const writes = names.write.map((name) => take(name, true));
    const reads = names.read.filter((name) => !names.write.includes(name)).map((name) => take(name, false));
    this.#store.locks = [...this.#store.locks, ...writes, ...reads];
    this.#wrote();
    return undefined;
  }

  async unlock(lease: Lease, step: string): Promise<void> {
    this.#dropLocks((lock) => lock.run.run === lease.run && lock.fence === lease.fence && lock.step === step);
    this.#wrote();
  }

  async recordDurations(run: string, plan: string, durations: ReadonlyMap<string, number>): Promise<void> {
    const stored = this.#store.runs.get(run);
    if (stored !== undefined) stored.durations = { plan, text: durationsText(durations) };
    const older = [...this.#store.runs.values()]
      .filter((other) => other.durations?.plan === plan)
      .slice(0, -KEPT_DURATIONS);
    for (const other of older) other.durations = undefined;
    this.#wrote();
  }

  async expectedDurations(plan: string): Promise<ReadonlyMap<string, number>> {
    const texts: string[] = [];
    for (const { durations } of this.#store.runs.values()) if (durations?.plan === plan) texts.push(durations.text);
    return medians(texts);
  }

  async backup(path: string): Promise<void> {
    throw new HeddleError({ code: "JournalUnusable", message: `a journal in memory cannot be copied to ${path}` });
  }

  async check(): Promise<IntegrityReport> {
    let events = 0;
    for (const run of this.#store.runs.values()) events += run.events.length;
    return { ok: true, events, problems: [] };
  }

  async close(): Promise<void> {
    // Nothing is held: what the store keeps is the store's.
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #newLease(fence: number, holder: Holder): LeaseRow {
    return { fence, holder, machine: HERE, beat: this.#rules.now(), released: false };
  }

  /** The run, if `lease` is its current one. */
  #held(lease: Lease): StoredRun | undefined {
    const stored = this.#store.runs.get(lease.run);
    return stored !== undefined && stored.lease.fence === lease.fence && !stored.lease.released ? stored : undefined;
  }

  #dropLocks(which: (lock: Lock) => boolean): void {
    if (this.#store.locks.length > 0) this.#store.locks = this.#store.locks.filter((lock) => !which(lock));
  }

  #wrote(): void {
    this.#store.version++;
  }
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
