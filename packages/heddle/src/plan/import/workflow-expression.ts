/**
 * Workflow expression parser: parses the expressions of GitHub Actions. Does not know what a name means
 * (`workflow-cel.ts`). Its length bounds the work: every token is read once.
 */
import { err, ok, type Result } from "../../base/result.ts";

export type WorkflowExpression =
  | { readonly kind: "literal"; readonly value: string | number | boolean | null }
  /** `github.ref`, or `matrix['os']`. */
  | { readonly kind: "name"; readonly path: readonly string[] }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly WorkflowExpression[] }
  | { readonly kind: "not"; readonly of: WorkflowExpression }
  | {
      readonly kind: "binary";
      readonly operator: string;
      readonly left: WorkflowExpression;
      readonly right: WorkflowExpression;
    };

/** A part of a text with expressions. */
export type WorkflowPart =
  | { readonly kind: "text"; readonly text: string }
  /** `offset`: of its `${{` in the text. */
  | { readonly kind: "expression"; readonly source: string; readonly offset: number };

const TOKEN =
  /\s*(?:('(?:[^']|'')*')|(-?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?))|([A-Za-z_][\w-]*)|(&&|\|\||==|!=|<=|>=|[!<>().,[\]*]))/y;

/** Loosest first. */
const OPERATORS = [["||"], ["&&"], ["==", "!="], ["<", "<=", ">", ">="]] as const;

/** Deepest nesting of brackets, calls and negations. */
const DEEPEST = 50;

export function parseWorkflowExpression(source: string): Result<WorkflowExpression, string> {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const text = source.trimEnd();
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) return err(`cannot read "${text.slice(at, at + 20).trim()}"`);
    tokens.push(match[0].trimStart());
  }
  const parser = new Parser(tokens);
  const parsed = parser.expression(0, 0);
  if (parsed === undefined || !parser.isAtEnd) return err("cannot read this expression");
  return ok(parsed);
}

/** The texts and expressions of a text, in order; `undefined`: an expression is not closed. */
export function workflowParts(text: string): readonly WorkflowPart[] | undefined {
  const parts: WorkflowPart[] = [];
  let from = 0;
  for (let start = text.indexOf("${{"); start >= 0; start = text.indexOf("${{", from)) {
    if (start > from) parts.push({ kind: "text", text: text.slice(from, start) });
    const end = closingOf(text, start + 3);
    if (end < 0) return undefined;
    parts.push({ kind: "expression", source: text.slice(start + 3, end), offset: start });
    from = end + 2;
  }
  if (from < text.length) parts.push({ kind: "text", text: text.slice(from) });
  return parts;
}

function closingOf(text: string, from: number): number {
  let isQuoted = false;
  for (let at = from; at < text.length; at++) {
    if (text.charAt(at) === "'") isQuoted = !isQuoted;
    else if (!isQuoted && text.startsWith("}}", at)) return at;
  }
  return -1;
}

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#tokens.length;
  }

  expression(level: number, depth: number): WorkflowExpression | undefined {
    const operators: readonly string[] | undefined = OPERATORS[level];
    if (operators === undefined) return this.#unary(depth);
    let left = this.expression(level + 1, depth);
    for (let operator = this.#peek(); left !== undefined && operators.includes(operator); operator = this.#peek()) {
      this.#at++;
      const right = this.expression(level + 1, depth);
      left = right === undefined ? undefined : { kind: "binary", operator, left, right };
    }
    return left;
  }

  #peek(): string {
    return this.#tokens[this.#at] ?? "";
  }

  #takes(token: string): boolean {
    if (this.#peek() !== token) return false;
    this.#at++;
    return true;
  }

  #unary(depth: number): WorkflowExpression | undefined {
    if (depth > DEEPEST) return undefined;
    if (this.#takes("!")) {
      const of = this.#unary(depth + 1);
      return of === undefined ? undefined : { kind: "not", of };
    }
    if (this.#takes("(")) {
      const inner = this.expression(0, depth + 1);
      return this.#takes(")") ? inner : undefined;
    }
    const token = this.#peek();
    this.#at++;
    if (token.startsWith("'")) return { kind: "literal", value: token.slice(1, -1).replaceAll("''", "'") };
    if (/^-?\d/.test(token)) return { kind: "literal", value: Number(token) };
    if (token === "true" || token === "false") return { kind: "literal", value: token === "true" };
    if (token === "null") return { kind: "literal", value: null };
    if (!/^[A-Za-z_]/.test(token)) return undefined;
    return this.#takes("(") ? this.#call(token, depth) : this.#name(token, depth);
  }

  #call(name: string, depth: number): WorkflowExpression | undefined {
    const args: WorkflowExpression[] = [];
    if (this.#takes(")")) return { kind: "call", name, args };
    do {
      const arg = this.expression(0, depth + 1);
      if (arg === undefined) return undefined;
      args.push(arg);
    } while (this.#takes(","));
    return this.#takes(")") ? { kind: "call", name, args } : undefined;
  }

  #name(first: string, depth: number): WorkflowExpression | undefined {
    const path = [first];
    for (;;) {
      if (this.#takes(".")) {
        path.push(this.#peek());
        this.#at++;
      } else if (this.#takes("[")) {
        const index = this.expression(0, depth + 1);
        if (index?.kind !== "literal" || !this.#takes("]")) return undefined;
        path.push(String(index.value));
      } else return { kind: "name", path };
    }
  }
}
