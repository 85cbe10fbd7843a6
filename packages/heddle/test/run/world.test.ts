/** Inputs of the reducer beside what attempts tell: examinations, locks over all runs, the load of the machine, the clock. */
import { describe, expect, test } from "vitest";
import { err, ok } from "../../src/base/result.ts";
import type { Plan, Step } from "../../src/plan/plan.ts";
import { createState } from "../../src/run/apply.ts";
import { MOST_EXAMINATIONS } from "../../src/run/decide.ts";
import { type Event, RUN_RULES } from "../../src/run/event.ts";
import type { Finding, Input } from "../../src/run/input-events.ts";
import { isRunEnded, type RunState } from "../../src/run/state.ts";
import { advance, recordEvent, type Advance, type World } from "../../src/run/transition.ts";
import { newVolatile, type RunPolicy } from "../../src/run/volatile.ts";
import { planOf, retry, step } from "./dry.ts";

/** A run whose world is the test's. */
class Driven {
  readonly state: RunState;
  readonly events: Event[] = [];
  world: World = {
    now: 0,
    load: undefined,
    locks: new Set(),
    random: () => 0.5,
    expressions: { holds: () => ok(true), text: (template) => ok(template) },
    outputProblem: () => undefined,
    environment: {},
  };

  constructor(plan: Plan | readonly Step[], policy: Partial<RunPolicy> = {}, maxConcurrency = 2) {
    const made = createState({
      run: "r",
      seq: 1,
      time: 0,
      type: "run.created",
      data: {
        plan: "name" in plan ? plan : planOf(plan),
        options: { maxConcurrency, maxAgents: 1, schedule: "ready", failure: "continue", rollback: "none" },
        engine: "0",
        rules: RUN_RULES,
      },
    });
    if (!made.ok) throw new Error("no graph");
    this.state = made.value;
    Object.assign(this.state.volatile, newVolatile(policy));
    recordEvent(this.state, { type: "run.started", data: {} }, 0);
  }

  /** What one turn records and wants, as short texts. */
  turn(...inputs: readonly Input[]): { readonly told: readonly string[]; readonly wants: readonly string[] } {
    const { events, effects }: Advance = advance(this.state, inputs, this.world);
    this.events.push(...events);
    return {
      told: events.map((event) => ("step" in event ? `${event.type} ${event.step}` : event.type)),
      wants: effects.map((effect) => ("step" in effect ? `${effect.kind} ${this.id(effect.step)}` : effect.kind)),
    };
  }

  id(step: number): string {
    return this.state.steps[step]?.id ?? "";
  }

  number(id: string): number {
    return this.state.index.byId.get(id) ?? -1;
  }

  examined(id: string, finding: Finding): Input {
    return { kind: "examined", step: this.number(id), finding: ok(finding) };
  }

  succeeded(id: string): Input {
    const outcome = { kind: "succeeded", output: null } as const;
    return { kind: "outcome", step: this.number(id), attempt: 1, outcome, added: ok([]) };
  }
}

const cacheable = (id: string, more: Partial<Step> = {}): Step => step(id, { cache: true, ...more });

