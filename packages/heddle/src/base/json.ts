/** JSON values: their type, their canonical text, and the check that a value can be represented. */
import { err, ok, type Result } from "./result.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** Deepest nesting that a value may have: bounds the recursion of every function here and of `JSON.stringify`. */
const MAX_DEPTH = 200;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Checks that `value` survives JSON unchanged, and returns it as such. `undefined` as the whole value becomes `null`,
 * `undefined` members are dropped (as `JSON.stringify` does); what would be lost or changed silently (functions, bigints,
 * NaN, cycles, class instances other than those with `toJSON`) is an error that names the path. `name`: what it begins with.
 */
export function toJson(value: unknown, name = "output"): Result<Json, string> {
  if (value === undefined) return ok(null);
  const seen: unknown[] = [];
  const problem = findUnserialisable(value, name, seen);
  if (problem !== undefined) return err(problem);
  return ok(value as Json);
}

function findUnserialisable(value: unknown, path: string, ancestors: unknown[]): string | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
    case "undefined":
      return undefined;
    case "number":
      return Number.isFinite(value) ? undefined : `${path} is ${value}, which JSON cannot represent`;
    case "object":
      break;
    default:
      return `${path} is a ${typeof value}, which JSON cannot represent`;
  }
  if (value === null) return undefined;
  if (ancestors.length >= MAX_DEPTH) return `${path} is nested more than ${MAX_DEPTH} levels deep`;
  if (ancestors.includes(value)) return `${path} contains itself`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) {
    const name = (value as object).constructor?.name ?? "object";
    return `${path} is a ${name}; use plain objects, arrays, strings, numbers, booleans or null`;
  }
  ancestors.push(value);
  const entries = Array.isArray(value) ? value.entries() : Object.entries(value as object);
  for (const [key, member] of entries) {
    const at = typeof key === "number" ? `${path}[${key}]` : `${path}.${key}`;
    if (Array.isArray(value) && member === undefined) return `${at} is undefined, which JSON cannot represent`;
    const problem = findUnserialisable(member, at, ancestors);
    if (problem !== undefined) return problem;
  }
  ancestors.pop();
  return undefined;
}

/** The one text of a value: keys sorted by code unit, no spaces. Two values are equal exactly when these texts are. */
export function canonicalJson(value: Json | undefined): string {
  if (value === undefined) return "null";
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const object = value as JsonObject;
  const members = Object.keys(object)
    .filter((key) => object[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key])}`);
  return `{${members.join(",")}}`;
}
