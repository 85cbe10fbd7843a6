/** Reconnecting: when a lost connection is made again, and which refusals another try may mend. */
import type { Random } from "../base/random.ts";
import type { ApiProblem } from "./problem.ts";

/**
 * How long a connection that was lost is waited for, in milliseconds; the last for all further tries. A page is right within five seconds
 * after its server is there again: the last leaves time to connect, and to show what has happened meanwhile.
 */
export const RECONNECT_MS: readonly number[] = [250, 500, 1000, 2000, 3500];
/** The server says something each 15 s. */
export const SILENT_MS = 40_000;

/** `lost`: connections one after another that gave nothing. Spread to between half and all of the time. */
export function reconnectDelayMs(lost: number, random: Random): number {
  const most = RECONNECT_MS[Math.min(lost, RECONNECT_MS.length) - 1] ?? 0;
  return Math.round(most * (0.5 + random() / 2));
}

/** Whether the server, or what lies before it, may be there again in a moment. */
export function isPassing({ status }: ApiProblem): boolean {
  return status === 0 || status === 429 || status >= 500;
}
