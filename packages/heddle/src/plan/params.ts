/** Plan parameters: checks their declarations, converts and checks given values, and fills in defaults. */
import { defined } from "../base/defined.ts";
import { canonicalJson, type Json } from "../base/json.ts";
import { suggest } from "../base/suggest.ts";
import type { DocumentPath } from "./diagnostic.ts";
import { type PlanIssues, shorten } from "./issues.ts";
import type { ParamSpec, Plan } from "./plan.ts";

interface Given {
  readonly params?: Readonly<Record<string, Json>>;
  readonly allowMissingParams?: boolean;
}

type Specs = { readonly [name: string]: ParamSpec };

export function paramValues(
  specs: Specs | undefined,
  given: Given,
  path: DocumentPath,
  issues: PlanIssues,
): Pick<Plan, "params" | "paramSpecs"> {
  const declared = specs ?? {};
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
  const value = typeof raw === "string" ? converted(spec, raw) : raw;
  const problem = mismatch(spec, value);
  if (problem === undefined) return value;
  issues.add({
    code: "InvalidParam",
    message: `the value given for "${name}" ${problem}`,
    hint: `--param ${name}=VALUE`,
    path: at,
    isKey: true,
  });
  return undefined;
}

/** A string as the declared type; if it cannot be converted, the string itself, for {@link mismatch} to refuse. */
function converted(spec: ParamSpec, text: string): Json {
  switch (spec.type) {
    case "string":
      return text;
    case "number": {
      const number = text.trim() === "" ? Number.NaN : Number(text);
      return Number.isFinite(number) ? number : text;
    }
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    case "json":
      try {
        return JSON.parse(text) as Json;
      } catch {
        return text;
      }
  }
}

/** What is wrong with `value`, to follow the words "the value". */
function mismatch(spec: ParamSpec, value: Json): string | undefined {
  if (spec.type !== "json" && typeof value !== spec.type) return `is not a ${spec.type}`;
  if (spec.enum === undefined) return undefined;
  const text = canonicalJson(value);
  if (spec.enum.some((allowed) => canonicalJson(allowed) === text)) return undefined;
  return `is not one of ${spec.enum.map((allowed) => shorten(typeof allowed === "string" ? allowed : canonicalJson(allowed), 40)).join(", ")}`;
}
