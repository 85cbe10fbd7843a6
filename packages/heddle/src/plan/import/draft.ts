/**
 * Plan draft: a plan document in the making, with the position of each part in the file that it comes from, so that what
 * the checks of plans find is said where the user can change it.
 */
import type { Json, JsonObject } from "../../base/json.ts";
import type { DocumentPath, SourceMap } from "../diagnostic.ts";
import type { Source, SourceNode } from "./source.ts";
import type { Findings } from "./findings.ts";
import { planValue } from "./text.ts";

type Place = { readonly offset: number };

/** Behind a path: the place is that of the key. */
const KEY = "\u0000";

function textOf(path: DocumentPath): string {
  return `/${path.join("/")}`;
}

function keyOf(path: DocumentPath): string {
  return `${textOf(path)}${KEY}`;
}

export class DraftStep {
  readonly #keys: Record<string, Json> = {};
  readonly #places = new Map<string, Place>();
  readonly #listed = new Set<string>();

  constructor(id: string, place: Place) {
    this.#keys["id"] = id;
    this.#places.set("", place);
  }

  /** `undefined`: the key is not written. */
  set(key: string, value: Json | undefined, place?: Place): this {
    if (value === undefined) return this;
    this.#keys[key] = value;
    if (place !== undefined) this.#places.set(`/${key}`, place);
    return this;
  }

  /** A key of plans as it stands in the file. */
  setNode(key: string, node: SourceNode, findings: Findings): this {
    notePlaces(this.#places, `/${key}`, node);
    const { value, issues } = planValue("step", key, node);
    for (const { place, ...issue } of issues) findings.error(place, issue);
    return this.set(key, value);
  }

  /** Adds to a list of ids; one that is there already is not added again. */
  addTo(key: "deps" | "after", id: string, place: Place): this {
    const entry = `${key} ${id}`;
    if (this.#listed.has(entry)) return this;
    this.#listed.add(entry);
    const list = (this.#keys[key] ??= []) as Json[];
    this.#places.set(`/${key}/${list.length}`, place);
    list.push(id);
    return this;
  }

  /** A plan inside this step. */
  setPlan(plan: DraftPlan, place: Place): this {
    this.set("plan", plan.document, place);
    for (const [path, inner] of plan.places) this.#places.set(`/plan${path}`, inner);
    return this;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#keys, key);
  }

  get document(): JsonObject {
    return this.#keys;
  }

  get places(): ReadonlyMap<string, Place> {
    return this.#places;
  }
}

export class DraftPlan {
  readonly #top: Record<string, Json> = {};
  readonly #steps: DraftStep[] = [];
  readonly #places = new Map<string, Place>();

  set(key: string, value: Json | undefined, place?: Place): this {
    if (value === undefined) return this;
    this.#top[key] = value;
    if (place !== undefined) this.#places.set(`/${key}`, place);
    return this;
  }

  /** A key of plans as it stands in the file. */
  setNode(key: string, node: SourceNode, findings: Findings): this {
    notePlaces(this.#places, `/${key}`, node);
    const { value, issues } = planValue("plan", key, node);
    for (const { place, ...issue } of issues) findings.error(place, issue);
    return this.set(key, value);
  }

  add(step: DraftStep): this {
    for (const [path, place] of step.places) this.#places.set(`/steps/${this.#steps.length}${path}`, place);
    this.#steps.push(step);
    return this;
  }

  get steps(): readonly DraftStep[] {
    return this.#steps;
  }

  get document(): JsonObject {
    return { ...this.#top, steps: this.#steps.map((step) => step.document) };
  }

  get places(): ReadonlyMap<string, Place> {
    return this.#places;
  }

  /** Positions of the document in `source`: of a value without one, those of what it is in. */
  sourceMap(source: Source): SourceMap {
    const placeOf = (path: DocumentPath): Place => {
      for (let length = path.length; length > 0; length--) {
        const place = this.#places.get(textOf(path.slice(0, length)));
        if (place !== undefined) return place;
      }
      return source.root;
    };
    return {
      file: source.file,
      at: (path) => source.positionOf(placeOf(path)),
      atKey: (path) => source.positionOf(this.#places.get(keyOf(path)) ?? placeOf(path)),
    };
  }
}

function notePlaces(places: Map<string, Place>, path: string, node: SourceNode): void {
  places.set(path, node);
  if (node.kind === "list") for (const [i, item] of node.items.entries()) notePlaces(places, `${path}/${i}`, item);
  if (node.kind !== "mapping") return;
  for (const [key, { offset, value }] of node.entries) {
    places.set(`${path}/${key}${KEY}`, { offset });
    notePlaces(places, `${path}/${key}`, value);
  }
}
