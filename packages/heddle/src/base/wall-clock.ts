/** Wall clock: the time of day, where browsers run too. Unlike a `Clock` it may go back: it is for what people read, and measures nothing. */

/** Milliseconds since the epoch. */
export function wallClockMs(): number {
  return Date.now();
}
