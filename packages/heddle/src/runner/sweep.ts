/**
 * Process sweep: finds processes by the tag in their environment and ends them: what a dead engine left, and what
 * escaped from its group. Knows runs, steps and attempts only as text.
 *
 * Limit: a process that cleared its environment and left its parent and group has no tag and is not found here; while
 * its attempt runs it is found as a descendant (see `terminate.ts` and `helper.ts`).
 */
import type { Clock } from "../base/clock.ts";
import type { Sweeper } from "./port.ts";
import { type ProcessTable, tagOf } from "../process/table.ts";
import { Followed, endAll } from "../process/terminate.ts";

const DEFAULT_SWEEP_GRACE_MS = 5000;

export interface SweeperOptions {
  readonly clock: Clock;
  readonly table: ProcessTable;
  /** Processes of ours that are never swept: helpers. */
  readonly spare?: (pid: number) => boolean;
}

export function sweeper(options: SweeperOptions): Sweeper {
  const { clock, table } = options;
  return {
    async sweep(run, { graceMs = DEFAULT_SWEEP_GRACE_MS, keep } = {}) {
      const followed = new Followed(table, {
        includes(info, snapshot) {
          const tag = tagOf(snapshot, info.pid);
          return tag !== undefined && tag.run === run && !(keep?.(tag.step, tag.attempt) ?? false);
        },
        excludes: (pid) => pid === process.pid || (options.spare?.(pid) ?? false),
      });
      return await endAll(followed, { clock, graceMs }).done;
    },
  };
}
