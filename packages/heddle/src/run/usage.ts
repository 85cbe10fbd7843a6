/**
 * Usage of agents in a run, by step, attempt and model. What an agent did not report stays unknown, and is counted as
 * unknown.
 */
import { defined } from "../base/defined.ts";
import type { TokenUsage, EventOf } from "./event.ts";

/** What one agent used of one model in one attempt, over its turns. */
export interface UsageRecord {
  readonly step: string;
  readonly attempt: number;
  readonly agent: string;
  /** Absent: unknown. */
  readonly provider?: string;
  readonly model?: string;
  readonly turns: number;
  /** Sums of what was reported. */
  readonly tokens: TokenUsage;
  /** Turns that reported no tokens. */
  readonly turnsWithoutTokens: number;
  /** US dollars as reported. */
  readonly usd: number;
  /** Turns that reported no price. */
  readonly turnsWithoutUsd: number;
}

/** Adds one turn. */
export function recordUsage(records: Map<string, UsageRecord>, event: EventOf<"usage.recorded">): void {
  const { step, attempt, data } = event;
  const key = JSON.stringify([step, attempt, data.agent, data.model ?? null]);
  const known = records.get(key);
  const next: UsageRecord = defined({
    step,
    attempt,
    agent: data.agent,
    provider: data.provider ?? known?.provider,
    model: data.model,
    turns: (known?.turns ?? 0) + 1,
    tokens: sumOfTokens(known?.tokens, data.tokens),
    turnsWithoutTokens: (known?.turnsWithoutTokens ?? 0) + (data.tokens === undefined ? 1 : 0),
    usd: (known?.usd ?? 0) + (data.usd ?? 0),
    turnsWithoutUsd: (known?.turnsWithoutUsd ?? 0) + (data.usd === undefined ? 1 : 0),
  });
  records.set(key, next);
}

export interface UsageTotal {
  readonly turns: number;
  readonly tokens: TokenUsage;
  readonly turnsWithoutTokens: number;
  readonly usd: number;
  readonly turnsWithoutUsd: number;
}

/** The sum over the records that `isMeant` accepts: of the run, of a step, of an attempt, of a model. */
export function totalUsage(
  records: ReadonlyMap<string, UsageRecord>,
  isMeant: (record: UsageRecord) => boolean = () => true,
): UsageTotal {
  let total: UsageTotal = { turns: 0, tokens: {}, turnsWithoutTokens: 0, usd: 0, turnsWithoutUsd: 0 };
  for (const record of records.values()) {
    if (!isMeant(record)) continue;
    total = {
      turns: total.turns + record.turns,
      tokens: sumOfTokens(total.tokens, record.tokens),
      turnsWithoutTokens: total.turnsWithoutTokens + record.turnsWithoutTokens,
      usd: total.usd + record.usd,
      turnsWithoutUsd: total.turnsWithoutUsd + record.turnsWithoutUsd,
    };
  }
  return total;
}

/** US dollars that agents reported, by step. A step of which nothing is known is absent. */
export function costByStep(records: ReadonlyMap<string, UsageRecord>): ReadonlyMap<string, number> {
  const costs = new Map<string, number>();
  for (const { step, usd, turns, turnsWithoutUsd } of records.values())
    if (turns > turnsWithoutUsd) costs.set(step, (costs.get(step) ?? 0) + usd);
  return costs;
}

/** US dollars of the whole run, as far as they are known, to a millionth; `null`: nothing is known. */
export function costOfRun(records: ReadonlyMap<string, UsageRecord>): number | null {
  const { usd, turns, turnsWithoutUsd } = totalUsage(records);
  return turns === turnsWithoutUsd ? null : Math.round(usd * 1e6) / 1e6;
}

const KINDS = ["input", "cachedRead", "cacheWrite", "output", "reasoning"] as const;

/** Fields that neither has stay absent. */
function sumOfTokens(a: TokenUsage = {}, b: TokenUsage = {}): TokenUsage {
  const sums = KINDS.flatMap((kind) =>
    a[kind] === undefined && b[kind] === undefined ? [] : [[kind, (a[kind] ?? 0) + (b[kind] ?? 0)] as const],
  );
  return Object.fromEntries(sums);
}
