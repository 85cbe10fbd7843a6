/**
 * Usage: converts the token counts and costs that agents report to one form. Pure.
 *
 * Invariants:
 *  1. Unknown is absent, never 0: a sum is unknown only if every part is unknown.
 *  2. A running total is recorded only as the difference to the total known before.
 */
import { defined } from "../../base/defined.ts";
import { type Json, isJsonObject } from "../../base/json.ts";
import type { SessionTotals } from "../../run/attempt.ts";
import type { TokenUsage } from "../../run/event.ts";

const MEMBERS = ["input", "cachedRead", "cacheWrite", "output", "reasoning"] as const;

type Draft = { -readonly [K in keyof TokenUsage]: TokenUsage[K] };

export function addUsage(a: TokenUsage | undefined, b: TokenUsage | undefined): TokenUsage | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  const sum: Draft = {};
  for (const key of MEMBERS) {
    const [x, y] = [a[key], b[key]];
    if (x !== undefined || y !== undefined) sum[key] = (x ?? 0) + (y ?? 0);
  }
  return sum;
}

/** `total - before`; a total that fell was restarted, and counts in full. */
export function usageDelta(total: TokenUsage, before: TokenUsage | undefined): TokenUsage {
  if (before === undefined) return total;
  const delta: Draft = {};
  for (const key of MEMBERS) {
    const [now, then] = [total[key], before[key] ?? 0];
    if (now !== undefined) delta[key] = now >= then ? now - then : now;
  }
  return delta;
}

/** One count under any of the names that are in use; snake and camel case are one. */
function pick(source: { readonly [key: string]: unknown }, ...names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = source[name] ?? source[name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];
    if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  }
  return undefined;
}

/** Whether `input` counts cached tokens too. */
export interface UsageReading {
  readonly inputHoldsCached: boolean;
}

/** A usage object of any agent: `undefined` if nothing in it is a count. */
export function readUsage(raw: unknown, { inputHoldsCached }: UsageReading): TokenUsage | undefined {
  if (!isJsonObject(raw)) return undefined;
  const cachedRead = pick(
    raw,
    "cachedReadTokens",
    "cacheReadInputTokens",
    "cachedInputTokens",
    "cachedTokens",
    "cached",
  );
  const cacheWrite = pick(
    raw,
    "cachedWriteTokens",
    "cacheCreationInputTokens",
    "cacheWriteInputTokens",
    "cacheWriteTokens",
  );
  const all = pick(raw, "inputTokens", "promptTokens", "input");
  const output = pick(raw, "outputTokens", "completionTokens", "candidatesTokens", "output");
  const reasoning = pick(
    raw,
    "thoughtTokens",
    "reasoningOutputTokens",
    "reasoningTokens",
    "thoughtsTokens",
    "reasoning",
  );
  const input =
    all === undefined ? undefined : inputHoldsCached ? Math.max(0, all - (cachedRead ?? 0) - (cacheWrite ?? 0)) : all;
  const usage: Draft = {};
  if (input !== undefined) usage.input = input;
  if (cachedRead !== undefined) usage.cachedRead = cachedRead;
  if (cacheWrite !== undefined) usage.cacheWrite = cacheWrite;
  if (output !== undefined) usage.output = output;
  if (reasoning !== undefined) usage.reasoning = reasoning;
  return Object.keys(usage).length === 0 ? undefined : usage;
}

/** The sum over models of `_meta.quota.model_usage`, a list or a mapping. */
export function readModelUsage(raw: unknown, reading: UsageReading): TokenUsage | undefined {
  if (raw === null || typeof raw !== "object") return undefined;
  let sum: TokenUsage | undefined;
  for (const member of Object.values(raw)) {
    const inner = isJsonObject(member) && isJsonObject(member["token_count"]) ? member["token_count"] : member;
    sum = addUsage(sum, readUsage(inner, reading));
  }
  return sum;
}

/** Where an ACP agent reports its usage, and what it means. */
export interface UsageQuirks {
  /**
   * `response`: in the answer to a prompt, for that turn. `model-usage`: there under `_meta.quota.model_usage`, side
   * calls included, else as `response`. `token-count`: there under `_meta.quota.token_count`. `none`: what it reports
   * is wrong, so usage is unknown.
   */
  readonly tokens: "response" | "model-usage" | "token-count" | "none";
  readonly inputHoldsCached: boolean;
}

export const STANDARD_USAGE: UsageQuirks = { tokens: "response", inputHoldsCached: false };

/** The usage of one turn from the answer to its prompt. */
export function turnUsage(response: unknown, quirks: UsageQuirks): { usage?: TokenUsage; raw?: Json } {
  if (!isJsonObject(response)) return {};
  const meta = isJsonObject(response["_meta"]) ? response["_meta"] : {};
  const quota = isJsonObject(meta["quota"]) ? meta["quota"] : {};
  const raw: { [key: string]: Json } = {};
  for (const [key, value] of [
    ["usage", response["usage"]],
    ["quota", meta["quota"]],
  ] as const) {
    if (value !== undefined && value !== null && JSON.stringify(value).length <= 8192) raw[key] = value;
  }
  const plain = readUsage(response["usage"], quirks);
  let usage: TokenUsage | undefined;
  if (quirks.tokens === "response") usage = plain;
  else if (quirks.tokens === "model-usage") usage = readModelUsage(quota["model_usage"], quirks) ?? plain;
  else if (quirks.tokens === "token-count") usage = readUsage(quota["token_count"], quirks);
  return defined({ usage, raw: Object.keys(raw).length === 0 ? undefined : raw });
}

/**
 * Cost of this attempt from a session's running total. In a continued session, a total whose start is unknown says
 * nothing about this attempt.
 */
export function costDelta(total: number, resumed: boolean, before: SessionTotals | undefined): number | undefined {
  if (!resumed) return total;
  if (before?.usd === undefined) return undefined;
  return total >= before.usd ? total - before.usd : total;
}

/** US dollars of an ACP cost; another currency is not known. */
export function usdOf(cost: unknown): number | undefined {
  if (!isJsonObject(cost)) return undefined;
  const { amount, currency } = cost;
  return currency === "USD" && typeof amount === "number" && Number.isFinite(amount) && amount >= 0
    ? amount
    : undefined;
}
