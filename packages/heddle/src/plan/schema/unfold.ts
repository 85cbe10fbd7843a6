/**
 * Schema unfolding: how many parts of a JSON Schema apply to one value. References and lists of alternatives multiply: twelve
 * of each, eight levels deep, are 400 million parts, and a reference to its own part has no end.
 */
import { dereference, type Schema } from "@cfworker/json-schema";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";

/** Parts that may apply to one value. */
const MOST_PARTS = 10_000;
/** Parts that lead to each other, one after the other. */
const MOST_LAYERS = 200;
/** Parts with an `$id` inside each other: the library reads each of them twice, and what is inside of it. */
const MOST_IDS = 8;

/** Why the schema cannot be held against a value with bounded work; `undefined`: it can, as far as parts are concerned. */
export function unfoldProblem(schema: JsonObject): string | undefined {
  if (idsInside(schema) > MOST_IDS) return `more than ${MOST_IDS} parts with an "$id" are inside each other`;
  const parts = dereference(schema as Schema) as unknown as Readonly<Record<string, Json | undefined>>;
  const unfolding = new Unfolding(parts);
  for (const part of Object.values(parts)) if (isJsonObject(part)) unfolding.sizeOf(part, 0);
  return unfolding.problem;
}

function idsInside(schema: Json): number {
  if (Array.isArray(schema)) return Math.max(0, ...(schema as readonly Json[]).map(idsInside));
  if (!isJsonObject(schema)) return 0;
  const own = "$id" in schema || "id" in schema ? 1 : 0;
  let most = 0;
  for (const member of Object.values(schema)) most = Math.max(most, idsInside(member as Json));
  return own + most;
}

class Unfolding {
  problem: string | undefined;
  readonly #parts: Readonly<Record<string, Json | undefined>>;
  readonly #sizes = new Map<JsonObject, number | "open">();

  constructor(parts: Readonly<Record<string, Json | undefined>>) {
    this.#parts = parts;
  }

  /** How many parts apply to the value that `part` applies to. */
  sizeOf(part: JsonObject, layers: number): number {
    const known = this.#sizes.get(part);
    if (typeof known === "number" || this.problem !== undefined) return known === "open" ? 0 : (known ?? 0);
    if (known === "open") return this.#refuse("a part refers to itself and would apply to a value again and again");
    if (layers > MOST_LAYERS) return this.#refuse(`more than ${MOST_LAYERS} parts refer to each other in a row`);
    this.#sizes.set(part, "open");
    let size = 1;
    for (const inner of this.#inPlace(part)) if (isJsonObject(inner)) size += this.sizeOf(inner, layers + 1);
    this.#sizes.set(part, size);
    return size > MOST_PARTS ? this.#refuse(`it unfolds to more than ${MOST_PARTS} parts for one value`) : size;
  }

  #refuse(problem: string): number {
    this.problem ??= problem;
    return 0;
  }

  /** The parts that apply to the same value. */
  #inPlace(part: JsonObject): readonly (Json | undefined)[] {
    const lists = ["allOf", "anyOf", "oneOf"].flatMap((key) => (Array.isArray(part[key]) ? part[key] : []));
    const maps = ["dependentSchemas", "dependencies"].flatMap((key) =>
      isJsonObject(part[key]) ? Object.values(part[key]) : [],
    );
    const { not, if: condition, then: first, else: second } = part;
    // Where the library has noted what a reference stands for.
    const { __absolute_ref__: ref, __absolute_recursive_ref__: recursive } = part;
    const targets = [ref, recursive].map((each) => (typeof each === "string" ? this.#parts[each] : undefined));
    return [...lists, ...maps, not, condition, first, second, ...targets];
  }
}
