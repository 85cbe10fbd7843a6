/**
 * Time axis: where a time is drawn. Stretches in which nothing worked are folded to a narrow strip that says how long they were. Pure.
 *
 * Invariant: a later time is never drawn left of an earlier one, and where nothing is folded the scale is the same.
 */

export interface Stretch {
  readonly from: number;
  readonly to: number;
}

export interface Fold {
  readonly x: number;
  readonly ms: number;
}

export interface Tick {
  readonly x: number;
  readonly text: string;
}

export interface Axis {
  /** Pixels from the first time to the last. */
  readonly width: number;
  readonly folds: readonly Fold[];
  readonly ticks: readonly Tick[];
  xOf(time: number): number;
}

/** Of a folded stretch, in pixels. */
export const FOLD_WIDTH = 30;
/** Between two ticks at least. */
const TICK_WIDTH = 64;
/** Of the time in which something worked: what is shorter is not folded. */
const FOLDED_SHARE = 0.05;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const TICKS: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((ms) => ms),
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12, 24, 48, 96, 240, 720, 2400].map((hours) => hours * HOUR),
];

/**
 * The stretches of a run to fold: those without an engine, and those in which nothing worked for longer than a twentieth of the time in which
 * something did. `busy`: in any order.
 */
export function foldsOf(
  { from, to }: Stretch,
  { busy, gaps }: { readonly busy: readonly Stretch[]; readonly gaps: readonly Stretch[] },
): readonly Stretch[] {
  const idle: Stretch[] = [];
  let worked = 0;
  let until = from;
  for (const one of busy.toSorted((a, b) => a.from - b.from)) {
    if (one.from > until) idle.push({ from: until, to: Math.min(one.from, to) });
    worked += Math.max(0, Math.min(one.to, to) - Math.max(one.from, until));
    until = Math.max(until, one.to);
  }
  if (until < to) idle.push({ from: until, to });
  const isGap = (one: Stretch): boolean => gaps.some((gap) => gap.from < one.to && gap.to > one.from);
  return idle.filter((one) => one.to - one.from > worked * FOLDED_SHARE && (worked > 0 || isGap(one)));
}

/** `folds`: apart from each other, ascending. `width`: wished for; at least what the folds need is taken. */
export function timeAxis({ from, to }: Stretch, folds: readonly Stretch[], width: number): Axis {
  const folded = folds.reduce((sum, fold) => sum + fold.to - fold.from, 0);
  const scaled = Math.max(100, width - folds.length * FOLD_WIDTH);
  const scale = scaled / Math.max(1, to - from - folded);
  const xOf = (time: number): number => {
    let x = 0;
    let at = from;
    for (const fold of folds) {
      if (time <= fold.from) break;
      x += (fold.from - at) * scale;
      if (time < fold.to) return x + ((time - fold.from) / (fold.to - fold.from)) * FOLD_WIDTH;
      x += FOLD_WIDTH;
      at = fold.to;
    }
    return x + (Math.max(from, time) - at) * scale;
  };
  const step = TICKS.find((ms) => ms * scale >= TICK_WIDTH) ?? (TICKS.at(-1) as number);
  return {
    width: scaled + folds.length * FOLD_WIDTH,
    folds: folds.map((fold) => ({ x: xOf(fold.from), ms: fold.to - fold.from })),
    ticks: ticksOf({ from, to }, { folds, step, xOf }),
    xOf,
  };
}

function ticksOf(
  { from, to }: Stretch,
  {
    folds,
    step,
    xOf,
  }: { readonly folds: readonly Stretch[]; readonly step: number; readonly xOf: (time: number) => number },
): readonly Tick[] {
  const ticks: Tick[] = [];
  for (let ms = 0; from + ms <= to; ms += step) {
    const inside = folds.find((fold) => from + ms > fold.from && from + ms < fold.to);
    // On the other side of it time has gone on.
    if (inside !== undefined) ms = Math.max(ms, Math.floor((inside.to - from) / step) * step);
    else ticks.push({ x: xOf(from + ms), text: tickText(ms, step) });
  }
  // What stands close together behind a fold cannot be read.
  return ticks.filter(({ x }, at) => at === 0 || x - (ticks[at - 1]?.x ?? 0) >= TICK_WIDTH / 2);
}

/** `0.25 s`, `0:30`, `1:05:00`. */
function tickText(ms: number, step: number): string {
  if (step < SECOND) return `${Number((ms / SECOND).toFixed(3))} s`;
  const seconds = Math.round(ms / SECOND);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (n: number): string => String(n).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
