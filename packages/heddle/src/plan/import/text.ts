/** Import texts: texts and data of other tools as parts of a plan, in which `${{` begins an expression and theirs do not. */
import type { Json } from "../../base/json.ts";
import { isBlank, jsonOf, scalarText, type SourceNode } from "./source.ts";

/** `text` for a place of the plan that may hold expressions: it is read back as it stands. */
export function literalText(text: string): string {
  return text.replaceAll("${{", "${{ '${{' }}");
}

/** The text of a value, whatever its type: lists of texts as list items, the rest as JSON. */
export function readableText(node: SourceNode | undefined): string | undefined {
  if (node === undefined || isBlank(node)) return undefined;
  const own = scalarText(node)?.trim();
  if (own !== undefined) return own;
  const texts = textList(node);
  return texts !== undefined ? texts.map((text) => `- ${text}`).join("\n") : JSON.stringify(jsonOf(node), null, 2);
}

/** The texts of a list of texts, or of one text; `undefined` for other values. */
export function textList(node: SourceNode): readonly string[] | undefined {
  const items = node.kind === "list" ? node.items : [node];
  const texts = items.map((item) => (isBlank(item) ? "" : scalarText(item)?.trim()));
  return texts.every((text) => text !== undefined) ? texts.filter((text) => text !== "") : undefined;
}

/** Keys of plans whose numbers are meant as text. */
const ID_KEYS = new Set(["id", "deps", "depends_on", "needs", "after", "group", "parallel_group", "epic"]);

/** The value of a plan's key as data: ids and environment variables keep the text that they have in the file. */
export function planJson(key: string, node: SourceNode): Json {
  return valueJson(node, ID_KEYS.has(key), key === "env");
}

function valueJson(node: SourceNode, isText: boolean, isEnv: boolean): Json {
  if (node.kind === "list") return node.items.map((item) => valueJson(item, isText, false));
  if (node.kind === "mapping") {
    const members = [...node.entries].map(([key, { value }]): [string, Json] => [
      key,
      valueJson(value, isEnv || ID_KEYS.has(key), key === "env"),
    ]);
    return Object.fromEntries(members);
  }
  const value = jsonOf(node);
  return isText && typeof value === "number" && String(value) !== node.text ? node.text : value;
}
