import { expect, test } from "vitest";
import type { EventBody } from "../../src/run/event.ts";
import { RunSchema } from "../../src/view/schemas.ts";
import { runView, type RunView } from "../../src/view/run-view.ts";
import { history, read, started, succeeded } from "./histories.ts";

function merged(step: string, files: readonly string[], attempt = 1): EventBody {
  const data = { branch: "i", commit: "c", onto: "o", captured: "k", ref: "r", files };
  return { type: "worktree.merged", step, attempt, data };
}

function viewOf(ids: readonly string[], happenings: readonly EventBody[]): RunView {
  const plan = { name: "p", steps: ids.map((id) => ({ id, action: { kind: "agent", prompt: "x" } as const })) };
  const { state, timeline } = read(
    history(
      plan,
      happenings.map((body, at) => [1010 + at, body] as const),
    ),
  );
  if (state === undefined) throw new Error("no state");
  const made = runView({ state, timeline, live: false, now: 9000, logFile: () => null });
  RunSchema.parse(JSON.parse(JSON.stringify(made)));
  return made;
}

test("files of several steps' merged work, the most shared first, each step once", () => {
  const { changedBySeveral } = viewOf(
    ["a", "b", "c"],
    [
      started("a"),
      merged("a", ["z", "x", "own"]),
      merged("a", ["x"]),
      succeeded("a", 1),
      started("c"),
      merged("c", ["x", "y"]),
      started("b"),
      merged("b", ["x", "y", "z"]),
    ],
  );
  expect(changedBySeveral).toEqual({
    count: 3,
    files: [
      { file: "x", steps: ["a", "c", "b"], count: 3 },
      { file: "y", steps: ["c", "b"], count: 2 },
      { file: "z", steps: ["a", "b"], count: 2 },
    ],
  });
});

test("a conflict is no change, and nothing merged is nothing shared", () => {
  const conflicted: EventBody = {
    type: "worktree.conflicted",
    step: "b",
    attempt: 1,
    data: { reason: "conflict", files: ["x"], head: "h", captured: "k", ref: "r", time: 1 },
  };
  const { changedBySeveral } = viewOf(["a", "b"], [started("a"), merged("a", ["x"]), started("b"), conflicted]);
  expect(changedBySeveral).toEqual({ count: 0, files: [] });
});

test("the list is bounded, and says how much there is", () => {
  const ids = Array.from({ length: 30 }, (_, at) => `s${at}`);
  const files = Array.from({ length: 500 }, (_, at) => `f${at}`);
  const { changedBySeveral } = viewOf(
    ids,
    ids.flatMap((id) => [started(id), merged(id, files)]),
  );
  expect(changedBySeveral.count).toBe(500);
  expect(changedBySeveral.files).toHaveLength(200);
  expect(changedBySeveral.files[0]).toMatchObject({ file: "f0", count: 30 });
  expect(changedBySeveral.files[0]?.steps).toHaveLength(20);
});
