/**
 * Failure classifier: derives the class of a failure from protocol codes, status codes, error names and, as the last
 * resort, the text of an agent's or provider's error. Pure. Knows no agent by name.
 */
import { defined } from "../../base/defined.ts";
import { isJsonObject } from "../../base/json.ts";
import type { AgentClass, RateLimit } from "../../run/attempt.ts";

export interface AgentFailure {
  readonly class: AgentClass;
  readonly message: string;
  readonly retryAfterMs?: number;
}

/** Characters of a message that are looked at, and that are kept. */
const MAX_READ = 20_000;
const MESSAGE_LIMIT = 400;

export function shortMessage(text: string, limit: number = MESSAGE_LIMIT): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > limit ? `${line.slice(0, limit - 3)}...` : line;
}

/** By the HTTP status of the provider's answer. */
export function classOfStatus(status: number): AgentClass | undefined {
  if (status === 401 || status === 403) return "auth";
  if (status === 402) return "quota";
  if (status === 408 || status === 504) return "network";
  if (status === 413) return "context";
  if (status === 429) return "rate-limit";
  if (status >= 500) return "overloaded";
  if (status >= 400) return "bad-request";
  return undefined;
}

/** Names of errors as agents write them, in whatever case and with `-`, `_` or spaces. */
const NAMES: readonly (readonly [RegExp, AgentClass])[] = [
  [/^(rate ?limit(ed|s|error)?|too ?many ?requests)( error| exceeded)?$/, "rate-limit"],
  [
    /^(quota( exceeded)?|usage ?limit( reached)?|insufficient quota|billing( error)?|limit|usage limit exceeded)$/,
    "quota",
  ],
  [
    /^(overloaded( error)?|server ?error|internal ?server ?error|service( unavailable)?|api ?error|server overloaded)$/,
    "overloaded",
  ],
  [
    /^(auth(entication|orization)?( ?(error|failed|required))?|access|unauthori[sz]ed|permission error|provider auth error|invalid api key)$/,
    "auth",
  ],
  [
    /^(connection( ?(error|failed))?|network( ?error)?|response stream (disconnected|connection failed|failed)|http connection failed|timeout)$/,
    "network",
  ],
  [/^(context( ?(window|length|overflow).*)?|message output length error|prompt too long|max tokens)$/, "context"],
  [/^(refusal|content filter|policy)$/, "refusal"],
  [/^(budget( exceeded)?|max budget.*)$/, "budget"],
  [/^(invalid ?request( ?error)?|bad ?request|request|not found error|invalid params)$/, "bad-request"],
];

export function classOfName(name: string): AgentClass | undefined {
  const plain = name
    .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
    .replaceAll(/[-_]+/g, " ")
    .trim()
    .toLowerCase();
  return NAMES.find(([pattern]) => pattern.test(plain))?.[1];
}

const WORDS: readonly (readonly [RegExp, AgentClass])[] = [
  [/budget[ _]exceeded|max(imum)? budget/i, "budget"],
  [/insufficient[_ ]quota|quota exceeded|usage limit|out of credits|credit balance|billing/i, "quota"],
  [/rate[ _-]?limit|too many requests|\b429\b/i, "rate-limit"],
  [/overloaded|service unavailable|internal server error|bad gateway|\b50[0-4]\b|\b529\b/i, "overloaded"],
  [/unauthori[sz]ed|not logged in|log ?in again|invalid (api|x-api)[- ]key|authentication|\b401\b|\b403\b/i, "auth"],
  [/context (window|length)|prompt is too long|maximum context|too many tokens/i, "context"],
  [
    /ECONN(REFUSED|RESET)|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|socket hang up|fetch failed|network error|connection (error|refused|reset|closed)|stream (disconnected|closed|ended|error)/i,
    "network",
  ],
  [/refus(ed|al) to|content policy|safety/i, "refusal"],
  [/\b400\b|bad request|invalid request|model.{0,40}not (found|exist|supported)/i, "bad-request"],
];

export function classOfWords(text: string): AgentClass | undefined {
  return WORDS.find(([pattern]) => pattern.test(text))?.[1];
}

/** Members of an error's data that hold a status, a name, or a delay, looked for at most this deep. */
const DEPTH = 4;

