/**
 * CEL expressions: compiled once, evaluated over a scope that they cannot leave. The only file that knows the library;
 * loaded only for plans with expressions.
 *
 *  1. A value of the scope is reached only by its own keys: objects become maps, so no prototype is visible.
 *  2. Which deps, parameters and variables an expression reads is known from its text: they are named, never computed.
 *  3. Evaluation is bounded: the cost over the given data is estimated first, and refused above {@link MOST_WORK}.
 *     Regular expressions that can take exponential time are refused when compiled.
 */
import { type ASTNode, Environment, type ParseResult } from "@marcbachmann/cel-js";
import { defined } from "../../base/defined.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { guardComparisons, hintFor } from "./comparisons.ts";
import { findNames, type NameUse } from "./names.ts";
import { fromCel, dataSizeOf, toCel } from "./values.ts";
import { costOf } from "./cost.ts";
import { findTemplates, hasTemplate } from "./templates.ts";

/** What an expression may read. */
export interface Scope {
  readonly params?: JsonObject;
  readonly deps?: { readonly [id: string]: { readonly status: string; readonly output?: Json } };
  readonly run?: { readonly id: string };
  /** The item of a `forEach`. */
  readonly item?: Json;
  /** Only the names of the step's `passEnv`. */
  readonly env?: { readonly [name: string]: string };
}

export interface ExpressionError {
  readonly message: string;
  /** Offset in the expression's text. */
  readonly offset: number;
}

export interface Expression {
  readonly text: string;
  /** Everything of the scope that it names. */
  readonly names: readonly NameUse[];
  evaluate(scope: Scope): Result<Json, string>;
}

export interface Template {
  readonly expressions: readonly { readonly expression: Expression; readonly offset: number }[];
  /** One `${{ }}` as the whole text gives the value itself; else values are put in as text. */
  evaluate(scope: Scope): Result<Json, string>;
}

/** Longest text of an expression, in characters. */
export const LONGEST_EXPRESSION = 4000;

/** Steps of evaluation, roughly: about a second. */
const MOST_WORK = 5_000_000;

let language: Environment | undefined;

function environment(): Environment {
  language ??= ["params", "deps", "run", "item", "env"].reduce(
    (env, name) => env.registerVariable(name, "dyn"),
    newEnvironment(),
  );
  return language;
}

function newEnvironment(): Environment {
  const env = new Environment({
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: { maxAstNodes: 1000, maxDepth: 60, maxListElements: 500, maxMapEntries: 500, maxCallArguments: 16 },
  });
  // JSON does not distinguish 2 from 2.0: whole and other numbers may be mixed.
  const operators: Readonly<Record<string, (a: number, b: number) => number>> = {
    "+": (a, b) => a + b,
    "-": (a, b) => a - b,
    "*": (a, b) => a * b,
    "/": (a, b) => a / b,
  };
  for (const [sign, compute] of Object.entries(operators)) {
    env.registerOperator(`int ${sign} double`, (a: bigint, b: number) => compute(Number(a), b));
    env.registerOperator(`double ${sign} int`, (a: number, b: bigint) => compute(a, Number(b)));
  }
  return env;
}

export function compileExpression(text: string): Result<Expression, ExpressionError> {
  if (text.length > LONGEST_EXPRESSION) {
    return err({ message: `the expression is longer than ${LONGEST_EXPRESSION} characters`, offset: 0 });
  }
  if (text.trim() === "") return err({ message: "the expression is empty", offset: 0 });
  let parsed: ParseResult;
  try {
    parsed = environment().parse(text);
    const found = findNames(parsed.ast);
    if (!found.ok) return found;
    const checked = parsed.check();
    if (!checked.valid) return err(problemOf(checked.error));
    guardComparisons(parsed.ast as ASTNode);
    return ok(new CelExpression(text, parsed, found.value));
  } catch (thrown) {
    return err(problemOf(thrown));
  }
}

export function compileTemplate(text: string): Result<Template, ExpressionError> {
  const found = findTemplates(text);
  if ("unclosedAt" in found) return err({ message: "this `${{` is not closed by `}}`", offset: found.unclosedAt });
  const expressions: { expression: Expression; offset: number }[] = [];
  for (const span of found.spans) {
    const compiled = compileExpression(span.expression);
    if (!compiled.ok) return err({ message: compiled.error.message, offset: span.start + 3 + compiled.error.offset });
    expressions.push({ expression: compiled.value, offset: span.start + 3 });
  }
  const [only] = found.spans;
  if (only !== undefined && only.start === 0 && only.end === text.length) {
    const expression = expressions[0]?.expression;
    return ok({ expressions, evaluate: (scope) => expression?.evaluate(scope) ?? ok(text) });
  }
  const evaluate = (scope: Scope): Result<Json, string> => {
    let filled = "";
    let from = 0;
    for (const [i, span] of found.spans.entries()) {
      const value = expressions[i]?.expression.evaluate(scope);
      if (value?.ok === false) return value;
      filled += text.slice(from, span.start) + asText(value?.value ?? null);
      from = span.end;
    }
    return ok(filled + text.slice(from));
  };
  return ok({ expressions, evaluate });
}

