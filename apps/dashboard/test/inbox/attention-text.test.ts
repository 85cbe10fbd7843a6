/** What waits for a person, in words. */
import { expect, test } from "vitest";
import type { AttentionItem } from "heddle/client";
import { askedText, heldText, needText } from "../../src/inbox/attention-text.ts";

const ITEM: AttentionItem = {
  project: "shop",
  run: "7f3a",
  plan: "release",
  step: "sign",
  kind: "approval",
  question: "Sign?",
  waitingSince: 0,
  holdsUp: 6,
  onCriticalPath: true,
};

test.each<[Partial<AttentionItem>, string]>([
  [{}, "Sign?"],
  [{ kind: "conflict" }, "Sign?"],
])("%j", (set, text) => {
  expect(askedText({ ...ITEM, ...set })).toBe(text);
});

test("without a question it is said what happened", () => {
  const { question: _question, ...silent } = ITEM;
  expect(askedText({ ...silent, kind: "conflict" })).toBe("The work of sign does not merge");
  expect(askedText({ ...silent, kind: "interrupted" })).toBe("The process of release died; what was done is kept");
  expect(askedText(silent)).toBe("sign asks");
});

test("how much it holds up", () => {
  expect(heldText(ITEM)).toBe("holds up 6 steps, on the critical path");
  expect(heldText({ ...ITEM, holdsUp: 1, onCriticalPath: false })).toBe("holds up 1 step");
  expect(heldText({ ...ITEM, holdsUp: 0 })).toBe("holds nothing up");
  expect([needText(1), needText(2)]).toEqual(["1 needs you", "2 need you"]);
});
