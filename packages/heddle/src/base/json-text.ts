/**
 * JSON text: reads JSON without what `JSON.parse` does silently: of a key that is used twice the last value wins, and a
 * whole number that a double cannot hold is rounded.
 */
import { messageOf } from "./errors.ts";
import { err, ok, type Result } from "./result.ts";

/** Names and indices from the whole value down to one inside it. */
export type JsonPath = readonly (string | number)[];

export interface DuplicateKey {
  readonly key: string;
  /** Of the mapping. */
  readonly path: JsonPath;
  readonly firstOffset: number;
  /** Of its second use. */
  readonly offset: number;
}

const NUMBER = /-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WHOLE = /^[-+]?(?:([0-9]+)(?:\.0+)?|(0x[0-9a-f]+|0o[0-7]+|0b[01]+))$/i;

/**
 * Whether `text` is a whole number in digits that a double rounds: it is printed with other digits. What a program printed
 * of a double is none of these, however large.
 */
export function isRounded(text: string): boolean {
  const [, decimal, digits = decimal] = WHOLE.exec(text) ?? [];
  if (digits === undefined) return false;
  const value = Number(digits);
  if (Number.isSafeInteger(value)) return false;
  return !Number.isFinite(value) || (String(value) !== digits && BigInt(digits) !== BigInt(value));
}

/** What to do about a number that {@link isRounded}. */
export const QUOTE_IT = "write it in quotes, as text";

/** Fit for a message: whole, so that a secret in it is found and masked, or not at all. */
export function numberText(text: string): string {
  return text.length <= 60 ? text : `a whole number of ${text.length} digits`;
}

/** `.id`, `[2].id`, or nothing for the whole value. */
export function jsonPathText(path: JsonPath): string {
  const part = (key: string | number): string => {
    if (typeof key === "number") return `[${key}]`;
    return /^[\w-]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
  };
  return path.map(part).join("");
}

interface Level {
  /** In a mapping: its keys so far, with their offsets. In a list: absent. */
  readonly keys?: Map<string, number>;
}

/**
 * Looks through text that `JSON.parse` accepts. Calls `onNumber` for each number that is a value, with a path that is only
 * valid during the call. Returns the first key that is used twice.
 */
export function scanJson(
  text: string,
  onNumber: (number: string, path: JsonPath, offset: number) => void,
): DuplicateKey | undefined {
  const levels: Level[] = [];
  const path: (string | number)[] = [];
  let isKey = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const level = levels.at(-1);
    switch (code) {
      case 0x7b: // {
        levels.push({ keys: new Map() });
        path.push("");
        isKey = true;
        break;
      case 0x5b: // [
        levels.push({});
        path.push(0);
        break;
      case 0x7d: // }
      case 0x5d: // ]
        levels.pop();
        path.pop();
        isKey = false;
        break;
      case 0x2c: // ,
        if (level?.keys !== undefined) isKey = true;
        else path[path.length - 1] = Number(path.at(-1)) + 1;
        break;
      case 0x22: {
        const end = endOfString(text, at);
        if (isKey && level?.keys !== undefined) {
          const key = keyOf(text.slice(at, end));
          const firstOffset = level.keys.get(key);
          if (firstOffset !== undefined) return { key, path: path.slice(0, -1), firstOffset, offset: at };
          level.keys.set(key, at);
          path[path.length - 1] = key;
          isKey = false;
        }
        at = end - 1;
        break;
      }
      default:
        if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
          NUMBER.lastIndex = at;
          const number = NUMBER.exec(text)?.[0] ?? text.charAt(at);
          onNumber(number, path, at);
          at += number.length - 1;
        }
    }
  }
  return undefined;
}

/** The offset behind the string that begins at `from`. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; ; at++) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    let escapes = 0;
    while (text.charCodeAt(at - 1 - escapes) === 0x5c) escapes++;
    if (escapes % 2 === 0) return at + 1;
  }
}

function keyOf(written: string): string {
  return written.includes("\\") ? (JSON.parse(written) as string) : written.slice(1, -1);
}

/** What is wrong with JSON as a value that must be kept as it is written. */
export type JsonFault =
  /** `JSON.parse` does not accept it: its message. */
  | { readonly kind: "syntax"; readonly message: string }
  /** Understood, but not to be kept: a sentence that begins with the path of the value, with what to do. */
  | { readonly kind: "lossy"; readonly message: string };

/** The value of JSON text, if nothing of it would be lost. `name`: what the text is called in messages. */
export function readJsonText(text: string, name: string): Result<unknown, JsonFault> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    return err({ kind: "syntax", message: messageOf(thrown) });
  }
  const message = lossIn(text, name);
  return message === undefined ? ok(value) : err({ kind: "lossy", message });
}

/** What of JSON text that `JSON.parse` accepts would be lost, to say to a person; `undefined`: nothing. */
export function lossIn(text: string, name: string): string | undefined {
  let rounded: string | undefined;
  const twice = scanJson(text, (number, path) => {
    if (rounded === undefined && isRounded(number))
      rounded = `${name}${jsonPathText(path)} is ${numberText(number)}, which is too large to be exact: ${QUOTE_IT}`;
  });
  return twice === undefined ? rounded : duplicateText(name, twice, text);
}

/** Says which key of `text` is used twice, with both places where they differ. */
export function duplicateText(name: string, twice: DuplicateKey, text: string): string {
  const lineOf = (offset: number): number => text.slice(0, offset).split("\n").length;
  const [first, second] = [lineOf(twice.firstOffset), lineOf(twice.offset)];
  const places = first === second ? "" : ` (lines ${first} and ${second})`;
  return `${name}${jsonPathText(twice.path)} has the key ${JSON.stringify(twice.key)} twice${places}: remove or rename one of them`;
}
