/** Forecast of a run: when each step that has not begun is expected to begin and to end, by the rules of real runs. Pure. */
import { hasEnded, phaseOf, type RunState } from "../run/state.ts";
import { simulatedRun } from "./makespan.ts";
import { remainingWork, type RemainingOptions } from "./remaining.ts";

export interface ForecastBar {
  readonly step: string;
  /** Milliseconds since the epoch. */
  readonly startsAt: number;
  readonly endsAt: number;
}

/** `GET .../runs/{run}/forecast`. */
export interface RunForecast {
  readonly run: string;
  /** Of the last event that it is made from. */
  readonly seq: number;
  /** The moment that it is made at. */
  readonly now: number;
  /** When the run is expected to end; `null`: it has, or nobody knows. */
  readonly endsAt: number | null;
  /** Of steps that have not ended, the first to begin first. Those that run have begun before. */
  readonly bars: readonly ForecastBar[];
  /** There are more steps than bars. */
  readonly isPartial: boolean;
  /** Steps of which nobody knows how long they take: each counts as long as the known ones on average. */
  readonly unknownDurations: number;
}

/** Of one forecast. */
const MOST_BARS = 20_000;

export function forecastOf(state: RunState, options: RemainingOptions): RunForecast {
  const { now } = options;
  const about = { run: state.run, seq: state.seq, now };
  const nothing = { ...about, endsAt: null, bars: [], isPartial: false, unknownDurations: 0 };
  const work = remainingWork(state, options);
  const simulated = work && simulatedRun(work);
  if (work === undefined || simulated === undefined) return nothing;
  const bars: ForecastBar[] = [];
  for (const [at, { id }] of work.plan.steps.entries()) {
    const starts = simulated.startsAt[at] ?? -1;
    const phase = phaseOf(state, state.index.byId.get(id) ?? 0);
    if (starts < 0 || hasEnded(phase)) continue;
    const isAtWork = phase.tag === "running" || phase.tag === "expanded";
    const startsAt = isAtWork ? Math.min(now, phase.since) : now + Math.round(starts);
    bars.push({ step: id, startsAt, endsAt: now + Math.round(Math.max(starts, simulated.endsAt[at] ?? 0)) });
  }
  bars.sort((a, b) => a.startsAt - b.startsAt);
  return {
    ...about,
    endsAt: now + Math.round(simulated.makespanMs),
    bars: bars.slice(0, MOST_BARS),
    isPartial: bars.length > MOST_BARS,
    unknownDurations: work.unknownDurations,
  };
}
