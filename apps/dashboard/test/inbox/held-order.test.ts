/** A list that somebody looks at: nothing in it moves. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { heldList, wholeList, type HeldItem } from "../../src/inbox/held-order.ts";

const keyOf = (item: string): string => item;

function shown(items: readonly HeldItem<string>[]): string {
  return items.map(({ key, isSettled }) => (isSettled ? `(${key})` : key)).join(" ");
}

test("what is new waits, what is settled stays in its place", () => {
  const held = wholeList(["a", "b", "c"], keyOf);
  const next = heldList(held, ["x", "c", "a"], keyOf);
  expect([shown(next.items), next.fresh]).toEqual(["a (b) c", 1]);
  expect(shown(wholeList(["x", "c", "a"], keyOf))).toBe("x c a");
});

test("where nothing is left to touch, all that there is comes at once", () => {
  expect(heldList<string>([], ["b", "a"], keyOf)).toEqual({ items: wholeList(["b", "a"], keyOf), fresh: 0 });
  const settled = heldList(wholeList(["a"], keyOf), [], keyOf);
  expect([shown(settled.items), settled.fresh]).toEqual(["(a)", 0]);
  expect(shown(heldList(settled.items, ["n"], keyOf).items)).toBe("n");
});

test("an item that comes back is open again, and the newest of its kind is shown", () => {
  const first = heldList(
    wholeList([{ id: 1, text: "old" }], ({ id }) => String(id)),
    [],
    ({ id }) => String(id),
  );
  const again = heldList(first.items, [{ id: 1, text: "new" }], ({ id }) => String(id));
  expect(again.items).toEqual([{ key: "1", item: { id: 1, text: "new" }, isSettled: false }]);
});

test("no item moves, whatever comes and goes", () => {
  const lists = fc.array(fc.uniqueArray(fc.constantFrom<string[]>("a", "b", "c", "d"), { maxLength: 4 }), {
    maxLength: 8,
  });
  fc.assert(
    fc.property(lists, (all) => {
      let items: readonly HeldItem<string>[] = wholeList(["a", "b"], keyOf);
      for (const now of all) {
        const next = heldList(items, now, keyOf);
        const isWhole = items.every(({ key }) => !now.includes(key)) && now.length > 0;
        expect(next.items.map(({ key }) => key)).toEqual(isWhole ? now : items.map(({ key }) => key));
        expect(next.fresh).toBe(isWhole ? 0 : now.filter((key) => !items.some((one) => one.key === key)).length);
        ({ items } = next);
      }
    }),
  );
});