/** A value inside a text, or as an environment variable: texts as they are, null as nothing, lists and objects as JSON. */
export function asText(value: Json): string {
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** `value` with every `${{ }}` in its texts evaluated, however deep. */
export function fillTemplates(value: Json, scope: Scope): Result<Json, string> {
  if (typeof value === "string") {
    if (!hasTemplate(value)) return ok(value);
    const template = compileTemplate(value);
    return template.ok ? template.value.evaluate(scope) : err(template.error.message);
  }
  if (typeof value !== "object" || value === null) return ok(value);
  const entries: [string, Json][] = [];
  for (const [key, member] of Object.entries(value) as [string, Json][]) {
    const filled = fillTemplates(member, scope);
    if (!filled.ok) return filled;
    entries.push([key, filled.value]);
  }
  return ok(Array.isArray(value) ? entries.map(([, member]) => member) : Object.fromEntries(entries));
}

/** The deps whose output it reads. */
export function outputsOf(expression: Expression): readonly string[] {
  const ids = expression.names
    .filter((use) => use.root === "deps" && use.field !== "status")
    .map((use) => use.name ?? "");
  return [...new Set(ids)];
}

class CelExpression implements Expression {
  readonly text: string;
  readonly names: readonly NameUse[];
  readonly #parsed: ParseResult;

  constructor(text: string, parsed: ParseResult, names: readonly NameUse[]) {
    this.text = text;
    this.names = names;
    this.#parsed = parsed;
  }

  evaluate(scope: Scope): Result<Json, string> {
    const read = this.#read(scope);
    if (costOf(this.#parsed.ast as ASTNode, dataSizeOf(read)) > MOST_WORK) {
      return err(`${this.text.trim()}: too expensive for the size of its data`);
    }
    try {
      const values = new Map(Object.entries(read).map(([name, value]) => [name, toCel(value)]));
      return fromCel(this.#parsed(values as never));
    } catch (thrown) {
      return err(`${this.text.trim()}: ${problemOf(thrown).message}`);
    }
  }

  /** The part of the scope that the expression names: what it does not read costs nothing. */
  #read(scope: Scope): JsonObject {
    const deps: Record<string, Json> = {};
    for (const { root, name } of this.names) {
      if (root !== "deps" || name === undefined) continue;
      const dep = scope.deps !== undefined && Object.hasOwn(scope.deps, name) ? scope.deps[name] : undefined;
      if (dep !== undefined) deps[name] = defined({ status: dep.status, output: dep.output });
    }
    const roots = new Set(this.names.map((use) => use.root));
    return {
      params: roots.has("params") ? (scope.params ?? {}) : {},
      deps,
      run: scope.run === undefined ? {} : { id: scope.run.id },
      item: roots.has("item") ? (scope.item ?? null) : null,
      env: roots.has("env") ? (scope.env ?? {}) : {},
    };
  }
}

/** The library's words for a comparison of text with a number or a boolean, by any operator. */
const TEXT_AND_OTHER =
  /^no such overload: (?:dyn<)?(?:string>? [=!<>]=? (?:dyn<)?(?:int|double|uint|bool)|(?:int|double|uint|bool)>? [=!<>]=? (?:dyn<)?string)/;

/** The library's words where it looks for an operator of, or a field in, what `[]` or `{}` would hold. */
const OF_NO_KIND = /^Operator overload '.*' overlaps with |^Cannot index type 'undefined'/;

function problemOf(thrown: unknown): ExpressionError {
  if (typeof thrown !== "object" || thrown === null) return { message: "it cannot be evaluated", offset: 0 };
  const { summary, message, range } = thrown as { summary?: unknown; message?: unknown; range?: { start?: unknown } };
  const said = typeof summary === "string" ? summary : typeof message === "string" ? message : "it cannot be evaluated";
  const offset = typeof range?.start === "number" ? range.start : 0;
  if (said.startsWith("has() invalid argument")) {
    return { message: "has() needs names joined by dots; otherwise write 'name' in map", offset };
  }
  if (OF_NO_KIND.test(said)) {
    return { message: "the items of an empty list or map are of no kind: write dyn([]) or dyn({})", offset };
  }
  const line = (said.split("\n")[0] ?? said).slice(0, 300);
  const kinds = TEXT_AND_OTHER.exec(line);
  if (kinds === null) return { message: line, offset };
  return { message: `${line}. ${hintFor(line.includes("bool") ? "boolean" : "number")}`, offset };
}
