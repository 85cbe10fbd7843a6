/**
 * Memory watch: measures the memory of attempts' processes with one timer, which runs only while something is watched;
 * what ends before the first sample costs nothing. Does not know what a limit means: it calls back.
 */
import type { Clock } from "../base/clock.ts";
import type { ProcessInfo } from "./table.ts";

export interface Watched {
  /** Stops watching; the highest sum seen in MB (whole), `undefined` where no look was taken. */
  end(): number | undefined;
}

export interface MemoryWatch {
  /** `members`: asked at each look. `over` is called once, when their sum passes `limitMb`. */
  watch(limitMb: number | undefined, members: () => readonly ProcessInfo[], over: () => void): Watched;
}

const INTERVAL_MS = 300;

export function memoryWatch(clock: Clock): MemoryWatch {
  const looks = new Set<() => void>();
  let cancel: (() => void) | undefined;
  function tick(): void {
    cancel = undefined;
    for (const look of looks) look();
    arm();
  }
  function arm(): void {
    if (cancel === undefined && looks.size > 0) cancel = clock.after(INTERVAL_MS, tick);
  }
  return {
    watch(limitMb, members, over) {
      let peak: number | undefined;
      let exceeded = false;
      const startedAt = clock.now();
      function look(): void {
        // The shared timer may fire just after the start: a command so young is not worth a look.
        if (limitMb === undefined && clock.now() - startedAt < INTERVAL_MS) return;
        let sum = 0;
        for (const info of members()) sum += info.memoryMb;
        peak = Math.max(peak ?? 0, Math.ceil(sum));
        if (limitMb === undefined || sum <= limitMb || exceeded) return;
        exceeded = true;
        over();
      }
      looks.add(look);
      arm();
      return {
        end() {
          looks.delete(look);
          if (looks.size === 0) {
            cancel?.();
            cancel = undefined;
          }
          return peak;
        },
      };
    },
  };
}
