/**
 * Workflow matrix: computes the combinations of `strategy.matrix` as GitHub does, with `include` and `exclude`. Values are
 * texts, as the file writes them: `1.10` is not 1.1.
 */
import type { Json, JsonObject } from "../../base/json.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { isBlank, scalarText, type SourceMapping, type SourceNode } from "./source.ts";

/** Most combinations that GitHub runs. */
const MOST_COMBINATIONS = 256;

export interface MatrixProblem {
  readonly place: SourceNode;
  readonly message: string;
}

export function matrixItems(matrix: SourceMapping): Result<readonly JsonObject[], MatrixProblem> {
  let items: JsonObject[] = [];
  const own = new Set<string>();
  for (const [key, { value }] of matrix.entries) {
    if (key === "include" || key === "exclude") continue;
    if (value.kind !== "list") return refused(value, `the values of "${key}" are not a list`);
    if (value.items.length === 0) return refused(value, `"${key}" has no values, which GitHub refuses too`);
    const values = value.items.map(asJson);
    const computed = value.items.find(isComputed);
    if (computed !== undefined) return refused(computed, `the values of "${key}" are computed`);
    const before: readonly JsonObject[] = own.size === 0 ? [{}] : items;
    own.add(key);
    items = before.flatMap((item) => values.map((each) => ({ ...item, [key]: each })));
    if (items.length > MOST_COMBINATIONS) return refused(value, `it has more than ${MOST_COMBINATIONS} combinations`);
  }
  const excluded = entriesOf(matrix, "exclude");
  if (!excluded.ok) return excluded;
  const included = entriesOf(matrix, "include");
  if (!included.ok) return included;
  items = items.filter((item) => !excluded.value.some((entry) => matches(entry, item)));
  const isOriginal = new Set<JsonObject>(items);
  for (const entry of included.value) {
    const keys = Object.keys(entry).filter((key) => own.has(key));
    const isPart = (item: JsonObject): boolean => keys.every((key) => same(entry[key], item[key]));
    // It joins the combinations whose own values it does not change; with none, it is one itself.
    const joined = [...isOriginal].filter(isPart);
    for (const item of joined) {
      const whole = { ...item, ...entry };
      items[items.indexOf(item)] = whole;
      isOriginal.delete(item);
      isOriginal.add(whole);
    }
    if (joined.length === 0) items.push(entry);
  }
  if (items.length > MOST_COMBINATIONS) return refused(matrix, `it has more than ${MOST_COMBINATIONS} combinations`);
  // A value that a combination does not have is empty.
  const keys = new Set(items.flatMap((item) => Object.keys(item)));
  return ok(items.map((item) => Object.fromEntries([...keys].map((key) => [key, item[key] ?? ""]))));
}

export type MatrixKind = "text" | "number" | "flag" | "mixed";

/** What the values of a matrix are in the workflow, by their names joined with points. */
export function matrixKinds(matrix: SourceNode | undefined): ReadonlyMap<string, MatrixKind> {
  const kinds = new Map<string, MatrixKind>();
  const note = (path: string, node: SourceNode): void => {
    const kind = kindOf(node);
    kinds.set(path, kinds.has(path) && kinds.get(path) !== kind ? "mixed" : kind);
    if (node.kind === "mapping") for (const [key, { value }] of node.entries) note(`${path}.${key}`, value);
  };
  for (const [key, { value }] of matrix?.kind === "mapping" ? matrix.entries : []) {
    if (key === "exclude" || value.kind !== "list") continue;
    for (const item of value.items) {
      if (key !== "include") note(key, item);
      else if (item.kind === "mapping") for (const [name, entry] of item.entries) note(name, entry.value);
    }
  }
  return kinds;
}

function kindOf(node: SourceNode): MatrixKind {
  if (node.kind !== "scalar") return "mixed";
  if (!node.isPlain) return "text";
  if (node.text === "true" || node.text === "false") return "flag";
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(node.text)) return "number";
  return isBlank(node) || /^(?:true|false|null|~|[-+.\d].*)$/i.test(node.text) ? "mixed" : "text";
}

function entriesOf(matrix: SourceMapping, key: string): Result<readonly JsonObject[], MatrixProblem> {
  const list = matrix.entries.get(key)?.value;
  if (list === undefined || isBlank(list)) return ok([]);
  if (list.kind !== "list") return refused(list, `\`${key}\` is not a list`);
  const wrong = list.items.find((item) => item.kind !== "mapping" || isComputed(item));
  if (wrong !== undefined) return refused(wrong, `an entry of \`${key}\` is no mapping of values`);
  return ok(list.items.map((item) => asJson(item) as JsonObject));
}

function refused(place: SourceNode, message: string): Result<never, MatrixProblem> {
  return err({ place, message });
}

function isComputed(node: SourceNode): boolean {
  if (node.kind === "scalar") return node.text.includes("${{");
  const inner = node.kind === "list" ? node.items : [...node.entries.values()].map(({ value }) => value);
  return inner.some(isComputed);
}

function asJson(node: SourceNode): Json {
  if (node.kind === "scalar") return scalarText(node) ?? "";
  if (node.kind === "list") return node.items.map(asJson);
  return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, asJson(value)]));
}

function same(a: Json | undefined, b: Json | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Whether `item` has all values of `entry`. */
function matches(entry: JsonObject, item: JsonObject): boolean {
  return Object.entries(entry).every(([key, value]) => same(value, item[key]));
}
