/** Plan parameters: checks their declarations, converts and checks given values, and fills in defaults. */
import { defined } from "../base/defined.ts";
import { canonicalJson, type Json, type JsonObject } from "../base/json.ts";
import { isRounded, numberText, readJsonText } from "../base/json-text.ts";
import { err, ok, type Result } from "../base/result.ts";
import { suggest } from "../base/suggest.ts";
import type { DocumentPath } from "./diagnostic.ts";
import { PlanIssues, shorten } from "./issues.ts";
import type { ParamSpec, Plan } from "./plan.ts";
import { noSourceMap } from "./source-map.ts";

interface Given {
  readonly params?: Readonly<Record<string, Json>>;
  readonly allowMissingParams?: boolean;
  /** They come from another plan: what is a number or a boolean there is text where text is declared. */
  readonly paramsFromPlan?: boolean;
}

type Specs = { readonly [name: string]: ParamSpec };

export function paramValues(
  specs: Specs | undefined,
  given: Given,
  path: DocumentPath,
  issues: PlanIssues,
): Pick<Plan, "params" | "paramSpecs"> {
  const declared = Object.fromEntries(Object.entries(specs ?? {}).map(([name, spec]) => [name, withTexts(spec)]));
  checkNames(declared, given, path, issues);
  const values: Record<string, Json> = {};
  for (const [name, spec] of Object.entries(declared)) {
    const at = [...path, "params", name];
    checkSpec(name, spec, at, issues);
    const value = valueOf(name, spec, given, at, issues);
    if (value !== undefined) values[name] = value;
  }
  if (Object.keys(declared).length === 0) return {};
  return defined({ params: Object.keys(values).length > 0 ? values : undefined, paramSpecs: declared });
}

/** Of a string the default and the values that are allowed are text: what is printed otherwise came as it is written. */
function withTexts(spec: ParamSpec): ParamSpec {
  if (spec.type !== "string") return spec;
  const text = (value: Json): Json => (isScalar(value) ? String(value) : value);
  return defined({
    ...spec,
    default: spec.default === undefined ? undefined : text(spec.default),
    enum: spec.enum?.map(text),
  });
}

function checkNames(declared: Specs, given: Given, path: DocumentPath, issues: PlanIssues): void {
  for (const name of Object.keys(given.params ?? {})) {
    if (Object.hasOwn(declared, name)) continue;
    const meant = suggest(name, Object.keys(declared));
    const known = Object.keys(declared).join(", ");
    issues.add({
      code: "UnknownParam",
      message: `the plan has no parameter "${shorten(name)}"`,
      hint:
        meant !== undefined
          ? `did you mean "${meant}"?`
          : known === ""
            ? "declare it under `params:`"
            : `it has ${known}`,
      path: [...path, "params"],
      isKey: true,
    });
  }
}

function checkSpec(name: string, spec: ParamSpec, at: DocumentPath, issues: PlanIssues): void {
  if (spec.default !== undefined) {
    const problem = mismatch(spec, spec.default);
    if (problem !== undefined)
      issues.add({ code: "InvalidParam", message: `the default of "${name}" ${problem}`, path: [...at, "default"] });
  }
  for (const [i, value] of (spec.enum ?? []).entries()) {
    const problem = mismatch({ type: spec.type }, value);
    if (problem !== undefined)
      issues.add({ code: "InvalidParam", message: `a value of "${name}" ${problem}`, path: [...at, "enum", i] });
  }
}

function valueOf(name: string, spec: ParamSpec, given: Given, at: DocumentPath, issues: PlanIssues): Json | undefined {
  const raw = given.params !== undefined && Object.hasOwn(given.params, name) ? given.params[name] : undefined;
  if (raw === undefined) {
    if (spec.default === undefined && given.allowMissingParams !== true) {
      const hint = `set it: --param ${name}=VALUE`;
      issues.add({
        code: "MissingParam",
        message: `the parameter "${name}" has no value`,
        hint,
        path: at,
        isKey: true,
      });
    }
    return spec.default;
  }
  const isText = spec.type === "string" && given.paramsFromPlan === true && isScalar(raw);
  const value = typeof raw === "string" ? converted(spec, raw) : ok(isText ? String(raw) : raw);
  const problem = value.ok ? mismatch(spec, value.value) : value.error;
  if (value.ok && problem === undefined) return value.value;
  issues.add({
    code: "InvalidParam",
    message: `the value given for "${name}" ${problem}`,
    hint: value.ok || spec.type === "json" ? `--param ${name}=VALUE` : `declare it as text: ${name}: {type: string}`,
    path: at,
    isKey: true,
  });
  return undefined;
}

function isScalar(value: Json): boolean {
  return typeof value === "number" || typeof value === "boolean";
}

/**
 * A string as the declared type; if it cannot be converted, the string itself, for {@link mismatch} to refuse. The error
 * says what of it would be lost, to follow the words "the value".
 */
function converted(spec: ParamSpec, text: string): Result<Json, string> {
  switch (spec.type) {
    case "string":
      return ok(text);
    case "number": {
      const written = text.trim();
      if (isRounded(written)) return err(`is ${numberText(written)}, which is too large to be exact as a number`);
      const number = written === "" ? Number.NaN : Number(written);
      return ok(Number.isFinite(number) ? number : text);
    }
    case "boolean":
      return ok(text === "true" ? true : text === "false" ? false : text);
    case "json": {
      const read = readJsonText(text, "value");
      if (read.ok) return ok(read.value as Json);
      return read.error.kind === "syntax" ? ok(text) : err(`cannot be kept as it is written: ${read.error.message}`);
    }
  }
}

/** The parameters of a plan inside a step, with the values that the step gives; or everything that is wrong with them. */
export function subplanParams(plan: Plan, params: JsonObject): Result<JsonObject, string> {
  const issues = new PlanIssues();
  const given = { params: { ...plan.params, ...params }, paramsFromPlan: true };
  const values = paramValues(plan.paramSpecs, given, [], issues);
  if (issues.size === 0) return ok(values.params ?? {});
  const found = issues.locate(noSourceMap(""));
  return err(found.map(({ message }) => message).join("; "));
}

/** What is wrong with `value`, to follow the words "the value". */
function mismatch(spec: ParamSpec, value: Json): string | undefined {
  if (spec.type !== "json" && typeof value !== spec.type) return `is not a ${spec.type}`;
  if (spec.enum === undefined) return undefined;
  const text = canonicalJson(value);
  if (spec.enum.some((allowed) => canonicalJson(allowed) === text)) return undefined;
  return `is not one of ${spec.enum.map((allowed) => shorten(typeof allowed === "string" ? allowed : canonicalJson(allowed), 40)).join(", ")}`;
}
