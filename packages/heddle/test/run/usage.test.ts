import { expect, test } from "vitest";
import { apply, createState } from "../../src/run/apply.ts";
import type { Event, EventOf } from "../../src/run/event.ts";
import { costByStep, costOfRun, totalUsage } from "../../src/run/usage.ts";
import { sample } from "./samples.ts";

type Usage = EventOf<"usage.recorded">["data"];

function folded(...turns: readonly (readonly [step: string, attempt: number, data: Usage])[]) {
  const created = createState({
    run: "r",
    seq: 1,
    time: 0,
    type: "run.created",
    data: { ...(sample("run.created") as EventOf<"run.created">).data },
  });
  if (!created.ok) throw new Error("no graph");
  const state = created.value;
  turns.forEach(([step, attempt, data], at) =>
    apply(state, { run: "r", seq: at + 2, time: at, type: "usage.recorded", step, attempt, data } as Event),
  );
  return state.usage;
}

test("turns are summed by step, attempt, agent and model; each sum can be had by any of them", () => {
  const usage = folded(
    ["a", 1, { agent: "claude", model: "m1", tokens: { input: 10, output: 1 }, usd: 0.5 }],
    ["a", 1, { agent: "claude", model: "m1", tokens: { input: 5, cachedRead: 7 }, usd: 0.25 }],
    ["a", 2, { agent: "claude", model: "m2", tokens: { input: 1 }, usd: 1 }],
    ["b", 1, { agent: "codex", model: "m1", tokens: { output: 3 } }],
  );
  expect(usage.size).toBe(3);
  expect(totalUsage(usage)).toEqual({
    turns: 4,
    tokens: { input: 16, cachedRead: 7, output: 4 },
    turnsWithoutTokens: 0,
    usd: 1.75,
    turnsWithoutUsd: 1,
  });
  expect(totalUsage(usage, ({ step }) => step === "a").tokens).toEqual({ input: 16, cachedRead: 7, output: 1 });
  expect(totalUsage(usage, ({ step, attempt }) => step === "a" && attempt === 1).usd).toBe(0.75);
  expect(totalUsage(usage, ({ model }) => model === "m1").tokens).toEqual({ input: 15, cachedRead: 7, output: 4 });
  expect([...costByStep(usage)]).toEqual([["a", 1.75]]);
});

test("what nobody told is unknown, never zero", () => {
  const silent = folded(["a", 1, { agent: "claude" }]);
  expect(totalUsage(silent)).toEqual({ turns: 1, tokens: {}, turnsWithoutTokens: 1, usd: 0, turnsWithoutUsd: 1 });
  expect(costOfRun(silent)).toBeNull();
  expect([...costByStep(silent)]).toEqual([]);
  expect(costOfRun(folded(["a", 1, { agent: "claude", usd: 0 }]))).toBe(0);
});

test.each([
  ["the first turn", ["p", undefined, undefined]],
  ["a turn in between", [undefined, "p", undefined]],
  ["the last turn", [undefined, undefined, "p"]],
])("a provider named by %s alone is known", (_, providers) => {
  const turns = providers.map((provider) => ["a", 1, { agent: "codex", ...(provider && { provider }) }] as const);
  expect([...folded(...turns).values()]).toMatchObject([{ provider: "p", turns: 3 }]);
});
