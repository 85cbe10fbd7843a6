import { describe, expect, expectTypeOf, test } from "vitest";
import { defined } from "../../src/base/defined.ts";

interface Hit {
  readonly code: string;
  readonly hint?: string;
  readonly lines?: readonly number[];
}

type Shape =
  | { readonly kind: "circle"; readonly radius: number; readonly label?: string }
  | { readonly kind: "point"; readonly note?: string };

const absent = undefined as string | undefined;

describe("what is left", () => {
  test("has no member that is undefined, and the others in their order", () => {
    const hit: Hit = defined({ lines: [1], code: "A", hint: absent });
    expect(Object.entries(hit)).toEqual([
      ["lines", [1]],
      ["code", "A"],
    ]);
    expect("hint" in hit).toBe(false);
  });

  test("keeps null, false, zero and the empty text", () => {
    const made = defined<{ a?: null; b?: boolean; c?: number; d?: string }>({ a: null, b: false, c: 0, d: "" });
    expect(made).toStrictEqual({ a: null, b: false, c: 0, d: "" });
  });

  test("is a new object, its members the same ones", () => {
    const given = { code: "A", lines: [1, 2] };
    const made: Hit = defined(given);
    expect(made).not.toBe(given);
    expect(made.lines).toBe(given.lines);
    expect(given).toStrictEqual({ code: "A", lines: [1, 2] });
  });

  test("has a member named __proto__ as any other", () => {
    const made: Readonly<Record<string, unknown>> = defined({ ...JSON.parse('{"__proto__": {"a": 1}, "b": 2}'), c: 3 });
    expect(Object.keys(made)).toEqual(["__proto__", "b", "c"]);
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
  });
});

describe("the type", () => {
  const typed = (of: { readonly hit: Hit; readonly hits: readonly Hit[] }): Hit => of.hit;

  test("comes from where the result goes", () => {
    const returned = (): Hit => defined({ code: "A", hint: absent });
    const promised = async (): Promise<Hit | undefined> => defined({ code: "A", hint: absent });
    expect(
      typed({ hit: defined({ code: "A", hint: absent }), hits: [defined({ code: "B", lines: undefined })] }),
    ).toEqual(returned());
    const mapped: readonly Hit[] = ["A"].map((code) => defined({ code, hint: absent }));
    const variables: Readonly<Record<string, string>> = defined({ PORT: absent, HOME: "/" });
    expectTypeOf(defined<Hit>({ code: "A" })).toEqualTypeOf<Hit>();
    expect([mapped, variables]).toEqual([[{ code: "A" }], { HOME: "/" }]);
    return expect(promised()).resolves.toEqual(returned());
  });

  test("asks for what is required, and refuses what is unknown", () => {
    // @ts-expect-error -- `code` is required
    const lacking: Hit = defined({ hint: absent });
    // @ts-expect-error -- `code` may not be undefined
    const loose: Hit = defined({ code: absent });
    // @ts-expect-error -- no such member
    const wide: Hit = defined({ code: "A", hnit: absent });
    // @ts-expect-error -- no such member, where the type comes through a promise
    const promised = async (): Promise<Hit> => defined({ code: "A", hnit: absent });
    // @ts-expect-error -- nor through a generic function
    const mapped: readonly Hit[] = ["A"].map((code) => defined({ code, hnit: absent }));
    expect([lacking, loose, wide, promised, mapped]).toHaveLength(5);
  });

  test("is a variant of a union, told by its tag", () => {
    const circle: Shape = defined({ kind: "circle", radius: 1, label: absent });
    const point: Shape = defined({ kind: "point", note: absent });
    // @ts-expect-error -- a point has no radius
    const mixed: Shape = defined({ kind: "point", radius: 1 });
    // @ts-expect-error -- a circle has one
    const lacking: Shape = defined({ kind: "circle", label: absent });
    expect([circle, point, mixed, lacking].map(({ kind }) => kind)).toEqual(["circle", "point", "point", "circle"]);
  });

  test("is not guessed where nothing tells it", () => {
    // @ts-expect-error -- to be written out: defined<Hit>({ ... })
    const guessed = defined({ code: "A", hint: absent });
    expect(guessed).toEqual({ code: "A" });
  });
});
