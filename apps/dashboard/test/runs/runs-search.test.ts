/** What of the runs stands in the address, and what is to be looked at in one. */
import { expect, test } from "vitest";
import type { RunOverview } from "heddle/view";
import { lookText } from "../../src/runs/look-text.ts";
import { picked, pickedRuns, runsSearch } from "../../src/runs/runs-search.ts";

test("only what is known is taken from the address", () => {
  expect(runsSearch({ q: "plan:x", since: "7d", pick: "shop/a,shop/b", start: "x.yaml", other: "1" })).toEqual({
    q: "plan:x",
    since: "7d",
    pick: "shop/a,shop/b",
    start: "x.yaml",
  });
  expect(runsSearch({ q: "", since: "9d", pick: 7 })).toEqual({});
});

test("two runs are picked, of three the last two", () => {
  const add = (pick: string | undefined, run: string): string | undefined =>
    picked(pickedRuns(pick), { project: "shop", run });
  expect(add(undefined, "a")).toBe("shop/a");
  expect(add("shop/a", "b")).toBe("shop/a,shop/b");
  expect(add("shop/a,shop/b", "c")).toBe("shop/b,shop/c");
  expect(add("shop/a,shop/b", "a")).toBe("shop/b");
  expect(add("shop/a", "a")).toBeUndefined();
  expect(pickedRuns("/x,shop,a/b/c")).toEqual([{ project: "a/b", run: "c" }]);
});

const NONE = { failed: 0, "needs-approval": 0, "needs-resolution": 0, retrying: 0 };

function look(
  status: string,
  byStatus: Partial<typeof NONE>,
  failed: readonly string[] = [],
  asking: RunOverview["look"]["asking"] = [],
): string {
  return lookText({
    seq: 1,
    head: { status, byStatus: { ...NONE, ...byStatus } },
    look: { failed, asking },
  } as unknown as RunOverview);
}

test("what is to be looked at", () => {
  expect(look("succeeded", {})).toBe("");
  expect(look("failed", { failed: 4 }, ["lint", "e2e", "docs"])).toBe("4 failed: lint, e2e, docs and 1 more");
  expect(
    look(
      "waiting",
      { "needs-approval": 1, "needs-resolution": 2 },
      [],
      [
        { step: "sign", status: "needs-approval" },
        { step: "x", status: "needs-resolution" },
      ],
    ),
  ).toBe("2 conflicts: x and 1 more · 1 question: sign");
  expect(look("interrupted", { retrying: 1 })).toBe("its process died; resume goes on · 1 to be tried again");
});
