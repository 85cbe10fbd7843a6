/** Why a step waits, as data: each kind by a history that makes it, and for every step of runs with inputs of chance. */
import { describe, expect, test } from "vitest";
import type { Plan, Step } from "../../src/plan/plan.ts";
import { apply, createState } from "../../src/run/apply.ts";
import type { Event, RunOptions } from "../../src/run/event.ts";
import { explainStep } from "../../src/run/explain.ts";
import { reasonsOf, type Reason } from "../../src/run/reasons.ts";
import type { RunState } from "../../src/run/state.ts";
import { STEP_STATUSES, statusCounts, stepStatus } from "../../src/view/status.ts";
import { fuzzRun } from "../support/fuzz-reducer.ts";
import { failed, history, OPTIONS, read, started, succeeded, type Happening } from "../view/histories.ts";

/** More of them: `HEDDLE_SEEDS=2000`. */
const SEEDS = Number(process.env["HEDDLE_SEEDS"] ?? 24);

function step(id: string, more: Partial<Step> = {}): Step {
  return { id, action: { kind: "run", command: id }, ...more };
}

const AGENT = { kind: "agent", adapter: "fake", prompt: "do" } as unknown as Step["action"];

interface Case {
  readonly steps: readonly Step[];
  readonly plan?: Partial<Plan>;
  readonly options?: Partial<RunOptions>;
  readonly happenings?: readonly Happening[];
  readonly live?: false;
  /** Of the step named `it`, at time 5000. */
  readonly reasons: readonly Reason[];
  readonly why: string;
}

const lock = { locks: { write: ["db"] } };
const agents = { maxConcurrency: 9, maxAgents: 1 };

