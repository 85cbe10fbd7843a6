/**
 * Masker: hides secret values in text, bytes and JSON: the value itself, any mix of it with URL or JSON escapes, and its
 * base64 and base64url in each of the three alignments, also if a value is split over chunks. Does not know where the
 * values come from.
 *
 * Invariant: a stream holds back only what can be the beginning of a secret.
 */
import type { Json } from "./json.ts";

export interface Masker {
  text(text: string): string;
  json(value: Json): Json;
  /** Masks a stream of bytes; calls `put` with what is safe to show. `end` gives out what was held back. */
  stream(put: (chunk: Buffer) => void): { push(chunk: Buffer): void; end(): void };
}

const MASK = "***";

/** Shorter lines of a multi-line secret (a key file) are not masked separately: they would be `}` and the like. */
const SHORTEST_LINE = 8;
/** Shorter encodings would match by chance, and reveal almost nothing. */
const SHORTEST_BASE64 = 4;

/** One form in which a secret can occur in a text. */
interface Form {
  /** One after the other; each is any of these texts (lower case, where the case of hex digits does not matter). */
  readonly units: readonly (readonly string[])[];
  /** Whether a whole match may still grow. */
  readonly grows: boolean;
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
    stream: (put) => maskStream(forms, finders, longest, put),
  };
}

function bytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

function unbytes(text: string): string {
  return Buffer.from(text, "latin1").toString("utf8");
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_";

function formsOf(secret: Buffer): Form[] {
  const forms = [formOf([...secret].map(waysOf), "", secret.length * 6)];
  for (const shift of [0, 1, 2]) {
    // Characters with bits of neighbouring bytes differ from text to text: whatever is there is hidden.
    const encoded = Buffer.concat([Buffer.alloc(shift), secret])
      .toString("base64")
      .replaceAll("=", "");
    const core = encoded.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + secret.length) * 8) / 6));
    if (core.length < SHORTEST_BASE64) continue;
    const units = [...core].map(base64Ways);
    const tail = (shift + secret.length) % 3 === 0 ? "" : "[A-Za-z0-9+/_\\-]?={0,2}";
    forms.push(formOf(units, tail, core.length + 4));
    if (shift > 0) forms.push(formOf([[...BASE64], ...units], tail, core.length + 4));
  }
  return forms;
}

function formOf(units: Form["units"], tail: string, longest: number): Form {
  const pattern = units
    .map((ways) => (ways.length === 1 ? escape(ways[0] ?? "") : `(?:${ways.map(escape).join("|")})`))
    .join("");
  return { units, grows: tail !== "", pattern: pattern + tail, longest };
}

/** Any byte but a letter or digit as `\xXX`; hex digits of an escape in either case. */
function escape(way: string): string {
  const plain = [...way].map((character) =>
    /[A-Za-z0-9]/.test(character) ? character : `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  if (way.length < 3) return plain.join("");
  return plain
    .map((character) => (/^[a-f]$/.test(character) ? `[${character}${character.toUpperCase()}]` : character))
    .join("");
}

function base64Ways(character: string): readonly string[] {
  if (character === "+") return ["+", "-"];
  if (character === "/") return ["/", "_"];
  return [character];
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

/** A byte as itself, as `%xx`, or as JSON escapes it; the longer way first: a backslash that escapes belongs to what it escapes. */
function waysOf(byte: number): readonly string[] {
  const hex = byte.toString(16).padStart(2, "0");
  const ways = [`%${hex}`, String.fromCharCode(byte)];
  const letter = JSON_ESCAPES[byte];
  if (letter !== undefined) ways.unshift(`\\${letter}`);
  if (byte < 32) ways.unshift(`\\u00${hex}`);
  if (byte === 32) ways.push("+");
  return ways;
}

/** Whether the text from `at` to its end is the beginning of a form, or one that may still grow. */
function isOpen(form: Form, text: string, at: number, unit = 0): boolean {
  if (at >= text.length) return unit < form.units.length || form.grows;
  for (const way of form.units[unit] ?? []) {
    const there = text.slice(at, at + way.length);
    const isSame = way.startsWith(there) || (way.length >= 3 && way.startsWith(there.toLowerCase()));
    if (!isSame) continue;
    if (there.length < way.length || isOpen(form, text, at + way.length, unit + 1)) return true;
  }
  return false;
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
  forms: readonly Form[],
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
      let limit = Math.max(0, held.length - longest + 1);
      while (limit < held.length && !forms.some((form) => isOpen(form, held, limit))) limit++;
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
