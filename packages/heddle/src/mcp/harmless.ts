/**
 * Harmless data: texts and values of steps, as answers to an agent may have them. What steps write is hostile: it comes out as data, short,
 * and without characters that move a cursor, hide, or reorder what is read. Pure.
 */
import type { Json } from "../base/json.ts";
import { safeText } from "../base/safe-text.ts";

/** Of a value that a step gave, as JSON; of a larger one the beginning of its text is shown. */
const MOST_VALUE = 16_000;
const MOST_TEXT = 4000;

/** One text, cut where it is longer than `most` characters. */
export function harmlessText(text: string, most: number = MOST_TEXT): string {
  // Cut before it is looked at: the rest may be long.
  const kept = safeText(text.length > most ? text.slice(0, most) : text).toWellFormed();
  return text.length > most ? `${kept}… (${text.length - most} more characters)` : kept;
}

/** At most `most` texts, each made harmless. */
export function harmlessTexts(texts: readonly string[], most: number, each?: number): readonly string[] {
  const kept = texts.slice(0, most).map((text) => harmlessText(text, each));
  return texts.length > most ? [...kept, `… and ${texts.length - most} more`] : kept;
}

/** A value that a step gave: as it is where it is small, else the beginning of its JSON as a text. */
export function harmlessValue(value: Json): Json {
  const text = JSON.stringify(value);
  return text.length > MOST_VALUE ? harmlessText(text, MOST_VALUE) : cleaned(value);
}

function cleaned(value: Json): Json {
  if (typeof value === "string") return harmlessText(value, MOST_VALUE);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map(cleaned);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [harmlessText(name), cleaned(member)]));
}
