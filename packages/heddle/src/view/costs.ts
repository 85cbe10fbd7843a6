/**
 * Costs: what agents said that they used, by run, step, model and day. Pure.
 *
 * Invariant: what no agent told stays unknown, and is counted as unknown: it is never taken for nothing.
 */
import { defined } from "../base/defined.ts";
import type { Event, TokenUsage } from "../run/event.ts";

/** Of turns of agents. */
export interface CostTotal {
  readonly turns: number;
  /** US dollars as far as they were told, to a millionth; `null`: no turn told any. */
  readonly cost: number | null;
  /** Turns that told no cost: what they cost is unknown. */
  readonly turnsWithoutCost: number;
  /** Sums of what was told, by kind. */
  readonly tokens: TokenUsage;
  readonly turnsWithoutTokens: number;
}

export interface RunCost extends CostTotal {
  readonly run: string;
  readonly plan: string;
  readonly startedAt: number;
}

export interface StepCost extends CostTotal {
  readonly plan: string;
  readonly step: string;
}

export interface ModelCost extends CostTotal {
  readonly agent: string;
  /** `null`: the agent did not say. */
  readonly model: string | null;
}

export interface DayCost extends CostTotal {
  /** In UTC, `2026-05-31`. */
  readonly day: string;
}

/** `GET .../costs`. The dearest come first, days in their order; what has no turn of an agent is left out. */
export interface CostsDocument {
  readonly total: CostTotal;
  readonly byRun: readonly RunCost[];
  readonly byStep: readonly StepCost[];
  readonly byModel: readonly ModelCost[];
  readonly byDay: readonly DayCost[];
  /** Runs that were looked at. */
  readonly runs: number;
  /** There are older runs that were not looked at, or more lines than are given. */
  readonly isPartial: boolean;
  /** Runs whose records cannot be read, and why. */
  readonly unreadable: readonly { readonly run: string; readonly problem: string }[];
}

/** What a turn is told apart by within a run. */
interface TurnKey {
  readonly day: string;
  readonly step: string;
  readonly agent: string;
  readonly model: string | null;
}

interface Sum {
  turns: number;
  usd: number;
  turnsWithoutUsd: number;
  tokens: TokenUsage;
  turnsWithoutTokens: number;
}

const KINDS = ["input", "cachedRead", "cacheWrite", "output", "reasoning"] as const;
/** Lines of one list. */
const MOST_LINES = 500;

/** The costs of one run. Gets its events in order, once; can be read at any time. */
export class CostReader {
  readonly #sums = new Map<string, { readonly key: TurnKey; readonly sum: Sum }>();
  #seq = 0;

  /** Of the last event; 0: there was none. */
  get seq(): number {
    return this.#seq;
  }

  get lines(): Iterable<{ readonly key: TurnKey; readonly sum: Readonly<Sum> }> {
    return this.#sums.values();
  }

  add(event: Event): void {
    this.#seq = event.seq;
    if (event.type !== "usage.recorded") return;
    const { agent, model = null, usd, tokens } = event.data;
    const key: TurnKey = { day: dayOf(event.time), step: event.step, agent, model };
    const name = JSON.stringify(Object.values(key));
    const known = this.#sums.get(name) ?? { key, sum: noTurns() };
    this.#sums.set(name, known);
    addTo(known.sum, {
      turns: 1,
      usd: usd ?? 0,
      turnsWithoutUsd: usd === undefined ? 1 : 0,
      tokens: tokens ?? {},
      turnsWithoutTokens: tokens === undefined ? 1 : 0,
    });
  }
}

export interface CostsOfRun {
  readonly run: string;
  readonly plan: string;
  readonly startedAt: number;
  readonly costs: Pick<CostReader, "lines">;
}

export function costsDocument(
  runs: readonly CostsOfRun[],
  more: Pick<CostsDocument, "isPartial" | "unreadable">,
): CostsDocument {
  const total = noTurns();
  const byRun = new Sums<Pick<RunCost, "run" | "plan" | "startedAt">>();
  const byStep = new Sums<Pick<StepCost, "plan" | "step">>();
  const byModel = new Sums<Pick<ModelCost, "agent" | "model">>();
  const byDay = new Sums<Pick<DayCost, "day">>();
  for (const { run, plan, startedAt, costs } of runs)
    for (const { key, sum } of costs.lines) {
      const { day, step, agent, model } = key;
      addTo(total, sum);
      byRun.add({ run, plan, startedAt }, sum);
      byStep.add({ plan, step }, sum);
      byModel.add({ agent, model }, sum);
      byDay.add({ day }, sum);
    }
  const lists = [byRun, byStep, byModel, byDay];
  return {
    total: totalOf(total),
    byRun: byRun.dearest(),
    byStep: byStep.dearest(),
    byModel: byModel.dearest(),
    byDay: byDay.dearest().toSorted((a, b) => (a.day < b.day ? -1 : 1)),
    runs: runs.length,
    isPartial: more.isPartial || lists.some(({ size }) => size > MOST_LINES),
    unreadable: more.unreadable,
  };
}

class Sums<Key extends object> {
  readonly #sums = new Map<string, { readonly key: Key; readonly sum: Sum }>();

  get size(): number {
    return this.#sums.size;
  }

  add(key: Key, sum: Readonly<Sum>): void {
    const name = JSON.stringify(Object.values(key));
    const known = this.#sums.get(name) ?? { key, sum: noTurns() };
    this.#sums.set(name, known);
    addTo(known.sum, sum);
  }

  dearest(): readonly (Key & CostTotal)[] {
    return [...this.#sums.values()]
      .sort((a, b) => b.sum.usd - a.sum.usd || b.sum.turns - a.sum.turns)
      .slice(0, MOST_LINES)
      .map(({ key, sum }) => ({ ...key, ...totalOf(sum) }));
  }
}

function noTurns(): Sum {
  return { turns: 0, usd: 0, turnsWithoutUsd: 0, tokens: {}, turnsWithoutTokens: 0 };
}

function addTo(sum: Sum, more: Readonly<Sum>): void {
  sum.turns += more.turns;
  sum.usd += more.usd;
  sum.turnsWithoutUsd += more.turnsWithoutUsd;
  sum.turnsWithoutTokens += more.turnsWithoutTokens;
  const tokens = KINDS.map((kind) => {
    const [a, b] = [sum.tokens[kind], more.tokens[kind]];
    return [kind, a === undefined && b === undefined ? undefined : (a ?? 0) + (b ?? 0)] as const;
  });
  sum.tokens = defined<TokenUsage>(Object.fromEntries(tokens));
}

function totalOf({ turns, usd, turnsWithoutUsd, tokens, turnsWithoutTokens }: Sum): CostTotal {
  const cost = turns === turnsWithoutUsd ? null : Math.round(usd * 1e6) / 1e6;
  return { turns, cost, turnsWithoutCost: turnsWithoutUsd, tokens, turnsWithoutTokens };
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
