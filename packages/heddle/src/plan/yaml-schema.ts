/**
 * YAML schema of plans: the core schema of YAML 1.2, with merge keys. Scalars that are printed otherwise than they are
 * written keep their text, and keys are always texts. Loaded with the parser, for YAML alone.
 */
import {
  boolCoreTag,
  CORE_SCHEMA,
  defineMappingTag,
  defineScalarTag,
  DUMP_SCHEMA,
  type Event,
  EVENT_ID,
  floatCoreTag,
  getScalarValue,
  intCoreTag,
  mapTag,
  mergeTag,
  NOT_RESOLVED,
  SCALAR_STYLE,
  type ScalarTagDefinition,
  type Schema,
} from "js-yaml";
import type { DuplicateKey } from "../base/json-text.ts";
import { scalarAs, ScalarWithText } from "./source-text.ts";

function keepingText(tag: ScalarTagDefinition<number> | ScalarTagDefinition<boolean>): ScalarTagDefinition {
  const { tagName, resolve, ...options } = tag;
  return defineScalarTag<unknown>(tagName, {
    ...options,
    resolve(source, isExplicit, name) {
      const value = resolve(source, isExplicit, name);
      return value === NOT_RESOLVED ? value : scalarAs(source, value);
    },
  });
}

function keyOf(key: unknown): unknown {
  return key instanceof ScalarWithText ? key.text : key;
}

// Without its `finalize`, which would keep a mapping from being an alias inside itself: that is told in plainer words later.
const { tagName: mapName, finalize: _finalize, ...map } = mapTag;
const textKeys = defineMappingTag(mapName, {
  ...map,
  addPair: (carrier, key, value) => map.addPair(carrier, keyOf(key), value),
  has: (carrier, key) => map.has(carrier, keyOf(key)),
});

export const PLAN_SCHEMA: Schema = CORE_SCHEMA.withTags(
  mergeTag,
  keepingText(intCoreTag),
  keepingText(floatCoreTag),
  keepingText(boolCoreTag),
  textKeys,
);

/** For writing. Numbers are written as they are printed, so that reading finds them unchanged. */
export const WRITTEN_SCHEMA: Schema = DUMP_SCHEMA.withTags(
  ...DUMP_SCHEMA.tags.filter(isFloat).map((tag) =>
    defineScalarTag<number>(tag.tagName, {
      ...tag,
      represent: (value: number) => (Object.is(value, -0) ? "-0.0" : String(value)),
    }),
  ),
);

function isFloat(tag: Schema["tags"][number]): tag is ScalarTagDefinition<number> {
  return tag.tagName === floatCoreTag.tagName;
}

/** The key that the constructor found used again at `position`, with the places of both uses. */
export function duplicateKeyAt(
  text: string,
  events: readonly Event[],
  position: number,
): Omit<DuplicateKey, "path"> | undefined {
  /** Keys of a mapping so far; none in a list. */
  const levels: { readonly keys?: Map<string, number>; isKey: boolean }[] = [];
  for (const event of events) {
    const level = levels.at(-1);
    if (event.type === EVENT_ID.POP) {
      levels.pop();
      continue;
    }
    const isKey = level?.keys !== undefined && level.isKey;
    if (level !== undefined) level.isKey = !level.isKey;
    if (event.type === EVENT_ID.SCALAR && isKey) {
      const key = getScalarValue(text, event);
      const isQuoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
      const start = startOf(event);
      const shown = isQuoted && start === event.valueStart ? start - 1 : start;
      const firstOffset = level.keys.get(key);
      if (firstOffset === undefined) level.keys.set(key, shown);
      else if (start === position) return { key, firstOffset, offset: shown };
    } else if (event.type === EVENT_ID.MAPPING) levels.push({ keys: new Map(), isKey: true });
    else if (event.type !== EVENT_ID.SCALAR && event.type !== EVENT_ID.ALIAS) levels.push({ isKey: false });
  }
  return undefined;
}

/** As the constructor of documents gives the places of its errors. */
function startOf(event: Extract<Event, { readonly valueStart: number }>): number {
  if (event.tagStart >= 0) return event.tagStart;
  return event.anchorStart >= 0 ? event.anchorStart : event.valueStart;
}
