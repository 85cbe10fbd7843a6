/**
 * Expression values: converts values for an expression and back. In: objects become maps (no prototype is visible),
 * whole numbers become integers. Out: everything becomes JSON, or a text that says why it cannot.
 */
import type { Json } from "../../base/json.ts";
import { err, ok, type Result } from "../../base/result.ts";

export function toCel(value: Json): unknown {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(toCel);
  return new Map(Object.entries(value).map(([key, member]) => [key, toCel(member)]));
}

/** Length of the longest list, object or text in `value`, and how many values there are in all. */
export interface DataSize {
  readonly width: number;
  readonly total: number;
}

export function dataSizeOf(value: Json): DataSize {
  let width = 1;
  let total = 0;
  const visit = (member: Json): void => {
    total++;
    if (typeof member === "string") width = Math.max(width, member.length);
    else if (typeof member === "object" && member !== null) {
      const members: readonly Json[] = Array.isArray(member) ? member : Object.values(member);
      width = Math.max(width, members.length);
      members.forEach(visit);
    }
  };
  visit(value);
  return { width, total };
}

const DEEPEST = 200;

export function fromCel(value: unknown, depth = 0): Result<Json, string> {
  if (depth > DEEPEST) return err("the value is nested too deeply");
  switch (typeof value) {
    case "string":
    case "boolean":
      return ok(value);
    case "number":
      return Number.isFinite(value) ? ok(value) : err(`the value is ${value}, which JSON cannot represent`);
    case "bigint": {
      const number = Number(value);
      return Number.isSafeInteger(number) ? ok(number) : err(`the number ${value} is too large for JSON`);
    }
    case "object":
      return value === null ? ok(null) : fromObject(value, depth);
    default:
      return err("the value has no JSON form");
  }
}

function fromObject(value: object, depth: number): Result<Json, string> {
  if (Array.isArray(value)) {
    const members: Json[] = [];
    for (const member of value as unknown[]) {
      const converted = fromCel(member, depth + 1);
      if (!converted.ok) return converted;
      members.push(converted.value);
    }
    return ok(members);
  }
  if (value instanceof Date) return ok(value.toISOString());
  if (value instanceof Map) return fromEntries(value.entries(), depth);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return fromEntries(Object.entries(value), depth);
  // Unsigned integers and optionals are classes of the library, recognised by their methods.
  if (
    "hasValue" in value &&
    "value" in value &&
    typeof value.hasValue === "function" &&
    typeof value.value === "function"
  ) {
    return value.hasValue() === true ? fromCel(value.value(), depth + 1) : ok(null);
  }
  const primitive = typeof value.valueOf === "function" ? value.valueOf() : value;
  if (typeof primitive === "bigint" || typeof primitive === "number") return fromCel(primitive, depth + 1);
  return err("the value has no JSON form: use a string, a number, true or false, null, a list or a map");
}

function fromEntries(entries: Iterable<[unknown, unknown]>, depth: number): Result<Json, string> {
  const members: [string, Json][] = [];
  for (const [key, member] of entries) {
    const converted = fromCel(member, depth + 1);
    if (!converted.ok) return converted;
    members.push([String(key), converted.value]);
  }
  return ok(Object.fromEntries(members));
}
