import { expect, test } from "vitest";
import { UsedLast } from "../../src/base/used-last.ts";

test("what was used last is kept, so many at most", () => {
  const kept = new UsedLast<string, number>(2);
  kept.set("a", 1);
  kept.set("b", 2);
  expect(kept.get("a")).toBe(1);
  kept.set("c", 3);
  expect([...kept.keys()]).toEqual(["a", "c"]);
  expect(kept.get("b")).toBe(undefined);
  kept.set("a", 4);
  kept.set("d", 5);
  expect([kept.get("a"), kept.get("c"), kept.get("d")]).toEqual([4, undefined, 5]);
  kept.delete("a");
  expect([...kept.keys()]).toEqual(["d"]);
});
