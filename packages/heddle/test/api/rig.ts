/** What the tests of the library's face share: folders that go away, meetings of steps, and histories at a glance. */
import type { Event, Run } from "../../src/index.ts";

/**
 * A door that opens when `size` have come to it. Steps that wait at one only pass if they run at the same time: if they did
 * not, the test would time out. No clock is involved.
 */
export function meeting(size: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let come = 0;
  return () => {
    if (++come === size) resolve();
    return promise;
  };
}

/** Resolves when the signal is aborted: how a well-behaved endless step ends. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
}

export async function eventsOf(run: Run): Promise<readonly Event[]> {
  const events: Event[] = [];
  for await (const event of run) events.push(event);
  return events;
}

/** `started a`, `succeeded b`, ...: what happened to steps, in the order of the history. */
export function stepLines(events: readonly Event[]): readonly string[] {
  return events.flatMap((event) =>
    event.type.startsWith("step.") && "step" in event ? [`${event.type.slice(5)} ${event.step}`] : [],
  );
}

/** Place of an event in a history; fails the test by -1 where there is none. */
export function placeOf(events: readonly Event[], type: Event["type"], step: string): number {
  return events.findIndex((event) => event.type === type && "step" in event && event.step === step);
}
