/**
 * Workflow translator: says in CEL what an expression of GitHub Actions means, where a plan can know it: parameters,
 * items of a matrix, environment variables, the status and outputs of earlier steps.
 *
 *  1. What cannot be said is an error that names it; nothing is guessed.
 *  2. What GitHub knows of a run (`github.ref`) comes from the variable that GitHub sets for it (`GITHUB_REF`). Where it is
 *     not set, it is empty, as in GitHub.
 */
import { err, ok, type Result } from "../../base/result.ts";
import { type Cel, celText, operandText } from "./workflow-value.ts";
import { equalityText, type EqualitySide, flagText, folded } from "./workflow-equality.ts";
import { parseWorkflowExpression, type WorkflowExpression } from "./workflow-expression.ts";

/** What the names in an expression mean where it stands. */
export interface WorkflowScope {
  /** An input of the workflow. */
  readonly input: (name: string) => Cel | undefined;
  /** A value of the matrix, by the names behind `matrix`. */
  readonly matrix: (path: readonly string[]) => Cel | undefined;
  /** Variables of the workflow, job or step, as CEL, or that there is no way to say it; others come from the environment. */
  readonly env: ReadonlyMap<string, string | undefined>;
  /** The output of an earlier step of this job, or of a needed job, as CEL. */
  readonly output: (kind: "steps" | "needs", id: string, name: string) => string | undefined;
  /**
   * The status of an earlier step of this job, or of a needed job, as CEL. `conclusion`: as it counts, where one that may
   * fail counts as succeeded; `outcome`: as it was.
   */
  readonly status: (kind: "steps" | "needs", id: string, member: "conclusion" | "outcome") => string | undefined;
  /** `success()` and `failure()`. */
  readonly succeeded: string;
  readonly failed: string;
}

/** What an expression takes from outside of the plan. */
export interface WorkflowReads {
  /** Names of environment variables. */
  readonly variables: Set<string>;
  /** Those of them that are secrets. */
  readonly secrets: Set<string>;
  /** It asks for the status of what came before, so that it does not wait for success by itself. */
  asksStatus: boolean;
}

export function noReads(): WorkflowReads {
  return { variables: new Set(), secrets: new Set(), asksStatus: false };
}

/** As a condition. */
export function celCondition(source: string, scope: WorkflowScope, reads: WorkflowReads): Result<string, string> {
  return translated(source, scope, reads, (translator, parsed) => translator.flag(parsed));
}

/** As a value. */
export function celValue(source: string, scope: WorkflowScope, reads: WorkflowReads): Result<Cel, string> {
  return translated(source, scope, reads, (translator, parsed) => translator.value(parsed));
}

/** The one variable of the environment that an expression is, if it is one: `secrets.TOKEN`, `env.CI`, `github.ref`. */
export function variableOf(source: string): string | undefined {
  const parsed = parseWorkflowExpression(source);
  return parsed.ok && parsed.value.kind === "name" ? variableFor(parsed.value.path) : undefined;
}

/** Access to a member that may be missing, and is empty then. */
export function celOptional(target: string, name: string): string {
  return `${/^[A-Za-z_]\w*$/.test(name) ? `${target}.?${name}` : `${target}[?${celText(name)}]`}.orValue("")`;
}

/** Access to a member by any name. */
export function celMember(target: string, name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) && !RESERVED.has(name) ? `${target}.${name}` : `${target}[${celText(name)}]`;
}

const RESERVED = new Set(["in", "true", "false", "null"]);

function translated<T>(
  source: string,
  scope: WorkflowScope,
  reads: WorkflowReads,
  emit: (translator: Translator, parsed: WorkflowExpression) => T,
): Result<T, string> {
  const parsed = parseWorkflowExpression(source);
  if (!parsed.ok) return parsed;
  const translator = new Translator(scope, reads);
  const emitted = emit(translator, parsed.value);
  return translator.problem === undefined ? ok(emitted) : err(translator.problem);
}

/** Members of `github` and `runner` that are set as variables too. */
const GITHUB = new Set(
  "actor api_url base_ref event_name graphql_url head_ref job ref ref_name ref_type repository repository_owner run_attempt run_id run_number server_url sha triggering_actor workflow workspace".split(
    " ",
  ),
);
const RUNNER = new Set(["arch", "name", "os", "temp", "tool_cache"]);

function variableFor(path: readonly string[]): string | undefined {
  const [root, name = "", ...more] = path;
  if (more.length > 0 || !/^[A-Za-z_]\w*$/.test(name)) return undefined;
  if (root === "env" || root === "secrets" || root === "vars") return name;
  // A secret, as `secrets.GITHUB_TOKEN` is.
  if (root === "github" && (name === "token" || GITHUB.has(name))) return `GITHUB_${name.toUpperCase()}`;
  return root === "runner" && RUNNER.has(name) ? `RUNNER_${name.toUpperCase()}` : undefined;
}