describe("an examination", () => {
  const examines = { examines: true };

  test("comes before the step starts, takes no slot, and is asked for once", () => {
    const run = new Driven([cacheable("a"), step("b"), step("c")], examines);
    expect(run.turn()).toEqual({
      told: ["step.started b", "step.started c"],
      wants: ["examine a", "dispatch b", "dispatch c"],
    });
    expect(run.state.index.slots).toBe(2);
    expect(run.turn()).toEqual({ told: [], wants: [] });
    expect(run.turn(run.examined("a", { decision: "run", key: "k" }))).toEqual({
      told: ["step.examined a"],
      wants: [],
    });
    expect(run.turn(run.succeeded("b"))).toEqual({
      told: ["step.succeeded b", "step.started a"],
      wants: ["dispatch a"],
    });
  });

  test("happens when all deps have ended and the condition holds, not before", () => {
    const run = new Driven([step("a"), cacheable("b", { deps: ["a"], if: "true" })], examines);
    expect(run.turn().wants).toEqual(["dispatch a"]);
    expect(run.turn(run.succeeded("a")).wants).toEqual(["examine b"]);
    const doomed = new Driven([cacheable("a", { if: "true" })], examines);
    doomed.world = { ...doomed.world, expressions: { ...doomed.world.expressions, holds: () => ok(false) } };
    expect(doomed.turn()).toEqual({ told: ["step.skipped a", "run.succeeded"], wants: [] });
  });

  test("that finds a stored result ends the step without a start", () => {
    const run = new Driven([cacheable("a"), cacheable("b"), step("end", { deps: ["a", "b"] })], examines);
    run.turn();
    const findings = [
      run.examined("a", { decision: "cached", key: "k", from: "r0", output: 7 }),
      run.examined("b", { decision: "up-to-date", output: 8 }),
    ];
    expect(run.turn(...findings).told).toEqual(["step.cached a", "step.skipped b", "step.started end"]);
    expect(run.events.map(({ data }) => data).slice(0, 2)).toEqual([
      { key: "k", from: "r0", output: 7 },
      { reason: { kind: "up-to-date", output: 8 } },
    ]);
  });

  test("that cannot be made lets the step run, and says why", () => {
    const run = new Driven([cacheable("a")], examines);
    run.turn();
    expect(run.turn({ kind: "examined", step: 0, finding: err("a.txt cannot be read") }).told).toEqual([
      "step.examined a",
      "step.started a",
    ]);
    expect(run.events[0]?.data).toEqual({ decision: "uncacheable", reason: "a.txt cannot be read" });
  });

  test(`at most ${MOST_EXAMINATIONS} at once, whatever the number of slots`, () => {
    const steps = Array.from({ length: MOST_EXAMINATIONS + 3 }, (_, at) => cacheable(`s${at}`));
    const run = new Driven(steps, examines, 1);
    expect(run.turn().wants).toHaveLength(MOST_EXAMINATIONS);
    expect(run.turn(run.examined("s0", { decision: "run" })).wants).toEqual([
      `examine s${MOST_EXAMINATIONS}`,
      "dispatch s0",
    ]);
  });

  test("that comes after the run was halted changes nothing", () => {
    const run = new Driven([cacheable("a"), step("b")], examines);
    run.turn();
    run.turn({ kind: "halt", reason: "cancel" });
    run.turn({
      kind: "outcome",
      step: 1,
      attempt: 1,
      outcome: { kind: "stopped", reason: "cancel" },
      added: ok([]),
    });
    expect(isRunEnded(run.state.phase)).toBe(true);
    const before = run.state.seq;
    run.turn(run.examined("a", { decision: "cached", key: "k", from: "r0", output: 1 }));
    expect(run.state.seq).toBe(before);
  });

  test("is not made where nothing is cached, nor of steps that may not be", () => {
    expect(new Driven([cacheable("a")]).turn().wants).toEqual(["dispatch a"]);
    expect(new Driven([step("a")], examines).turn().wants).toEqual(["dispatch a"]);
  });

  test("is made again by the next engine: files may have changed meanwhile", () => {
    const run = new Driven([cacheable("a"), step("b")], examines, 1);
    run.turn();
    run.turn(run.examined("a", { decision: "run" }));
    expect(run.state.examined.size).toBe(1);
    Object.assign(run.state.volatile, newVolatile(examines));
    recordEvent(run.state, { type: "run.resumed", data: { engine: "0", interrupted: [], reset: [] } }, 0);
    expect(run.state.examined.size).toBe(0);
    expect(run.turn().wants).toContain("examine a");
  });
});

describe("locks over all runs", () => {
  test("are asked for once a turn, and the step starts in the turn in which it has them", () => {
    const run = new Driven([step("a", { locks: { write: ["db"] } }), step("b")]);
    expect(run.turn()).toEqual({ told: ["step.started b"], wants: ["lock a", "dispatch b"] });
    expect(run.turn().wants).toEqual(["lock a"]);
    run.world = { ...run.world, locks: new Set([run.number("a")]) };
    expect(run.turn()).toEqual({ told: ["step.started a"], wants: ["dispatch a"] });
    expect(run.turn(run.succeeded("a")).wants).toEqual(["unlock a"]);
  });

  const locked = step("a", { locks: { write: ["db"] } });
  /** Granted, with no slot free. */
  const granted = (): Driven => {
    const run = new Driven([locked, step("b")], {}, 1);
    run.turn();
    run.world = { ...run.world, locks: new Set([run.number("a")]) };
    expect(run.turn()).toEqual({ told: [], wants: [] });
    return run;
  };

  test("of steps that wait are given back while the run is paused", () => {
    expect(granted().turn({ kind: "pause", reason: "lunch" })).toEqual({ told: ["run.paused"], wants: ["unlock a"] });
  });

  test("of steps that wait are given back when the run is to end", () => {
    expect(granted().turn({ kind: "halt", reason: "cancel" }).wants).toEqual(["stop", "unlock a"]);
  });

  test("of steps that wait are given back while an open plan holds what else they need", () => {
    const cpu = { resources: { cpu: 1 } };
    const asks = planOf([step("ask", { action: { kind: "approve", question: "?" } })]);
    const holder = step("p", { action: { kind: "plan", plan: asks }, ...cpu });
    const run = new Driven(planOf([{ ...locked, ...cpu }, holder], cpu), {}, 1);
    expect(run.turn().wants).toEqual(["lock a", "expand p"]);
    run.world = { ...run.world, locks: new Set([run.number("a")]) };
    expect(run.turn().wants).toEqual(["unlock a"]);
  });

  test("are asked for again by an attempt that follows at once", () => {
    const run = new Driven([step("a", { locks: { write: ["db"] }, retry: retry(2, { delayMs: 0 }) })]);
    run.turn();
    run.world = { ...run.world, locks: new Set([run.number("a")]) };
    run.turn();
    const outcome = { kind: "failed", error: { code: "exit", message: "exit 1" } } as const;
    expect(run.turn({ kind: "outcome", step: 0, attempt: 1, outcome, added: ok([]) })).toEqual({
      told: ["step.failed a"],
      wants: ["unlock a", "lock a"],
    });
  });
});

