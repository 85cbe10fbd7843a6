/**
 * Replay clock: which event a replay stands at while it plays. The times of a history are known at some of its events; in between an event is
 * where it is by proportion. Pure.
 */

export type EventTimes = readonly (readonly [seq: number, time: number])[];

export interface ReplayGap {
  readonly from: number;
  readonly to: number;
}

/** Of a history whose times are not known: an event each second. */
export function pacedTimes(last: number): EventTimes {
  return [
    [1, 0],
    [Math.max(2, last), (Math.max(2, last) - 1) * 1000],
  ];
}

export const SPEEDS = [1, 10, 60, 300, 1000] as const;
export type Speed = (typeof SPEEDS)[number];

/** Milliseconds since the epoch. */
export function timeOfEvent(times: EventTimes, seq: number): number {
  const at = times.findIndex(([known]) => known >= seq);
  const after = times[at] ?? times.at(-1);
  const before = times[at - 1];
  if (after === undefined) return 0;
  if (before === undefined || after[0] === before[0] || after[0] < seq) return after[1];
  return before[1] + ((seq - before[0]) / (after[0] - before[0])) * (after[1] - before[1]);
}

/** The last event up to the time, from the first one on. */
export function eventAt(times: EventTimes, time: number): number {
  const at = times.findIndex(([, known]) => known > time);
  const before = times[at - 1];
  const after = times[at];
  if (at === -1) return times.at(-1)?.[0] ?? 1;
  if (before === undefined || after === undefined) return times[0]?.[0] ?? 1;
  return Math.floor(before[0] + ((time - before[1]) / (after[1] - before[1])) * (after[0] - before[0]));
}

/** The time of a run after so much more real time: those without an engine are passed over. */
export function playedTime(
  time: number,
  {
    gaps,
    elapsedMs,
    speed,
  }: { readonly gaps: readonly ReplayGap[]; readonly elapsedMs: number; readonly speed: number },
): number {
  const next = time + elapsedMs * speed;
  const gap = gaps.find(({ from, to }) => next > from && next < to);
  return gap === undefined ? next : gap.to;
}
