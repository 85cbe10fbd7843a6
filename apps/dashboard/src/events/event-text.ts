/** Event text: an event of a run as one line, and as JSON in which nothing acts on who reads it. Pure. */
import type { RunEvent } from "heddle/view";
import { countText } from "../ui/format.ts";

/** Of what an event says beside its type and step. */
const LONGEST = 400;
const LONGEST_VALUE = 120;
const TYPE_WIDTH = 20;
const STEP_WIDTH = 14;

/** Colours of a terminal, by the family of what happened. */
const COLOURS: readonly (readonly [pattern: RegExp, colour: number])[] = [
  [/failed|conflicted|refused/, 31],
  [/succeeded|merged|landed|given/, 32],
  [/requested|received/, 35],
  [/cancelled|paused|rollback|rolledback|short/, 33],
  [/started|resumed|created|unpaused/, 34],
];

/** `12:00:01.123  step.started  build  attempt=1`, with colours as a terminal has them. */
export function eventText(event: RunEvent): string {
  const step = "step" in event && typeof event.step === "string" ? `${event.step.padEnd(STEP_WIDTH)} ` : "";
  const facts = factsText(event.data as Readonly<Record<string, unknown>>);
  const colour = COLOURS.find(([pattern]) => pattern.test(event.type))?.[1];
  const type = event.type.padEnd(TYPE_WIDTH);
  return `\u001b[2m${timeOf(event.time)}\u001b[0m  ${colour === undefined ? type : `\u001b[${colour}m${type}\u001b[0m`} ${step}\u001b[2m${facts}\u001b[0m`;
}

function timeOf(time: number): string {
  const at = new Date(time);
  const two = (number: number): string => String(number).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

function factsText(data: Readonly<Record<string, unknown>>): string {
  let text = "";
  for (const [name, value] of Object.entries(data)) {
    if (text.length > LONGEST) return `${text.slice(0, LONGEST)} …`;
    text += `${text === "" ? "" : "  "}${name}=${valueText(value)}`;
  }
  return text;
}

/** Of a large value how large it is: it is not written out to be cut. */
function valueText(value: unknown): string {
  if (Array.isArray(value) && value.length > 20) return `[${countText(value.length)}]`;
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const names = Object.keys(value);
    if (names.length > 12) return `{${countText(names.length)}}`;
  }
  const text = oneLine(typeof value === "string" ? value : JSON.stringify(value));
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}

/** An escape character would be read as the beginning of a colour. */
function oneLine(text: string): string {
  return text.slice(0, LONGEST_VALUE * 2).replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
}

const UNSAFE = /[\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;

/** The same to who parses it; what would reorder or hide text is an escape. */
export function eventJson(event: unknown, indent?: number): string {
  return JSON.stringify(event, null, indent).replaceAll(UNSAFE, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}
