/**
 * Source map: finds the positions of a document's values and keys in its text, from the parser's events. Nothing is
 * computed before the first query; then one pass over the events, and one table per mapping or list that a query passed.
 */
import type { Event } from "js-yaml";
import type { DocumentPath, Position, SourceMap } from "./diagnostic.ts";
import { positions } from "./position.ts";

/** A map for plans without text: everything is at line 1, column 1. */
export function noSourceMap(file: string): SourceMap {
  const start = { line: 1, column: 1 };
  return { file, at: () => start, atKey: () => start };
}

/** Event types, as the parser numbers them; given in so that this file needs the parser's types alone. */
export interface EventIds {
  readonly DOCUMENT: number;
  readonly SEQUENCE: number;
  readonly MAPPING: number;
  readonly SCALAR: number;
  readonly ALIAS: number;
  readonly POP: number;
}

export interface YamlEvents {
  readonly text: string;
  readonly events: readonly Event[];
  readonly ids: EventIds;
  readonly scalar: (event: Event) => string;
}

/** Places in a child table: event indices of a value and, in mappings, of its key. */
interface Child {
  readonly value: number;
  readonly key?: number;
}

export function yamlSourceMap(file: string, load: () => YamlEvents): SourceMap {
  let index: EventIndex | undefined;
  const indexed = (): EventIndex => (index ??= new EventIndex(load()));
  return {
    file,
    at: (path) => indexed().place(path, false),
    atKey: (path) => indexed().place(path, true),
  };
}

/** Deepest chain of aliases and merges that a question follows. */
const MOST_HOPS = 100;

class EventIndex {
  readonly #yaml: YamlEvents;
  readonly #positionOf: (offset: number) => Position;
  /** Index of the event behind each value: its last event plus 1. */
  readonly #endOf: Int32Array;
  readonly #anchors = new Map<string, number[]>();
  readonly #children = new Map<number, ReadonlyMap<string | number, Child>>();

  constructor(yaml: YamlEvents) {
    this.#yaml = yaml;
    this.#positionOf = positions(yaml.text);
    const { events, ids, text } = yaml;
    this.#endOf = new Int32Array(events.length);
    const open: number[] = [];
    for (let i = 0; i < events.length; i++) {
      const event = events[i] as Event;
      if (event.type === ids.POP) {
        this.#endOf[open.pop() ?? 0] = i + 1;
        continue;
      }
      this.#endOf[i] = i + 1;
      if (event.type === ids.ALIAS) continue;
      if (event.type !== ids.SCALAR) open.push(i);
      if ("anchorStart" in event && event.anchorStart >= 0) {
        const name = text.slice(event.anchorStart, event.anchorEnd);
        const known = this.#anchors.get(name);
        if (known === undefined) this.#anchors.set(name, [i]);
        else known.push(i);
      }
    }
  }

  place(path: DocumentPath, wantsKey: boolean): Position {
    // Event 0 opens the document, 1 is its value.
    let at = 1;
    let shown = 1;
    let keyShown: number | undefined;
    for (const [i, key] of path.entries()) {
      const child = this.#child(this.#target(at), key, 0);
      if (child === undefined) break;
      at = child.value;
      shown = child.value;
      if (i === path.length - 1) keyShown = child.key;
    }
    if (wantsKey && keyShown !== undefined) shown = keyShown;
    return this.#positionOf(this.#offsetOf(shown, keyShown));
  }

  /** An alias's meaning: the latest anchor of its name before it. */
  #target(at: number): number {
    const { events, ids, text } = this.#yaml;
    const event = events[at];
    if (event === undefined || event.type !== ids.ALIAS || !("anchorStart" in event)) return at;
    const anchors = this.#anchors.get(text.slice(event.anchorStart, event.anchorEnd)) ?? [];
    return anchors.findLast((anchor) => anchor < at) ?? at;
  }

  #child(at: number, key: string | number, hops: number): Child | undefined {
    if (hops > MOST_HOPS) return undefined;
    const table = this.#tableOf(at);
    const own = table.get(key) ?? table.get(String(key));
    if (own !== undefined) return own;
    const merged = table.get("<<");
    if (merged === undefined) return undefined;
    const target = this.#target(merged.value);
    if (this.#yaml.events[target]?.type !== this.#yaml.ids.SEQUENCE) return this.#child(target, key, hops + 1);
    for (const entry of this.#tableOf(target).values()) {
      const found = this.#child(this.#target(entry.value), key, hops + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #tableOf(at: number): ReadonlyMap<string | number, Child> {
    const known = this.#children.get(at);
    if (known !== undefined) return known;
    const table = new Map<string | number, Child>();
    const { events, ids, scalar } = this.#yaml;
    const type = events[at]?.type;
    if (type === ids.SEQUENCE) {
      let position = 0;
      for (let i = at + 1; i < events.length && events[i]?.type !== ids.POP; i = this.#endOf[i] ?? events.length) {
        table.set(position++, { value: i });
      }
    } else if (type === ids.MAPPING) {
      for (let i = at + 1; i < events.length && events[i]?.type !== ids.POP;) {
        const value = this.#endOf[i] ?? events.length;
        const keyEvent = events[i];
        if (keyEvent?.type === ids.SCALAR) table.set(scalar(keyEvent), { value, key: i });
        i = this.#endOf[value] ?? events.length;
      }
    }
    this.#children.set(at, table);
    return table;
  }

  /** An empty value has no position: its key's is used. */
  #offsetOf(at: number, key: number | undefined): number {
    const event = this.#yaml.events[at];
    if (event === undefined) return 0;
    if ("tagStart" in event && event.tagStart >= 0) return event.tagStart;
    if (event.type === this.#yaml.ids.ALIAS && "anchorStart" in event) return event.anchorStart - 1;
    if ("valueStart" in event) {
      if (event.valueStart < 0) return key === undefined || key === at ? 0 : this.#offsetOf(key, undefined);
      // The quotation mark belongs to the value.
      const isQuoted = event.style === 2 || event.style === 3;
      return isQuoted ? event.valueStart - 1 : event.valueStart;
    }
    return "start" in event ? event.start : 0;
  }
}