const CASES: { readonly [name: string]: Case } = {
  deps: {
    steps: [step("a"), step("b"), step("it", { deps: ["a", "b"], after: ["c"] }), step("c")],
    happenings: [
      [1010, started("a")],
      [1020, succeeded("a", 10)],
      [1030, started("c")],
    ],
    reasons: [{ kind: "deps", steps: ["b", "c"], have: 1, want: 3 }],
    why: "waiting for b (waiting), c (running)",
  },
  "deps of one that is always to run: a failure is an end": {
    steps: [step("a"), step("it", { deps: ["a"], always: true })],
    happenings: [
      [1010, started("a")],
      [1020, failed("a", 10)],
    ],
    reasons: [{ kind: "turn" }],
    why: "ready",
  },
  layer: {
    steps: [step("a"), step("b", { deps: ["a"] }), step("c"), step("it", { deps: ["c"] })],
    options: { schedule: "layers" },
    happenings: [
      [1010, started("a")],
      [1010, started("c")],
      [1020, succeeded("c", 10)],
    ],
    reasons: [{ kind: "layer", have: 1, want: 2 }],
    why: "waiting for layer 1 to end (schedule: layers)",
  },
  slot: {
    steps: [step("a"), step("b"), step("it")],
    happenings: [
      [1010, started("a")],
      [1010, started("b")],
    ],
    reasons: [{ kind: "slot", have: 0, want: 1, of: 2 }],
    why: "waiting for a slot: 2 of 2 are in use, for 4.0s",
  },
  "agent-slot and lock": {
    steps: [step("a", { action: AGENT, ...lock }), step("it", { action: AGENT, ...lock })],
    options: agents,
    happenings: [[1010, started("a")]],
    reasons: [
      { kind: "agent-slot", have: 0, want: 1, of: 1 },
      { kind: "lock", lock: "db" },
    ],
    why: "waiting for an agent slot: 1 of 1 are in use and for the lock db, for 4.0s",
  },
  pool: {
    steps: [step("a", { resources: { gpu: 2 } }), step("it", { resources: { gpu: 2 } })],
    plan: { resources: { gpu: 3 } },
    happenings: [[1010, started("a")]],
    reasons: [{ kind: "pool", resource: "gpu", have: 1, want: 2, of: 3 }],
    why: "waiting for 2 gpu: 1 of 3 are free, for 4.0s",
  },
  "foreign-lock": {
    steps: [step("it", lock)],
    happenings: [
      [1500, { type: "step.progress", step: "it", attempt: 1, data: { type: "waiting", for: "lock", run: "r9" } }],
    ],
    reasons: [{ kind: "foreign-lock", run: "r9" }],
    why: "waiting for 3.5s for a lock held by run r9",
  },
  group: {
    steps: [step("a", { action: AGENT, group: "g" }), step("it", { action: AGENT, group: "g" })],
    options: { ...agents, maxAgents: 3 },
    happenings: [[1010, started("a")]],
    reasons: [{ kind: "group", resource: "g" }],
    why: "waiting for the worktree of its group: another step of g is using it, for 4.0s",
  },
  writes: {
    steps: [step("a", { action: AGENT, writes: ["src/**"] }), step("it", { action: AGENT, writes: ["src/a.ts"] })],
    plan: { agents: { conflicts: "serialize" } },
    options: { ...agents, maxAgents: 3 },
    happenings: [[1010, started("a")]],
    reasons: [{ kind: "writes", steps: ["a"] }],
    why: "waiting for a, which may write the same files, for 4.0s",
  },
  "worktree of a running attempt": {
    steps: [step("it", { action: AGENT })],
    happenings: [
      [1010, started("it")],
      [1020, { type: "step.progress", step: "it", attempt: 1, data: { type: "waiting", for: "worktree" } }],
    ],
    reasons: [{ kind: "worktree" }],
    why: "attempt 1, waiting for 4.0s for a worktree: all are in use",
  },
  "rate-limit of a running attempt": {
    steps: [step("it", { action: AGENT })],
    happenings: [
      [1010, started("it")],
      [
        2000,
        {
          type: "step.progress",
          step: "it",
          attempt: 1,
          data: { type: "waiting", for: "paused", provider: "p", ms: 4000 },
        },
      ],
    ],
    reasons: [{ kind: "rate-limit", resource: "p", until: 6000 }],
    why: "attempt 1, waiting for 3.0s for p, which takes no requests, next try in 1.0s",
  },
  "retry-delay": {
    steps: [step("it")],
    happenings: [
      [1010, started("it")],
      [1020, retried(9000)],
    ],
    reasons: [{ kind: "retry-delay", until: 9000 }],
    why: "next attempt in 4.0s; the last one failed: exit 1",
  },
  "a slot for the next attempt": {
    steps: [step("it"), step("a")],
    options: { maxConcurrency: 1 },
    happenings: [
      [1010, started("it")],
      [1020, retried(2000)],
      [1020, started("a")],
    ],
    reasons: [{ kind: "slot", have: 0, want: 1, of: 1 }],
    why: "the next attempt is waiting for a slot: 1 of 1 are in use; the last one failed: exit 1",
  },
  "a slot of a forEach, for a wait among its items": {
    steps: [step("all", { forEach: { items: [0, 1], maxConcurrency: 1 } })],
    happenings: [
      [1010, started("all")],
      [
        1010,
        {
          type: "steps.added",
          step: "all",
          data: {
            kind: "children",
            steps: [0, 1].map(
              (at) => ({ id: at === 0 ? "all[0]" : "it", action: { kind: "approve", question: "ok?" } }) as const,
            ),
            items: [0, 1],
            maxConcurrency: 1,
          },
        },
      ],
      [1020, { type: "approval.requested", step: "all[0]", attempt: 1, data: { about: "step", question: "ok?" } }],
    ],
    reasons: [{ kind: "slot", steps: ["all"], have: 0, want: 1, of: 1 }],
    why: "waiting for a slot of all: 1 of 1 are in use, for 4.0s",
  },
  person: {
    steps: [step("it", { action: { kind: "approve", question: "ship?" } })],
    happenings: [
      [
        1010,
        {
          type: "approval.requested",
          step: "it",
          attempt: 1,
          data: { about: "step", question: "ship?", deadline: 7000 },
        },
      ],
    ],
    reasons: [{ kind: "person", until: 7000 }],
    why: "waiting for an answer: ship?",
  },
  memory: {
    steps: [step("a"), step("it")],
    happenings: [
      [1010, started("a")],
      [3010, { type: "machine.short", data: { resource: "memory", used: 2000, limit: 1000 } }],
    ],
    reasons: [{ kind: "memory", used: 2000, limit: 1000 }],
    why: "waiting for memory: 2000 MB in use, limits.maxMemoryMb is 1000",
  },
  "a pool that is short, beside the processor": {
    steps: [step("a", { resources: { gpu: 1 } }), step("it", { resources: { gpu: 1 } })],
    plan: { resources: { gpu: 1 } },
    happenings: [
      [1010, started("a")],
      [3010, { type: "machine.short", data: { resource: "cpu", used: 95, limit: 80 } }],
    ],
    reasons: [{ kind: "pool", resource: "gpu", have: 0, want: 1, of: 1 }],
    why: expect.stringContaining("waiting for 1 gpu") as unknown as string,
  },
  "a machine that lacked something before the last attempt began": {
    steps: [step("a"), step("b"), step("it")],
    options: { maxConcurrency: 3 },
    happenings: [
      [1010, started("a")],
      [3010, { type: "machine.short", data: { resource: "cpu", used: 95, limit: 80 } }],
      [3020, started("b")],
    ],
    reasons: [{ kind: "turn" }],
    why: "ready",
  },
  "a machine that lacks something, and nobody works on the run": {
    steps: [step("a"), step("it")],
    happenings: [
      [1010, started("a")],
      [3010, { type: "machine.short", data: { resource: "cpu", used: 95, limit: 80 } }],
    ],
    live: false,
    reasons: [{ kind: "resume" }],
    why: "resume starts it",
  },
  timer: {
    steps: [step("it", { action: { kind: "sleep", durationMs: 8000 } as unknown as Step["action"] })],
    happenings: [
      [1010, started("it")],
      [1010, { type: "timer.set", step: "it", attempt: 1, data: { at: 9010, durationMs: 8000 } }],
    ],
    reasons: [{ kind: "timer", until: 9010 }],
    why: expect.stringContaining("for 4.0s") as unknown as string,
  },
  signal: {
    steps: [step("it", { action: { kind: "signal", signal: "paid" } as unknown as Step["action"] })],
    happenings: [[1010, { type: "step.started", step: "it", attempt: 1, data: { signal: "paid" } }]],
    reasons: [{ kind: "signal", signal: "paid" }],
    why: "waiting for the signal paid: heddle signal r1 paid",
  },
  "a signal that has come, and nobody works on the run": {
    steps: [step("it", { action: { kind: "signal", signal: "paid" } as unknown as Step["action"] })],
    happenings: [
      [1010, { type: "step.started", step: "it", attempt: 1, data: { signal: "paid" } }],
      [1020, { type: "signal.received", data: { signal: "paid", value: 1, by: "me" } }],
    ],
    live: false,
    reasons: [{ kind: "resume" }],
    why: "the signal paid has come; resume continues with it",
  },
  condition: {
    steps: [step("it", { if: "true" } as Partial<Step>)],
    reasons: [{ kind: "condition" }],
    why: "ready: its condition is looked at next",
  },
  "a condition, where all slots are in use": {
    steps: [step("a"), step("it", { if: "true" } as Partial<Step>)],
    options: { maxConcurrency: 1 },
    happenings: [[1010, started("a")]],
    reasons: [{ kind: "slot", have: 0, want: 1, of: 1 }],
    why: "waiting for a slot: 1 of 1 are in use, for 4.0s",
  },
  paused: {
    steps: [step("it")],
    happenings: [[1010, { type: "run.paused", data: { reason: "lunch" } }]],
    reasons: [{ kind: "paused" }],
    why: "the run is paused",
  },
  "paused and left": {
    steps: [step("it")],
    happenings: [[1010, { type: "run.paused", data: { reason: "lunch" } }]],
    live: false,
    reasons: [{ kind: "paused" }, { kind: "resume" }],
    why: "the run is paused; resume starts it",
  },
  ending: {
    steps: [step("a"), step("b"), step("it")],
    options: { failure: "fail-fast" },
    happenings: [
      [1010, started("a")],
      [1010, started("b")],
      [1020, failed("a", 10)],
    ],
    reasons: [{ kind: "ending" }],
    why: "nothing more starts: a failure ends the run",
  },
  "what is always to run, in a run that ends": {
    steps: [step("a"), step("b"), step("it", { always: true })],
    options: { failure: "fail-fast" },
    happenings: [
      [1010, started("a")],
      [1010, started("b")],
      [1020, failed("a", 10)],
    ],
    reasons: [{ kind: "turn" }],
    why: "ready",
  },
  resume: {
    steps: [step("it")],
    live: false,
    reasons: [{ kind: "resume" }],
    why: "resume starts it",
  },
  "a run that was cancelled": {
    steps: [step("a"), step("it", { deps: ["a"] })],
    happenings: [[1020, { type: "run.cancelled", data: { durationMs: 20, reason: "cancel" } }]],
    live: false,
    reasons: [{ kind: "resume" }],
    why: "not started: the run was cancelled",
  },
};

