/** Which entries the palette shows for a text, and in which order. */
import { expect, test } from "vitest";
import { matchesOf } from "../../src/app/palette-match.ts";

const ENTRIES = ["web-orders", "orders", "api-orders", "order list", "reorder", "oh dear", "billing"].map((text) => ({
  text,
}));

test.each([
  ["orders", ["orders", "web-orders", "api-orders", "order list"]],
  ["order", ["orders", "order list", "web-orders", "api-orders", "reorder"]],
  ["  ORDER l", ["order list"]],
  ["odr", ["web-orders", "orders", "api-orders", "order list", "reorder", "oh dear"]],
  ["x", []],
  ["", ["web-orders", "orders", "api-orders", "order list", "reorder", "oh dear", "billing"]],
])("%j", (text, found) => {
  expect(matchesOf(ENTRIES, text, 20).map((entry) => entry.text)).toEqual(found);
});

test("no more than are wanted", () => {
  expect(matchesOf(ENTRIES, "o", 2)).toHaveLength(2);
});
