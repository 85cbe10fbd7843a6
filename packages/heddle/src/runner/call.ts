/**
 * Function call: finds an exported function, and converts what it returns or throws. Shared by this process and worker
 * threads.
 */
import { importModule } from "../files/import-module.ts";
import { messageOf } from "../base/errors.ts";
import { toJson } from "../base/json.ts";
import { OUTPUT_LIMIT } from "./exchange.ts";
import type { Outcome } from "../run/attempt.ts";

export type ExportedFunction = (input: unknown, context: unknown) => unknown;

/** The exported function `name` of the module at the absolute path `file`. Throws with a message for people. */
export async function importFunction(file: string, name: string): Promise<ExportedFunction> {
  const loaded = await importModule(file);
  const exported = loaded[name];
  if (typeof exported === "function") return exported as ExportedFunction;
  const names = Object.keys(loaded)
    .filter((key) => typeof loaded[key] === "function")
    .toSorted();
  const known = names.length === 0 ? "it does not export a function" : `it exports ${names.slice(0, 10).join(", ")}`;
  throw new TypeError(`${file} does not export a function ${name}: ${known}`);
}

/** What a function's returned value means. */
export function outcomeOfValue(value: unknown, added: readonly unknown[] | undefined): Outcome {
  const checked = toJson(value);
  if (!checked.ok) return { kind: "failed", error: { code: "output", message: checked.error } };
  const output = checked.value;
  if (typeof output === "string" || (typeof output === "object" && output !== null)) {
    const size = JSON.stringify(output).length;
    if (size > OUTPUT_LIMIT) {
      const message = `the output is ${size} characters of JSON, more than ${OUTPUT_LIMIT}; write large results to a file and return its path`;
      return { kind: "failed", error: { code: "output", message } };
    }
  }
  return added === undefined ? { kind: "succeeded", output } : { kind: "succeeded", output, steps: added };
}

const STACK_LINES = 8;

/** The message and the nearest frames, without those of Node itself. */
export function shortStack(thrown: unknown): string {
  if (!(thrown instanceof Error) || typeof thrown.stack !== "string") return messageOf(thrown);
  const lines = thrown.stack.split("\n").filter((line) => !/^\s+at .*\(?node:/.test(line));
  return lines.slice(0, STACK_LINES).join("\n");
}