/** GitHub's words for how a job or step ended, and ours. */
const STATUS: ReadonlyMap<unknown, string> = new Map([
  ["success", "succeeded"],
  ["failure", "failed"],
  ["cancelled", "cancelled"],
  ["skipped", "skipped"],
]);

class Translator {
  /** The first thing that cannot be said. */
  problem: string | undefined;
  readonly #scope: WorkflowScope;
  readonly #reads: WorkflowReads;

  constructor(scope: WorkflowScope, reads: WorkflowReads) {
    this.#scope = scope;
    this.#reads = reads;
  }

  flag(expression: WorkflowExpression): string {
    if (expression.kind === "not") return `!(${this.flag(expression.of)})`;
    if (expression.kind === "binary" && (expression.operator === "&&" || expression.operator === "||")) {
      return `(${this.flag(expression.left)}) ${expression.operator} (${this.flag(expression.right)})`;
    }
    const cel = this.value(expression);
    if (cel.type === "flag") return cel.text;
    if (cel.written === "flag") return flagText(cel);
    if (cel.written !== undefined) return this.#refuse("a number or mixed value of a matrix as a condition").text;
    return `${operandText(cel)} != ${cel.type === "number" ? "0" : '""'}`;
  }

  value(expression: WorkflowExpression): Cel {
    switch (expression.kind) {
      case "literal":
        return literalCel(expression.value);
      case "name":
        return this.#name(expression.path);
      case "call":
        return this.#call(expression.name, expression.args);
      case "not":
        return { text: this.flag(expression), type: "flag" };
      case "binary":
        return this.#binary(expression);
    }
  }

  #binary(expression: WorkflowExpression & { readonly kind: "binary" }): Cel {
    const { operator, left, right } = expression;
    if (operator === "||" || operator === "&&") return this.#choice(expression);
    const status = this.#statusComparison(left, right) ?? this.#statusComparison(right, left);
    if (status !== undefined) return { text: `${status.of} ${operator} ${status.word}`, type: "flag" };
    const [a, b] = [this.value(left), this.value(right)];
    if (operator !== "==" && operator !== "!=") {
      if (a.type !== "number" || b.type !== "number") return this.#refuse(`"${operator}" between texts`);
      return { text: `${operandText(a)} ${operator} ${operandText(b)}`, type: "flag" };
    }
    const equal = equalityText(sideOf(left, a), sideOf(right, b));
    if (!equal.ok) return this.#refuse(equal.error);
    const isSimple = equal.value.split(" == ").length === 2 && !equal.value.startsWith("!");
    if (operator === "==") return { text: equal.value, type: "flag" };
    return { text: isSimple ? equal.value.replace(" == ", " != ") : `!(${equal.value})`, type: "flag" };
  }

  /** `a && 'x' || 'y'` chooses a value; elsewhere both are flags. */
  #choice(expression: WorkflowExpression & { readonly kind: "binary" }): Cel {
    const { operator, left, right } = expression;
    if (operator === "||" && left.kind === "binary" && left.operator === "&&") {
      const [yes, no] = [this.value(left.right), this.value(right)];
      const isTrue = left.right.kind === "literal" && left.right.value !== "" && left.right.value !== 0;
      if (yes.type !== "flag" && yes.type === no.type && isTrue) {
        return { text: `(${this.flag(left.left)}) ? ${operandText(yes)} : ${operandText(no)}`, type: yes.type };
      }
    }
    const [a, b] = [this.value(left), this.value(right)];
    if (a.written !== undefined) return this.#refuse(`"${operator}" after a value that is no text`);
    if (a.type === "text" && b.type === "text" && operator === "||") {
      return { text: `${operandText(a)} != "" ? ${operandText(a)} : ${operandText(b)}`, type: "text" };
    }
    if (a.type !== "flag" || b.type !== "flag") return this.#refuse(`"${operator}" as a value`);
    return { text: this.flag(expression), type: "flag" };
  }

  #statusComparison(
    side: WorkflowExpression,
    other: WorkflowExpression,
  ): { readonly of: string; readonly word: string } | undefined {
    if (side.kind !== "name" || other.kind !== "literal") return undefined;
    const [kind = "", id = "", member, ...more] = side.path;
    const isStatus = kind === "needs" ? member === "result" : member === "outcome" || member === "conclusion";
    if (!isStatus || more.length > 0 || (kind !== "needs" && kind !== "steps")) return undefined;
    const of = this.#scope.status(kind, id, member === "outcome" ? "outcome" : "conclusion");
    const word = STATUS.get(other.value);
    if (of === undefined || word === undefined) return undefined;
    return { of, word: celText(word) };
  }

  #name(path: readonly string[]): Cel {
    const [root = "", name = "", ...more] = path;
    const input = root === "inputs" ? name : path.slice(0, 3).join(".") === `github.event.inputs` ? more[1] : undefined;
    if (input !== undefined) {
      const own = this.#scope.input(input);
      if (own === undefined) return this.#refuse(path.join("."));
      // The event has the texts that were entered.
      return root === "inputs" || own.type === "text" ? own : { text: asText(own), type: "text" };
    }
    if (root === "matrix") {
      return this.#scope.matrix([name, ...more]) ?? this.#refuse(path.join("."));
    }
    if ((root === "steps" || root === "needs") && more[0] === "outputs" && more.length === 2) {
      const text = this.#scope.output(root, name, more[1] ?? "");
      return text === undefined ? this.#refuse(path.join(".")) : { text, type: "text" };
    }
    if (root === "env" && more.length === 0 && this.#scope.env.has(name)) {
      const own = this.#scope.env.get(name);
      return own === undefined ? this.#refuse(path.join(".")) : { text: own, type: "text" };
    }
    const variable = variableFor(path);
    if (variable === undefined) return this.#refuse(path.join("."));
    this.#reads.variables.add(variable);
    if (root === "secrets" || path.join(".") === "github.token") this.#reads.secrets.add(variable);
    return { text: `env.?${variable}.orValue("")`, type: "text" };
  }

  #call(name: string, args: readonly WorkflowExpression[]): Cel {
    const [first, second] = args;
    const lower = name.toLowerCase();
    if (STATUS_FUNCTIONS.has(lower) && args.length === 0) {
      this.#reads.asksStatus = true;
      const { succeeded, failed } = this.#scope;
      const texts: { readonly [name: string]: string } = { always: "true", cancelled: "false", success: succeeded };
      return { text: texts[lower] ?? failed, type: "flag" };
    }
    if (first === undefined || second === undefined || args.length > 2) return this.#refuse(`${name}()`);
    if (lower === "contains" && first.kind === "call" && first.name.toLowerCase() === "fromjson") {
      const list = listIn(first.args);
      if (list === undefined) return this.#refuse("fromJSON()");
      const of = this.value(second);
      if (of.written !== undefined || (of.type === "text" ? "string" : of.type) !== list.type)
        return this.#refuse("contains() with a list of another type");
      return { text: `${of.type === "text" ? folded(of) : asText(of)} in ${JSON.stringify(list.texts)}`, type: "flag" };
    }
    const method = METHODS.get(lower);
    if (method === undefined) return this.#refuse(`${name}()`);
    const [whole, part] = [this.value(first), this.value(second)].map((each) =>
      folded({ text: asText(each), type: "text" }),
    );
    return { text: `${whole}.${method}(${part})`, type: "flag" };
  }

  #refuse(what: string): Cel {
    this.problem ??= `${what} has no meaning in a plan`;
    return { text: '""', type: "text" };
  }
}

