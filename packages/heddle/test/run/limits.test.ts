import { describe, expect, test } from "vitest";
import type { Step } from "../../src/plan/plan.ts";
import { apply, createState } from "../../src/run/apply.ts";
import { decide } from "../../src/run/decide.ts";
import type { Event, EventBody, EventOf } from "../../src/run/event.ts";
import { stepAt, type RunState } from "../../src/run/state.ts";
import type { DryRun } from "../support/dry-run.ts";
import { lasting, planOf, run, step, timeOf } from "./dry.ts";

const chain = (name: string, length: number, more: Partial<Step>): Step[] =>
  Array.from({ length }, (_, at) => step(`${name}${at}`, { ...(at > 0 && { deps: [`${name}${at - 1}`] }), ...more }));

describe("resources", () => {
  test("a large step is not starved by streams of small ones that take turns with its pools", () => {
    const steps = [
      ...chain("c", 30, { resources: { cpu: 1 } }),
      ...chain("g", 30, { resources: { gpu: 1 } }),
      step("warm", { resources: { cpu: 1 } }),
      step("large", { deps: ["warm"], resources: { cpu: 2, gpu: 2 }, priority: 1 }),
    ];
    const plan = planOf(steps, { resources: { cpu: 2, gpu: 2 } });
    const durations = Object.fromEntries(steps.map(({ id }, at) => [id, id.startsWith("g") ? 7 : 10 + (at % 3)]));
    const dry = run(plan, lasting({ ...durations, warm: 1 }), { maxConcurrency: 16 });
    expect(timeOf(dry, "step.started", "large")).toBeLessThanOrEqual(120);
  });

  test("nor by streams that take turns with its locks", () => {
    const steps = [
      ...chain("a", 30, { locks: { read: ["x"] } }),
      ...chain("b", 30, { locks: { read: ["y"] } }),
      step("warm"),
      step("writer", { deps: ["warm"], locks: { write: ["x", "y"] }, priority: 1 }),
    ];
    const durations = Object.fromEntries(steps.map(({ id }) => [id, id.startsWith("a") ? 10 : 7]));
    const dry = run(planOf(steps), lasting({ ...durations, warm: 1 }), { maxConcurrency: 16 });
    expect(timeOf(dry, "step.started", "writer")).toBeLessThanOrEqual(120);
  });

  test("a large step is overtaken by small ones that fit, for a while", () => {
    const small = Array.from({ length: 40 }, (_, at) => step(`s${at}`, { resources: { cpu: 1 } }));
    const steps = [
      step("first", { resources: { cpu: 1 }, priority: 2 }),
      step("large", { resources: { cpu: 2 }, priority: 1 }),
      ...small,
    ];
    const dry = run(planOf(steps, { resources: { cpu: 2 } }), lasting({ first: 1000 }), { maxConcurrency: 4 });
    const before = dry.started.indexOf("large");
    expect(before).toBe(16);
    expect(timeOf(dry, "step.started", "large")).toBe(1000);
  });

  test("what is left over beside a waiting large step may be used", () => {
    const steps = [
      step("now", { resources: { cpu: 2 }, priority: 2 }),
      step("large", { resources: { cpu: 3 }, priority: 1 }),
      step("small", { resources: { cpu: 1 } }),
      step("other", { resources: { gpu: 1 } }),
    ];
    const dry = run(
      planOf(steps, { resources: { cpu: 4, gpu: 1 } }),
      lasting({ now: 100, large: 10, small: 10, other: 10 }),
    );
    expect(timeOf(dry, "step.started", "other")).toBe(0);
    expect(timeOf(dry, "step.started", "large")).toBe(100);
  });
});

describe("locks", () => {
  const holders = (dry: DryRun, ids: readonly string[]): number[] => ids.map((id) => timeOf(dry, "step.started", id));

  test("readers share, a writer is alone", () => {
    const steps = [
      step("r1", { locks: { read: ["x"] } }),
      step("r2", { locks: { read: ["x"] } }),
      step("w", { locks: { write: ["x"] } }),
      step("r3", { locks: { read: ["x"] } }),
    ];
    expect(holders(run(steps, lasting({}), { maxConcurrency: 8 }), ["r1", "r2", "w", "r3"])).toEqual([0, 0, 10, 0]);
  });

  test("a lock named for reading and writing is a write lock", () => {
    const steps = [step("a", { locks: { read: ["x"], write: ["x"] } }), step("b", { locks: { read: ["x"] } })];
    expect(holders(run(steps, lasting({})), ["a", "b"])).toEqual([0, 10]);
  });
});

