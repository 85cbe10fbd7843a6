/**
 * Exchange files: `$HEDDLE_OUTPUT`, `$HEDDLE_STEPS` and `$HEDDLE_DEPS`, by which a command and heddle exchange data.
 * Knows their content, no process. They may hold secrets: they lie in a folder of their
 * user's alone, and are removed once read.
 *
 * Invariants:
 *  1. At most {@link OUTPUT_LIMIT} bytes of what a command wrote are ever in memory.
 *  2. Whatever a command put in the place of a file, it is not waited for and not followed.
 *  3. An error quotes only text that is masked already: a piece of a secret is in none of the forms that are masked.
 */
import { closeSync, fstatSync, readSync, rmSync, writeFileSync } from "node:fs";
import { messageOf } from "../base/errors.ts";
import { type Json, type JsonObject, toJson } from "../base/json.ts";
import { duplicateText, jsonPathText, readJsonText } from "../base/json-text.ts";
import type { Masker } from "../base/mask.ts";
import { withSources, withSourceTexts } from "../plan/source-text.ts";
import { textOfUtf8 } from "../base/utf8.ts";
import { openPlainToRead, openPlainToWrite, removePlain } from "../files/plain-file.ts";
import { type Result, err, ok } from "../base/result.ts";

/** Bytes of an output, or of a list of steps, as text. */
export const OUTPUT_LIMIT: number = 1 << 20;

export interface Exchange {
  readonly output: string;
  readonly steps: string;
  readonly deps: string;
}

export function exchangeFiles(base: string): Exchange {
  return { output: `${base}.output`, steps: `${base}.steps`, deps: `${base}.deps` };
}

/**
 * Makes the file of the deps' outputs where the step has deps, and removes what an earlier attempt left in the place of the
 * other two: the command makes them. Throws if it cannot. The folder keeps them private. To make a file costs more than all
 * else here: none is made that nobody may need.
 */
export function makeExchange(files: Exchange, deps: JsonObject | undefined): void {
  for (const path of [files.output, files.steps]) {
    const removed = removePlain(path);
    if (!removed.ok) throw new Error(`${path} ${removed.error}`);
  }
  if (deps === undefined) return;
  const opened = openPlainToWrite(files.deps);
  if (!opened.ok) throw new Error(`${files.deps} ${opened.error}`);
  try {
    writeFileSync(opened.value, `${JSON.stringify(deps)}\n`);
  } finally {
    closeSync(opened.value);
  }
}

/** Removes the files, or what the command has put in their place. */
export function removeExchange(files: Exchange): void {
  for (const path of [files.output, files.steps, files.deps]) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // A folder that its command made unremovable. It goes with the run, or is named when that fails.
    }
  }
}

/**
 * `null` for a missing or empty file. The error is for people. `plain`: without the colours that programs were told to print;
 * `node -p 42` is a number in them, too.
 */
export function readOutput(files: Exchange, mask?: Masker, plain = false): Result<Json, string> {
  const text = readText(files.output, "$HEDDLE_OUTPUT", plain);
  return text.ok ? parseOutput(text.value, mask) : text;
}

/** `undefined` where the command added none. */
export function readSteps(
  files: Exchange,
  mask?: Masker,
  plain = false,
): Result<readonly unknown[] | undefined, string> {
  const text = readText(files.steps, "$HEDDLE_STEPS", plain);
  if (!text.ok) return text;
  return toldMasked(text.value, parseSteps, mask, "$HEDDLE_STEPS is not a JSON list of steps");
}

function parseSteps(text: string): Result<readonly unknown[] | undefined, string> {
  if (text.trim() === "") return ok(undefined);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    return err(`$HEDDLE_STEPS must contain a JSON list of steps: ${messageOf(thrown)}`);
  }
  if (!Array.isArray(value)) return err("$HEDDLE_STEPS must contain a JSON list of steps, but contains something else");
  const sources = withSources(value, text);
  if (!sources.ok)
    return err(`$HEDDLE_STEPS cannot be kept as it is written: ${duplicateText("steps", sources.error, text)}`);
  const { document, issues } = withSourceTexts(sources.value.document, "plan");
  const [issue] = issues;
  if (issue === undefined) return ok(document as readonly unknown[]);
  return err(
    `$HEDDLE_STEPS cannot be kept as it is written: steps${jsonPathText(issue.path)}: ${issue.message}; ${issue.hint}`,
  );
}

// oxlint-disable-next-line no-control-regex
const COLOURS = /\u001b\[[\d;:]*m/g;

function readText(path: string, name: string, plain: boolean): Result<string, string> {
  const text = readBounded(path, name);
  return plain && text.ok ? ok(text.value.replaceAll(COLOURS, "")) : text;
}

function readBounded(path: string, name: string): Result<string, string> {
  const opened = openPlainToRead(path);
  if (!opened.ok) return err(`${name} ${opened.error}; write to the file that is named, and do not replace it`);
  const file = opened.value;
  if (file === undefined) return ok("");
  try {
    const { size } = fstatSync(file);
    if (size > OUTPUT_LIMIT) {
      return err(
        `${name} has ${size} bytes, more than ${OUTPUT_LIMIT}; write large results to a file and output its path`,
      );
    }
    const buffer = Buffer.alloc(size);
    const text = textOfUtf8(buffer.subarray(0, readSync(file, buffer, 0, size, 0)));
    return text.ok ? text : err(`${name} ${text.error.message}`);
  } catch (thrown) {
    return err(`cannot read ${name}: ${messageOf(thrown)}`);
  } finally {
    closeSync(file);
  }
}

const PAIR = /^([A-Za-z_][\w.-]*)=(.*)$/;

/** One JSON value, or lines `key=value` that become an object of strings. */
export function parseOutput(text: string, mask?: Masker): Result<Json, string> {
  return toldMasked(text, parseValue, mask, "$HEDDLE_OUTPUT is neither JSON nor lines key=value");
}

/** What `parse` makes of a text; what is wrong with it is told of the masked text, from which nothing can be quoted that is secret. */
function toldMasked<T>(
  text: string,
  parse: (text: string) => Result<T, string>,
  mask: Masker | undefined,
  otherwise: string,
): Result<T, string> {
  const parsed = parse(text);
  if (parsed.ok || mask === undefined) return parsed;
  const masked = parse(mask.text(text));
  return masked.ok ? err(otherwise) : masked;
}

function parseValue(text: string): Result<Json, string> {
  const trimmed = text.trim();
  if (trimmed === "") return ok(null);
  const read = readJsonText(trimmed, "output");
  if (read.ok) return toJson(read.value);
  if (read.error.kind === "lossy") return err(`$HEDDLE_OUTPUT cannot be kept as it is written: ${read.error.message}`);
  if (/^[[{"]/.test(trimmed)) return err(`$HEDDLE_OUTPUT is not JSON: ${read.error.message}`);
  const pairs: [string, string][] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const match = PAIR.exec(line);
    if (match === null) {
      const shown = JSON.stringify(line.length > 60 ? `${line.slice(0, 60)}...` : line);
      return err(`$HEDDLE_OUTPUT must contain one JSON value or lines key=value; line ${index + 1} is ${shown}`);
    }
    pairs.push([match[1] ?? "", match[2] ?? ""]);
  }
  return ok(Object.fromEntries(pairs));
}