interface Signs {
  status?: number;
  name?: string;
  message?: string;
  retryAfterMs?: number | undefined;
}

const STATUS_KEYS = new Set([
  "status",
  "statusCode",
  "status_code",
  "httpStatus",
  "httpStatusCode",
  "api_error_status",
  "code",
]);
const NAME_KEYS = new Set([
  "errorKind",
  "errorName",
  "category",
  "type",
  "name",
  "kind",
  "codexErrorInfo",
  "error_type",
  "reason",
  "status",
]);
const MESSAGE_KEYS = new Set(["message", "title", "details", "detail"]);

function collect(value: unknown, signs: Signs, depth: number): void {
  if (!isJsonObject(value) || depth > DEPTH) return;
  for (const [key, member] of Object.entries(value)) {
    if (typeof member === "number") {
      if (STATUS_KEYS.has(key) && member >= 400 && member < 600) signs.status ??= member;
      else if (/^retry_?after_?ms$/i.test(key)) signs.retryAfterMs ??= delay(member);
      else if (/^retry[-_]?after(_?seconds)?$/i.test(key)) signs.retryAfterMs ??= delay(member * 1000);
    } else if (typeof member === "string") {
      if (NAME_KEYS.has(key) && classOfName(member) !== undefined) signs.name ??= member;
      else if (/^retry[-_]?after(_?seconds)?$/i.test(key)) signs.retryAfterMs ??= delay(Number(member) * 1000);
      if (MESSAGE_KEYS.has(key)) signs.message ??= member;
    } else if (!Array.isArray(member)) {
      if (NAME_KEYS.has(key) && isJsonObject(member)) {
        const [only] = Object.keys(member);
        if (only !== undefined && classOfName(only) !== undefined) signs.name ??= only;
      }
      collect(member, signs, depth + 1);
    }
  }
}

/** At most a day: a longer delay means that the quota is used up. */
function delay(ms: number): number | undefined {
  return Number.isFinite(ms) && ms >= 0 ? Math.min(Math.round(ms), 86_400_000) : undefined;
}

const RETRY_WORDS =
  /(?:retry|try again)[^.\d]{0,30}?(\d+(?:\.\d+)?) ?(ms|milliseconds?|s|sec(?:onds?)?|m|min(?:utes?)?)\b/i;

export function retryAfterOf(text: string): number | undefined {
  const match = RETRY_WORDS.exec(text);
  if (match === null) return undefined;
  const unit = (match[2] ?? "s").toLowerCase();
  const factor = unit.startsWith("ms") || unit.startsWith("milli") ? 1 : unit.startsWith("m") ? 60_000 : 1000;
  return delay(Number(match[1]) * factor);
}

/**
 * What failed, from an error of any shape: `data` is what the agent attached, `message` what it says. `fallback`: if
 * nothing says.
 */
export function failureOf(message: string, data: unknown, fallback: AgentClass): AgentFailure {
  const signs: Signs = {};
  collect(data, signs, 0);
  const text = message === "" || /^internal error\.?$/i.test(message) ? (signs.message ?? message) : message;
  const all = `${message.slice(0, MAX_READ)} ${(signs.message ?? "").slice(0, MAX_READ)}`;
  const byWords = classOfWords(all);
  const byStatus = signs.status === undefined ? undefined : classOfStatus(signs.status);
  // A 400 or 429 covers many cases; its text says which.
  const narrowed =
    byWords === "budget" || byWords === "quota" || byWords === "context"
      ? byStatus === undefined || byStatus === "bad-request" || byStatus === "rate-limit"
        ? byWords
        : undefined
      : undefined;
  const found =
    narrowed ?? byStatus ?? (signs.name === undefined ? undefined : classOfName(signs.name)) ?? byWords ?? fallback;
  const retryAfterMs = signs.retryAfterMs ?? retryAfterOf(all);
  return defined({
    class: found,
    message: shortMessage(text === "" ? "the agent gave no reason" : text),
    retryAfterMs,
  });
}

/** The rate limit of a failure, if it is one. */
export function rateLimitOf(failure: AgentFailure, provider: string): RateLimit | undefined {
  if (failure.class !== "rate-limit" && failure.class !== "overloaded" && failure.class !== "quota") return undefined;
  return defined({ provider, retryAfterMs: failure.retryAfterMs });
}
