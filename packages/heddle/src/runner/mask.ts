/**
 * Hides secret values in text, bytes and JSON: the value itself, any mix of it with URL or JSON escapes, and its base64 and
 * base64url in each of the three alignments, also where a value is split over chunks. Knows values, not where they are from.
 *
 * Invariant: a stream holds back no more bytes than the longest form of a secret.
 */
import type { Json } from "../base/json.ts";

export interface Masker {
  text(text: string): string;
  json(value: Json): Json;
  /** Masks a stream of bytes; calls `put` with what is safe to show. `end` gives out what was held back. */
  stream(put: (chunk: Buffer) => void): { push(chunk: Buffer): void; end(): void };
}

const MASK = "***";

/** Shorter lines of a secret of several lines (a key file) are not masked by themselves: they would be `}` and the like. */
const SHORTEST_LINE = 8;
/** Shorter encodings would match everywhere by chance, and tell next to nothing. */
const SHORTEST_BASE64 = 4;

interface Form {
  readonly pattern: string;
  /** Bytes of its longest match. */
  readonly longest: number;
}

/** `undefined` where there is nothing to hide. */
export function masker(values: readonly (string | undefined)[]): Masker | undefined {
  const secrets = new Set<string>();
  for (const value of values) {
    if (value === undefined || value === "") continue;
    secrets.add(value);
    for (const line of value.split(/\r?\n/)) if (line.length >= SHORTEST_LINE) secrets.add(line);
  }
  if (secrets.size === 0) return undefined;
  const forms = [...secrets]
    .flatMap((secret) => formsOf(Buffer.from(secret, "utf8")))
    .sort((a, b) => b.longest - a.longest);
  const longest = forms[0]?.longest ?? 0;
  // One expression per form, looked ahead at every place, so that overlapping matches are all seen.
  const finders = forms.map((form) => new RegExp(`(?=(${form.pattern}))`, "g"));
  return {
    text: (text) => unbytes(maskAll(bytes(text), finders)),
    json: (value) => maskJson(value, (text) => unbytes(maskAll(bytes(text), finders))),
    stream: (put) => maskStream(finders, longest, put),
  };
}

function bytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

function unbytes(text: string): string {
  return Buffer.from(text, "latin1").toString("utf8");
}

function formsOf(secret: Buffer): Form[] {
  const forms = [escapedForm(secret)];
  for (const shift of [0, 1, 2]) {
    // Characters that hold bits of neighbouring bytes differ from text to text: whatever stands there is hidden.
    const encoded = Buffer.concat([Buffer.alloc(shift), secret])
      .toString("base64")
      .replaceAll("=", "");
    const core = encoded.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + secret.length) * 8) / 6));
    if (core.length < SHORTEST_BASE64) continue;
    const before = shift === 0 ? "" : `${ANY_BASE64}?`;
    const after = (shift + secret.length) % 3 === 0 ? "" : `${ANY_BASE64}?={0,2}`;
    forms.push({ pattern: before + [...core].map(base64Character).join("") + after, longest: core.length + 4 });
  }
  return forms;
}

const ANY_BASE64 = "[A-Za-z0-9+/_\\-]";

function base64Character(character: string): string {
  if (character === "+") return "[+\\-]";
  if (character === "/") return "[/_]";
  return character;
}

const JSON_ESCAPES: Readonly<Record<number, string>> = {
  8: "b",
  9: "t",
  10: "n",
  12: "f",
  13: "r",
  34: '"',
  47: "/",
  92: "\\",
};

/** Each byte as itself, as `%XX`, or as JSON escapes it. */
function escapedForm(secret: Buffer): Form {
  let pattern = "";
  for (const byte of secret) {
    const hex = byte.toString(16).padStart(2, "0");
    const either = (digits: string): string => [...digits].map((digit) => `[${digit}${digit.toUpperCase()}]`).join("");
    const ways = [`\\x${hex}`, `%${either(hex)}`];
    const escape = JSON_ESCAPES[byte];
    if (escape !== undefined) ways.push(`\\\\\\x${escape.charCodeAt(0).toString(16).padStart(2, "0")}`);
    if (byte < 32) ways.push(`\\\\u00${either(hex)}`);
    if (byte === 32) ways.push("\\+");
    // The longer way first: a backslash that escapes belongs to what it escapes.
    pattern += `(?:${ways.reverse().join("|")})`;
  }
  return { pattern, longest: secret.length * 6 };
}

/** Stretches of `text` to hide that begin before `limit`, merged, in order. */
function stretches(text: string, finders: readonly RegExp[], limit: number): [number, number][] {
  const found: [number, number][] = [];
  for (const finder of finders) {
    finder.lastIndex = 0;
    for (let match = finder.exec(text); match !== null && match.index < limit; match = finder.exec(text)) {
      found.push([match.index, match.index + (match[1]?.length ?? 0)]);
      finder.lastIndex = match.index + 1;
    }
  }
  found.sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [start, end] of found) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

function maskAll(text: string, finders: readonly RegExp[]): string {
  let masked = "";
  let at = 0;
  for (const [start, end] of stretches(text, finders, text.length)) {
    masked += text.slice(at, start) + MASK;
    at = end;
  }
  return at === 0 ? text : masked + text.slice(at);
}

function maskStream(
  finders: readonly RegExp[],
  longest: number,
  put: (chunk: Buffer) => void,
): { push(chunk: Buffer): void; end(): void } {
  let held = "";
  /** Bytes at the start of `held` that belong to a stretch which was shown as masked already. */
  let hidden = 0;
  function flow(limit: number): void {
    let shown = "";
    let at = hidden;
    for (const [start, end] of stretches(held, finders, limit)) {
      // What touches a stretch shown as masked belongs to it.
      if (hidden === 0 || start > hidden) shown += held.slice(at, start) + MASK;
      at = Math.max(at, end);
    }
    if (at < limit) {
      shown += held.slice(at, limit);
      at = limit;
    }
    held = held.slice(limit);
    hidden = at - limit;
    if (shown !== "") put(Buffer.from(shown, "latin1"));
  }
  return {
    push(chunk) {
      held += chunk.toString("latin1");
      const limit = held.length - longest + 1;
      if (limit > 0) flow(limit);
    },
    end: () => flow(held.length),
  };
}

function maskJson(value: Json, mask: (text: string) => string): Json {
  if (typeof value === "string") return mask(value);
  if (typeof value === "number") {
    const masked = mask(String(value));
    return masked === String(value) ? value : masked;
  }
  if (Array.isArray(value)) return value.map((member: Json) => maskJson(member, mask));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [mask(key), maskJson(member as Json, mask)]));
}