function retried(retryAt: number): Happening[1] {
  const error = { code: "exit", message: "exit 1" } as const;
  return {
    type: "step.failed",
    step: "it",
    attempt: 1,
    data: { error, durationMs: 10, willRetry: true, retryAt, retryDelayMs: 1 },
  };
}

describe("a step waits for", () => {
  test.each(Object.entries(CASES))(
    "%s",
    (_name, { steps, plan, options, happenings = [], live = true, reasons, why }) => {
      const events = history({ name: "p", steps, ...plan }, happenings, { ...OPTIONS, ...options });
      const { state } = read(events);
      if (state === undefined) throw new Error("no state");
      const it = state.index.byId.get("it") ?? -1;
      expect(reasonsOf(state, it, { now: 5000, live })).toEqual(reasons);
      expect(explainStep(state, it, { now: 5000, live })).toEqual(why);
    },
  );

  test("many steps, of which the first are named", () => {
    const many = Array.from({ length: 30 }, (_, at) => step(`s${at}`));
    const { state } = read(
      history({ name: "p", steps: [...many, step("it", { deps: many.map(({ id }) => id) })] }, []),
    );
    const [reason] = reasonsOf(state as RunState, 30, { now: 0, live: true });
    expect([reason?.steps?.length, reason?.have, reason?.want]).toEqual([20, 0, 30]);
    expect(explainStep(state as RunState, 30, { now: 0, live: true })).toContain("s3 (waiting) and 26 more");
  });
});

