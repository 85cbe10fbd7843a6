/**
 * Run feeds: what changes of a run, for all clients that look at it. A run is followed once, however many do, and as long as somebody does.
 *
 * Invariants:
 *  1. A client gets one snapshot, then patches of which each begins where the one before ended.
 *  2. Patches of one run are at least {@link PATCH_MS} apart: what happens meanwhile is in the next one.
 */
import type { Clock } from "../base/clock.ts";
import type { Project } from "../project/port.ts";
import { RunFollower } from "../view/follower.ts";
import type { LiveRun, RunPatch } from "../view/live-run.ts";

const PATCH_MS = 33;
/** How often the journal is asked whether anything was written, while nobody works on the run. */
const LOOK_MS = 100;

/** A run and where it is. `run`: the whole id. */
export interface FollowedRun {
  readonly project: Project;
  readonly run: string;
}

export type RunNews =
  | { readonly type: "snapshot"; readonly seq: number; readonly view: LiveRun }
  | ({ readonly type: "patch" } & RunPatch);

export class RunFeeds {
  readonly #clock: Clock;
  readonly #feeds = new Map<string, RunFeed>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Tells `listener` of the run until the signal is given. Rejects where the run cannot be read. */
  async follow(asked: FollowedRun, listener: (news: RunNews) => void, signal: AbortSignal): Promise<void> {
    const key = `${asked.project.dir}\0${asked.run}`;
    const known = this.#feeds.get(key);
    // One that is left ends, and tells nobody any more.
    const feed = known === undefined || known.isLeft ? new RunFeed(asked, this.#clock) : known;
    this.#feeds.set(key, feed);
    try {
      await feed.join(listener, signal);
    } finally {
      if (feed.isLeft && this.#feeds.get(key) === feed) this.#feeds.delete(key);
    }
  }
}

class RunFeed {
  readonly #asked: FollowedRun;
  readonly #clock: Clock;
  readonly #follower = new RunFollower(false);
  /** Each with whether it has its snapshot. */
  readonly #listeners = new Map<(news: RunNews) => void, boolean>();
  readonly #left = new AbortController();
  readonly #following: Promise<void>;
  #isCaughtUp = false;

  constructor(asked: FollowedRun, clock: Clock) {
    this.#asked = asked;
    this.#clock = clock;
    this.#following = this.#follow();
  }

  get isLeft(): boolean {
    return this.#left.signal.aborted;
  }

  /** Settles when the signal is given; rejects when the run cannot be followed any more. */
  async join(listener: (news: RunNews) => void, signal: AbortSignal): Promise<void> {
    this.#listeners.set(listener, false);
    if (this.#isCaughtUp) this.#introduce(listener);
    const gone = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    try {
      await Promise.race([gone, this.#following]);
    } finally {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#left.abort();
    }
  }

  async #follow(): Promise<void> {
    // The first to join comes in this turn of the loop.
    await Promise.resolve();
    const { project, run } = this.#asked;
    const { signal } = this.#left;
    const watcher = project.runs.watch();
    while (!signal.aborted) {
      for await (const item of project.runs.tail(run, { after: this.#follower.seq, signal })) {
        if (item.kind === "events") {
          for (const event of item.events) this.#follower.add(event);
          continue;
        }
        this.#follower.live = item.kind === "caught-up";
        if (this.#publish()) await this.#pause(PATCH_MS);
      }
      while (!watcher.changed() && !signal.aborted) await this.#pause(LOOK_MS);
    }
  }

  /** False: there was nothing new. */
  #publish(): boolean {
    const patch = this.#isCaughtUp ? this.#follower.patch() : undefined;
    this.#isCaughtUp = true;
    for (const [listener, isIntroduced] of this.#listeners) {
      if (!isIntroduced) this.#introduce(listener);
      else if (patch !== undefined) listener({ type: "patch", ...patch });
    }
    return patch !== undefined;
  }

  #introduce(listener: (news: RunNews) => void): void {
    const view = this.#follower.snapshot();
    if (view === undefined) return;
    this.#listeners.set(listener, true);
    listener({ type: "snapshot", seq: view.seq, view });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(ms, resolve));
  }
}
