/** Checked parts: the query and the body of a request as their schemas give them, or a problem that says where they are wrong. */
import type { z } from "zod";
import { isJsonObject, type Json } from "../base/json.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { ProblemDetails } from "./problem.ts";

/** Named of what is wrong in one request. */
const MOST_ERRORS = 20;
/** Of a body: what checks it and works with it goes down level by level. */
const MOST_DEPTH = 256;

/** `schema` absent: no parameter is accepted. */
export function checkedQuery(schema: z.ZodType | undefined, given: URLSearchParams): Result<unknown, ProblemDetails> {
  const values: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of given) {
    if (name in values) return err(invalid([{ pointer: `/${name}`, detail: "was given more than once" }]));
    values[name] = value;
  }
  if (schema === undefined) {
    const [name] = Object.keys(values);
    return name === undefined ? ok(undefined) : err(invalid([{ pointer: `/${name}`, detail: "is not a parameter" }]));
  }
  return checked(schema, { ...values });
}

/** `schema` absent: the body must be empty, or an empty object. */
export function checkedBody(schema: z.ZodType | undefined, text: string): Result<unknown, ProblemDetails> {
  let value: Json = {};
  if (text !== "") {
    try {
      value = JSON.parse(text) as Json;
    } catch {
      return err({ slug: "bad-request", detail: "The body is not JSON" });
    }
  }
  if (isDeeper(value, MOST_DEPTH))
    return err(invalid([{ pointer: "", detail: `is nested more than ${MOST_DEPTH} levels deep` }]));
  if (schema !== undefined) return checked(schema, value);
  if (isJsonObject(value) && Object.keys(value).length === 0) return ok(undefined);
  return err(invalid([{ pointer: "", detail: "no body is expected here" }]));
}

function isDeeper(value: Json, levels: number): boolean {
  let level: readonly Json[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > levels) return true;
    level = level.flatMap((one) => (typeof one === "object" && one !== null ? Object.values(one) : []));
  }
  return false;
}

function checked(schema: z.ZodType, value: unknown): Result<unknown, ProblemDetails> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const errors = parsed.error.issues.slice(0, MOST_ERRORS).map(({ path, message }) => ({
    pointer: path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join(""),
    detail: message,
  }));
  return err(invalid(errors));
}

function invalid(errors: readonly { readonly pointer: string; readonly detail: string }[]): ProblemDetails {
  const [first] = errors;
  const where = first === undefined || first.pointer === "" ? "" : `${first.pointer}: `;
  return { slug: "invalid-request", detail: `${where}${first?.detail ?? "the request is not valid"}`, errors };
}
