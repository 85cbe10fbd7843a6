/** Schema keys: finds the keys that a schema allows at a position inside a value, by asking the schema itself. Pure. */
import type * as z from "zod/mini";
import type { DocumentPath } from "../diagnostic.ts";

type Schema = z.core.$ZodType;

/** Of the mapping at `path`; nothing where the schema knows no mapping with named keys there. Of several, those of all. */
export function keysAt(schema: Schema, path: DocumentPath): readonly string[] {
  let places: readonly Schema[] = plain(schema);
  for (const key of path) places = places.flatMap((place) => inside(place, key)).flatMap(plain);
  return [...new Set(places.flatMap((place) => Object.keys(shapeOf(place) ?? {})))];
}

/** The schema without wrappers that say nothing about keys; for a union every alternative. */
function plain(schema: Schema): readonly Schema[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "optional":
    case "nullable":
      return plain(def.innerType);
    case "union":
      return def.options.flatMap(plain);
    default:
      return [schema];
  }
}

function inside(schema: Schema, key: string | number): readonly Schema[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "object": {
      const found = Object.hasOwn(def.shape, key) ? def.shape[key] : undefined;
      return found === undefined ? [] : [found];
    }
    case "array":
      return [def.element];
    case "record":
      return [def.valueType];
    default:
      return [];
  }
}

function shapeOf(schema: Schema): Readonly<Record<string, Schema>> | undefined {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  return def.type === "object" ? def.shape : undefined;
}
