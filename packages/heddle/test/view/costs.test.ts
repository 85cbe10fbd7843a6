/** Costs: sums of what agents told, by run, step, model and day; what they did not tell is counted as unknown. */
import { expect, test } from "vitest";
import type { Event, EventOf } from "../../src/run/event.ts";
import { CostReader, costsDocument, type CostsOfRun } from "../../src/view/costs.ts";

const DAY = 86_400_000;
type Turn = readonly [time: number, step: string, data: EventOf<"usage.recorded">["data"]];

function run(id: string, turns: readonly Turn[]): CostsOfRun {
  const costs = new CostReader();
  for (const [at, [time, step, data]] of turns.entries())
    costs.add({ run: id, seq: at + 1, time, type: "usage.recorded", step, attempt: 1, data } as Event);
  return { run: id, plan: "p", startedAt: 0, costs };
}

const NOTHING_MORE = { isPartial: false, unreadable: [] };

test("turns are summed by run, step, model and day, the dearest first", () => {
  const document = costsDocument(
    [
      run("r1", [
        [0, "a", { agent: "claude", model: "m1", usd: 1.5, tokens: { input: 10, output: 2 } }],
        [DAY - 1, "b", { agent: "claude", model: "m2", usd: 2, tokens: { input: 1 } }],
      ]),
      run("r2", [
        [DAY, "a", { agent: "claude", model: "m1", usd: 0.25 }],
        [DAY, "a", { agent: "codex" }],
      ]),
      run("r3", []),
    ],
    NOTHING_MORE,
  );
  expect(document.total).toEqual({
    turns: 4,
    cost: 3.75,
    turnsWithoutCost: 1,
    tokens: { input: 11, output: 2 },
    turnsWithoutTokens: 2,
  });
  expect(document.byRun.map(({ run: id, cost }) => [id, cost])).toEqual([
    ["r1", 3.5],
    ["r2", 0.25],
  ]);
  expect(document.byStep.map(({ step, cost, turns }) => [step, cost, turns])).toEqual([
    ["b", 2, 1],
    ["a", 1.75, 3],
  ]);
  expect(document.byModel.map(({ agent, model, cost }) => [agent, model, cost])).toEqual([
    ["claude", "m2", 2],
    ["claude", "m1", 1.75],
    ["codex", null, null],
  ]);
  expect(document.byDay.map(({ day, cost }) => [day, cost])).toEqual([
    ["1970-01-01", 3.5],
    ["1970-01-02", 0.25],
  ]);
  expect(document.runs).toBe(3);
});

test("what nobody told is unknown, and not nothing", () => {
  const { total, byStep } = costsDocument([run("r", [[0, "a", { agent: "x" }]])], NOTHING_MORE);
  expect([total.cost, total.turnsWithoutCost, byStep[0]?.cost]).toEqual([null, 1, null]);
});

test("a list is cut where it is long, and says so", () => {
  const turns = Array.from({ length: 600 }, (_, at): Turn => [0, `s${at}`, { agent: "x", usd: at }]);
  const { byStep, isPartial, total } = costsDocument([run("r", turns)], NOTHING_MORE);
  expect([byStep.length, byStep[0]?.step, isPartial, total.turns]).toEqual([500, "s599", true, 600]);
});
