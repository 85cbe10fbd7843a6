/** Import texts: texts and data of other tools as parts of a plan, in which `${{` begins an expression and theirs do not. */
import type { Json, JsonObject } from "../../base/json.ts";
import type { DocumentPath } from "../diagnostic.ts";
import { scalarAs, withSourceTexts } from "../source-text.ts";
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

export interface PlanValue {
  readonly value: Json;
  /** What a plan cannot keep as it is written, with its place. */
  readonly issues: readonly {
    readonly code: string;
    readonly message: string;
    readonly hint: string;
    readonly place: SourceNode;
  }[];
}

/** The value of a key of plans, or of their steps, as it would be read from a plan file. */
export function planValue(owner: "plan" | "step", key: string, node: SourceNode): PlanValue {
  const member = { [key]: scalarsOf(node) };
  const { document, issues } = withSourceTexts(owner === "step" ? { steps: [member] } : member, "plan");
  const holder = owner === "step" ? (document as { readonly steps: readonly JsonObject[] }).steps[0] : document;
  const depth = owner === "step" ? 3 : 1;
  return {
    value: (holder as JsonObject)[key] ?? null,
    issues: issues.map(({ path, ...issue }) => ({ ...issue, place: nodeAt(node, path.slice(depth)) })),
  };
}

/** As data, in which scalars keep their texts where those could be lost. */
function scalarsOf(node: SourceNode): unknown {
  if (node.kind === "list") return node.items.map(scalarsOf);
  if (node.kind === "mapping") {
    return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, scalarsOf(value)]));
  }
  const value = jsonOf(node);
  return typeof value === "number" || typeof value === "boolean" ? scalarAs(node.text, value) : value;
}

function nodeAt(node: SourceNode, path: DocumentPath): SourceNode {
  let at = node;
  for (const key of path) {
    const next =
      at.kind === "list"
        ? at.items[Number(key)]
        : at.kind === "mapping"
          ? at.entries.get(String(key))?.value
          : undefined;
    if (next === undefined) return at;
    at = next;
  }
  return at;
}
