/** What a plan inside a step says of its own steps holds inside it, and what its step holds is held while it is open. */
import { describe, expect, test } from "vitest";
import { checkHistory } from "../../src/run/check/history-checker.ts";
import type { Plan, Step } from "../../src/plan/plan.ts";
import type { Event } from "../../src/run/event.ts";
import { DryRun } from "../support/dry-run.ts";
import { generatePlan, USUAL_SHAPE } from "../support/plans.ts";
import { causes, failing, generatedScript, lasting, planOf, run, step, timeOf } from "./dry.ts";

const nested = (id: string, steps: readonly Step[], says: Partial<Plan> = {}, more: Partial<Step> = {}): Step =>
  step(id, { action: { kind: "plan", plan: planOf(steps, says) }, ...more });

/** Steps in the order of their starts and ends, without containers: `a` starts, `/a` ends. */
function trace(dry: DryRun): string {
  const leaves = dry.events.filter(
    (event) => "step" in event && !dry.state.containers.has(dry.state.index.byId.get(event.step) ?? -1),
  );
  return leaves
    .flatMap((event) => {
      if (event.type === "step.started") return [event.step];
      return event.type === "step.succeeded" ? [`/${event.step}`] : [];
    })
    .join(" ");
}

describe("limits of a plan inside", () => {
  test("maxConcurrency bounds its attempts at any depth, and no others", () => {
    const inside = [step("a"), nested("deep", [step("b"), step("c")]), step("d", { forEach: { items: [1, 2] } })];
    const dry = run([nested("p", inside, { maxConcurrency: 1 }), step("x"), step("y")], lasting({}));
    const events = trace(dry).split(" ");
    const own = events.filter((text) => text.includes("p/"));
    expect(own.filter((_, at) => at % 2 === 0).map((id) => `/${id}`)).toEqual(own.filter((_, at) => at % 2 === 1));
    expect(new Set(events.slice(0, 3))).toEqual(new Set(["x", "y", own[0]]));
  });

  test("maxAgents bounds its agents alone", () => {
    const agent = (id: string): Step => step(id, { action: { kind: "agent", prompt: "x" } });
    const dry = run([nested("p", [agent("a"), agent("b"), step("c")], { maxAgents: 1 })], lasting({ "p/c": 5 }));
    expect(trace(dry)).toBe("p/a p/c /p/c /p/a p/b /p/b");
  });

  test("a pool is its own; where the run has one of the name too, both count", () => {
    const taking = (id: string): Step => step(id, { resources: { db: 1 } });
    const inside = (id: string): Step => nested(id, [taking("a"), taking("b")], { resources: { db: 1 } });
    expect(trace(run([inside("p"), inside("q")], lasting({ "q/a": 15 })))).toBe("p/a q/a /p/a p/b /q/a q/b /p/b /q/b");
    const shared = run(planOf([inside("p"), inside("q")], { resources: { db: 1 } }), lasting({}));
    expect(trace(shared)).toBe("p/a /p/a p/b /p/b q/a /q/a q/b /q/b");
  });

  test("its timeout ends it as failed, whatever the step around it says", () => {
    const dry = run(
      planOf([nested("p", [step("a"), step("b", { deps: ["a"] })], { timeoutMs: 15 }), step("x", { after: ["p"] })], {
        failure: "continue",
      }),
      lasting({}),
    );
    expect(dry.phases).toEqual({ p: "failed", "p/a": "succeeded", "p/b": "cancelled", x: "succeeded" });
    expect(dry.events.find((event) => event.type === "step.failed")).toMatchObject({
      step: "p",
      data: { error: { code: "timeout", message: "timed out after 15 ms" } },
    });
    expect(timeOf(dry, "step.failed", "p")).toBe(15);
  });
});

