/** A timeline and its copies go on apart. */
import { expect, test } from "vitest";
import type { Step } from "../../src/plan/plan.ts";
import type { EventBody } from "../../src/run/event.ts";
import { Timeline } from "../../src/view/timeline.ts";
import { history, started, succeeded } from "./histories.ts";

const A: Step = { id: "a", action: { kind: "run", command: "x" } };
const adds = (step: Step): EventBody =>
  ({ type: "steps.added", step: "a", attempt: 1, data: { steps: [step] } }) as unknown as EventBody;
const x = (action: Step["action"]): Step => ({ id: "x", action });

test("steps that are added to a timeline are not in its copy, nor the other way round", () => {
  const plan = { name: "p", steps: [A] };
  const shared = history(plan, [
    [1000, started("a")],
    [2000, succeeded("a", 1000)],
  ]);
  const timeline = new Timeline();
  for (const event of shared) timeline.add(event);
  const copies = [timeline.copy(), timeline.copy()] as const;
  const goOn = (of: Timeline, more: readonly EventBody[]): readonly string[] => {
    for (const event of history(
      plan,
      more.map((body) => [3000, body]),
    ).slice(2))
      of.add(event);
    return of.spans().map(({ step, kind }) => `${step} ${kind}`);
  };
  expect(goOn(copies[0], [adds(x({ kind: "plan", file: "p" })), started("x")])).toEqual(["a attempt", "x container"]);
  expect(goOn(timeline, [adds(x({ kind: "sleep", time: "1s" })), started("x")])).toEqual(["a attempt", "x wait"]);
  expect(goOn(copies[1], [started("x")])).toEqual(["a attempt", "x attempt"]);
});
