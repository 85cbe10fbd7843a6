/** A step by itself: what it is, what waits behind it, and its attempts with what each cost. */
import { describe, expect, test } from "vitest";
import type { Plan } from "../../src/plan/plan.ts";
import { stepDetailOf } from "../../src/view/step-detail.ts";
import { DIAMOND, failed, history, read, started, succeeded, type Happening } from "./histories.ts";

const NOTHING_KNOWN = new Map<string, number>();

function detailOf(plan: Plan, id: string, happenings: readonly Happening[] = []) {
  const { state = expect.fail("no state"), timeline } = read(history(plan, happenings));
  return stepDetailOf({ state, timeline }, state.index.byId.get(id) ?? -1, NOTHING_KNOWN);
}

describe("a step by itself", () => {
  test("says what it does, and what comes before and behind it", () => {
    expect(detailOf(DIAMOND, "a")).toEqual({
      kind: "run",
      isForEach: false,
      does: "a",
      deps: [],
      after: [],
      holdsUp: 2,
      onCriticalPath: true,
      behind: ["c"],
      attempts: [],
    });
    expect(detailOf(DIAMOND, "d")).toMatchObject({ kind: "approve", does: "ship?", deps: ["c"], holdsUp: 0 });
  });

  test("holds nothing up once it has ended", () => {
    const ended: readonly Happening[] = [
      [1010, started("a")],
      [1110, succeeded("a", 100)],
    ];
    expect(detailOf(DIAMOND, "a", ended)).toMatchObject({ holdsUp: 0, onCriticalPath: false, behind: [] });
  });

  test("has its attempts in order, each with its error and what its agent told", () => {
    const plan: Plan = { name: "p", steps: [{ id: "a", action: { kind: "agent", prompt: "Do it." } }] };
    const usage = (attempt: number, usd?: number): Happening => [
      1050,
      {
        type: "usage.recorded",
        step: "a",
        attempt,
        data: { agent: "claude", model: "m", tokens: { output: 7 }, ...(usd !== undefined && { usd }) },
      },
    ];
    const { does, attempts } = detailOf(plan, "a", [
      [1010, started("a")],
      usage(1, 0.25),
      [1110, failed("a", 100, 1, 0)],
      [1200, started("a", 2)],
      usage(2),
    ]);
    expect(does).toBe("Do it.");
    expect(attempts).toMatchObject([
      {
        attempt: 1,
        status: "failed",
        durationMs: 100,
        note: "exit code 2",
        model: "m",
        cost: 0.25,
        tokens: { output: 7 },
      },
      { attempt: 2, status: "running", durationMs: null, tokens: { output: 7 } },
    ]);
    expect(attempts[1]).not.toHaveProperty("cost");
  });
});
