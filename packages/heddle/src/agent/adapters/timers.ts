/**
 * Attempt timers: start, idle and attempt timeout of one attempt. Know time and which timer expired; no agent.
 *
 * Invariant: `expired` is called at most once, and not after `end`.
 */
import type { CancelTimer, Clock } from "../../base/clock.ts";
import type { AgentLimits } from "./port.ts";

export type Expiry = "start" | "idle" | "attempt";

export interface Deadlines {
  /** The agent is ready for a prompt: the start timer ends, the idle timer begins. */
  ready(): void;
  /** The agent reported something. */
  heard(): void;
  /** A person is asked; `false`: the answer came. Counted. */
  asking(isAsking: boolean): void;
  /** How many tools are running. */
  tools(count: number): void;
  end(): void;
}

export function deadlines(clock: Clock, limits: AgentLimits, expired: (which: Expiry) => void): Deadlines {
  let isOver = false;
  let isReady = false;
  let asking = 0;
  let tools = 0;
  let last = clock.now();
  let cancelIdle: CancelTimer | undefined;
  function fire(which: Expiry): void {
    if (isOver) return;
    end();
    expired(which);
  }
  const cancelStart = clock.after(limits.startMs, () => fire("start"));
  const cancelAttempt =
    limits.attemptMs === undefined ? undefined : clock.after(limits.attemptMs, () => fire("attempt"));
  function idleLimit(): number {
    return tools > 0 ? Math.max(limits.idleMs, limits.toolIdleMs) : limits.idleMs;
  }
  /** One timer that is moved only when it fires: an event costs no timer. */
  function arm(): void {
    cancelIdle?.();
    cancelIdle = undefined;
    if (isOver || !isReady || asking > 0) return;
    const left = last + idleLimit() - clock.now();
    cancelIdle = clock.after(Math.max(0, left), () => {
      cancelIdle = undefined;
      if (clock.now() >= last + idleLimit()) fire("idle");
      else arm();
    });
  }
  function end(): void {
    isOver = true;
    cancelStart();
    cancelAttempt?.();
    cancelIdle?.();
  }
  return {
    ready() {
      if (isReady) return;
      isReady = true;
      cancelStart();
      last = clock.now();
      arm();
    },
    heard() {
      last = clock.now();
    },
    asking(isAsking) {
      asking += isAsking ? 1 : -1;
      last = clock.now();
      arm();
    },
    tools(count) {
      const changed = count > 0 !== tools > 0;
      tools = count;
      if (changed) arm();
    },
    end,
  };
}
