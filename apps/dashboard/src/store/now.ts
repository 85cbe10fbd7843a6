/** Present time of the page, for what counts up: one timer for all who show it. */
import { useSyncExternalStore } from "react";

const TICK_MS = 1000;

let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    now = Date.now();
    timer = setInterval(() => {
      now = Date.now();
      for (const one of listeners) one();
    }, TICK_MS);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** Milliseconds since the epoch, a second exact. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => (timer === undefined ? (now = Math.max(now, roundedNow())) : now));
}

/** Stable while nothing ticks: a snapshot that changes at each look would render without end. */
function roundedNow(): number {
  return Math.floor(Date.now() / TICK_MS) * TICK_MS;
}
