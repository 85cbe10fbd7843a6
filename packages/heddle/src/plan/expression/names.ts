/**
 * Expression names: finds what an expression reads from its scope, and checks the rules of naming (invariant 2 of
 * `cel.ts`).
 */
import type { ASTNode } from "@marcbachmann/cel-js";
import { defined } from "../../base/defined.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { suggest } from "../../base/suggest.ts";
import { isSafePattern } from "./safe-pattern.ts";

const ROOTS = ["params", "deps", "run", "item", "env"] as const;
export type Root = (typeof ROOTS)[number];

export interface NameUse {
  readonly root: Root;
  /** The name after the root: a dep's id, a parameter's name, ... Absent: only the root. */
  readonly name?: string;
  /** The field after the name, if it is written out: `output` or `status` of a dep. */
  readonly field?: string;
  /** Of a dep's status: the texts that it is compared with, where they are written out. */
  readonly comparedWith?: readonly string[];
  readonly offset: number;
}

interface Trouble {
  readonly message: string;
  readonly offset: number;
}

/** Functions that bind a variable: their first argument is its name. */
const BINDING = new Set(["map", "filter", "all", "exists", "exists_one", "existsOne", "bind"]);

export function findNames(ast: ASTNode): Result<readonly NameUse[], Trouble> {
  const search = new NameSearch();
  search.visit(ast, undefined);
  const { trouble } = search;
  return trouble === undefined ? ok(search.uses) : err(trouble);
}

class NameSearch {
  readonly uses: NameUse[] = [];
  trouble: Trouble | undefined;
  readonly #bound: string[] = [];
  #comparedWith: readonly string[] = [];

  /** `field`: what the node's parent selects from it. */
  visit(node: ASTNode, field: string | undefined): void {
    if (this.trouble !== undefined) return;
    switch (node.op) {
      case "value":
        return;
      case "id":
        return this.#root(node.args, undefined, undefined, node);
      case ".":
      case ".?":
        return this.#access(node.args[0], node.args[1], undefined, field, node);
      case "[]":
      case "[?]": {
        const [target, index] = node.args;
        const name = index.op === "value" && typeof index.args === "string" ? index.args : undefined;
        return this.#access(target, name, index, field, node);
      }
      case "call":
        return node.args[1].forEach((argument) => this.visit(argument, undefined));
      case "rcall":
        return this.#method(node.args[0], node.args[1], node.args[2], node);
      case "map":
        return node.args.forEach(([key, value]) => {
          this.visit(key, undefined);
          this.visit(value, undefined);
        });
      case "!_":
      case "-_":
        return this.visit(node.args, undefined);
      case "==":
      case "!=":
      case "in":
        return this.#comparison(...node.args);
      default:
        // Lists, conditions and binary operators: plain operands.
        return (node.args as readonly ASTNode[]).forEach((operand) => this.visit(operand, undefined));
    }
  }

  #comparison(left: ASTNode, right: ASTNode): void {
    for (const [operand, other] of [
      [left, right],
      [right, left],
    ] as const) {
      this.#comparedWith = isStatus(operand) ? textsIn(other) : [];
      this.visit(operand, undefined);
    }
    this.#comparedWith = [];
  }

  #access(
    target: ASTNode,
    name: string | undefined,
    index: ASTNode | undefined,
    field: string | undefined,
    node: ASTNode,
  ): void {
    if (target.op === "id" && !this.#bound.includes(target.args)) {
      this.#root(target.args, name, field, node, index);
      if (name === undefined && index !== undefined) this.visit(index, undefined);
      return;
    }
    this.visit(target, name);
    if (index !== undefined) this.visit(index, undefined);
  }

  #root(root: string, name: string | undefined, field: string | undefined, node: ASTNode, index?: ASTNode): void {
    if (this.#bound.includes(root)) return;
    const offset = startOf(node);
    if (!isRoot(root)) {
      // `cel.bind` and `optional.of` are called on names that are not variables.
      const meant = suggest(root, ROOTS);
      const rest = meant === undefined ? `there are ${ROOTS.join(", ")}` : `did you mean "${meant}"?`;
      this.trouble ??= { message: `unknown name "${root}"; ${rest}`, offset };
      return;
    }
    if (name === undefined && (root === "deps" || root === "env")) {
      const example = root === "deps" ? "deps.ID.output or deps['an-id'].status" : "env.NAME";
      const problem =
        index === undefined
          ? `"${root}" cannot be used as a value`
          : `a name after "${root}" must be written out, not computed`;
      this.trouble ??= { message: `${problem}: write ${example}`, offset };
      return;
    }
    if (root === "deps" && field !== undefined && field !== "output" && field !== "status") {
      this.trouble ??= { message: `a dep has "output" and "status", not "${field}"`, offset };
      return;
    }
    const comparedWith = this.#comparedWith.length > 0 ? this.#comparedWith : undefined;
    this.uses.push(defined({ root, offset, name, field, comparedWith }));
  }

  #method(name: string, receiver: ASTNode, args: readonly ASTNode[], node: ASTNode): void {
    const isNamespace = receiver.op === "id" && (receiver.args === "cel" || receiver.args === "optional");
    if (!isNamespace) this.visit(receiver, undefined);
    if (name === "matches") this.#pattern(args[0], node);
    const [variable] = args;
    if (!BINDING.has(name) || variable?.op !== "id") return args.forEach((argument) => this.visit(argument, undefined));
    if (isRoot(variable.args)) {
      this.trouble ??= {
        message: `"${variable.args}" is reserved: use another variable name`,
        offset: startOf(variable),
      };
      return;
    }
    this.#bound.push(variable.args);
    for (const argument of args.slice(1)) this.visit(argument, undefined);
    this.#bound.pop();
  }

  #pattern(argument: ASTNode | undefined, node: ASTNode): void {
    if (argument?.op === "value" && typeof argument.args === "string" && isSafePattern(argument.args)) return;
    const message = "matches() needs a literal pattern without nested repeats, back references or look-around";
    this.trouble ??= { message, offset: startOf(argument ?? node) };
  }
}

/** `deps.ID.status` and nothing around it. */
function isStatus(node: ASTNode): boolean {
  const dep = memberOf(node);
  if (dep?.name !== "status") return false;
  const root = memberOf(dep.of)?.of;
  return root?.op === "id" && root.args === "deps";
}

/** What an access selects by a name that is written out, and of what. */
function memberOf(node: ASTNode): { readonly of: ASTNode; readonly name: string } | undefined {
  if (node.op === "." || node.op === ".?") return { of: node.args[0], name: node.args[1] };
  if (node.op !== "[]" && node.op !== "[?]") return undefined;
  const [of, { op, args }] = node.args;
  return op === "value" && typeof args === "string" ? { of, name: args } : undefined;
}

/** A text, or those of a list. */
function textsIn(node: ASTNode): readonly string[] {
  if (node.op === "list") return node.args.flatMap((member) => (member.op === "list" ? [] : textsIn(member)));
  return node.op === "value" && typeof node.args === "string" ? [node.args] : [];
}

function isRoot(name: string): name is Root {
  return (ROOTS as readonly string[]).includes(name);
}

function startOf(node: ASTNode): number {
  return node.range.start;
}
