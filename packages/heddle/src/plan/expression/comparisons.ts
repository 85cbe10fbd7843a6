/**
 * Comparison guard: an expression that compares text with a number or a boolean is an error. CEL calls the two unequal,
 * and a condition over `n=5` would be false without a word.
 *
 *  1. Deep as well: two lists or maps that differ only in such members are an error, others are unequal.
 *  2. No value is shown: it may be secret. The operands are named as they stand in the expression.
 */
import type { ASTNode } from "@marcbachmann/cel-js";
import { invariant } from "../../base/assert.ts";

type Comparison = "==" | "!=" | "in";

/** What the library calls with the values of the operands; set by its check of types. */
type Handler = (left: unknown, right: unknown, ...rest: readonly unknown[]) => unknown;

/** Guards every comparison of a tree whose types were checked. */
export function guardComparisons(ast: ASTNode): void {
  const waiting: ASTNode[] = [ast];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.op === "==" || node.op === "!=" || node.op === "in") guard(node, node.op, node.args);
    waiting.push(...operandsOf(node));
  }
}

function guard(node: ASTNode, op: Comparison, [left, right]: readonly [ASTNode, ASTNode]): void {
  const place = node as { handle?: Handler };
  const compare = place.handle;
  invariant(compare !== undefined, "a comparison has no handler before its types were checked");
  place.handle = (a, b, ...rest) => {
    const problem = op === "in" ? membershipProblem(a, b) : difference(a, b);
    if (typeof problem === "object") throw new TypeError(messageFor(op, problem, sourceOf(left), sourceOf(right)));
    return compare(a, b, ...rest);
  };
}

function operandsOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case "value":
    case "id":
      return [];
    case ".":
    case ".?":
      return [node.args[0]];
    case "call":
      return node.args[1];
    case "rcall":
      return [node.args[1], ...node.args[2]];
    case "map":
      return node.args.flat();
    case "!_":
    case "-_":
      return [node.args];
    default:
      return node.args as readonly ASTNode[];
  }
}

export type Scalar = "text" | "number" | "boolean";

/** The two kinds that were compared, left and right. */
interface KindsDiffer {
  readonly left: Scalar;
  readonly right: Scalar;
  /** Of members of the two values. */
  readonly isDeep: boolean;
}

type Difference = "none" | "values" | KindsDiffer;

/** How two values differ; where both kinds and values do, the values decide. */
function difference(a: unknown, b: unknown): Difference {
  if (a === b) return "none";
  const left = scalarOf(a);
  const right = scalarOf(b);
  if (left !== undefined && right !== undefined) {
    if (left === right) return left === "number" && Number(a) === Number(b) ? "none" : "values";
    return left === "text" || right === "text" ? { left, right, isDeep: false } : "values";
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length !== b.length) return "values";
    return all(a.map((member, i): [unknown, unknown] => [member, b[i]]));
  }
  const ours = mapOf(a);
  const theirs = mapOf(b);
  if (ours !== undefined && theirs !== undefined) {
    if (ours.size !== theirs.size) return "values";
    const pairs: [unknown, unknown][] = [];
    for (const [key, member] of ours) {
      if (!theirs.has(key)) return "values";
      pairs.push([member, theirs.get(key)]);
    }
    return all(pairs);
  }
  // Times, durations, bytes: the library compares them, and nothing in them is of two kinds.
  const isOther = (value: unknown): boolean =>
    typeof value === "object" && value !== null && !Array.isArray(value) && mapOf(value) === undefined;
  return isOther(a) && isOther(b) ? "none" : "values";
}

/** Maps of the data, and those that are written in the expression, which the library makes plain objects. */
function mapOf(value: unknown): ReadonlyMap<unknown, unknown> | undefined {
  if (value instanceof Map) return value;
  if (typeof value !== "object" || value === null) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? new Map(Object.entries(value)) : undefined;
}

function all(pairs: readonly (readonly [unknown, unknown])[]): Difference {
  let kinds: Difference = "none";
  for (const [a, b] of pairs) {
    const found = difference(a, b);
    if (found === "values") return found;
    if (found !== "none") kinds = { ...found, isDeep: true };
  }
  return kinds;
}

/** No member of a list, or key of a map, could be equal, and each because of its kind. */
function membershipProblem(needle: unknown, container: unknown): Difference {
  let members: Iterable<unknown> = [];
  if (Array.isArray(container)) members = container;
  // Keys of data are text; those of a map that the expression writes may be numbers, and the library knows.
  else if (container instanceof Map && typeof needle !== "string") members = container.keys();
  let kinds: Difference = "none";
  for (const member of members) {
    kinds = difference(needle, member);
    if (typeof kinds !== "object") return kinds;
  }
  return kinds;
}

function scalarOf(value: unknown): Scalar | undefined {
  switch (typeof value) {
    case "string":
      return "text";
    case "boolean":
      return "boolean";
    case "number":
    case "bigint":
      return "number";
    case "object":
      // Unsigned integers are a class of the library.
      return value !== null && typeof value.valueOf() === "bigint" ? "number" : undefined;
    default:
      return undefined;
  }
}

const KIND: Readonly<Record<Scalar, string>> = { text: "text", number: "a number", boolean: "a boolean" };

function messageFor(op: Comparison, { left, right, isDeep }: KindsDiffer, a: string, b: string): string {
  const kinds = `${KIND[left]} and ${KIND[right]}`;
  let said = `${a} is ${KIND[left]}, and ${b} is ${KIND[right]}`;
  if (op === "in") said = `${a} looked for in ${b} compares ${kinds}`;
  else if (isDeep) said = `${a} and ${b} have ${kinds} in one place`;
  return `${said}, which are never equal. ${hintFor(left === "text" ? right : left)}`;
}

/** What to do where text is compared with the other kind. */
export function hintFor(other: Scalar): string {
  return other === "boolean"
    ? "Compare the text with 'true' or 'false'"
    : "Convert the text with int() or double(), or put the number in quotes";
}

const LONGEST_SOURCE = 60;

function sourceOf(node: ASTNode): string {
  const { start, end } = node.range;
  const text = node.input.slice(start, end).trim();
  return text.length <= LONGEST_SOURCE ? text : `${text.slice(0, LONGEST_SOURCE - 1)}…`;
}
