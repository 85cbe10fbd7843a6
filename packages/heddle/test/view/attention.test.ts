/** What waits for people, and what waits behind it: against values worked out by hand. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Plan, Step } from "../../src/plan/plan.ts";
import type { EventBody } from "../../src/run/event.ts";
import { attentionOf, compareAttention, type RunAttention } from "../../src/view/attention.ts";
import { heldUpBy } from "../../src/view/held-up.ts";
import type { RunSnapshot } from "../../src/view/history.ts";
import { history, read, started, succeeded, type Happening } from "./histories.ts";

const NO_DURATIONS: ReadonlyMap<string, number> = new Map();

function stateOf(steps: readonly Step[], happenings: readonly Happening[] = []): RunSnapshot {
  const plan: Plan = { name: "p", steps };
  const { state } = read(history(plan, happenings));
  if (state === undefined) throw new Error("no state");
  return state;
}

function command(id: string, ...deps: readonly string[]): Step {
  return { id, action: { kind: "run", command: id }, deps };
}

function approval(id: string, ...deps: readonly string[]): Step {
  return { id, action: { kind: "approve", question: `${id}?` }, deps };
}

function asks(step: string): EventBody {
  return { type: "approval.requested", step, data: { question: `${step}?`, about: "step" } } as EventBody;
}

const STEPS = [
  approval("x"),
  command("a"),
  command("b", "x"),
  command("c", "x", "a"),
  command("d", "b", "c"),
  approval("y", "a"),
];

test("questions say since when, and how much waits behind them", () => {
  const state = stateOf(STEPS, [
    [1010, asks("x")],
    [1010, started("a")],
    [1200, succeeded("a", 190)],
    [1300, asks("y")],
  ]);
  const both = [
    {
      run: "r1",
      plan: "p",
      step: "x",
      kind: "approval",
      question: "x?",
      waitingSince: 1010,
      holdsUp: 3,
      onCriticalPath: true,
    },
    {
      run: "r1",
      plan: "p",
      step: "y",
      kind: "approval",
      question: "y?",
      waitingSince: 1300,
      holdsUp: 0,
      onCriticalPath: false,
    },
  ];
  expect(attentionOf(state, { live: true, expected: NO_DURATIONS })).toEqual(both);
  // `y` takes longer than all that is behind `x`.
  const expected = new Map([
    ["y", 1000],
    ["x", 1],
    ["b", 1],
    ["c", 1],
    ["d", 1],
  ]);
  expect(attentionOf(state, { live: true, expected }).map(({ onCriticalPath }) => onCriticalPath)).toEqual([
    false,
    true,
  ]);
});

test("a run whose process died is to be resumed, and holds up all that is left", () => {
  const state = stateOf(STEPS, [[1010, started("a")]]);
  expect(attentionOf(state, { live: true, expected: NO_DURATIONS })).toEqual([]);
  expect(attentionOf(state, { live: false, expected: NO_DURATIONS })).toEqual([
    { run: "r1", plan: "p", kind: "interrupted", waitingSince: 1010, holdsUp: 6, onCriticalPath: true },
  ]);
});

test("what has ended is not behind anything, and the length of the plan takes no stack", () => {
  const chain = Array.from({ length: 20_000 }, (_, at) => command(`s${at}`, ...(at === 0 ? [] : [`s${at - 1}`])));
  const state = stateOf(chain, [
    [1010, started("s0")],
    [1020, succeeded("s0", 10)],
  ]);
  expect(heldUpBy(state, [0, 1, 19_999], NO_DURATIONS)).toEqual([
    { holdsUp: 19_999, onCriticalPath: false },
    { holdsUp: 19_998, onCriticalPath: true },
    { holdsUp: 0, onCriticalPath: false },
  ]);
});

test("for any plan: as many as reach it by their deps, and one that holds up nothing less is on the longest way", () => {
  const plan = fc
    .integer({ min: 1, max: 12 })
    .chain((size) =>
      fc.tuple(
        ...Array.from({ length: size }, (_, at) =>
          fc.uniqueArray(fc.integer({ min: 0, max: Math.max(0, at - 1) }), { maxLength: at === 0 ? 0 : 3 }),
        ),
      ),
    );
  fc.assert(
    fc.property(plan, (deps) => {
      const state = stateOf(deps.map((list, at) => command(`s${at}`, ...list.map((dep) => `s${dep}`))));
      const all = deps.map((_, at) => at);
      const reaches = (from: number, to: number): boolean =>
        (deps[from] ?? []).some((dep) => dep === to || reaches(dep, to));
      const lengthFrom = (step: number): number =>
        1 + Math.max(0, ...all.filter((one) => (deps[one] ?? []).includes(step)).map(lengthFrom));
      const longest = Math.max(...all.map(lengthFrom));
      expect(heldUpBy(state, all, NO_DURATIONS)).toEqual(
        all.map((step) => ({
          holdsUp: all.filter((one) => reaches(one, step)).length,
          onCriticalPath: lengthFrom(step) === longest,
        })),
      );
    }),
  );
});

test("the order is whole: what holds up most, then what has waited longest, then names", () => {
  const item = (holdsUp: number, waitingSince: number, project: string, run: string, step?: string) => ({
    ...({ holdsUp, waitingSince, project, run } as RunAttention & { readonly project: string }),
    step: step ?? "",
  });
  const sorted = [
    item(5, 9, "b", "r"),
    item(1, 2, "b", "r"),
    item(1, 3, "a", "r"),
    item(1, 3, "a", "s", "x"),
    item(1, 3, "a", "s", "y"),
  ];
  expect(sorted.toReversed().sort(compareAttention)).toEqual(sorted);
});
