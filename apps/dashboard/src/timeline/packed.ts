/**
 * Packed bars: the bars of a row as they are drawn. Those that are too narrow to be seen apart become one block that says how many it is. Pure.
 */
import type { Axis } from "./axis.ts";
import type { TimelineLook, RowBar } from "./row-bars.ts";

/** Pixels that can be hit. */
export const LEAST_BAR_WIDTH = 4;
/** From one bar to the next, so that both are seen. */
const APART = 1;

export interface PackedBar {
  readonly key: string;
  readonly x: number;
  readonly width: number;
  /** Of the time before it in which it waited for its turn; 0: none. */
  readonly lead: number;
  readonly look: TimelineLook;
  /** The first of those that it stands for. */
  readonly bar: RowBar;
  readonly count: number;
}

/** What matters more comes first. */
const ORDER: readonly TimelineLook[] = ["failed", "asked", "running", "interrupted", "cancelled", "succeeded"];

/** `now`: where what goes on ends. `late`: by how much what is expected is later than it was. */
export function packedBars(bars: readonly RowBar[], axis: Axis, now: number, late: number = 0): readonly PackedBar[] {
  const packed: PackedBar[] = [];
  for (const one of bars) {
    const bar = one.look === "expected" ? { ...one, from: one.from + late, to: (one.to ?? one.from) + late } : one;
    const x = axis.xOf(bar.from);
    const drawn = axis.xOf(bar.to ?? Math.max(now, bar.from)) - x;
    const width = Math.max(LEAST_BAR_WIDTH, drawn);
    const last = packed.at(-1);
    const isTiny =
      drawn < LEAST_BAR_WIDTH && last !== undefined && last.width <= LEAST_BAR_WIDTH * Math.max(1, last.count);
    if (last !== undefined && isTiny && x < last.x + last.width + APART && bar.look !== "expected") {
      const look = rank(bar.look) < rank(last.look) ? bar.look : last.look;
      const right = Math.max(last.x + last.width, x + drawn);
      packed[packed.length - 1] = { ...last, look, width: right - last.x, count: last.count + 1 };
      continue;
    }
    const lead = bar.queuedFrom === undefined ? 0 : Math.max(0, x - axis.xOf(bar.queuedFrom));
    packed.push({ key: bar.key, x, width, lead, look: bar.look, bar, count: 1 });
  }
  return packed;
}

function rank(look: TimelineLook): number {
  const at = ORDER.indexOf(look);
  return at === -1 ? ORDER.length : at;
}
