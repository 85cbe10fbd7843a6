/**
 * Masker: hides secret values in text, bytes and JSON: the value itself, any mix of it with the escapes of URLs, JSON and
 * shells, and its base64 and base64url in each of the three alignments and wrapped at any width, also if a value is split
 * over chunks. Does not know where the values come from.
 *
 * Invariant: a stream holds back only what can be the beginning of a secret.
 */
import type { Json } from "./json.ts";
import { err, ok, type Result } from "./result.ts";

export interface Masker {
  text(text: string): string;
  json(value: Json): Json;
  /** Masks a stream of bytes; calls `put` with what is safe to show. `end` gives out what was held back. */
  stream(put: (chunk: Buffer) => void): { push(chunk: Buffer): void; end(): void };
}

const MASK = "***";

/** Characters. A shorter value would be found in numbers and words that have nothing to do with it, and change them. */
const SHORTEST_SECRET = 4;
/** Shorter lines of a multi-line secret (a key file) are not masked separately: they would be `}` and the like. */
const SHORTEST_LINE = 8;
/** Characters of a value that are looked for at once. */
const LONGEST_PIECE = 512;
/** Shorter encodings would match by chance, and reveal almost nothing. */
const SHORTEST_BASE64 = 4;

/** One form in which a secret can occur in a text. */
interface Form {
  /** One after the other; each is any of these texts (lower case, where the case of hex digits does not matter). */
  readonly units: readonly (readonly string[])[];
  /** A line break may stand before any unit from this one on; `undefined`: before none. */
  readonly wrapsFrom?: number;
  /** Whether a whole match may still grow. */
  readonly grows: boolean;
  /** Its first group are the units, its second what belongs to them where it follows. */
  readonly pattern: string;
  /** Bytes of its longest match. */
  readonly longest: number;
}

/** Most attempts have no secret: nothing is made to find that out. */
const NO_MASKER: Result<undefined, never> = ok(undefined);

/** The masker of the variables `names`. The error says which value is too short to be masked. */
export function maskerFor(
  names: readonly string[],
  valueOf: (name: string) => string | undefined,
): Result<Masker | undefined, string> {
  for (const name of names) {
    const value = valueOf(name) ?? "";
    if (value === "" || [...value].length >= SHORTEST_SECRET) continue;
    return err(
      `the secret ${name} has fewer than ${SHORTEST_SECRET} characters: masking it would change other text. ` +
        "Use a longer value, or take the name out of `secrets`",
    );
  }
  return names.length === 0 ? NO_MASKER : ok(masker(names.map(valueOf)));
}

/** `undefined` where there is nothing to hide. */
export function masker(values: readonly (string | undefined)[]): Masker | undefined {
  const secrets = new Set<string>();
  for (const value of values) {
    if (value === undefined || value === "") continue;
    for (const piece of piecesOf(value)) secrets.add(piece);
    for (const line of value.split(/\r?\n/))
      if (line.length >= SHORTEST_LINE) for (const piece of piecesOf(line)) secrets.add(piece);
  }
  if (secrets.size === 0) return undefined;
  const forms = [...secrets].flatMap(formsOf).sort((a, b) => b.longest - a.longest);
  const finders = findersOf(forms);
  return {
    text: (text) => unbytes(maskAll(bytes(text), finders)),
    json: (value) => maskJson(value, (text) => unbytes(maskAll(bytes(text), finders))),
    stream: (put) => maskStream(finders, put),
  };
}

/** What is longer is found piece by piece: an expression of its whole would be too large. */
function piecesOf(value: string): readonly string[] {
  const characters = [...value];
  const pieces: string[] = [];
  for (let end = characters.length; end > 0; end -= LONGEST_PIECE)
    pieces.push(characters.slice(Math.max(0, end - LONGEST_PIECE), end).join(""));
  // The first is no shorter than the others.
  if (pieces.length > 1) pieces.push(characters.slice(0, LONGEST_PIECE).join(""));
  return pieces.filter((piece, at) => at === 0 || [...piece].length === LONGEST_PIECE);
}

function bytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

function unbytes(text: string): string {
  return Buffer.from(text, "latin1").toString("utf8");
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_";

/** Line breaks of wrapped text, also where that is in JSON. */
const BREAKS = ["\r\n", "\n", "\\r\\n", "\\n"];
const LONGEST_BREAK = 4;

function formsOf(text: string): Form[] {
  const secret = Buffer.from(text, "utf8");
  const plain = [...text].map(waysOf);
  const longest = plain.reduce((sum, ways) => sum + Math.max(...ways.map((way) => way.length)), 0);
  const forms: Form[] = [{ units: plain, grows: false, pattern: `(${patternOf(plain)})()`, longest }];
  for (const shift of [0, 1, 2]) {
    // Characters with bits of neighbouring bytes differ from text to text: whatever is there is hidden.
    const encoded = Buffer.concat([Buffer.alloc(shift), secret])
      .toString("base64")
      .replaceAll("=", "");
    const core = encoded.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + secret.length) * 8) / 6));
    if (core.length < SHORTEST_BASE64) continue;
    const units = [...core].map(base64Ways);
    const isAligned = (shift + secret.length) % 3 === 0;
    forms.push(base64Form(units, 1, isAligned));
    // Not wrapped after its first: that can be anything, and the end of every line would be held back.
    if (shift > 0) forms.push(base64Form([[...BASE64], ...units], 2, isAligned));
  }
  return forms;
}

