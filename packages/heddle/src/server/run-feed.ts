/**
 * Run feeds: what changes of a run, for all clients that look at it.
 *
 * Invariants:
 *  1. A client gets one snapshot, then patches of which each begins where the one before ended. Who comes back gets a snapshot again: what a
 *     run was like at an earlier event is not kept, and the present is as right from any of them.
 *  2. Patches of one run are at least {@link PATCH_MS} apart: what happens meanwhile is in the next one.
 */
import type { Clock } from "../base/clock.ts";
import type { Project } from "../project/port.ts";
import { RunFollower } from "../view/follower.ts";
import type { LiveRun, RunPatch } from "../view/live-run.ts";
import { Feeds, type FeedSource } from "./feeds.ts";
import { pause } from "./pause.ts";

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
  readonly #feeds = new Feeds<RunNews>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Tells `listener` of the run until the signal is given. Rejects where the run cannot be read. */
  follow(asked: FollowedRun, listener: (news: RunNews) => void, signal: AbortSignal): Promise<void> {
    const key = `${asked.project.dir}\0${asked.run}`;
    return this.#feeds.follow(key, () => runFeed(asked, this.#clock), listener, signal);
  }
}

function runFeed({ project, run }: FollowedRun, clock: Clock): FeedSource<RunNews> {
  const follower = new RunFollower(false);
  let isCaughtUp = false;
  return {
    async follow(publish, signal) {
      const watcher = project.runs.watch();
      while (!signal.aborted) {
        for await (const item of project.runs.tail(run, { after: follower.seq, signal })) {
          if (item.kind === "events") {
            for (const event of item.events) follower.add(event);
            continue;
          }
          follower.live = item.kind === "caught-up";
          const patch = isCaughtUp ? follower.patch() : undefined;
          isCaughtUp = true;
          publish(patch && { type: "patch", ...patch });
          if (patch !== undefined) await pause(clock, PATCH_MS);
        }
        while (!watcher.changed() && !signal.aborted) await pause(clock, LOOK_MS);
      }
    },
    introduction() {
      const view = follower.snapshot();
      return view && { type: "snapshot", seq: view.seq, view };
    },
  };
}
