/**
 * Ends a set of processes that may grow while it is being ended: TERM, grace, KILL, until two looks in a row find nobody.
 * Knows processes and time, no attempt.
 *
 * Invariants:
 *  1. Who was once found to belong stays known by (pid, started), whoever its parent becomes.
 *  2. A signal goes only to a process whose start time was read in the same look.
 *  3. It ends in bounded time: after {@link KILL_ROUNDS} rounds of KILL what is left is reported, not waited for.
 */
import type { Clock } from "../base/clock.ts";
import type { ProcessInfo, ProcessTable, Snapshot } from "./processes.ts";

/** Who belongs, beyond descendants of those who belong. */
export interface Membership {
  /** Asked for each process that is not known to belong yet. */
  readonly includes: (info: ProcessInfo, snapshot: Snapshot) => boolean;
  /** Never members, nor their descendants by way of them alone: this process, helpers. */
  readonly excludes: (pid: number) => boolean;
}

/** Follows a membership over several looks at the table. */
export class Followed {
  readonly #table: ProcessTable;
  readonly #membership: Membership;
  readonly #known = new Map<number, string>();

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

  /** Living members now. */
  look(): ProcessInfo[] {
    const snapshot = this.#table.read();
    const { includes, excludes } = this.#membership;
    const members = new Map<number, ProcessInfo>();
    for (const info of snapshot.processes.values()) {
      if (excludes(info.pid)) continue;
      if (this.#known.get(info.pid) === info.started || includes(info, snapshot)) members.set(info.pid, info);
    }
    for (let grew = members.size > 0; grew;) {
      grew = false;
      for (const info of snapshot.processes.values()) {
        if (members.has(info.pid) || !members.has(info.parent) || excludes(info.pid)) continue;
        members.set(info.pid, info);
        grew = true;
      }
    }
    this.#known.clear();
    const living: ProcessInfo[] = [];
    for (const info of members.values()) {
      this.#known.set(info.pid, info.started);
      if (!info.zombie) living.push(info);
    }
    return living;
  }
}

export interface EndOptions {
  readonly clock: Clock;
  readonly graceMs: number;
  /** A process group that is signalled as a whole, which no fork can slip through. */
  readonly group?: number;
}

/** An ending under way. */
export interface Ending {
  /** How many processes were found in all; settles when none is left, or none can be ended. */
  readonly done: Promise<number>;
  /** Cuts the grace short. */
  kill(): void;
}

const KILL_ROUNDS = 400;
const FIRST_LOOK_MS = 2;
const LONGEST_LOOK_MS = 40;

export function endAll(followed: Followed, options: EndOptions): Ending {
  const { clock, group } = options;
  const deadline = clock.now() + options.graceMs;
  const found = new Set<string>();
  let killing = options.graceMs <= 0;
  let killRounds = 0;
  let emptyLooks = 0;
  let waitMs = FIRST_LOOK_MS;
  let cancelTimer: (() => void) | undefined;
  const { promise: done, resolve } = Promise.withResolvers<number>();

  function signalGroup(name: "SIGTERM" | "SIGKILL"): void {
    if (group !== undefined) signal(-group, name);
  }

  function round(): void {
    cancelTimer = undefined;
    if (clock.now() >= deadline) killing = true;
    const living = followed.look();
    emptyLooks = living.length === 0 ? emptyLooks + 1 : 0;
    if (emptyLooks >= 2 || killRounds > KILL_ROUNDS) return resolve(found.size);
    const fresh = living.filter((info) => !found.has(`${info.pid}/${info.started}`));
    // Those of the group heard its signal before the first look.
    const unheard = found.size === 0 ? fresh.filter((info) => info.group !== group) : fresh;
    for (const info of fresh) found.add(`${info.pid}/${info.started}`);
    if (killing && living.length > 0) {
      killRounds++;
      signalGroup("SIGKILL");
      for (const info of living) signal(info.pid, "SIGKILL");
      waitMs = FIRST_LOOK_MS;
    } else {
      for (const info of unheard) signal(info.pid, "SIGTERM");
    }
    const untilDeadline = Math.max(1, deadline - clock.now());
    const next = emptyLooks > 0 ? FIRST_LOOK_MS : waitMs;
    waitMs = Math.min(LONGEST_LOOK_MS, waitMs * 2);
    cancelTimer = clock.after(killing ? Math.max(next, FIRST_LOOK_MS) : Math.min(next, untilDeadline), round);
  }

  // The group hears it at once; the first look, which takes longer, then finds who else belongs.
  signalGroup(killing ? "SIGKILL" : "SIGTERM");
  round();
  return {
    done,
    kill() {
      if (killing || cancelTimer === undefined) return;
      killing = true;
      cancelTimer();
      // Looks taken in one turn may share one reading of the table, from before the process was there: they count once.
      emptyLooks = 0;
      round();
    },
  };
}

/** Whether the signal was delivered. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
