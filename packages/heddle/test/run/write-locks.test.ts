import { describe, expect, test } from "vitest";
import type { Plan, Step } from "../../src/plan/plan.ts";
import { explainStep } from "../../src/run/explain.ts";
import { checkHistory } from "../../src/run/check/history-checker.ts";
import { DryRun } from "../support/dry-run.ts";
import { lasting, planOf, run, step, timeOf } from "./dry.ts";

const SERIALIZE: Partial<Plan> = { agents: { conflicts: "serialize" } };
const writer = (id: string, writes: readonly string[], more: Partial<Step> = {}): Step => step(id, { writes, ...more });
const starts = (dry: DryRun, ids: readonly string[]): number[] => ids.map((id) => timeOf(dry, "step.started", id));
const at = { maxConcurrency: 16 };

describe("agents: {conflicts: serialize}", () => {
  const mixed = [
    writer("a", ["src/**"]),
    writer("b", ["src/api/*", "x"]),
    writer("c", ["docs/**"]),
    writer("d", ["x"]),
  ];

  test("steps whose globs meet take turns, and others run beside them", () => {
    // b meets a and d; a and d are apart, and c is apart from all.
    const dry = run(planOf(mixed, SERIALIZE), lasting({}), at);
    expect(starts(dry, ["a", "b", "c", "d"])).toEqual([0, 10, 0, 0]);
  });

  test("without it all run at once", () => {
    for (const agents of [undefined, { conflicts: "warn" } as const]) {
      const dry = run(planOf(mixed, agents === undefined ? {} : { agents }), lasting({}), at);
      expect(starts(dry, ["a", "b", "c", "d"])).toEqual([0, 0, 0, 0]);
    }
  });

  test("a turn is given back by a failure, and taken again by the next attempt", () => {
    const plan = planOf(
      [
        writer("a", ["x"], { retry: { attempts: 2, delayMs: 5, factor: 1, maxDelayMs: 5, jitter: 0 } }),
        writer("b", ["x"]),
      ],
      { ...SERIALIZE, failure: "continue" },
    );
    const dry = run(
      plan,
      {
        attempt: ({ id }, attempt) =>
          id === "a" && attempt === 1
            ? { durationMs: 10, error: { code: "exit", message: "exit 1" } }
            : { durationMs: 10 },
      },
      at,
    );
    expect(starts(dry, ["b", "a"])).toEqual([10, 20]);
    expect(dry.state.phase.tag).toBe("succeeded");
  });

  test("items of a forEach take turns, and so do steps that join later", () => {
    const items = step("items", { forEach: { items: [1, 2, 3] }, writes: ["x"] });
    const dry = run(planOf([items], SERIALIZE), lasting({ "items[0]": 10, "items[1]": 10, "items[2]": 10 }), at);
    expect(starts(dry, ["items[0]", "items[1]", "items[2]"])).toEqual([0, 10, 20]);

    const adder = step("adder");
    const long = writer("long", ["src/**"]);
    const added = [writer("meets", ["src/new/*"]), writer("apart", ["docs"])];
    const grown = run(
      planOf([adder, long], SERIALIZE),
      { attempt: ({ id }) => ({ durationMs: id === "long" ? 100 : 10, ...(id === "adder" && { adds: added }) }) },
      at,
    );
    expect(starts(grown, ["meets", "apart"])).toEqual([100, 10]);
  });

  test("a step that wants many files is not starved by those that want few", () => {
    const chain = (name: string): Step[] =>
      Array.from({ length: 30 }, (_, i) =>
        writer(`${name}${i}`, [`src/${name}`], i > 0 ? { deps: [`${name}${i - 1}`] } : {}),
      );
    const steps = [
      ...chain("p"),
      ...chain("q"),
      step("warm"),
      writer("all", ["src/**"], { deps: ["warm"], priority: 1 }),
    ];
    const durations = Object.fromEntries(steps.map(({ id }) => [id, id.startsWith("p") ? 10 : 7]));
    const dry = run(planOf(steps, SERIALIZE), lasting({ ...durations, warm: 1 }), at);
    expect(starts(dry, ["all"])[0]).toBeLessThanOrEqual(120);
  });

  test("who waits is told for whom", () => {
    const dry = DryRun.start(planOf([writer("a", ["src/**"]), writer("b", ["src/x"])], SERIALIZE), {}, at);
    dry.run(0);
    expect(explainStep(dry.state, 1, { now: 0, live: true })).toBe("waiting for a, which may write the same files");
  });

  test("the checker of histories counts it as a lock", () => {
    const both = run(planOf([writer("a", ["src/**"]), writer("b", ["src/x"])]), lasting({}), at).events;
    expect(checkHistory(both)).toEqual([]);
    const wrong = both.map((event) =>
      event.type === "run.created"
        ? { ...event, data: { ...event.data, plan: { ...event.data.plan, ...SERIALIZE } } }
        : event,
    );
    expect(checkHistory(wrong).map(({ rule, message }) => [rule, message])).toEqual([
      ["locks", "b and a may both write src/x"],
    ]);
  });

  test("a resume that says `serialize` for the first time is obeyed", () => {
    const steps = [step("first"), writer("a", ["x"], { deps: ["first"] }), writer("b", ["x"], { deps: ["first"] })];
    const before = run(
      planOf(steps),
      { attempt: () => ({ durationMs: 10, error: { code: "exit", message: "no" } }) },
      at,
    );
    const dry = DryRun.resume(before.events, lasting({}), { plan: planOf(steps, SERIALIZE), ...at }).run();
    const [a = 0, b = 0] = starts(dry, ["a", "b"]);
    expect(b - a).toBe(10);
  });
});