describe("failures in a plan inside", () => {
  const inside = [step("bad"), step("slow"), step("next", { deps: ["slow"] }), step("lost", { deps: ["bad"] })];
  const script = failing(["p/bad"], { "p/slow": 50, other: 200 });

  test("continue: the rest of it runs, then the run fails fast", () => {
    const dry = run([nested("p", inside, { failure: "continue" }), step("other")], script);
    expect(dry.phases).toEqual({
      p: "failed",
      "p/bad": "failed",
      "p/slow": "succeeded",
      "p/next": "succeeded",
      "p/lost": "skipped",
      other: "cancelled",
    });
    expect(timeOf(dry, "step.cancelled", "other")).toBe(60);
  });

  test("fail-fast: the rest of it is ended, and the run goes on", () => {
    const plan = planOf([nested("p", inside, { failure: "fail-fast" }), step("other")], { failure: "continue" });
    const dry = run(plan, script);
    expect(dry.phases).toEqual({
      p: "failed",
      "p/bad": "failed",
      "p/slow": "cancelled",
      "p/next": "cancelled",
      "p/lost": "skipped",
      other: "succeeded",
    });
    expect(causes(dry)).toEqual({ "p/lost": "p/bad" });
    expect(timeOf(dry, "step.failed", "p")).toBe(10);
    const resumed = DryRun.resume(dry.events, lasting({})).run();
    expect(resumed.state.phase.tag).toBe("succeeded");
  });

  test("fail-fast in fail-fast ends both at once; an optional step in between ends neither", () => {
    const both = run([nested("p", inside, { failure: "fail-fast" }), step("other")], script);
    expect(timeOf(both, "step.cancelled", "other")).toBe(10);
    const optional = nested("q", inside, { failure: "fail-fast" }, { optional: true });
    const dry = run(
      [nested("p", [optional, step("x")], { failure: "fail-fast" })],
      failing(["p/q/bad"], { "p/q/slow": 50 }),
    );
    expect(dry.phases).toMatchObject({ "p/q": "failed", "p/q/slow": "cancelled", "p/x": "succeeded", p: "succeeded" });
  });

  test("nothing is tried again in a plan that a failure ends", () => {
    const retry = { attempts: 5, delayMs: 1, factor: 1, maxDelayMs: 1, jitter: 0 };
    const dry = run(
      planOf(
        [
          nested(
            "p",
            [step("bad"), step("again", { retry }), step("asks", { action: { kind: "approve", question: "?" } })],
            { failure: "fail-fast" },
          ),
        ],
        {
          failure: "continue",
        },
      ),
      failing(["p/bad", "p/again"]),
    );
    expect(dry.phases).toEqual({ p: "failed", "p/bad": "failed", "p/again": "cancelled", "p/asks": "cancelled" });
    expect(dry.state.phase.tag).toBe("failed");
  });
});

