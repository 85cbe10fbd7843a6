/**
 * Termination: ends a set of processes that may grow meanwhile: TERM, grace, KILL, until two readings in a row find none
 * and none can be added any more. Knows processes and time, no attempt.
 *
 * Invariants:
 *  1. A process that was found once stays known by (pid, started), whatever its parent becomes. So does the session of
 *     one that leads it: what that one started between a look and its own end has no other trace.
 *  2. A signal goes only to a process whose start time was read in the same reading.
 *  3. It ends in bounded time: after {@link KILL_ROUNDS} rounds of KILL what is left is reported, not waited for.
 *  4. "None" needs two different readings of the table, both begun after the ending. One is not enough, however fresh: a
 *     table is not read in one instant, and a process that forks and ends may be missed. A shared reading may be older
 *     than the process that should be ended.
 *  5. While its source lives ({@link EndOptions.over}) an empty reading proves nothing: the process may not have started
 *     yet.
 */
import type { Clock } from "../base/clock.ts";
import type { ProcessInfo, ProcessTable, ProcessSnapshot } from "./table.ts";

/** Who belongs, beyond descendants of those who belong. */
export interface Membership {
  /** Asked for each process that is not known to belong yet. */
  readonly includes: (info: ProcessInfo, snapshot: ProcessSnapshot) => boolean;
  /** Never members, nor their descendants by way of them alone: this process, helpers. */
  readonly excludes: (pid: number) => boolean;
}

/** Follows a membership over several looks at the table. */
export class Followed {
  readonly #table: ProcessTable;
  readonly #membership: Membership;
  readonly #known = new Map<number, string>();
  /** Sessions that a member led, until a look finds none of their processes. */
  #sessions: ReadonlySet<number> = new Set();
  #reading: ProcessSnapshot | undefined;

  constructor(table: ProcessTable, membership: Membership) {
    this.#table = table;
    this.#membership = membership;
  }

  /** The same with more members. */
  with(includes: Membership["includes"]): Followed {
    const first = this.#membership;
    return new Followed(this.#table, {
      includes: (info, snapshot) => includes(info, snapshot) || first.includes(info, snapshot),
      excludes: first.excludes,
    });
  }

  /** Looks from now on see all that has started until now. */
  forget(): void {
    this.#table.forget?.();
  }

  /** What the last look was taken from: two looks in one moment may share it. */
  get reading(): ProcessSnapshot | undefined {
    return this.#reading;
  }

  /** Living members now. */
  look(): ProcessInfo[] {
    const snapshot = this.#table.read();
    this.#reading = snapshot;
    const { includes, excludes } = this.#membership;
    const members = new Map<number, ProcessInfo>();
    for (const info of snapshot.processes.values()) {
      if (excludes(info.pid)) continue;
      if (this.#isKnown(info) || this.#isInSession(info, snapshot) || includes(info, snapshot))
        members.set(info.pid, info);
    }
    for (let grew = members.size > 0; grew;) {
      grew = false;
      for (const info of snapshot.processes.values()) {
        if (members.has(info.pid) || !members.has(info.parent) || excludes(info.pid)) continue;
        members.set(info.pid, info);
        grew = true;
      }
    }
    const all = [...members.values()];
    const led = all.filter(({ pid, session }) => pid === session || this.#sessions.has(session));
    this.#sessions = new Set(led.map(({ session }) => session));
    this.#known.clear();
    const living: ProcessInfo[] = [];
    for (const info of all) {
      this.#known.set(info.pid, info.started);
      if (!info.zombie) living.push(info);
    }
    return living;
  }

  #isKnown({ pid, started }: ProcessInfo): boolean {
    return this.#known.get(pid) === started;
  }

  /** The session's number may be another's by now: then its leader is a stranger. */
  #isInSession({ session }: ProcessInfo, { processes }: ProcessSnapshot): boolean {
    if (!this.#sessions.has(session)) return false;
    const leader = processes.get(session);
    return leader === undefined || this.#isKnown(leader);
  }
}

