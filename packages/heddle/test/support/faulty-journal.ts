/**
 * A journal as one engine sees it: slow by chance, failing where the plan of faults says so, silent for ever once its engine is
 * dead. The store behind it is shared by all engines of a simulation, like the file that outlives them.
 */
import type { Clock } from "../../src/base/clock.ts";
import type { Random } from "../../src/base/random.ts";
import { memoryJournal, type MemoryStore } from "../../src/journal/memory.ts";
import type { Journal } from "../../src/journal/port.ts";
import type { Event } from "../../src/run/event.ts";
import type { Engine } from "./fake-backend.ts";

/** What happens at one of an engine's appends. */
export type AppendFault =
  /** The engine dies: nothing was written, or all was and it never learns of it. */
  | "crash-before"
  | "crash-after"
  /** The system refuses, and nobody knows whether the events are stored. */
  | "unknown-before"
  | "unknown-after"
  /** Another process took the lease. */
  | "fenced";

export interface FaultyJournalOptions {
  readonly store: MemoryStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly engine: Engine;
  /** The engine's appends are counted from 1. */
  readonly faultAt: number;
  readonly fault: AppendFault | undefined;
  readonly isAlive: (pid: number) => boolean;
  readonly validate: (event: Event) => string | undefined;
  readonly onStored: (events: readonly Event[]) => void;
  readonly onCrash: () => void;
  /** Called while an append is under way, with its number. */
  readonly duringAppend: (append: number) => void;
}

const NEVER = new Promise<never>(() => undefined);

export function faultyJournal(options: FaultyJournalOptions): Journal {
  const { store, clock, random, engine } = options;
  const inner = memoryJournal({
    store,
    now: () => clock.now(),
    isAlive: (holder) => options.isAlive(holder.pid),
    validate: options.validate,
  });
  let appends = 0;

  /** A little later, or never. */
  const slowly = async <T>(act: () => Promise<T>): Promise<T> => {
    if (random() < 0.5) await new Promise<void>((resolve) => void clock.after(Math.floor(random() * 4), resolve));
    if (engine.isDead) return NEVER;
    const result = await act();
    return engine.isDead ? NEVER : result;
  };

  const append: Journal["append"] = (lease, events, appendOptions) =>
    slowly(async () => {
      appends++;
      const fault = appends === options.faultAt ? options.fault : undefined;
      if (fault === "crash-before") {
        options.onCrash();
        return NEVER;
      }
      if (fault === "unknown-before" || engine.isRefused) {
        engine.isRefused = true;
        return { ok: false, error: { kind: "unknown", problem: { code: "DiskFull", message: "no space left" } } };
      }
      if (fault === "fenced") await takeOver(store, lease.run, clock);
      const result = await inner.append(lease, events, appendOptions);
      options.duringAppend(appends);
      if (result.ok) options.onStored(events);
      else engine.isRefused = true;
      if (fault === "crash-after") {
        options.onCrash();
        return NEVER;
      }
      if (fault !== "unknown-after") return result;
      engine.isRefused = true;
      return { ok: false, error: { kind: "unknown", problem: { code: "InputOutput", message: "fsync failed" } } };
    });

  return {
    create: (run, holder) => slowly(() => inner.create(run, holder)),
    acquire: (run, holder) => slowly(() => inner.acquire(run, holder)),
    heartbeat: (lease) => slowly(() => inner.heartbeat(lease)),
    release: (lease) => slowly(() => inner.release(lease)),
    append,
    read: (run, readOptions) => inner.read(run, readOptions),
    runs: (listOptions) => inner.runs(listOptions),
    runPage: (pageOptions) => inner.runPage(pageOptions),
    marks: (member) => inner.marks(member),
    get: (run) => inner.get(run),
    find: (prefix) => inner.find(prefix),
    remove: (run) => inner.remove(run),
    request: (run, time, body) => inner.request(run, time, body),
    requests: (run, after) => slowly(() => inner.requests(run, after)),
    settle: (run, id) => slowly(() => inner.settle(run, id)),
    watch: () => inner.watch(),
    lock: (lease, step, names) => slowly(() => inner.lock(lease, step, names)),
    unlock: (lease, step) => slowly(() => inner.unlock(lease, step)),
    recordDurations: (run, plan, durations) => slowly(() => inner.recordDurations(run, plan, durations)),
    expectedDurations: (plan) => slowly(() => inner.expectedDurations(plan)),
    beginRequest: (request, holder) => inner.beginRequest(request, holder),
    finishRequest: (claim, answer) => inner.finishRequest(claim, answer),
    abandonRequest: (claim) => inner.abandonRequest(claim),
    takeNotices: (now, most, holder) => inner.takeNotices(now, most, holder),
    settleNotice: (taken, end) => inner.settleNotice(taken, end),
    nextNotice: () => inner.nextNotice(),
    notices: (listOptions) => inner.notices(listOptions),
    backup: (path) => inner.backup(path),
    check: () => inner.check(),
    close: () => inner.close(),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

/** Another process finds the lease's holder gone, takes the lease and leaves again. */
async function takeOver(store: MemoryStore, run: string, clock: Clock): Promise<void> {
  const thief = memoryJournal({ store, now: () => clock.now(), isAlive: () => false });
  const holder = { pid: -1, started: "", title: "another" };
  const lease = await thief.acquire(run, holder);
  if (lease.ok) await thief.release(lease.value);
}