describe("what a step that stands for a plan holds", () => {
  const db = { locks: { write: ["db"] } };
  const two = [step("a"), step("b", { deps: ["a"] })];

  test("its locks, from its start to its end, against steps and other plans", () => {
    const dry = run([nested("p", two, {}, db), nested("q", two, {}, db), step("x", db)], lasting({}), {
      maxConcurrency: 8,
    });
    const owners = trace(dry)
      .replaceAll("/p/", "p/")
      .split(" ")
      .map((id) => id.replace(/^\//, "")[0]);
    expect(owners.join("")).toMatch(/^(pppp|qqqq|xx)(pppp|qqqq|xx)(pppp|qqqq|xx)$/);
  });

  test("its units of pools; what is inside takes its own from these", () => {
    const inside = [step("a", { resources: { cpu: 1 } }), step("b", { resources: { cpu: 1 } })];
    const plan = planOf(
      [nested("p", inside, {}, { resources: { cpu: 1 } }), nested("q", inside, {}, { resources: { cpu: 2 } })],
      { resources: { cpu: 2 } },
    );
    expect(trace(run(plan, lasting({ "q/b": 15 }), { maxConcurrency: 8 }))).toBe("p/a /p/a p/b /p/b q/a q/b /q/a /q/b");
  });

  const agent = (id: string, more: Partial<Step> = {}): Step =>
    step(id, { action: { kind: "agent", prompt: "x" }, ...more });
  const pool = { resources: { cpu: 1 } };
  const waiters: readonly (readonly [string, Partial<Step>, (id: string) => Step, (id: string) => Step])[] = [
    ["a pool", db, (id) => step(id, pool), (id) => step(id, { ...db, ...pool })],
    ["the turn of a group", pool, (id) => agent(id, { group: "g" }), (id) => agent(id, { group: "g", ...pool })],
    ["files", pool, (id) => agent(id, { writes: ["src/**"] }), (id) => agent(id, { writes: ["src/a"], ...pool })],
    ["a pool, for a plan", db, (id) => step(id, pool), (id) => nested(id, two, {}, { ...db, ...pool })],
  ];
  test.each(waiters)("who waits long for what it holds keeps %s from nobody inside", (_, held, inner, outer) => {
    const chain = (first: Step, ...rest: readonly Step[]): Step[] =>
      [first, ...rest].map((one, at, all) => (at === 0 ? one : { ...one, deps: [all[at - 1]?.id ?? ""] }));
    const others = chain(step("x0"), ...Array.from({ length: 20 }, (_none, at) => step(`x${at + 1}`)));
    const plan = planOf(
      [nested("p", chain(inner("a"), inner("b"), inner("c")), {}, { ...held, priority: 1 }), outer("w"), ...others],
      { ...pool, agents: { conflicts: "serialize" } },
    );
    const dry = run(plan, lasting({ "p/a": 400, "p/b": 1000 }));
    expect(dry.state.phase.tag).toBe("succeeded");
    expect(timeOf(dry, "step.started", "w")).toBe(timeOf(dry, "step.succeeded", "p"));
  });

  test("who waits long for what it holds keeps nothing from others, which would hold up a run that waits for a person", () => {
    const asks = [step("ask", { action: { kind: "approve", question: "?" } })];
    const others = Array.from({ length: 20 }, (_, at) => step(`x${at}`));
    const plan = planOf(
      [
        nested("p", asks, {}, { ...db, priority: 1 }),
        step("w", { ...db, ...pool }),
        ...others,
        step("y", { ...pool, deps: ["x19"] }),
      ],
      pool,
    );
    const dry = run(plan, lasting({}), { maxConcurrency: 2 });
    expect(dry.phases).toMatchObject({ "p/ask": "waiting-for-answer", w: "waiting", y: "succeeded" });
  });

  test("inside, a lock that it holds is shared out once more", () => {
    const inside = [step("a", db), step("b", db), step("c", { locks: { read: ["db"] } })];
    expect(trace(run([nested("p", inside, {}, db)], lasting({})))).toBe("p/a /p/a p/b /p/b p/c /p/c");
  });

  test("each item of a forEach over plans holds for itself", () => {
    const each = nested("f", two, {}, { ...db, forEach: { items: [1, 2] } });
    expect(trace(run([each], lasting({})))).toBe("f[0]/a /f[0]/a f[0]/b /f[0]/b f[1]/a /f[1]/a f[1]/b /f[1]/b");
  });

  test("another engine takes them again before anything inside starts", () => {
    const plan = planOf([nested("p", two, {}, db), nested("q", two, {}, db)], { failure: "continue" });
    const first = run(plan, failing(["p/b", "q/b"]));
    expect(first.phases).toMatchObject({ p: "failed", q: "failed" });
    const second = DryRun.resume(first.events, lasting({})).run();
    expect(second.state.phase.tag).toBe("succeeded");
    const rest = second.events
      .slice(first.events.length)
      .flatMap((event) => ("step" in event && event.step.includes("/") ? [`${event.type} ${event.step}`] : []));
    expect(rest).toEqual(["step.started p/b", "step.succeeded p/b", "step.started q/b", "step.succeeded q/b"]);
  });

  test.each([
    ["holds a lock", (inner: Step) => [nested("p", [inner], {}, db), nested("q", [inner], {}, db)]],
    [
      "waits for its place among items",
      (inner: Step) => [nested("f", [inner], {}, { forEach: { items: [1, 2], maxConcurrency: 1 } })],
    ],
  ] as const)("what is open inside of one that %s goes on under another engine, also with a timeout", (_, around) => {
    const inner = nested("deep", [step("a"), step("b", { deps: ["a"] })], { timeoutMs: 100 });
    const plan = planOf(around(inner), { failure: "continue" });
    const first = run(plan, failing(["p/deep/b", "q/deep/b", "f[0]/deep/b", "f[1]/deep/b"]));
    const second = DryRun.resume(first.events, lasting({})).run();
    expect(first.state.phase.tag).toBe("failed");
    expect(second.state.phase.tag).toBe("succeeded");
    // Nor does it have to wait for the time of the plan to be over.
    expect(second.makespan - first.makespan).toBe(20);
  });

  test("another engine that is to end the run takes them again for what is always to run", () => {
    const plan = planOf([nested("p", [...two, step("clean", { after: ["b"], always: true })], {}, db)]);
    const first = DryRun.start(plan, lasting({})).run(1);
    const second = DryRun.resume(first.events, lasting({}));
    second.halt = "cancel";
    second.run();
    expect(second.phases).toEqual({ p: "cancelled", "p/a": "succeeded", "p/b": "cancelled", "p/clean": "succeeded" });
  });

  test("a plan that waits for a person with a lock lets the engine go, also where others wait for the lock", () => {
    const asks = [step("ask", { action: { kind: "approve", question: "?" } })];
    const dry = run([nested("p", asks, {}, db), step("x", { ...db, after: [] })]);
    expect(dry.phases).toMatchObject({ "p/ask": "waiting-for-answer", x: "waiting" });
  });

  test("what is reserved for a step that waits for it does not stop the steps inside", () => {
    const chain = Array.from({ length: 20 }, (_, at) => step(`c${at}`, at === 0 ? {} : { deps: [`c${at - 1}`] }));
    const last = step("last", { deps: ["c19"], resources: { cpu: 2 } });
    const waits = step("x", { ...db, resources: { cpu: 1 } });
    const plan = planOf([nested("p", [...chain, last], {}, { locks: { read: ["db"] } }), waits], {
      resources: { cpu: 2 },
    });
    expect(run(plan, lasting({})).started.slice(-2)).toEqual(["p/last", "x"]);
  });

  const problems: readonly (readonly [string, Step, RegExp])[] = [
    ["another lock", step("a", { locks: { read: ["port"] } }), /asks for the lock port while p around it holds/],
    ["a pool beside pools", step("a", { resources: { gpu: 1 } }), /asks for gpu while p around it holds other pools/],
    ["more than is held", step("a", { resources: { cpu: 2 } }), /asks for 2 cpu; p around it holds 1/],
  ];
  test.each(problems)("%s is refused as the plan opens", (_, inner, text) => {
    const plan = planOf([nested("p", [inner], {}, { ...db, resources: { cpu: 1 } })], {
      resources: { cpu: 2, gpu: 1 },
    });
    const dry = run(plan);
    expect(dry.phases).toEqual({ p: "failed" });
    expect(dry.events.find((event) => event.type === "step.failed")).toMatchObject({
      data: { error: { code: "expansion", message: expect.stringMatching(text) } },
    });
  });

  test("a lock held to read cannot be taken to write inside; its own pools can be taken beside", () => {
    const read = { locks: { read: ["db"] } };
    expect(run([nested("p", [step("a", db)], {}, read)]).phases).toEqual({ p: "failed" });
    const own = nested(
      "p",
      [step("a", { resources: { mine: 1 } })],
      { resources: { mine: 1 } },
      { resources: { cpu: 1 } },
    );
    expect(run(planOf([own], { resources: { cpu: 1 } })).state.phase.tag).toBe("succeeded");
  });
});

describe("the output of a step that stands for a plan", () => {
  test("is held against its schema", () => {
    const plan = [nested("p", [step("a")], {}, { output: { type: "string" } }), step("next", { deps: ["p"] })];
    const dry = run(plan, { outputProblem: () => "it is no string" });
    expect(dry.phases).toEqual({ p: "failed", "p/a": "succeeded", next: "skipped" });
    expect(dry.events.find((event) => event.type === "step.failed")).toMatchObject({
      data: { error: { code: "output", message: "the output does not match its schema: it is no string" } },
    });
  });

  test("of a forEach it is the items' that is", () => {
    const each = nested("p", [step("a")], {}, { output: {}, forEach: { items: [1] } });
    const seen: unknown[] = [];
    run([each], { outputProblem: (_schema, output) => void seen.push(output) });
    expect(seen).toEqual([{ a: null }]);
  });
});

/** A history as an engine with these rules had written it. */
function under(rules: number, plan: Plan): readonly Event[] {
  const dry = run(plan, lasting({}), { unchecked: true, rules });
  return dry.events;
}

test("runs of earlier rules know nothing of all this", () => {
  const inside = [step("a", { resources: { cpu: 1 } }), step("b", { resources: { cpu: 1 } })];
  const plan = planOf(
    [nested("p", inside, { maxConcurrency: 1, resources: { cpu: 1 } }, { locks: { write: ["db"] } })],
    {
      resources: { cpu: 2 },
    },
  );
  const old = under(2, plan);
  expect(old.filter(({ type }) => type === "steps.added")).toMatchObject([{ data: { kind: "children" } }]);
  expect(JSON.stringify(old.find(({ type }) => type === "steps.added"))).not.toContain("settings");
  expect(old.map(({ type }) => type).filter((type) => type.startsWith("step."))).toEqual([
    "step.started",
    "step.started",
    "step.started",
    "step.succeeded",
    "step.succeeded",
    "step.succeeded",
  ]);
  expect(checkHistory(old)).toEqual([]);
  expect(DryRun.resume(old).state.phase.tag).toBe("running");
});

test("the checker sees what breaks the limits of a plan inside, and what it holds", () => {
  const plan = planOf(
    [
      nested(
        "p",
        [step("a", { resources: { db: 1 } }), step("b", { resources: { db: 1 } })],
        {},
        { locks: { write: ["x"] } },
      ),
      step("c", { locks: { read: ["x"] } }),
    ],
    { resources: { db: 2 } },
  );
  const sound = under(2, plan);
  const now = sound.map((event): Event => {
    if (event.type === "run.created") return { ...event, data: { ...event.data, rules: 3 } };
    if (event.type !== "steps.added") return event;
    return { ...event, data: { ...event.data, settings: { maxConcurrency: 1, resources: { db: 1 } } } };
  });
  expect(checkHistory(sound)).toEqual([]);
  expect(new Set(checkHistory(now).map(({ rule }) => rule))).toEqual(new Set(["concurrency", "pools", "locks"]));
});

test("plans that stop at a failure come to an end, whatever is in them", () => {
  const shape = { ...USUAL_SHAPE, stops: 0.6, containers: 0.6, failures: 0.25, locks: 0.5, resources: 0.5, depth: 3 };
  for (let seed = 1; seed <= 40; seed++) {
    const dry = run(generatePlan(seed, shape), generatedScript(seed, shape), { seed });
    const again = DryRun.resume(dry.events, generatedScript(seed + 1, shape), { seed }).run();
    expect([seed, again.isOver || again.state.index.counts["waiting-for-answer"] > 0]).toEqual([seed, true]);
  }
});
