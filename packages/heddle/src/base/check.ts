/**
 * Checkers for data of a known shape, built from tables that the compiler holds equal to a type. For data that a program
 * wrote and reads back: they report the first problem in one short sentence, without conversion or defaults. Know no
 * domain word.
 *
 * Invariants:
 *  1. A `Check<T>` fits `T` exactly: a table with a field too many, too few, or of another type does not compile.
 *  2. Objects have no fields outside their table: a misspelt optional field is found, not ignored.
 *  3. A check costs time proportional to the fields present, and allocates nothing if all is well.
 */

/** What is wrong with `value`, as the end of a sentence that begins with its path; `undefined`: nothing. */
export interface Check<T> {
  readonly test: (value: unknown) => string | undefined;
  /** Never present: makes `Check<A>` and `Check<B>` differ wherever `A` and `B` do, in both directions. */
  readonly of?: (value: T) => T;
}

/** Members of `T`, each with its check; those that may be absent are wrapped by {@link optional}. */
export type Members<T> = {
  readonly [K in keyof T]-?: {} extends Pick<T, K> ? Optional<Exclude<T[K], undefined>> : Check<T[K]>;
};

export interface Optional<T> {
  readonly optional: Check<T>;
}

export function optional<T>(check: Check<T>): Optional<T> {
  return { optional: check };
}

function simple<T>(test: (value: unknown) => boolean, expected: string): Check<T> {
  const problem = `is not ${expected}`;
  return { test: (value) => (test(value) ? undefined : problem) };
}

export const text: Check<string> = simple((value) => typeof value === "string", "a string");
export const flag: Check<boolean> = simple((value) => typeof value === "boolean", "a boolean");
export const finite: Check<number> = simple((value) => Number.isFinite(value), "a finite number");
export const count: Check<number> = simple(
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  "a whole number from 0",
);
export const positive: Check<number> = simple(
  (value) => Number.isSafeInteger(value) && (value as number) >= 1,
  "a whole number from 1",
);

/** Exactly `expected`. */
export function literal<const T extends string | number | boolean>(expected: T): Check<T> {
  return simple((value) => value === expected, JSON.stringify(expected));
}

/** One of the keys of `allowed`, which has every variant: a union that grows does not compile until it is here. */
export function oneOf<T extends string>(allowed: Readonly<Record<T, true>>): Check<T> {
  const known = new Set<unknown>(Object.keys(allowed));
  const problem = `is not one of ${[...known].join(", ")}`;
  return { test: (value) => (known.has(value) ? undefined : problem) };
}

/** A value whose content is not checked, only its presence. */
export function anything<T>(expected: string, test: (value: unknown) => boolean): Check<T> {
  return simple(test, expected);
}

export function listOf<T>(member: Check<T>): Check<readonly T[]> {
  return {
    test(value) {
      if (!Array.isArray(value)) return "is not a list";
      for (let at = 0; at < value.length; at++) {
        const problem = member.test(value[at]);
        if (problem !== undefined) return inside(`[${at}]`, problem);
      }
      return undefined;
    },
  };
}

/** An object with any keys and members of one kind. */
export function mapOf<T>(member: Check<T>): Check<{ readonly [key: string]: T }> {
  return {
    test(value) {
      if (!isPlainObject(value)) return "is not an object";
      for (const key of Object.keys(value)) {
        const problem = member.test(value[key]);
        if (problem !== undefined) return inside(`[${JSON.stringify(key)}]`, problem);
      }
      return undefined;
    },
  };
}

/** A check that is made when first used: for shapes that contain themselves. */
export function lazy<T>(make: () => Check<T>): Check<T> {
  let made: Check<T> | undefined;
  return { test: (value) => (made ??= make()).test(value) };
}

/** The type comes from where the check is used, or is written out: from the table it is never guessed. */
export function object<T extends object = never>(members: Members<NoInfer<T>>): Check<T> {
  const table = new Map<string, { readonly check: Check<unknown>; readonly required: boolean }>();
  const required: string[] = [];
  for (const [key, member] of Object.entries(members as Readonly<Record<string, Check<unknown> | Optional<unknown>>>)) {
    if ("optional" in member) table.set(key, { check: member.optional, required: false });
    else {
      table.set(key, { check: member, required: true });
      required.push(key);
    }
  }
  return { test: (value) => testMembers(value, table, required) };
}

type Table = ReadonlyMap<string, { readonly check: Check<unknown>; readonly required: boolean }>;

function testMembers(value: unknown, table: Table, required: readonly string[]): string | undefined {
  if (!isPlainObject(value)) return "is not an object";
  let found = 0;
  for (const key in value) {
    const member = table.get(key);
    if (member === undefined) return inside(`.${key}`, "is unknown");
    if (member.required) found++;
    // A member that is `undefined` is absent: that is how it will be written.
    else if (value[key] === undefined) continue;
    const problem = member.check.test(value[key]);
    if (problem !== undefined) return inside(`.${key}`, problem);
  }
  if (found === required.length) return undefined;
  return inside(`.${required.find((key) => !(key in value)) ?? ""}`, "is absent");
}

/** A union of objects with the discriminator `tag`. Each variant's table has the tag too. */
export function tagged<K extends string, T extends { readonly [P in K]: string }>(
  tag: K,
  variants: { readonly [V in T[K]]: Check<Extract<T, { readonly [P in K]: V }>> },
): Check<T> {
  const table = new Map<unknown, Check<unknown>>(
    Object.entries<Check<unknown>>(variants as Record<string, Check<unknown>>),
  );
  return {
    test(value) {
      if (!isPlainObject(value)) return "is not an object";
      const variant = table.get(value[tag]);
      if (variant === undefined) return inside(`.${tag}`, `is not one of ${[...table.keys()].join(", ")}`);
      return variant.test(value);
    },
  };
}

/** Puts the way to a member before what is wrong with it. */
export function inside(path: string, problem: string): string {
  return problem.startsWith(".") || problem.startsWith("[") ? `${path}${problem}` : `${path} ${problem}`;
}

function isPlainObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
