/** Storable outputs: which values of functions JSON can hold, as types. `toJson` checks the values themselves. */

/** What dependents get of what a function returns: JSON has no `undefined`, it arrives as `null`. */
export type Stored<Output> =
  Awaited<Output> extends infer Value ? (Value extends undefined | void ? null : Value) : never;

/** Values of which nothing, or something else, would be left in JSON; the engine refuses them too. */
type NotJson =
  | bigint
  | symbol
  | Date
  | RegExp
  | Error
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | WeakMap<object, unknown>
  | ((...args: never[]) => unknown);

/** Members are looked at so many levels deep: types can have no end. */
type Deeper = readonly [never, 0, 1, 2, 3, 4];

/** `true` if some value of the type holds what JSON cannot. */
type HoldsNotJson<Value, Depth extends number = 5> = [Depth] extends [never]
  ? never
  : 0 extends 1 & Value
    ? never
    : Value extends NotJson
      ? true
      : Value extends object
        ? { [Key in keyof Value]-?: HoldsNotJson<Value[Key], Deeper[Depth]> }[keyof Value &
            (Value extends readonly unknown[] ? number : unknown)]
        : never;

/** Accepts a function whose output JSON can hold. */
export type Storable<Output> = [HoldsNotJson<Awaited<Output>>] extends [never]
  ? unknown
  : { readonly "the output has a value that JSON cannot hold (Date, Map, Set, bigint, function)": never };
