/** B4: a log follows its end, and never steals the reader's place. */
import { expect, test } from "vitest";
import { followsAfter, type FollowEvent } from "../../src/logs/follow-rule.ts";

const up: FollowEvent = { kind: "scrolled", by: -1, isAtEnd: false };
const down: FollowEvent = { kind: "scrolled", by: 40, isAtEnd: false };
const toEnd: FollowEvent = { kind: "scrolled", by: 40, isAtEnd: true };

test.each<[string, boolean, readonly FollowEvent[], boolean]>([
  ["scrolling up stops it", true, [up], false],
  ["scrolling down in the middle does not begin it", false, [down], false],
  ["reaching the end does", false, [up, down, toEnd], true],
  ["selecting text stops it", true, [{ kind: "selected" }], false],
  ["looking for something stops it", true, [{ kind: "searched" }], false],
  ["the End key begins it again", true, [{ kind: "selected" }, { kind: "end" }], true],
  [
    "a scroll up that stays at the end, as of a log that fits the window, does not stop it",
    true,
    [{ kind: "scrolled", by: -1, isAtEnd: true }],
    true,
  ],
  ["a scroll up at the end does not begin it", false, [{ kind: "scrolled", by: -1, isAtEnd: true }], false],
])("%s", (_, before, events, after) => expect(events.reduce(followsAfter, before)).toBe(after));
