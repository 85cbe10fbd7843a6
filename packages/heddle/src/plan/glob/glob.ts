/**
 * Glob automaton: compiles a glob of `writes:` with `*`, `**`, `?`, `[...]`, `{a,b}`, and `\` as the escape character.
 * Paths are relative, with `/`. A glob whose last name has no wildcard also matches everything below it, because
 * `src/api` usually means a folder.
 *
 * Invariants:
 *  1. An automaton matches at least what the glob matches in every common dialect; where dialects differ it matches
 *     more.
 *  2. A glob becomes a bounded number of states, linear in its length except for its braces.
 */
import { bracesExpanded } from "./braces.ts";

/** What one step of an automaton accepts: one character, any but `/`, any at all, or those of brackets. */
export type CharSet = string | typeof NAME_CHARACTER | typeof ANY_CHARACTER | Brackets;
/** Any character but `/`. */
export const NAME_CHARACTER = 0;
/** Any character at all. */
export const ANY_CHARACTER = 1;
export interface Brackets {
  readonly negated: boolean;
  /** Code points, both ends included. */
  readonly ranges: readonly (readonly [from: number, to: number])[];
}

export interface State {
  /** Reached without a character. */
  readonly free: number[];
  set?: CharSet;
  to: number;
}

export interface Glob {
  /** Every path that it matches begins so. */
  readonly prefix: string;
  /** Begin at state 0; the last state accepts. */
  readonly forms: readonly (readonly State[])[];
}

/** `text` is any text: what is not a glob matches itself. */
export function parseGlob(text: string): Glob {
  const forms = bracesExpanded(text.normalize("NFC")).map((form) => automatonOf(form));
  const prefixes = forms.map(prefixOf);
  return { prefix: prefixes.reduce(common), forms };
}

function prefixOf(states: readonly State[]): string {
  let prefix = "";
  for (let at = 0; ;) {
    const state = states[at];
    if (state === undefined || typeof state.set !== "string" || state.free.length > 0) return prefix;
    prefix += state.set;
    at = state.to;
  }
}

function common(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return a.slice(0, length);
}

/** A glob without braces to states, each name in turn. */
class Builder {
  readonly states: State[] = [{ free: [], to: -1 }];

  get #last(): State {
    return this.states.at(-1) as State;
  }

  #add(): number {
    return this.states.push({ free: [], to: -1 }) - 1;
  }

  one(set: CharSet): void {
    const from = this.#last;
    from.set = set;
    from.to = this.#add();
  }

  many(set: CharSet): void {
    const from = this.#last;
    from.set = set;
    from.to = this.states.length - 1;
    from.free.push(this.#add());
  }

  /** Nothing, or names that each end with `/`. */
  folders(): void {
    const from = this.#last;
    from.free.push(this.#add());
    this.many(ANY_CHARACTER);
    this.one("/");
    from.free.push(this.states.length - 1);
  }

  /** Nothing, or `/` and whatever follows it. */
  below(): void {
    const from = this.#last;
    from.free.push(this.#add());
    this.one("/");
    this.many(ANY_CHARACTER);
    from.free.push(this.states.length - 1);
  }
}

const DEEP = /^\*{2,}$/;
/** `!(a|b)` and its like, which some matchers know. */
const EXTENDED = /[?*+@!]\(/;

function automatonOf(form: string): readonly State[] {
  const builder = new Builder();
  const names = namesOf(form);
  for (const [at, name] of names.entries()) {
    const isLast = at === names.length - 1;
    if (EXTENDED.test(name)) {
      builder.many(ANY_CHARACTER);
      break;
    }
    if (DEEP.test(name)) {
      if (!isLast) builder.folders();
      else if (at === 0) builder.many(ANY_CHARACTER);
      continue;
    }
    addName(builder, name);
    if (isLast) continue;
    if (at === names.length - 2 && DEEP.test(names.at(-1) ?? "")) builder.below();
    else builder.one("/");
  }
  return builder.states;
}

const EVERYTHING = ["**"] as const;

/** The names between the slashes, `**` after what may be a folder. */
function namesOf(form: string): readonly string[] {
  const names = form.split("/").filter((name) => name !== "" && name !== ".");
  // Where such a path leads depends on what its names match.
  if (names.includes("..") || names.length === 0) return EVERYTHING;
  const last = names.at(-1) ?? "";
  if (form.endsWith("/") || !/[*?[]/.test(last)) names.push("**");
  return names.filter((name, at) => !DEEP.test(name) || !DEEP.test(names[at - 1] ?? ""));
}

function addName(builder: Builder, name: string): void {
  const chars = Array.from(name);
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? "";
    if (char === "*") {
      const isDeep = chars[at + 1] === "*";
      while (chars[at + 1] === "*") at++;
      // Inside a name most matchers read `**` as `*`, some do not.
      builder.many(isDeep ? ANY_CHARACTER : NAME_CHARACTER);
    } else if (char === "?") builder.one(NAME_CHARACTER);
    else if (char === "[") {
      const found = bracketsAt(chars, at);
      builder.one(found?.set ?? char);
      at = found?.end ?? at;
    } else if (char === "\\") {
      const escaped = chars[at + 1];
      if (escaped !== undefined) builder.one(escaped);
      at++;
    } else builder.one(char);
  }
}

/** The brackets that open at `at`, and where they close; `undefined`: they do not, and `[` is an ordinary character. */
function bracketsAt(chars: readonly string[], at: number): { readonly set: CharSet; readonly end: number } | undefined {
  const negated = chars[at + 1] === "!" || chars[at + 1] === "^";
  const first = negated ? at + 2 : at + 1;
  const ranges: (readonly [number, number])[] = [];
  let isStrange = false;
  /** A named class does not close: neither do those after it. */
  let isOpen = false;
  for (let i = first; i < chars.length; i++) {
    if (chars[i] === "]" && i > first) return { set: isStrange ? NAME_CHARACTER : { negated, ranges }, end: i };
    // Named classes such as [:alpha:]: whichever they are.
    if (!isOpen && chars[i] === "[" && /[:.=]/.test(chars[i + 1] ?? "")) {
      isStrange = true;
      const mark = chars[i + 1];
      const end = chars.findIndex((char, at) => at > i + 2 && char === "]" && chars[at - 1] === mark);
      if (end !== -1) i = end;
      else isOpen = true;
      continue;
    }
    if (chars[i] === "\\" && i + 1 < chars.length) {
      i++;
      isStrange = true;
    }
    const from = codeOf(chars[i]);
    const isRange = chars[i + 1] === "-" && chars[i + 2] !== undefined && chars[i + 2] !== "]";
    const to = isRange ? codeOf(chars[i + 2]) : from;
    if (isRange) i += 2;
    ranges.push(from <= to ? [from, to] : [to, from]);
  }
  return undefined;
}

function codeOf(char: string | undefined): number {
  return char?.codePointAt(0) ?? 0;
}
