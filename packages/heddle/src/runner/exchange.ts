/**
 * Exchange files: `$HEDDLE_OUTPUT`, `$HEDDLE_STEPS` and `$HEDDLE_DEPS`, by which a command and heddle exchange data.
 * Knows their content, no process.
 *
 * Invariants:
 *  1. At most {@link OUTPUT_LIMIT} bytes of what a command wrote are ever in memory.
 *  2. Whatever a command put in the place of a file, it is not waited for and not followed.
 */
import { closeSync, fstatSync, readSync, writeFileSync } from "node:fs";
import { messageOf } from "../base/errors.ts";
import { type Json, type JsonObject, toJson } from "../base/json.ts";
import { openPlainToRead, openPlainToWrite } from "../files/plain-file.ts";
import { type Result, err, ok } from "../base/result.ts";

/** Bytes of an output, or of a list of steps, as text. */
export const OUTPUT_LIMIT: number = 1 << 20;

export interface Exchange {
  readonly output: string;
  readonly steps: string;
  /** Only there where the step has deps. */
  readonly deps: string;
}

export function exchangeFiles(base: string): Exchange {
  return { output: `${base}.output`, steps: `${base}.steps`, deps: `${base}.deps` };
}

/** Writes the deps' outputs for the command; returns whether there is a file. Throws if it cannot be written. */
export function writeDeps(files: Exchange, deps: JsonObject): boolean {
  for (const _ in deps) {
    const opened = openPlainToWrite(files.deps);
    if (!opened.ok) throw new Error(`${files.deps} ${opened.error}`);
    try {
      writeFileSync(opened.value, `${JSON.stringify(deps)}\n`);
    } finally {
      closeSync(opened.value);
    }
    return true;
  }
  return false;
}

/** `null` for a missing or empty file. The error is for people. */
export function readOutput(files: Exchange): Result<Json, string> {
  const text = readBounded(files.output, "$HEDDLE_OUTPUT");
  return text.ok ? parseOutput(text.value) : text;
}

/** `undefined` where the command added none. */
export function readSteps(files: Exchange): Result<readonly unknown[] | undefined, string> {
  const text = readBounded(files.steps, "$HEDDLE_STEPS");
  if (!text.ok) return text;
  if (text.value.trim() === "") return ok(undefined);
  try {
    const value: unknown = JSON.parse(text.value);
    return Array.isArray(value)
      ? ok(value)
      : err("$HEDDLE_STEPS must contain a JSON list of steps, but contains something else");
  } catch (thrown) {
    return err(`$HEDDLE_STEPS must contain a JSON list of steps: ${messageOf(thrown)}`);
  }
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
    return ok(buffer.toString("utf8", 0, readSync(file, buffer, 0, size, 0)));
  } catch (thrown) {
    return err(`cannot read ${name}: ${messageOf(thrown)}`);
  } finally {
    closeSync(file);
  }
}

const PAIR = /^([A-Za-z_][\w.-]*)=(.*)$/;

/** One JSON value, or lines `key=value` that become an object of strings. */
export function parseOutput(text: string): Result<Json, string> {
  const trimmed = text.trim();
  if (trimmed === "") return ok(null);
  try {
    return toJson(JSON.parse(trimmed));
  } catch (thrown) {
    if (/^[[{"]/.test(trimmed)) return err(`$HEDDLE_OUTPUT is not JSON: ${messageOf(thrown)}`);
  }
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
