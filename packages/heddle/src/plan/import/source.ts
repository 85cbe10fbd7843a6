/**
 * Source tree: a file of another tool as it is written: every value with its text and its position. Does not know what
 * any key means. `parse.ts` has checked the text and its size before; this file only keeps what plain data loses.
 *
 *  1. The text of a scalar is that of the file: `1.10` stays `1.10`, whatever number it is.
 *  2. No key is used twice in its mapping: `parse.ts` has refused that.
 */
import type * as Yaml from "js-yaml";
import type { Json } from "../../base/json.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { Diagnostic, Position } from "../diagnostic.ts";
import { parseDocument, type PlanText } from "../parse.ts";
import { positions } from "../position.ts";

export type SourceNode = SourceScalar | SourceList | SourceMapping;

export interface SourceScalar {
  readonly kind: "scalar";
  readonly offset: number;
  /** Without quotation marks and escapes. */
  readonly text: string;
  /** Not in quotation marks: it may be a number, true, false or null. */
  readonly isPlain: boolean;
}

export interface SourceList {
  readonly kind: "list";
  readonly offset: number;
  readonly items: readonly SourceNode[];
}

export interface SourceMapping {
  readonly kind: "mapping";
  readonly offset: number;
  readonly entries: ReadonlyMap<string, SourceEntry>;
}

export interface SourceEntry {
  /** Of the key. */
  readonly offset: number;
  readonly value: SourceNode;
}

export interface Source {
  readonly file: string;
  readonly root: SourceNode;
  positionOf(place: { readonly offset: number }): Position;
}

export async function readSource(input: PlanText): Promise<Result<Source, readonly Diagnostic[]>> {
  const parsed = await parseDocument({ ...input, kind: "texts" });
  if (!parsed.ok) return parsed;
  const { file } = input;
  const text = input.text.startsWith("\ufeff") ? ` ${input.text.slice(1)}` : input.text;
  const yaml = await import("js-yaml");
  const positionAt = positions(text);
  const positionOf = ({ offset }: { readonly offset: number }): Position => positionAt(offset);
  try {
    const root = new TreeBuilder(text, yaml.parseEvents(text, {}), yaml).build();
    return ok({ file, root, positionOf });
  } catch (thrown) {
    if (!(thrown instanceof yaml.YAMLException)) throw thrown;
    // JSON that YAML does not accept: control characters in strings.
    const place = positionAt(thrown.mark?.position ?? 0);
    const message = `cannot read this: ${thrown.reason}`;
    return err([{ code: "InvalidJson", severity: "error", message, file, ...place }]);
  }
}

