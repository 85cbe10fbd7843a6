/** Flag values: parsers for values on the command line, and readers of parsed flags. */
import { parseDuration } from "../base/duration.ts";
import type { Problem } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import { UsageError, type Flags } from "./spec.ts";

export function parsePositiveInteger(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 1_000_000) throw new UsageError("expected a whole number from 1");
  return value;
}

export function parseWholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new UsageError("expected a whole number from 0");
  return value;
}

/** A number that counts from 1, of any size. */
export function parseOrdinal(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || !Number.isSafeInteger(value))
    throw new UsageError("expected a whole number from 1");
  return value;
}

/** 0: any that is free. */
export function parsePort(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535) throw new UsageError("expected a port from 0 to 65535");
  return value;
}

/** Any text, as often as the flag is given. */
export function parseTextList(text: string, previous: unknown): readonly string[] {
  return [...((previous as readonly string[] | undefined) ?? []), text];
}

/** As a browser says it in `Origin`: `https://dash.example`, as often as the flag is given. */
export function parseOrigins(text: string, previous: unknown): readonly string[] {
  const isOrigin = /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
  if (!isOrigin) throw new UsageError("expected an origin such as https://dash.example:8443, without a path");
  return parseTextList(text, previous);
}

export function parseDurationFlag(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms === 0) throw new UsageError("expected a duration such as 500ms, 30s, 10m or 2h");
  return ms;
}

/** `name=value`, once per parameter. */
export function parseParameter(text: string, previous: unknown): JsonObject {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError("expected name=value");
  const entries = Object.entries((previous as JsonObject | undefined) ?? {});
  return Object.fromEntries([...entries, [text.slice(0, at), text.slice(at + 1)]]);
}

/** A step, once: of two the first would be dropped without a word. */
export function parseOneStep(text: string, previous: unknown): string {
  if (previous !== undefined) throw new UsageError(`it takes one step, and ${String(previous)} was given already`);
  return text;
}

/** One of `choices`, as often as the flag is given. */
export function parseChoiceList(choices: readonly string[]): (text: string, previous: unknown) => readonly string[] {
  return (text, previous) => {
    if (!choices.includes(text)) throw new UsageError(`expected ${choices.join(", ")}`);
    return [...((previous as readonly string[] | undefined) ?? []), text];
  };
}

export function isFlagOn(flags: Flags, name: string): boolean {
  return flags[name] === true;
}

export function textFlag(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === "string" ? value : undefined;
}

export function numberFlag(flags: Flags, name: string): number | undefined {
  const value = flags[name];
  return typeof value === "number" ? value : undefined;
}

/** Why `form` cannot be printed with `--json`. */
export function notJsonProblem(form: string, hint: string): Problem {
  return { code: "Usage", message: `--json and --${form} cannot be combined`, hint };
}

/** How many steps at once, by either of its names. */
export function concurrencyOf(flags: Flags): number | undefined {
  return numberFlag(flags, "maxConcurrency") ?? numberFlag(flags, "maxWorkers");
}

export function textFlags(flags: Flags, name: string): readonly string[] {
  const value = flags[name];
  return Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : [];
}