test("at most maxAgents agents, while other steps use the slots", () => {
  const agent = (id: string): Step => step(id, { action: { kind: "agent", prompt: "p" } });
  const dry = run([agent("a"), agent("b"), agent("c"), step("d")], lasting({}), { maxConcurrency: 8, maxAgents: 2 });
  expect(["a", "b", "c", "d"].map((id) => timeOf(dry, "step.started", id))).toEqual([0, 0, 10, 0]);
});

/** Every step has its locks. */
const GRANTED: ReadonlySet<number> = Object.assign(new Set<number>(), { has: () => true });

/** A run of the bare functions, without checks, that counts how often `decide` and `apply` look at a step. */
function countLooks(
  steps: readonly Step[],
  more: Partial<EventOf<"run.created">["data"]["options"]> = {},
): { looks: number; events: number } {
  const options = {
    maxConcurrency: 8,
    maxAgents: 3,
    schedule: "ready",
    failure: "continue",
    rollback: "none",
    ...more,
  } as const;
  const created: EventOf<"run.created"> = {
    run: "r",
    seq: 1,
    time: 0,
    type: "run.created",
    data: { plan: planOf(steps), options, engine: "0" },
  };
  const made = createState(created);
  if (!made.ok) throw new Error("no graph");
  const state = made.value;
  const record = (body: EventBody): void => apply(state, { run: "r", seq: state.seq + 1, time: 0, ...body } as Event);
  record({ type: "run.started", data: {} });
  const counter = watch(state);
  const running: number[] = [];
  while (state.phase.tag === "running") {
    const [command] = decide(state, { now: 0, load: undefined, locks: GRANTED });
    if (command?.kind === "start") {
      record({ type: "step.started", step: stepAt(state, command.step).id, attempt: command.attempt, data: {} });
      running.push(command.step);
    } else if (command?.kind === "end") record({ type: "run.succeeded", data: { durationMs: 0 } });
    else {
      const ended = running.shift();
      if (ended === undefined) throw new Error("stuck");
      record({
        type: "step.succeeded",
        step: stepAt(state, ended).id,
        attempt: 1,
        data: { output: null, durationMs: 0 },
      });
    }
  }
  return { looks: counter.count, events: state.seq };
}

/** Counts reads of the phases, by which a scan over the steps would show. */
function watch(state: RunState): { count: number } {
  const counter = { count: 0 };
  const phases = new Proxy(state.phases, {
    get(target, key, receiver) {
      if (typeof key === "string" && key !== "length") counter.count++;
      return Reflect.get(target, key, receiver) as unknown;
    },
  });
  Object.defineProperty(state, "phases", { value: phases });
  return counter;
}

describe("no scan per step", () => {
  test.each([
    ["20,000 independent steps", () => Array.from({ length: 20_000 }, (_, at) => step(`s${at}`)), {}],
    ["a chain of 10,000", () => chain("s", 10_000, {}), {}],
    ["a chain of 20,000 by layers", () => chain("s", 20_000, {}), { schedule: "layers" as const }],
    [
      "100 layers of 200, each after two of the one before",
      () =>
        Array.from({ length: 20_000 }, (_, at) =>
          step(`s${at}`, at < 200 ? {} : { deps: [`s${at - 200}`, `s${at - 200 + (at % 200 === 199 ? -1 : 1)}`] }),
        ),
      {},
    ],
    [
      "lanes: 50 pools and locks",
      () => Array.from({ length: 10_000 }, (_, at) => step(`s${at}`, { locks: { read: [`l${at % 50}`] } })),
      {},
    ],
  ])("%s: looks grow with the events", (_, make, options) => {
    const { looks, events } = countLooks(make(), options);
    // Some looks for each event, and the depth of a heap; a scan would be thousands for each.
    expect(looks / events).toBeLessThan(120);
  });
});
