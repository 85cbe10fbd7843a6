import fc from "fast-check";
import { expect, test } from "vitest";
import { suggest } from "../../src/base/suggest.ts";

test.each([
  ["shema", ["ui", "schema", "api"], "schema"],
  ["depend_on", ["deps", "depends_on"], "depends_on"],
  ["apI", ["spi", "api"], "api"],
  ["from", ["form", "farm"], "form"],
  ["ab", ["zz", "b"], "b"],
  ["a", ["b", "c"], "b"],
  ["database", ["frontend", "backend"], undefined],
  ["", ["a"], undefined],
  ["same", ["same"], undefined],
  ["x".repeat(101), ["x".repeat(100)], undefined],
])("%j among %j", (name, candidates, expected) => {
  expect(suggest(name, candidates)).toBe(expected);
});

test("offers what is nearest by the plain definition of edits", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(word, fc.array(word, { maxLength: 8 }), (name, candidates) => {
      const limit = Math.min(3, Math.max(1, Math.floor(name.length / 3)));
      const near = candidates
        .filter((candidate) => candidate !== name)
        .map((candidate) => ({ candidate, edits: naiveEdits(name, candidate) }))
        .filter(({ edits }) => edits <= limit)
        .toSorted((a, b) => a.edits - b.edits);
      expect(suggest(name, candidates)).toBe(near[0]?.candidate);
    }),
    { numRuns: 500 },
  );
});

function naiveEdits(a: string, b: string): number {
  if (a === "" || b === "") return a.length + b.length;
  const same = a.at(-1) === b.at(-1) ? 0 : 1;
  const [restA, restB] = [a.slice(0, -1), b.slice(0, -1)];
  const swapped =
    a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1)
      ? naiveEdits(a.slice(0, -2), b.slice(0, -2)) + 1
      : Infinity;
  if (same === 0) return naiveEdits(restA, restB);
  return Math.min(naiveEdits(restA, b) + 1, naiveEdits(a, restB) + 1, naiveEdits(restA, restB) + 1, swapped);
}