export interface EndOptions {
  readonly clock: Clock;
  readonly graceMs: number;
  /** A process group that is signalled as a whole, which no fork can slip through. */
  readonly group?: number;
  /**
   * Whether the source of the processes has ended: the command itself, or a helper's answer for it. Before that, a
   * command may not have started yet. Absent: it has ended.
   */
  readonly over?: () => boolean;
  /** {@link signal} where absent. */
  readonly send?: (pid: number, name: "SIGTERM" | "SIGKILL") => void;
}

/** An ending under way. */
export interface ProcessEnding {
  /** How many processes were found in all; settles when none is left, or none can be ended. */
  readonly done: Promise<number>;
  /** Shortens the grace. Always reaches the group as long as the ending is not over, whatever was seen of it. */
  kill(): void;
}

const KILL_ROUNDS = 400;
const FIRST_LOOK_MS = 2;
const LONGEST_LOOK_MS = 40;

/** Begins at the end of the current task, so that all endings asked for together share their first reading. */
export function endAll(followed: Followed, options: EndOptions): ProcessEnding {
  const { clock, group, over = () => true, send = sendSignalTo } = options;
  const deadline = clock.now() + options.graceMs;
  const found = new Set<string>();
  let killing = options.graceMs <= 0;
  let killRounds = 0;
  let emptyLooks = 0;
  let looked = false;
  let populated = false;
  let settled = false;
  let waitMs = FIRST_LOOK_MS;
  let cancelTimer: (() => void) | undefined;
  const { promise: done, resolve } = Promise.withResolvers<number>();

  function signalGroup(name: "SIGTERM" | "SIGKILL"): void {
    if (group !== undefined) send(-group, name);
  }

  /** Counts one look; whether it was the last. */
  function isLast(living: readonly ProcessInfo[], before: ProcessSnapshot | undefined, wasOver: boolean): boolean {
    if (living.length > 0 || !wasOver) emptyLooks = 0;
    else if (followed.reading !== before) emptyLooks++;
    return emptyLooks >= 2 || killRounds > KILL_ROUNDS;
  }

  function round(): void {
    cancelTimer = undefined;
    if (clock.now() >= deadline) killing = true;
    const before = followed.reading;
    const wasOver = over();
    // The processes are known from earlier readings: the end of the grace need not wait for another.
    if (killing && looked && (populated || !wasOver)) signalGroup("SIGKILL");
    const living = followed.look();
    populated = living.length > 0;
    if (isLast(living, looked ? before : undefined, wasOver)) {
      settled = true;
      return resolve(found.size);
    }
    if (killing) {
      killRounds++;
      // Nobody there and nobody to come: the group's number may be somebody else's by now.
      if (populated || !wasOver) signalGroup("SIGKILL");
    } else if (!looked) {
      signalGroup("SIGTERM");
    }
    for (const info of living) {
      const name = `${info.pid}/${info.started}`;
      if (killing) send(info.pid, "SIGKILL");
      // Processes that were in the group at the first reading got its signal; later ones did not.
      else if (!found.has(name) && (looked || info.group !== group)) send(info.pid, "SIGTERM");
      found.add(name);
    }
    looked = true;
    if (killing) waitMs = FIRST_LOOK_MS;
    const next = emptyLooks > 0 ? FIRST_LOOK_MS : waitMs;
    waitMs = Math.min(LONGEST_LOOK_MS, waitMs * 2);
    const untilDeadline = Math.max(1, deadline - clock.now());
    cancelTimer = clock.after(killing ? next : Math.min(next, untilDeadline), round);
  }

  // The look comes before the signal: a process that fled is known by its parent, as long as that one lives.
  followed.forget();
  queueMicrotask(round);
  return {
    done,
    kill() {
      if (killing || settled) return;
      killing = true;
      if (cancelTimer === undefined) return;
      cancelTimer();
      // Looks taken in one turn may share one reading of the table, from before the process was there: they count once.
      emptyLooks = 0;
      round();
    },
  };
}

/** Whether the signal was delivered. */
export function sendSignalTo(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