describe("the load of the machine", () => {
  test("holds starts back, but one attempt may always run", () => {
    const run = new Driven([step("a"), step("b")]);
    run.world = { ...run.world, load: { resource: "memory", used: 2000, limit: 1000 } };
    expect(run.turn().told).toEqual(["step.started a"]);
    run.world = { ...run.world, load: undefined };
    expect(run.turn().told).toEqual(["step.started b"]);
  });
});

describe("time", () => {
  test("over for the whole run stops it, with what waits", () => {
    const run = new Driven([step("a"), step("b", { deps: ["a"] })]);
    run.state.volatile.endsAt = 100;
    run.turn();
    run.world = { ...run.world, now: 100 };
    const { events, effects } = advance(run.state, [], run.world);
    expect(events).toEqual([]);
    expect(effects).toEqual([{ kind: "stop", reason: "run-timeout" }]);
  });

  test("the next moment at which something is due is told", () => {
    const plan = planOf([
      step("box", { timeoutMs: 70, action: { kind: "plan", plan: planOf([step("in")]) } }),
      step("ask", { timeoutMs: 50, action: { kind: "approve", question: "?" } }),
    ]);
    const run = new Driven(plan);
    expect(advance(run.state, [], run.world).wakeAt).toBe(50);
    const expansion = ok({ kind: "children" as const, steps: [step("box/in")] });
    advance(run.state, [{ kind: "expanded", step: 0, attempt: 1, expansion }], run.world);
    run.world = { ...run.world, now: 50 };
    expect(advance(run.state, [], run.world).wakeAt).toBe(70);
    expect(run.state.phases[1]).toMatchObject({ tag: "failed", error: { code: "rejected" } });
  });

  const box = step("box", { timeoutMs: 70, action: { kind: "plan", plan: planOf([step("in")]) } });
  const expanded: Input = {
    kind: "expanded",
    step: 0,
    attempt: 1,
    expansion: ok({ kind: "children", steps: [step("box/in")] }),
  };

  test("of a subplan that passes while the run ends is nothing to wake up for", () => {
    const run = new Driven([box]);
    run.turn();
    run.turn(expanded);
    expect(run.turn({ kind: "halt", reason: "cancel" }).wants).toEqual(["stop"]);
    run.world = { ...run.world, now: 71 };
    expect(advance(run.state, [], run.world)).toEqual({ events: [], effects: [], wakeAt: undefined });
  });

  test("of the run that passes while steps are undone is nothing to wake up for", () => {
    const run = new Driven([step("a", { undo: "rm a" }), step("b", { deps: ["a"] })]);
    run.state.options = { ...run.state.options, rollback: "all" };
    run.state.volatile.endsAt = 100;
    run.turn();
    run.turn(run.succeeded("a"));
    const outcome = { kind: "failed", error: { code: "exit", message: "exit 1" } } as const;
    const failed: Input = { kind: "outcome", step: run.number("b"), attempt: 1, outcome, added: ok([]) };
    expect(run.turn(failed).wants).toEqual(["undo a"]);
    run.world = { ...run.world, now: 101 };
    expect(advance(run.state, [], run.world)).toEqual({ events: [], effects: [], wakeAt: undefined });
  });
});
