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
  /** The session that was to be continued is not there any more. */
  readonly isSessionGone?: true;
}

/** How agents say that they know no such session. */
const SESSION_GONE =
  /no (conversation|session|thread|rollout)s?\b.{0,40}\bfound|(conversation|session|thread|rollout)\b.{0,60}\b(not found|does not exist|no longer exists|unknown)|unknown (session|thread|conversation)/i;

/** The same failure, with whether it is about the session that was to be continued. `wasOpened`: there is one. */
export function aboutSession(failure: AgentFailure, said: string, isResume: boolean): AgentFailure {
  return isResume && SESSION_GONE.test(said) ? { ...failure, isSessionGone: true } : failure;
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

/**
 * Names of errors as agents write them, in whatever case and with `-`, `_` or spaces. Names that only say where something
 * went wrong (`APIError`) are not among them: they stand for failures of any class.
 */
const NAMES: readonly (readonly [RegExp, AgentClass])[] = [
  [/^(rate ?limit(ed|s|error)?|too ?many ?requests)( error| exceeded)?$/, "rate-limit"],
  [/^(quota( exceeded)?|usage ?limit( reached)?|insufficient quota|billing( error)?|usage limit exceeded)$/, "quota"],
  [/^(overloaded( error)?|server ?error|internal ?server ?error|service unavailable|server overloaded)$/, "overloaded"],
  [
    /^(auth(entication|orization)?( ?(error|failed|required))?|unauthori[sz]ed|permission (error|denied)|provider auth error|invalid api key)$/,
    "auth",
  ],
  [
    /^(connection( ?(error|failed))|network( ?error)?|response stream (disconnected|connection failed|failed)|http connection failed|timeout)$/,
    "network",
  ],
  [/^(context( ?(window|length|overflow).*)?|message output length error|prompt too long|max tokens)$/, "context"],
  [/^(refusal|content filter|policy)$/, "refusal"],
  [/^(budget( exceeded)?|max budget.*)$/, "budget"],
  [
    /^(invalid ?(request|argument)( ?error)?|bad ?request( error)?|not ?found( ?error)?|failed precondition|invalid params)$/,
    "bad-request",
  ],
];

/** Categories that hold several causes: they count only where nothing else says which. */
const CATEGORIES: Readonly<Record<string, AgentClass>> = {
  limit: "quota",
  access: "auth",
  connection: "network",
  request: "bad-request",
};

export function classOfName(name: string): AgentClass | undefined {
  const plain = name
    .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
    .replaceAll(/[-_]+/g, " ")
    .trim()
    .toLowerCase();
  return NAMES.find(([pattern]) => pattern.test(plain))?.[1];
}

/**
 * Only phrases of errors, never a bare number or topic: an agent's words also name the files and tests that it works on, and
 * some classes wait for hours.
 */
const WORDS: readonly (readonly [RegExp, AgentClass])[] = [
  [/budget[ _]exceeded|max(imum)? budget/i, "budget"],
  [
    /insufficient[_ ](quota|credits?|balance|funds)|quota[ _](exceeded|exhausted|limit reached)|(exceeded|exhausted)[^.]{0,40}\bquota\b|usage[_ ]limit[_ ](reached|exceeded)|(hit|reached|exceeded)[^.]{0,30}usage limit|out of credits|credit balance|billing[ _](details|hard limit|error|account|issue)/i,
    "quota",
  ],
  [
    /rate[ _-]?limit(ed|s?[ _-](reached|exceeded|error|hit))\b|(hit|exceed(s|ed)?|reached)\b[^.]{0,60}\brate[ _-]?limits?\b|too many requests|resource[_ ]exhausted/i,
    "rate-limit",
  ],
  [
    /context[_ ](window|length)[^.]{0,40}(exceed|full|limit|too)|(exceeds?|exceeded|too long for|ran out of)[^.]{0,60}context|maximum context|(prompt|input) (is )?too long|too many tokens|maximum number of tokens/i,
    "context",
  ],
  [
    /overloaded_error|(\b(is|are|currently|temporarily|server|model|provider|service)\b[^.]{0,20}|^\s*((internal )?error: )?)\boverloaded\b|(service|server|model|currently)[ _]?(is )?(temporarily )?unavailable|internal server error|bad gateway|gateway time-?out|\bserver[_ ]error\b|server had an error|(experiencing|due to) high demand/i,
    "overloaded",
  ],
  [
    /^\W*((internal )?error: )?unauthori[sz]ed|not (logged|signed) in|(log|sign) ?in again|(please|run|must) [^.]{0,20}\b(log|sign)[ -]?in\b|(invalid|incorrect|expired|missing|no) (api|x-api)[- _]?key|api[- _]?key (is )?(missing|invalid|not (found|set|valid))|authentication[_ ](required|failed|error)|failed to authenticate|missing environment variable/i,
    "auth",
  ],
  [
    /ECONN(REFUSED|RESET)|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|socket hang up|fetch failed|network error|connection (error|refused|reset|closed)|stream (disconnected|closed|ended|error)/i,
    "network",
  ],
  [/refus(ed|al) to (answer|comply|help|continue)|content[_ ]policy|safety (policy|filter|system)/i, "refusal"],
  [
    /bad request|invalid[_ ](request|argument)|not[_ ]found[_ ]error|no longer supported|model\b.{0,60}(not (be )?(found|exist|supported)|does not exist)/i,
    "bad-request",
  ],
];

export function classOfWords(text: string): AgentClass | undefined {
  return WORDS.find(([pattern]) => pattern.test(text))?.[1];
}

/** How a text names the status of an answer; a number alone is none. */
const STATUS_WORDS: readonly RegExp[] = [
  /\b(?:status(?:[ _-]?code)?|https?(?:\/[\d.]+)?|api error|error code|code|request rejected|response)["']?[:= (]{1,3}["']?([45]\d\d)\b/i,
  /(?:^|[[(:] ?)([45]\d\d)\b(?=\s*(?:[{:\])]|$|too many requests|internal server error|bad (?:request|gateway)|unauthori[sz]ed|forbidden|not found|payment required|service unavailable|gateway time-?out|(?:status code )?\(no body\)))/i,
];

/** The status of the provider's answer that a text names. */
export function statusOfWords(text: string): number | undefined {
  for (const pattern of STATUS_WORDS) {
    const found = pattern.exec(text)?.[1];
    if (found !== undefined) return Number(found);
  }
  return undefined;
}

/** Members of an error's data that hold a status, a name, or a delay, looked for at most this deep. */
const DEPTH = 6;
/** Members of one object that are looked at. */
const MOST_MEMBERS = 200;

interface Signs {
  status?: number;
  name?: string;
  category?: string;
  /** What the agent says a person could do. */
  actions?: readonly string[];
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
const LIST_KEYS = new Set(["error", "errors", "details"]);
const MESSAGE_KEYS = new Set(["message", "title", "details", "detail"]);

function collect(value: unknown, signs: Signs, depth: number): void {
  if (!isJsonObject(value) || depth > DEPTH) return;
  const actions = value["actions"];
  if (Array.isArray(actions)) signs.actions ??= actions.slice(0, 20).map(actionOf);
  for (const [key, member] of Object.entries(value).slice(0, MOST_MEMBERS)) {
    if (typeof member === "number") {
      if (STATUS_KEYS.has(key) && member >= 400 && member < 600) signs.status ??= member;
      else if (/^retry_?after_?ms$/i.test(key)) signs.retryAfterMs ??= delay(member);
      else if (/^retry[-_]?after(_?seconds)?$/i.test(key)) signs.retryAfterMs ??= delay(member * 1000);
    } else if (typeof member === "string") {
      if (NAME_KEYS.has(key) && classOfName(member) !== undefined) signs.name ??= member;
      else if (NAME_KEYS.has(key) && Object.hasOwn(CATEGORIES, member)) signs.category ??= member;
      else if (STATUS_KEYS.has(key) && /^[45]\d\d$/.test(member)) signs.status ??= Number(member);
      else if (/^retry[-_]?after(_?seconds)?$/i.test(key)) signs.retryAfterMs ??= delay(Number(member) * 1000);
      else if (key === "retryDelay") signs.retryAfterMs ??= delay(Number(member.replace(/s$/, "")) * 1000);
      if (MESSAGE_KEYS.has(key)) signs.message ??= member;
      // Providers' answers are handed on as text.
      if (MESSAGE_KEYS.has(key) || key === "responseBody" || key === "body") collect(jsonIn(member), signs, depth + 1);
    } else if (Array.isArray(member)) {
      if (LIST_KEYS.has(key)) for (const one of member.slice(0, 5)) collect(one, signs, depth + 1);
    } else {
      if (NAME_KEYS.has(key) && isJsonObject(member)) {
        const [only] = Object.keys(member);
        if (only !== undefined && classOfName(only) !== undefined) signs.name ??= only;
      }
      collect(member, signs, depth + 1);
    }
  }
}

/** By its id, if it is an object. */
function actionOf(action: unknown): string {
  if (!isJsonObject(action)) return String(action).toLowerCase();
  return String(action["id"] ?? action["type"] ?? action["kind"] ?? "").toLowerCase();
}

/** The JSON object in a text, if there is one. */
function jsonIn(text: string): unknown {
  const from = text.indexOf("{");
  const to = text.lastIndexOf("}");
  if (from < 0 || to < from || to - from > MAX_READ) return undefined;
  try {
    return JSON.parse(text.slice(from, to + 1)) as unknown;
  } catch {
    return undefined;
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
 * nothing says. What a provider answered counts before the words about it, and these before a category.
 */
export function failureOf(message: string, data: unknown, fallback: AgentClass): AgentFailure {
  const signs: Signs = {};
  collect(data, signs, 0);
  collect(jsonIn(message.slice(0, MAX_READ)), signs, 0);
  const text = message === "" || /^internal error\.?$/i.test(message) ? (signs.message ?? message) : message;
  const all = `${message.slice(0, MAX_READ)}\n${(signs.message ?? "").slice(0, MAX_READ)}`;
  const retryAfterMs = signs.retryAfterMs ?? retryAfterOf(all);
  return defined({
    class: classOfSigns({ ...signs, retryAfterMs }, all) ?? fallback,
    message: shortMessage(text === "" ? "the agent gave no reason" : text),
    retryAfterMs,
  });
}

/** The longest delay of a limit that counts by the minute. */
const SOON_MS = 5 * 60_000;
/** Classes that a status covers with others: 400 and 429 say less than their text. */
const NARROWER: readonly (AgentClass | undefined)[] = ["budget", "quota", "context", "auth"];

function classOfSigns(signs: Signs, text: string): AgentClass | undefined {
  const byWords = classOfWords(text);
  const byName = signs.name === undefined ? undefined : classOfName(signs.name);
  const status = signs.status ?? statusOfWords(text);
  const byStatus = status === undefined ? undefined : classOfStatus(status);
  if (byStatus === "bad-request" || byStatus === "rate-limit") {
    const narrower = [byWords, byName].find((one) => NARROWER.includes(one));
    if (narrower !== undefined && !(narrower === "quota" && isSoonOver(signs, text))) return narrower;
  }
  return byStatus ?? byName ?? ofLimit(signs, byWords) ?? byWords ?? classOfCategory(signs);
}

/** What comes back within minutes is no quota that is used up, whatever it is called. */
function isSoonOver(signs: Signs, text: string): boolean {
  const { retryAfterMs } = signs;
  if (/daily|per[ _-]?day|weekly|monthly/i.test(text)) return false;
  return isToRetry(signs) || (retryAfterMs !== undefined && retryAfterMs <= SOON_MS);
}

function isToRetry({ category, actions = [] }: Signs): boolean {
  return category === "limit" && actions.includes("retry");
}

/** One category for what passes soon, what does not, and what another session mends: its actions tell them apart. */
function ofLimit(signs: Signs, byWords: AgentClass | undefined): AgentClass | undefined {
  if (signs.category !== "limit") return undefined;
  if (isToRetry(signs)) return byWords === "overloaded" ? byWords : "rate-limit";
  if (signs.actions?.includes("new_session") === true) return byWords === "budget" ? byWords : "context";
  return undefined;
}

function classOfCategory({ category }: Signs): AgentClass | undefined {
  return category !== undefined && Object.hasOwn(CATEGORIES, category) ? CATEGORIES[category] : undefined;
}

/** The rate limit of a failure, if it is one. */
export function rateLimitOf(failure: AgentFailure, provider: string): RateLimit | undefined {
  if (failure.class !== "rate-limit" && failure.class !== "overloaded" && failure.class !== "quota") return undefined;
  return defined({ provider, retryAfterMs: failure.retryAfterMs });
}
