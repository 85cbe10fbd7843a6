/**
 * Output check: holds outputs against the JSON Schema (draft 2020-12) of a step. Loaded only for steps that have one. The library
 * interprets the schema; it generates no code from it. Its work is not bounded: who may not wait for it uses a thread, unless
 * {@link isPlainCheck} says that there is little to do.
 */
import { type Schema, Validator } from "@cfworker/json-schema";
import { messageOf } from "../../base/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { unfoldProblem } from "./unfold.ts";

/** What is wrong with an output in one line; `undefined`: nothing. */
export function outputProblem(schema: JsonObject, value: Json): string | undefined {
  try {
    const asked = asksUniqueItems(schema) && !hasEqualItems(value) ? withoutUniqueItems(schema) : schema;
    const result = new Validator(asked as Schema, "2020-12", false).validate(value);
    if (result.valid) return undefined;
    // An outer error only says that an inner one exists: the deepest say what is wrong.
    const deepest = Math.max(...result.errors.map((error) => error.instanceLocation.split("/").length));
    const said = result.errors
      .filter((error) => error.instanceLocation.split("/").length === deepest)
      .map((error) => `${placeOf(error.instanceLocation)} ${error.error}`.replace(/\.$/, ""));
    return [...new Set(said)].slice(0, 3).join("; ");
  } catch (thrown) {
    if (thrown instanceof RangeError) return "output: schema and output are nested too deeply";
    return `invalid schema: ${firstLine(thrown)}`;
  }
}

/** Keywords whose work is at most that of looking at each part of the schema once for each part of the value. */
const PLAIN = new Set(
  (
    "$schema $comment title description default examples deprecated readOnly writeOnly type enum const properties required " +
    "additionalProperties items minimum maximum exclusiveMinimum exclusiveMaximum minLength maxLength minItems maxItems " +
    "minProperties maxProperties"
  ).split(" "),
);

/** Length of the schema times that of the value, as texts: some milliseconds. */
const MOST_PLAIN_WORK = 20_000_000;

/** Whether the check is done in a moment, whatever the schema and the value say. */
export function isPlainCheck(schema: JsonObject, value: Json): boolean {
  return isPlain(schema) && JSON.stringify(schema).length * JSON.stringify(value).length <= MOST_PLAIN_WORK;
}

function isPlain(schema: Json | undefined): boolean {
  if (!isJsonObject(schema)) return typeof schema === "boolean" || schema === undefined;
  if (Object.keys(schema).some((key) => !PLAIN.has(key))) return false;
  const { properties, additionalProperties, items } = schema;
  const members = isJsonObject(properties) ? Object.values(properties) : [];
  return [...members, additionalProperties, items].every(isPlain);
}

/** Keywords whose members are schemas by name, and those that are data. */
const NAMED = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"]);
const DATA = new Set(["const", "enum", "default", "examples"]);

function asksUniqueItems(schema: JsonObject): boolean {
  return JSON.stringify(schema).includes('"uniqueItems":true');
}

/** The library compares each item with each other: where no list of the value has equal items the keyword says nothing. */
function withoutUniqueItems(schema: JsonObject): JsonObject {
  const kept = Object.entries(schema).filter(([key]) => key !== "uniqueItems");
  return Object.fromEntries(kept.map(([key, member]) => [key, DATA.has(key) ? member : partsWithout(key, member)]));
}

function partsWithout(key: string, member: Json): Json {
  if (Array.isArray(member)) return (member as readonly Json[]).map((part) => partsWithout("", part));
  if (!isJsonObject(member)) return member;
  if (!NAMED.has(key)) return withoutUniqueItems(member);
  return Object.fromEntries(Object.entries(member).map(([name, part]) => [name, partsWithout("", part)]));
}

/** Whether some list, at whatever depth, has two items that are equal. Linear. */
function hasEqualItems(value: Json): boolean {
  const numbers = new Map<string, number>();
  let found = false;
  // Equal values, and only those, have one number.
  const numberOf = (each: Json): number => {
    let text: string;
    if (Array.isArray(each)) {
      const items = (each as readonly Json[]).map(numberOf);
      if (new Set(items).size < items.length) found = true;
      text = `[${items.join(",")}`;
    } else if (isJsonObject(each)) {
      const members = Object.keys(each).toSorted();
      text = `{${members.map((key) => `${JSON.stringify(key)}:${numberOf(each[key] as Json)}`).join(",")}`;
    } else text = JSON.stringify(each);
    const known = numbers.get(text);
    if (known !== undefined) return known;
    numbers.set(text, numbers.size);
    return numbers.size - 1;
  };
  numberOf(value);
  return found;
}

const TYPES: readonly unknown[] = ["null", "boolean", "object", "array", "number", "integer", "string"];

/** What is wrong with the schema itself, as far as this is known without a value. */
export function schemaProblem(schema: JsonObject): string | undefined {
  const problem = partProblem(schema);
  if (problem !== undefined) return problem;
  try {
    const unfolded = unfoldProblem(schema);
    if (unfolded !== undefined) return unfolded;
    new Validator(schema as Schema, "2020-12", false).validate(null);
    return undefined;
  } catch (thrown) {
    return firstLine(thrown);
  }
}

function partProblem(schema: Json): string | undefined {
  if (!isJsonObject(schema)) return undefined;
  const { type, pattern, patternProperties } = schema;
  const types: readonly unknown[] = Array.isArray(type) ? type : [type];
  const wrong = types.find((each) => each !== undefined && !TYPES.includes(each));
  if (wrong !== undefined) return `"${String(wrong)}" is not a JSON Schema type: use ${TYPES.join(", ")}`;
  const patterns = [
    ...(pattern === undefined ? [] : [pattern]),
    ...(isJsonObject(patternProperties) ? Object.keys(patternProperties) : []),
  ];
  if (!patterns.every(isPattern)) return "a pattern is not a regular expression";
  for (const [key, member] of Object.entries(schema)) {
    if (DATA.has(key)) continue;
    const parts: readonly Json[] = Array.isArray(member)
      ? member
      : NAMED.has(key) && isJsonObject(member)
        ? Object.values(member)
        : [member as Json];
    for (const part of parts) {
      const problem = partProblem(part);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

function isPattern(pattern: Json): boolean {
  try {
    return typeof pattern === "string" && new RegExp(pattern, "u") instanceof RegExp;
  } catch {
    return false;
  }
}

function placeOf(location: string): string {
  const path = location.replace(/^#\/?/, "").replaceAll("/", ".");
  return path === "" ? "output:" : `output.${path}:`;
}

function firstLine(thrown: unknown): string {
  return (messageOf(thrown).split("\n")[0] ?? "").slice(0, 200);
}
