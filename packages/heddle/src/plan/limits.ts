/**
 * Plan limits: checked once on the text before it is parsed, and once on the parsed data before anything walks it. Knows
 * no key of a plan.
 */
import { isJsonObject } from "../base/json.ts";
import type { DocumentPath } from "./diagnostic.ts";
import { ScalarWithText } from "./source-text.ts";

/** One more than each of these is an error (`PlanTooLarge`). */
export const LIMITS: Readonly<
  Record<"bytes" | "marks" | "depth" | "aliases" | "mergedKeys" | "nodes" | "characters" | "steps", number>
> = {
  /** Size of the file in UTF-8 bytes. */
  bytes: 32 * 1024 * 1024,
  /** Characters that give a file its structure (`,` `:` `[` `{` and line ends): bounds the parser's memory. */
  marks: 5_000_000,
  /** Nesting of mappings and lists. */
  depth: 100,
  /** Aliases (`*name`). */
  aliases: 1000,
  /** Keys taken over by merge keys (`<<`). */
  mergedKeys: 100_000,
  /** Values of the document; an aliased value counts at each use. */
  nodes: 5_000_000,
  /** Characters of all strings of the document; an aliased string counts at each use. */
  characters: 64 * 1024 * 1024,
  /** Steps. */
  steps: 1_000_000,
};

export interface Excess {
  readonly code: "PlanTooLarge" | "InvalidValue" | "ForbiddenKey";
  readonly message: string;
  readonly hint: string;
  readonly path: DocumentPath;
}

/** What is too large about `text`, if anything: its message. */
export function textExcess(text: string): string | undefined {
  if (text.length > LIMITS.bytes || Buffer.byteLength(text, "utf8") > LIMITS.bytes) {
    return `the plan file is larger than ${LIMITS.bytes / 1024 / 1024} MiB`;
  }
  if (text.length <= LIMITS.marks) return undefined;
  let marks = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 10 || code === 44 || code === 58 || code === 91 || code === 123) marks++;
  }
  return marks > LIMITS.marks
    ? `the plan file has more than ${LIMITS.marks} lines, commas, colons and brackets together`
    : undefined;
}

/**
 * What keeps `document` from being walked safely, if anything. Ends at the first excess, so that data which unfolds without
 * end (aliases of aliases, a list inside itself) costs no more than the limits.
 */
export function dataExcess(document: unknown, mostNodes: number = LIMITS.nodes): Excess | undefined {
  const state: Walk = { nodes: 0, mostNodes, characters: 0, path: [] };
  const excess = walk(document, state);
  return excess === undefined ? undefined : { ...excess, path: state.path.slice(0, excess.depth) };
}

interface Walk {
  nodes: number;
  readonly mostNodes: number;
  characters: number;
  readonly path: (string | number)[];
}

type Found = Omit<Excess, "path"> & { readonly depth: number };

const JSON_ONLY = "use strings, numbers, true, false, null, lists and plain objects";
const SPLIT = "split the plan, or move large data out of it";

function walk(value: unknown, state: Walk, depth = 0): Found | undefined {
  const found = (code: Excess["code"], message: string, hint: string): Found => ({ code, message, hint, depth });
  if (++state.nodes > state.mostNodes)
    return found("PlanTooLarge", `the plan has more than ${state.mostNodes} values`, SPLIT);
  if (typeof value === "string") {
    state.characters += value.length;
    if (state.characters > LIMITS.characters)
      return found("PlanTooLarge", `the plan's strings have more than ${LIMITS.characters} characters together`, SPLIT);
    return undefined;
  }
  if (typeof value === "number") {
    return Number.isFinite(value)
      ? undefined
      : found("InvalidValue", "a number must be finite", "write a number that JSON can represent");
  }
  if (value === null || value === undefined || typeof value === "boolean") return undefined;
  if (value instanceof ScalarWithText) {
    state.characters += value.text.length;
    return undefined;
  }
  if (typeof value !== "object")
    return found("InvalidValue", `a plan is data, but this is a ${typeof value}`, JSON_ONLY);
  if (depth >= LIMITS.depth)
    return found("PlanTooLarge", `the plan is nested more than ${LIMITS.depth} levels deep`, "flatten it");
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      state.path[depth] = i;
      const excess = walk(value[i], state, depth + 1);
      if (excess !== undefined) return excess;
    }
    return undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!isJsonObject(value) || (prototype !== Object.prototype && prototype !== null)) {
    return found("InvalidValue", "a plan is data, but this is an object of a class", JSON_ONLY);
  }
  for (const key in value) {
    state.path[depth] = key;
    state.characters += key.length;
    if (key === "__proto__")
      return { ...found("ForbiddenKey", "`__proto__` cannot be a key", "use another name"), depth: depth + 1 };
    const excess = walk(value[key], state, depth + 1);
    if (excess !== undefined) return excess;
  }
  return undefined;
}
