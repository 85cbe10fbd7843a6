/** Schema fields: a JSON schema as a tree of named fields with their types in words. Pure. */

export type JsonObject = { readonly [name: string]: unknown };

export interface SchemaField {
  readonly name: string;
  readonly type: string;
  readonly isRequired: boolean;
  /** Empty: nothing more is known. */
  readonly about: string;
  readonly fields: readonly SchemaField[];
}

/** Schemas by name, that others refer to. */
export type SchemaParts = Readonly<Record<string, JsonObject>>;

const ANY = "any JSON";
const REFERENCE = /^#\/components\/schemas\/(\w+)$/;
/** Deeper than any document is: a schema that has itself in it is not followed for ever. */
const MOST_DEPTH = 12;

/** Of what is in the schema, through lists and choices. */
export function fieldsOf(schema: JsonObject, parts: SchemaParts, depth = 0): readonly SchemaField[] {
  if (depth > MOST_DEPTH) return [];
  const known = resolved(schema, parts);
  const found = new Map<string, SchemaField>();
  const required = new Set(listOf(known["required"]));
  for (const [name, one] of Object.entries(objectOf(known["properties"]))) {
    const field = objectOf(one);
    found.set(name, {
      name,
      type: typeOf(field, parts),
      isRequired: required.has(name),
      about: textOf(field["description"]),
      fields: fieldsOf(field, parts, depth + 1),
    });
  }
  for (const one of [
    known["items"],
    known["additionalProperties"],
    ...listOf(known["prefixItems"]),
    ...choicesOf(known),
  ])
    for (const field of fieldsOf(objectOf(one), parts, depth + 1))
      if (!found.has(field.name)) found.set(field.name, field);
  return [...found.values()];
}

/** In words, in one line. */
export function typeOf(schema: JsonObject, parts: SchemaParts): string {
  const known = resolved(schema, parts);
  if ("const" in known) return JSON.stringify(known["const"]);
  if (Array.isArray(known["enum"])) return known["enum"].map((one) => JSON.stringify(one)).join(" | ");
  const choices = choicesOf(known);
  if (choices.length > 0) return [...new Set(choices.map((one) => typeOf(objectOf(one), parts)))].join(" | ");
  switch (known["type"]) {
    case "array":
      return listType(known, parts);
    case "object":
      return objectType(known, parts);
    case "integer":
    case "number":
      return `${known["type"]}${boundsOf(known)}`;
    case "string":
    case "boolean":
    case "null":
      return known["type"];
    default:
      return ANY;
  }
}

function listType(known: JsonObject, parts: SchemaParts): string {
  const places = listOf(known["prefixItems"]);
  if (places.length > 0) return `[${places.map((one) => typeOf(objectOf(one), parts)).join(", ")}]`;
  const of = typeOf(objectOf(known["items"]), parts);
  return of.includes(" ") ? `(${of})[]` : `${of}[]`;
}

function objectType(known: JsonObject, parts: SchemaParts): string {
  const more = objectOf(known["additionalProperties"]);
  const isMap = known["properties"] === undefined && Object.keys(more).length > 0;
  return isMap ? `{name: ${typeOf(more, parts)}}` : "object";
}

/** As far as somebody chose them: not what every whole number has. */
function boundsOf({ minimum, maximum, exclusiveMinimum }: JsonObject): string {
  const least = typeof minimum === "number" && minimum !== Number.MIN_SAFE_INTEGER ? minimum : undefined;
  const most = typeof maximum === "number" && maximum !== Number.MAX_SAFE_INTEGER ? maximum : undefined;
  if (typeof exclusiveMinimum === "number" && most === undefined) return ` above ${exclusiveMinimum}`;
  if (least === undefined) return most === undefined ? "" : ` to ${most}`;
  return most === undefined ? ` from ${least}` : ` ${least} to ${most}`;
}

function choicesOf(known: JsonObject): readonly unknown[] {
  return [...listOf(known["anyOf"]), ...listOf(known["oneOf"])];
}

/** That of any JSON is left as it is: it says nothing. */
function resolved(schema: JsonObject, parts: SchemaParts): JsonObject {
  const name = REFERENCE.exec(textOf(schema["$ref"]))?.[1];
  return name === undefined ? schema : name === "Json" ? {} : (parts[name] ?? {});
}

function objectOf(value: unknown): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