/** `text` with its comments and trailing commas blanked out; every other character keeps its place. */
export function withoutComments(text: string): string {
  const blank = (part: string): string => part.replace(/[^\n]/g, " ");
  const kept = (part: string): string => (part.startsWith('"') ? part : blank(part));
  return text
    .replace(/"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, kept)
    .replace(/"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])/g, kept);
}

type YamlReader = Pick<typeof Yaml, "EVENT_ID" | "getScalarValue" | "SCALAR_STYLE">;

class TreeBuilder {
  readonly #text: string;
  readonly #events: readonly Yaml.Event[];
  readonly #yaml: YamlReader;
  readonly #anchors = new Map<string, SourceNode>();
  #at = 1;

  constructor(text: string, events: readonly Yaml.Event[], yaml: YamlReader) {
    this.#text = text;
    this.#events = events;
    this.#yaml = yaml;
  }

  /** Event 0 opens the document, 1 is its value. */
  build(): SourceNode {
    return this.#value(0);
  }

  /** `place`: the offset of what has no place of its own. */
  #value(place: number): SourceNode {
    const { EVENT_ID, SCALAR_STYLE, getScalarValue } = this.#yaml;
    const event = this.#events[this.#at++];
    const empty: SourceNode = { kind: "scalar", offset: place, text: "", isPlain: true };
    if (event === undefined) return empty;
    if (event.type === EVENT_ID.ALIAS) return this.#anchors.get(this.#anchorOf(event)) ?? empty;
    let node: SourceNode = empty;
    if (event.type === EVENT_ID.SCALAR) {
      const { style, valueStart, tagStart } = event;
      const isQuoted = style === SCALAR_STYLE.SINGLE_QUOTED || style === SCALAR_STYLE.DOUBLE_QUOTED;
      const isPlain = style === SCALAR_STYLE.PLAIN && tagStart < 0;
      const isBlock = style === SCALAR_STYLE.LITERAL_BLOCK || style === SCALAR_STYLE.FOLDED_BLOCK;
      const offset =
        valueStart < 0 ? place : isQuoted ? valueStart - 1 : isBlock ? this.#inkAt(valueStart) : valueStart;
      node = { kind: "scalar", offset, text: getScalarValue(this.#text, event), isPlain };
    } else if (event.type === EVENT_ID.SEQUENCE) {
      const items: SourceNode[] = [];
      while (this.#isOpen()) items.push(this.#value(event.start));
      this.#at++;
      node = { kind: "list", offset: event.start, items };
    } else if (event.type === EVENT_ID.MAPPING) node = this.#mapping(event.start);
    if ("anchorStart" in event && event.anchorStart >= 0) this.#anchors.set(this.#anchorOf(event), node);
    return node;
  }

  #mapping(offset: number): SourceMapping {
    const entries = new Map<string, SourceEntry>();
    const merged: SourceNode[] = [];
    while (this.#isOpen()) {
      const key = this.#value(offset);
      const value = this.#value(key.offset);
      if (key.kind !== "scalar") continue;
      if (key.isPlain && key.text === "<<") merged.push(...(value.kind === "list" ? value.items : [value]));
      else entries.set(key.text, { offset: key.offset, value });
    }
    this.#at++;
    for (const node of merged) {
      if (node.kind !== "mapping") continue;
      for (const [key, entry] of node.entries) if (!entries.has(key)) entries.set(key, entry);
    }
    return { kind: "mapping", offset, entries };
  }

  /** A block begins with its indentation: the place is that of its first character. */
  #inkAt(offset: number): number {
    const blank = /\s*/y;
    blank.lastIndex = offset;
    return offset + (blank.exec(this.#text)?.[0].length ?? 0);
  }

  #isOpen(): boolean {
    const event = this.#events[this.#at];
    return event !== undefined && event.type !== this.#yaml.EVENT_ID.POP;
  }

  #anchorOf(event: Yaml.Event): string {
    return "anchorStart" in event ? this.#text.slice(event.anchorStart, event.anchorEnd) : "";
  }
}

/** The value of a key, if `node` is a mapping that has it, and it is not null. */
export function memberOf(node: SourceNode | undefined, key: string): SourceNode | undefined {
  if (node?.kind !== "mapping") return undefined;
  const value = node.entries.get(key)?.value;
  return value === undefined || isNull(value) ? undefined : value;
}

export function isNull(node: SourceNode): boolean {
  return node.kind === "scalar" && node.isPlain && /^(?:~|null|Null|NULL|)$/.test(node.text);
}

/** Null, or a text, list or mapping with nothing in it. */
export function isBlank(node: SourceNode): boolean {
  if (node.kind === "scalar") return isNull(node) || node.text.trim() === "";
  return node.kind === "list" ? node.items.length === 0 : node.entries.size === 0;
}

/** The text of a scalar that is not null, whatever its type. */
export function scalarText(node: SourceNode | undefined): string | undefined {
  return node?.kind === "scalar" && !isNull(node) ? node.text : undefined;
}

export function isTrue(node: SourceNode | undefined): boolean {
  return node?.kind === "scalar" && node.isPlain && /^(?:true|True|TRUE)$/.test(node.text);
}

/** The items of a list; a value that is no list is its only item. */
export function itemsOf(node: SourceNode | undefined): readonly SourceNode[] {
  if (node === undefined || isNull(node)) return [];
  return node.kind === "list" ? node.items : [node];
}

/** As data, with the types of YAML's core schema, which has those of JSON. */
export function jsonOf(node: SourceNode): Json {
  if (node.kind === "list") return node.items.map(jsonOf);
  if (node.kind === "mapping") {
    return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, jsonOf(value)]));
  }
  return node.isPlain ? plainValue(node.text) : node.text;
}

function plainValue(text: string): Json {
  if (/^(?:~|null|Null|NULL|)$/.test(text)) return null;
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (/^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(text)) return Number(text);
  return /^0(?:o[0-7]+|x[0-9a-fA-F]+)$/.test(text) ? Number(text) : text;
}
