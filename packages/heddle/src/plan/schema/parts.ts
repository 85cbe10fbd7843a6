/**
 * Schema parts: strings, numbers, durations and mappings for the schemas of plans. Created when first used; nothing of
 * plans in here.
 */
import * as z from "zod/mini";
import { parseDuration } from "../../base/duration.ts";

/** Names of environment variables. */
export const ENV_NAME: RegExp = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Names of parameters, pools and locks: what an expression and a command line can hold without quoting. */
export const NAME_PATTERN: RegExp = /^[A-Za-z_][A-Za-z0-9_.-]{0,99}$/;
const DURATION = /^\s*\d+(\.\d+)?\s*(ms|s|m|h|d)?\s*$/;
// oxlint-disable-next-line no-control-regex -- NUL ends a string in every system call: nothing that holds one can be run
const WITHOUT_NUL = /^[^\u0000]*$/;

export type Schema = z.ZodMiniType;
/** A schema that is made when it is first asked for: a plan uses few of all these, and making them all costs a start 5 ms. */
export type Lazy<S extends Schema = Schema> = () => S;

/** A schema for each key of `T`, no more and no fewer: what a schema knows and what a type says are one list. */
export type ShapeOf<T> = { readonly [K in keyof T]-?: Lazy };

export function lazySchema<S extends Schema>(make: () => S): Lazy<S> {
  let made: S | undefined;
  return () => (made ??= make());
}

/** Descriptions for editors; ids give the parts of the JSON Schema that refer to themselves their names. */
export const NOTES: z.core.$ZodRegistry<{ readonly description?: string; readonly id?: string }> = z.registry();

export const optionalSchema: (schema: Lazy, description?: string) => Lazy = (schema, description) =>
  lazySchema(() => {
    const made = z.optional(schema());
    if (description !== undefined) NOTES.add(made, { description });
    return made;
  });
export const listSchema: (item: Lazy) => Lazy = (item) => lazySchema(() => z.array(item(), "expected a list"));
export const oneOfSchema: (values: readonly string[], complaint: string) => Lazy = (values, complaint) =>
  lazySchema(() => z.enum(values, complaint));

/** A mapping with these keys and no others. */
export function strictSchema(
  shape: Readonly<Record<string, Lazy>>,
  complaint = "expected a mapping",
): Lazy<z.ZodMiniObject> {
  return lazySchema(() => {
    const made = Object.fromEntries(Object.entries(shape).map(([key, schema]) => [key, schema()]));
    return z.strictObject(made, complaint);
  });
}

export const textSchema: Lazy<z.ZodMiniString> = lazySchema(() =>
  z.string("expected text").check(z.regex(WITHOUT_NUL, "must not contain NUL characters")),
);
export const commandSchema: Lazy<z.ZodMiniString> = lazySchema(() =>
  textSchema().check(z.regex(/\S/, "must not be empty")),
);
export const flagSchema: Lazy = lazySchema(() => z.boolean("expected true or false"));
export const wholeNumberSchema: Lazy<z.ZodMiniNumberFormat> = lazySchema(() => z.int("expected a whole number"));
export const countSchema: Lazy<z.ZodMiniNumberFormat> = lazySchema(() =>
  wholeNumberSchema().check(z.minimum(1, "must be at least 1")),
);
/** Any data: that it is JSON was seen to before (`limits.ts`), at a fraction of the cost. */
export const jsonSchema: Lazy = lazySchema(() => z.unknown());
export const jsonMapSchema: Lazy = lazySchema(() => z.record(z.string(), jsonSchema(), "expected a mapping"));
export const textsSchema: Lazy = listSchema(textSchema);
export const envName: Lazy<z.ZodMiniString> = lazySchema(() =>
  textSchema().check(z.regex(ENV_NAME, "expected the name of an environment variable")),
);

const AS_DURATION = "expected a duration: 500ms, 30s, 10m, 2h, 1d, or a number of seconds";
const isDuration = (value: string | number): boolean => parseDuration(value) !== undefined;
export const durationSchema: Lazy = lazySchema(() =>
  z.union(
    [
      z
        .string()
        .check(
          z.regex(DURATION, { error: AS_DURATION, abort: true }),
          z.refine(isDuration, "the duration is too long"),
        ),
      z
        .number()
        .check(
          z.nonnegative({ error: "a duration cannot be negative", abort: true }),
          z.refine(isDuration, "the duration is too long"),
        ),
    ],
    AS_DURATION,
  ),
);
/** A duration that is not zero: for what would otherwise end before it began. */
export const someTime: Lazy = lazySchema(() =>
  durationSchema().check(
    z.refine((value) => parseDuration(value as string | number) !== 0, "the duration must be more than 0"),
  ),
);