/** Statuses of a step that does not go on. */
const HELD: ReadonlySet<string> = new Set(["waiting", "retrying", "needs-approval", "needs-resolution", "interrupted"]);

test("every step that waits has a reason, none that has ended has, and each is in one of the eleven counts", () => {
  const kinds = new Set<string>();
  const broken: string[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const [created, ...rest] = fuzzRun(seed);
    const made = createState(created as Extract<Event, { type: "run.created" }>);
    if (!made.ok) throw new Error("no graph");
    for (const event of rest) {
      apply(made.value, event);
      for (const live of [true, false])
        for (const wrong of wrongIn(made.value, live, kinds)) broken.push(`seed ${seed}, ${event.seq}: ${wrong}`);
    }
  }
  expect(broken.slice(0, 5)).toEqual([]);
  for (const kind of [
    "deps",
    "layer",
    "slot",
    "agent-slot",
    "person",
    "timer",
    "signal",
    "retry-delay",
    "resume",
    "memory",
  ])
    expect(kinds).toContain(kind);
});

function wrongIn(state: RunState, live: boolean, kinds: Set<string>): readonly string[] {
  const broken: string[] = [];
  const counts = new Map<string, number>(STEP_STATUSES.map((status) => [status, 0]));
  const context = { now: state.lastTime, live };
  for (let at = 0; at < state.steps.length; at++) {
    const status = stepStatus(state, at, live);
    counts.set(status, (counts.get(status) ?? 0) + 1);
    const reasons = reasonsOf(state, at, context);
    for (const { kind } of reasons) kinds.add(kind);
    const isWrong = HELD.has(status) ? reasons.length === 0 : status !== "running" && reasons.length > 0;
    const why = explainStep(state, at, context, reasons);
    if (isWrong || /^$|undefined|NaN/.test(why))
      broken.push(`${state.steps[at]?.id ?? ""} is ${status}, live ${live}: ${JSON.stringify(reasons)} ${why}`);
  }
  const told = JSON.stringify(Object.entries(statusCounts(state, live)).sort());
  if (told !== JSON.stringify([...counts].sort())) broken.push(`counts, live ${live}: ${told}`);
  return broken;
}