function base64Form(units: Form["units"], wrapsFrom: number, isAligned: boolean): Form {
  const pattern = `(${patternOf(units)})(${isAligned ? "" : "[A-Za-z0-9+/_\\-]?={0,2}"})`;
  return { units, wrapsFrom, grows: !isAligned, pattern, longest: units.length * (1 + LONGEST_BREAK) + 3 };
}

function patternOf(units: Form["units"]): string {
  return units
    .map((ways) => (ways.length === 1 ? escape(ways[0] ?? "") : `(?:${ways.map(escape).join("|")})`))
    .join("");
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

/** By letter, as in JSON, and as shells do in `$'...'`. */
const LETTERS: Readonly<Record<number, string>> = {
  7: "a",
  8: "b",
  9: "t",
  10: "n",
  11: "v",
  12: "f",
  13: "r",
  27: "E",
};

/** How a shell writes a quote inside quotes: bash, and dash, which writes the first and the last of several so. */
const QUOTES = ["'\"'\"'", "'\\''", "'\"'", "\"'"];

/**
 * A character as itself, as `%xx`, or as JSON or a shell escapes it. The longer way first: a backslash that escapes belongs
 * to what it escapes.
 */
function waysOf(character: string): readonly string[] {
  const raw = Buffer.from(character, "utf8").toString("latin1");
  const each = (write: (byte: number) => string): string => [...raw].map((byte) => write(byte.charCodeAt(0))).join("");
  const ways = [raw, each((byte) => `%${byte.toString(16).padStart(2, "0")}`)];
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  ways.push(units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join(""));
  const code = character.charCodeAt(0);
  const letter = LETTERS[code];
  if (letter !== undefined) ways.push(`\\${letter}`);
  if (code < 32 || code > 126) ways.push(each((byte) => `\\${byte.toString(8).padStart(3, "0")}`));
  else if (!/[A-Za-z0-9]/.test(character)) ways.push(`\\${character}`);
  if (character === "'") ways.push(...QUOTES);
  if (character === " ") ways.push("+");
  return ways.toSorted((a, b) => b.length - a.length);
}

/** Whether the text from `start` to its end is the beginning of a form, or one that may still grow. */
function isOpen(form: Form, text: string, start: number): boolean {
  let places: number[] = [start];
  for (const [index, ways] of form.units.entries()) {
    const next: number[] = [];
    if (form.wrapsFrom !== undefined && index >= form.wrapsFrom) {
      // Grows meanwhile: one break may follow another.
      for (const at of places) if (step(text, at, BREAKS, places)) return true;
    }
    for (const at of places) if (at >= text.length || step(text, at, ways, next)) return true;
    if (next.length === 0) return false;
    places = next;
  }
  return form.grows && places.includes(text.length);
}

/** Adds to `ends` where each way that stands at `at` ends; whether the text ends before one does. */
function step(text: string, at: number, ways: readonly string[], ends: number[]): boolean {
  for (const way of ways) {
    const there = text.slice(at, at + way.length);
    const isSame = way.startsWith(there) || (way.length >= 3 && way.startsWith(there.toLowerCase()));
    if (!isSame) continue;
    if (there.length < way.length) return true;
    if (!ends.includes(at + way.length)) ends.push(at + way.length);
  }
  return false;
}

interface Finder {
  /** Sticky: tried at each place where the form may begin, so that overlapping matches are all seen. */
  readonly pattern: RegExp;
  readonly form: Form;
}

/**
 * Finders by the first two bytes of what they find: at most places of a text there is none, and a secret of many lines has hundreds
 * of forms.
 */
type ByPair = ReadonlyMap<number, readonly Finder[]>;

interface Finders {
  /** Of forms that stand in a text as they are, and of those that stand in one without its line breaks. */
  readonly whole: ByPair;
  readonly unwrapped: ByPair;
  /** Of all forms, where a text is cut off: line breaks in it. */
  readonly cut: ByPair;
  /** Of all forms, by the first byte. */
  readonly last: ReadonlySet<number>;
  /** Bytes of the longest match of all. */
  readonly longest: number;
}

function findersOf(forms: readonly Form[]): Finders {
  const whole = new Map<number, Finder[]>();
  const unwrapped = new Map<number, Finder[]>();
  const cut = new Map<number, Finder[]>();
  for (const form of forms) {
    const finder = { pattern: new RegExp(form.pattern, "y"), form };
    const isWrapped = form.wrapsFrom !== undefined;
    addFinder(isWrapped ? unwrapped : whole, pairsOf(form.units, false), finder);
    addFinder(cut, pairsOf(form.units, isWrapped && (form.wrapsFrom ?? 0) <= 1), finder);
  }
  const last = new Set([...cut.keys()].map((pair) => pair >> 8));
  return { whole, unwrapped, cut, last, longest: forms[0]?.longest ?? 0 };
}

function addFinder(to: Map<number, Finder[]>, pairs: ReadonlySet<number>, finder: Finder): void {
  for (const pair of pairs) {
    const known = to.get(pair);
    if (known === undefined) to.set(pair, [finder]);
    else known.push(finder);
  }
}

/** The first two bytes that the units may begin with. */
function pairsOf([first = [], second]: Form["units"], mayBreak: boolean): ReadonlySet<number> {
  const seconds = second?.map((way) => way.charCodeAt(0)) ?? Array.from({ length: 256 }, (_, byte) => byte);
  if (mayBreak) for (const text of BREAKS) seconds.push(text.charCodeAt(0));
  const pairs = new Set<number>();
  for (const way of first) {
    const byte = way.charCodeAt(0) << 8;
    if (way.length === 1) for (const next of seconds) pairs.add(byte | next);
    else for (const next of [way[1] ?? "", (way[1] ?? "").toUpperCase()]) pairs.add(byte | next.charCodeAt(0));
  }
  return pairs;
}

function pairAt(text: string, at: number): number {
  // Behind the end there is no byte.
  return (text.charCodeAt(at) << 8) | text.charCodeAt(at + 1);
}

/** Whether a secret may begin at `at` and go on behind the end of the text. */
function mayBegin({ cut, last }: Finders, text: string, at: number): boolean {
  if (at + 1 >= text.length) return last.has(text.charCodeAt(at));
  return cut.get(pairAt(text, at))?.some(({ form }) => isOpen(form, text, at)) === true;
}

/** A text without line breaks, and where its characters stand in the text. */
interface Joined {
  readonly text: string;
  readonly at: (index: number) => number;
}

function joined(text: string): Joined {
  const breaks = [...text.matchAll(/\r?\n|(?:\\r)?\\n/g)];
  if (breaks.length === 0) return { text, at: (index) => index };
  const places = new Uint32Array(text.length);
  let kept = "";
  let from = 0;
  for (const { index, length } of [
    ...breaks.map((each) => ({ index: each.index, length: each[0].length })),
    { index: text.length, length: 0 },
  ]) {
    for (let at = from; at < index; at++) places[kept.length + at - from] = at;
    kept += text.slice(from, index);
    from = index + length;
  }
  return { text: kept, at: (index) => places[index] ?? text.length };
}

/** Stretches of `text` to hide that begin before `limit`, merged, in order. */
function stretches(text: string, { whole, unwrapped }: Finders, limit: number): [number, number][] {
  const found: [number, number][] = [];
  addFound(found, text, { text, at: (index) => index }, { finders: whole, limit });
  if (unwrapped.size > 0) addFound(found, text, joined(text), { finders: unwrapped, limit });
  found.sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [start, end] of found) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

/** Adds what the finders find in the text as `within` shows it. */
function addFound(
  found: [number, number][],
  text: string,
  within: Joined,
  { finders, limit }: { readonly finders: ByPair; readonly limit: number },
): void {
  for (let index = 0; index < within.text.length; index++) {
    const here = finders.get(pairAt(within.text, index));
    if (here === undefined) continue;
    const start = within.at(index);
    if (start >= limit) return;
    for (const { pattern, form } of here) {
      pattern.lastIndex = index;
      const match = pattern.exec(within.text);
      if (match === null) continue;
      // What stands before a break is not of the value that follows it, and nor is what stands after one at its end.
      if (form.wrapsFrom === 2 && within.at(index + 1) !== start + 1) continue;
      let end = within.at(index + (match[1]?.length ?? 1) - 1) + 1;
      for (const character of match[2] ?? "") {
        if (text[end] !== character) break;
        end++;
      }
      found.push([start, end]);
    }
  }
}

function maskAll(text: string, finders: Finders): string {
  let masked = "";
  let at = 0;
  for (const [start, end] of stretches(text, finders, text.length)) {
    masked += text.slice(at, start) + MASK;
    at = end;
  }
  return at === 0 ? text : masked + text.slice(at);
}

function maskStream(finders: Finders, put: (chunk: Buffer) => void): { push(chunk: Buffer): void; end(): void } {
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
      let limit = Math.max(0, held.length - finders.longest + 1);
      while (limit < held.length && !mayBegin(finders, held, limit)) limit++;
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