const STATUS_FUNCTIONS = new Set(["always", "cancelled", "success", "failure"]);
const METHODS: ReadonlyMap<string, string> = new Map([
  ["contains", "contains"],
  ["startswith", "startsWith"],
  ["endswith", "endsWith"],
]);

function literalCel(value: string | number | boolean | null): Cel {
  if (typeof value === "number") return { text: String(value), type: "number" };
  if (typeof value === "boolean") return { text: String(value), type: "flag" };
  return { text: celText(value ?? ""), type: "text" };
}

function asText(cel: Cel): string {
  if (cel.type === "text") return operandText(cel);
  const isLiteral = /^(?:-?\d[\w.]*|true|false)$/.test(cel.text);
  return isLiteral ? celText(cel.text) : `string(${cel.text})`;
}

/** Nothing counts as 0. */
function sideOf(expression: WorkflowExpression, cel: Cel): EqualitySide {
  if (expression.kind !== "literal") return cel;
  return expression.value === null ? { text: "0", type: "number", literal: 0 } : { ...cel, literal: expression.value };
}

/** The texts of a list that stands in the file as JSON, in lower case: GitHub compares them so. */
function listIn(
  args: readonly WorkflowExpression[],
): { readonly type: string; readonly texts: readonly string[] } | undefined {
  const [only] = args;
  if (args.length !== 1 || only?.kind !== "literal" || typeof only.value !== "string") return undefined;
  try {
    const list: unknown = JSON.parse(only.value);
    if (!Array.isArray(list)) return undefined;
    const [type = "string", ...others] = new Set(list.map((item) => typeof item));
    const isPlain = others.length === 0 && (type === "string" || type === "number");
    return isPlain ? { type, texts: list.map((item) => String(item).toLowerCase()) } : undefined;
  } catch {
    return undefined;
  }
}
