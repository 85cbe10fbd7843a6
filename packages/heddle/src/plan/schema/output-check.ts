/**
 * Output check: validates outputs against the JSON Schema (draft 2020-12) of a step. Loaded only for steps that have
 * one. The library interprets the schema; it generates no code from it.
 */
import { type Schema, Validator } from "@cfworker/json-schema";
import { messageOf } from "../../base/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";

export type OutputCheck = (value: Json) => string | undefined;

/** A check that returns what is wrong with a value in one line; `undefined`: nothing. */
export function compileOutputCheck(schema: JsonObject): OutputCheck {
  const validator = new Validator(schema as Schema, "2020-12", false);
  return (value) => {
    try {
      const result = validator.validate(value);
      if (result.valid) return undefined;
      // An outer error only says that an inner one exists: the deepest say what is wrong.
      const deepest = Math.max(...result.errors.map((error) => error.instanceLocation.split("/").length));
      const said = result.errors
        .filter((error) => error.instanceLocation.split("/").length === deepest)
        .map((error) => `${placeOf(error.instanceLocation)} ${error.error}`.replace(/\.$/, ""));
      return [...new Set(said)].slice(0, 3).join("; ");
    } catch (thrown) {
      return `invalid schema: ${firstLine(thrown)}`;
    }
  };
}

const TYPES: readonly unknown[] = ["null", "boolean", "object", "array", "number", "integer", "string"];

/** What is wrong with the schema itself, as far as this is known without a value. */
export function schemaProblem(schema: JsonObject): string | undefined {
  const problem = partProblem(schema);
  if (problem !== undefined) return problem;
  try {
    new Validator(schema as Schema, "2020-12", false).validate(null);
    return undefined;
  } catch (thrown) {
    return firstLine(thrown);
  }
}

/** Keywords whose members are schemas by name, and those that are data. */
const NAMED = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"]);
const DATA = new Set(["const", "enum", "default", "examples"]);

function partProblem(schema: Json): string | undefined {
  if (!isJsonObject(schema)) return undefined;
  const { type, pattern } = schema;
  const types: readonly unknown[] = Array.isArray(type) ? type : [type];
  const wrong = types.find((each) => each !== undefined && !TYPES.includes(each));
  if (wrong !== undefined) return `"${String(wrong)}" is not a JSON Schema type: use ${TYPES.join(", ")}`;
  if (pattern !== undefined && !isPattern(pattern)) return "a pattern is not a regular expression";
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
