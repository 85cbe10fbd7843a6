/**
 * Workflow equality: says in CEL when two values are equal in GitHub Actions. Texts are compared without case; values of different
 * types as numbers: true is 1, false and nothing are 0, an empty text is 0, and a text that is no number equals nothing.
 *
 * Invariant: a comparison that can never be true there, or whose types are not known, is refused: nothing is guessed.
 */
import { err, ok, type Result } from "../../base/result.ts";
import { type Cel, celText, operandText } from "./workflow-value.ts";

/** A side of a comparison, with its value where it is written out. */
export interface EqualitySide extends Cel {
  readonly literal?: string | number | boolean;
}

export function equalityText(a: EqualitySide, b: EqualitySide): Result<string, string> {
  const kinds = [kindOf(a), kindOf(b)];
  if (kinds.includes("mixed")) return err("a comparison with a value of several types");
  const [left, right] = kinds;
  if (left === "text" && right === "text") return ok(`${folded(a, b)} == ${folded(b, a)}`);
  if (left === "flag" && right === "flag") return ok(`${flagText(a)} == ${flagText(b)}`);
  if (left === "flag") return withFlag(a, b);
  if (right === "flag") return withFlag(b, a);
  return asNumbers(a, b);
}

function kindOf({ type, written }: EqualitySide): "text" | "number" | "flag" | "mixed" {
  return type === "text" ? (written ?? "text") : type;
}

/** The text as a flag, where the workflow has one. */
export function flagText(cel: Cel): string {
  return cel.type === "text" ? `(${operandText(cel)} == "true")` : operandText(cel);
}

/** Without case, where the other side has letters. */
export function folded(cel: EqualitySide, other: EqualitySide = cel): string {
  const own = constantOf(cel);
  if (own !== undefined) return celText(own.toLowerCase());
  const against = constantOf(other);
  const isCased = other === cel || against === undefined || against.toLowerCase() !== against.toUpperCase();
  return isCased ? `${operandText(cel)}.lowerAscii()` : operandText(cel);
}

/** The text that a constant in CEL is. */
function constantOf({ text }: Cel): string | undefined {
  if (!/^"(?:[^"\\]|\\.)*"$/.test(text)) return undefined;
  return JSON.parse(text) as string;
}

/** One of them, or both, is a number there. Of a text that is not written out, the usual ways to write a number are known. */
function asNumbers(a: EqualitySide, b: EqualitySide): Result<string, string> {
  if (a.type === "number" && b.type === "number") return ok(`${operandText(a)} == ${operandText(b)}`);
  const [known, other] = isWrittenOut(b) ? [b, a] : [a, b];
  if (!isWrittenOut(known)) return err("a comparison of a number with a text that is not written out");
  const value = numberOf(known);
  if (value === undefined) return err(`a number is never equal to ${known.text}; this comparison`);
  if (other.type === "number") return ok(`${operandText(other)} == ${value}`);
  const ways = [String(value), ...[1, 2, 3].map((digits) => value.toFixed(digits))];
  const same = [...new Set(ways)].filter((way) => Number(way) === value);
  // An empty text is 0.
  return ok(`${operandText(other)}.trim() in ${JSON.stringify(value === 0 ? ["", ...same] : same)}`);
}

/** A flag is 1 or 0. */
function withFlag(flag: EqualitySide, other: EqualitySide): Result<string, string> {
  const value = isWrittenOut(other) ? numberOf(other) : undefined;
  if (value === 1) return ok(flagText(flag));
  if (value === 0) return ok(`!(${flagText(flag)})`);
  const said = isWrittenOut(other) ? other.text : "such a value";
  return err(`true and false are never equal to ${said}: compare with true or false. This comparison`);
}

function isWrittenOut(side: EqualitySide): boolean {
  return typeof side.literal === "number" || constantOf(side) !== undefined;
}

/** Of what is written out; `undefined`: it is no number in GitHub. */
function numberOf(side: EqualitySide): number | undefined {
  if (typeof side.literal === "number") return side.literal;
  const value = Number(constantOf(side)?.trim());
  return Number.isNaN(value) ? undefined : value;
}
