import { describe, expect, test } from "vitest";
import type { Plan, Step } from "../../../src/plan/plan.ts";
import type { Event, EventBody, RunOptions } from "../../../src/run/event.ts";
import { checkHistory } from "../../../src/run/check/history-checker.ts";
import { RULES, type Rule } from "../../../src/run/check/rules.ts";
import { generatePlan, USUAL_SHAPE } from "../../support/plans.ts";
import { DryRun } from "../../support/dry-run.ts";
import { EXIT, generatedScript, planOf, retry, step } from "../dry.ts";

const OPTIONS: RunOptions = {
  maxConcurrency: 2,
  maxAgents: 1,
  schedule: "ready",
  failure: "continue",
  rollback: "none",
};

function history(
  steps: readonly Step[],
  bodies: readonly EventBody[],
  options: Partial<RunOptions> = {},
  more: Partial<Plan> = {},
): Event[] {
  const created: EventBody = {
    type: "run.created",
    data: { plan: planOf(steps, more), options: { ...OPTIONS, ...options }, engine: "0" },
  };
  return [created, { type: "run.started" as const, data: {} }, ...bodies].map((body, at) => ({
    run: "r",
    seq: at + 1,
    time: at,
    ...body,
  }));
}

const started = (id: string, attempt = 1): EventBody => ({ type: "step.started", step: id, attempt, data: {} });
const succeeded = (id: string, attempt = 1): EventBody => ({
  type: "step.succeeded",
  step: id,
  attempt,
  data: { output: null, durationMs: 0 },
});
const failed = (id: string, attempt = 1, willRetry = false): EventBody => ({
  type: "step.failed",
  step: id,
  attempt,
  data: { error: EXIT, durationMs: 0, willRetry, ...(willRetry && { retryAt: 1 }) },
});
const cancelled = (id: string, attempt = 1): EventBody => ({
  type: "step.cancelled",
  step: id,
  attempt,
  data: { reason: "cancel", durationMs: 0 },
});
const skipped = (id: string, cause: string): EventBody => ({
  type: "step.skipped",
  step: id,
  data: { reason: { kind: "dependency", cause } },
});
const added = (
  id: string,
  kind: "children" | "siblings",
  ids: readonly string[],
  maxConcurrency?: number,
): EventBody => ({
  type: "steps.added",
  step: id,
  data: { kind, steps: ids.map((name) => step(name)), ...(maxConcurrency !== undefined && { maxConcurrency }) },
});
const landed: EventBody = {
  type: "run.landed",
  data: { mode: "ff", integration: "heddle/r/integration", commits: 1, branch: "main", commit: "abc" },
};
const runSucceeded: EventBody = { type: "run.succeeded", data: { durationMs: 0 } };
const runCancelled: EventBody = { type: "run.cancelled", data: { durationMs: 0, reason: "cancel" } };
const runFailed: EventBody = { type: "run.failed", data: { durationMs: 0, failed: [] } };
const resumed: EventBody = { type: "run.resumed", data: { engine: "0", interrupted: [], reset: [] } };
const agent = (id: string): Step => step(id, { action: { kind: "agent", prompt: "p" } });
const each = (id: string): Step => step(id, { forEach: { items: [1, 2] } });

const sleeping: Step = step("a", { action: { kind: "sleep", time: "1s" } });
const listening = (onTimeout: "fail" | "continue"): Step =>
  step("a", { action: { kind: "signal", name: "go", onTimeout } });
const listens: EventBody = { type: "step.started", step: "a", attempt: 1, data: { signal: "go" } };
const timer: EventBody = { type: "timer.set", step: "a", attempt: 1, data: { at: 9 } };
const fired: EventBody = { type: "timer.fired", step: "a", attempt: 1, data: {} };
const sent = (signal: string): EventBody => ({ type: "signal.received", data: { signal, value: null, by: "ada" } });

const merged = (id: string, commit: string, onto: string, after?: string): EventBody => {
  const data = { branch: "heddle/r/integration", commit, onto, captured: "c", ref: "refs/heddle/r", files: [] };
  return { type: "worktree.merged", step: id, attempt: 1, data: after === undefined ? data : { ...data, after } };
};
const landedAt = (head: string): EventBody => ({
  type: "run.landed",
  data: { mode: "ff", integration: "heddle/r/integration", commits: 1, branch: "main", commit: head, head },
});

const patient = step("a", { retry: retry(9) });

/** For every rule a history that breaks it and no other, at its last event. */
const PLANTED: { readonly [R in Rule]: readonly Event[][] } = {
  gapless: [history([step("a")], [started("a")]).map((event, at) => (at === 2 ? { ...event, seq: 9 } : event))],
  "created-first": [
    history([step("a")], [started("a")])
      .slice(1, 2)
      .map((event) => ({ ...event, seq: 1 })),
    [...history([step("a")], []), { ...(history([step("a")], [])[0] as Event), seq: 3 }],
  ],
  "known-step": [
    history([step("a")], [started("b")]),
    history([step("a"), step("b")], [started("a"), added("a", "siblings", ["b"])]),
  ],
  "started-once": [history([patient], [started("a"), started("a", 2)]), history([patient], [started("a", 2)])],
  "start-before-end": [
    history([step("a")], [succeeded("a")]),
    history([step("a")], [started("a"), succeeded("a", 2)]),
    history([step("a")], [started("a"), succeeded("a"), failed("a")]),
    history([step("a")], [{ type: "approval.given", step: "a", attempt: 1, data: { decision: "reject", by: "me" } }]),
    history([step("a")], [started("a"), { type: "step.rolledback", step: "a", data: { durationMs: 0 } }]),
    history([step("a")], [added("a", "siblings", ["b"])]),
  ],
  "deps-ended": [
    history([step("a"), step("b", { deps: ["a"] })], [started("a"), started("b")]),
    history([step("a"), step("b", { deps: ["a"] })], [started("a"), failed("a"), started("b")]),
    history([step("a"), step("b", { after: ["a"] })], [started("a"), started("b")]),
    history(
      [step("a"), step("b", { after: ["a"], action: { kind: "approve", question: "?" } })],
      [{ type: "approval.requested", step: "b", attempt: 1, data: { about: "step", question: "?" } }],
    ),
  ],
  "no-rerun": [
    history([patient], [started("a"), succeeded("a"), started("a", 2)]),
    history([patient], [started("a"), succeeded("a"), resumed, started("a", 2)]),
    history([step("a")], [{ type: "step.cached", step: "a", data: { key: "k", from: "r0", output: 1 } }, started("a")]),
    history([step("a")], [{ type: "step.reused", step: "a", data: { from: "r0", output: 1 } }, started("a")]),
  ],
  "skip-cause": [
    history([step("a"), step("b", { deps: ["a"] })], [started("a"), succeeded("a"), skipped("b", "a")]),
    history([step("a")], [skipped("a", "zz")]),
  ],
  concurrency: [history([step("a"), step("b"), step("c")], [started("a"), started("b"), started("c")])],
  items: [
    history([each("a")], [started("a"), added("a", "children", ["a[0]", "a[1]"], 1), started("a[0]"), started("a[1]")]),
  ],
  agents: [history([agent("a"), agent("b")], [started("a"), started("b")])],
  pools: [
    history(
      [step("a", { resources: { cpu: 1 } }), step("b", { resources: { cpu: 2 } })],
      [started("a"), started("b")],
      {},
      { resources: { cpu: 2 } },
    ),
  ],
  locks: [
    history(
      [step("a", { locks: { write: ["x"] } }), step("b", { locks: { read: ["x"] } })],
      [started("a"), started("b")],
    ),
    history(
      [step("a", { locks: { read: ["x"] } }), step("b", { locks: { write: ["x"] } })],
      [started("a"), started("b")],
    ),
    history(
      [step("a", { locks: { write: ["x"] } }), step("b", { locks: { read: ["x"], write: ["x"] } })],
      [started("a"), started("b")],
    ),
  ],
  "layer-barrier": [
    history([step("a"), step("b"), step("c", { deps: ["b"] })], [started("b"), succeeded("b"), started("c")], {
      schedule: "layers",
    }),
  ],
  "quiet-end": [
    history([step("a")], [started("a"), runSucceeded]),
    history([step("a")], [started("a"), succeeded("a"), runSucceeded, { type: "run.unpaused", data: {} }]),
    history([step("a")], [started("a"), succeeded("a"), landed]),
    history([step("a")], [started("a"), succeeded("a"), runSucceeded, resumed, landed]),
  ],
  paused: [history([step("a")], [{ type: "run.paused", data: { reason: "x" } }, started("a")])],
  "retry-policy": [
    history([step("a")], [started("a"), failed("a", 1, true), started("a", 2)]),
    history(
      [step("a", { retry: retry(2) })],
      [started("a"), failed("a", 1, true), resumed, started("a", 2), failed("a", 2, true), started("a", 3)],
    ),
  ],
  timer: [
    history([sleeping], [started("a"), succeeded("a")]),
    history([sleeping], [started("a"), timer, succeeded("a")]),
    history([sleeping], [started("a"), fired]),
    history([sleeping], [started("a"), timer, fired, fired]),
    history([sleeping], [started("a"), timer, timer]),
    history([sleeping], [timer]),
    history([step("a")], [started("a"), timer]),
  ],
  signal: [
    history([listening("fail")], [listens, succeeded("a")]),
    history([listening("fail")], [sent("other"), listens, succeeded("a")]),
    history([listening("fail")], [listens, timer, fired, succeeded("a")]),
    history(
      [listening("continue"), step("b", { action: { kind: "signal", name: "go" } })],
      [sent("go"), listens, succeeded("a"), { ...listens, step: "b" }, succeeded("b")],
    ),
  ],
  "always-ended": [
    history([step("a"), step("b", { always: true })], [started("a"), failed("a"), runFailed]),
    history([step("b", { always: true })], [runCancelled]),
    history([step("a"), step("b", { deps: ["a"], always: true })], [started("a"), failed("a"), skipped("b", "a")]),
  ],
  "container-outcome": [
    history([each("f")], [started("f"), added("f", "children", ["f[0]"]), succeeded("f")]),
    history([each("f")], [started("f"), added("f", "children", ["f[0]"]), started("f[0]"), succeeded("f")]),
    history(
      [each("f")],
      [started("f"), added("f", "children", ["f[0]"]), started("f[0]"), failed("f[0]"), succeeded("f")],
    ),
    history(
      [each("f")],
      [
        started("f"),
        added("f", "children", ["f[0]", "g"]),
        started("f[0]"),
        succeeded("f[0]"),
        cancelled("g", 0),
        succeeded("f"),
      ],
    ),
    history(
      [each("f")],
      [
        started("f"),
        added("f", "children", ["f[0]"]),
        started("f[0]"),
        added("f[0]", "siblings", ["late"]),
        succeeded("f[0]"),
        succeeded("f"),
      ],
    ),
    history(
      [each("f")],
      [
        started("f"),
        added("f", "children", ["f[0]"]),
        started("f[0]"),
        cancelled("f[0]"),
        cancelled("f"),
        runCancelled,
        resumed,
        succeeded("f"),
      ],
    ),
  ],
  outcome: [
    history([step("a")], [started("a"), failed("a"), runSucceeded]),
    history([step("a")], [started("a"), succeeded("a"), runFailed]),
  ],
  "all-ended": [
    history([step("a"), step("b")], [started("a"), succeeded("a"), runSucceeded]),
    history([step("a"), step("b")], [started("a"), succeeded("a"), started("b"), cancelled("b"), runSucceeded]),
    history([step("a")], [started("a"), added("a", "siblings", ["late"]), succeeded("a"), runSucceeded]),
    history([each("f")], [started("f"), added("f", "children", []), runSucceeded]),
  ],
  onto: [
    history([step("a"), step("b")], [started("a"), merged("a", "m1", "base"), started("b"), merged("b", "m2", "base")]),
    history(
      [step("a"), step("b")],
      [
        started("a"),
        merged("a", "m1", "base"),
        succeeded("a"),
        started("b"),
        merged("b", "m2", "foreign"),
        succeeded("b"),
        runSucceeded,
      ],
    ),
  ],
  landed: [
    history([step("a")], [started("a"), merged("a", "m1", "base"), succeeded("a"), runSucceeded, landedAt("foreign")]),
    history([step("a")], [started("a"), merged("a", "m1", "base"), succeeded("a"), runSucceeded, landedAt("base")]),
    history(
      [step("a"), step("b")],
      [
        started("a"),
        merged("a", "m1", "base"),
        succeeded("a"),
        started("b"),
        merged("b", "m2", "m1"),
        succeeded("b"),
        runSucceeded,
        landedAt("m1"),
      ],
    ),
  ],
};

describe("every rule finds the history that breaks it, and only that", () => {
  for (const rule of Object.keys(RULES) as Rule[]) {
    test.each(PLANTED[rule].map((events, at) => [at + 1, events] as const))(`${rule} %i`, (_, events) => {
      const found = checkHistory(events);
      expect(found.map((violation) => violation.rule)).toEqual([rule]);
      expect(found[0]?.seq).toBe(events.at(-1)?.seq);
      expect(checkHistory(events.slice(0, -1))).toEqual([]);
    });
  }
});

describe("sound histories", () => {
  test("merges may be recorded in another order than they were made, twice, and on top of what was not recorded", () => {
    const events = history(
      [step("a"), step("b"), step("c")],
      [
        started("a"),
        started("b"),
        started("c"),

        merged("b", "m2", "m1"),
        succeeded("b"),
        merged("a", "m1", "base"),
        merged("a", "m1", "base"),
        succeeded("a"),
        merged("c", "m3", "revert of an unrecorded merge", "m2"),
        succeeded("c"),
        runSucceeded,
        landedAt("m3"),
      ],
      { maxConcurrency: 3 },
    );
    expect(checkHistory(events)).toEqual([]);
  });

  test("after a resume a step between two attempts may be skipped: what was added to its layer's past runs again", () => {
    const events = history(
      [step("a"), step("b", { deps: ["a"] }), step("c", { deps: ["b"], if: "env.GO == 'yes'", retry: retry(2) })],
      [
        started("a"),
        {
          type: "steps.added",
          step: "a",
          data: { kind: "siblings", steps: [step("x", { optional: true })] },
        },
        succeeded("a"),
        started("x"),
        failed("x"),
        started("b"),
        succeeded("b"),
        started("c"),
        failed("c", 1, true),
        resumed,
        started("x", 2),
        succeeded("x", 2),
        { type: "step.skipped", step: "c", data: { reason: { kind: "condition" } } },
        runSucceeded,
      ],
      { schedule: "layers" },
    );
    expect(checkHistory(events)).toEqual([]);
  });

  test("of generated plans, crashed and resumed, break no rule", () => {
    for (let seed = 1; seed <= 150; seed++) {
      const script = generatedScript(seed, USUAL_SHAPE);
      const whole = DryRun.start(generatePlan(seed), script, {
        seed,
        maxConcurrency: 1 + (seed % 5),
        unchecked: true,
      }).run();
      expect([seed, checkHistory(whole.events)]).toEqual([seed, []]);
      const resumedRun = DryRun.resume(whole.events.slice(0, cutOf(whole.events, seed)), script, {
        seed,
        unchecked: true,
      }).run();
      expect([seed, checkHistory(resumedRun.events), resumedRun.isOver]).toEqual([seed, [], true]);
    }
  });

  test("an attempt of an interrupted step does not count for its retries", () => {
    const again = [started("a"), resumed, started("a", 2), succeeded("a", 2), runSucceeded];
    expect(checkHistory(history([step("a")], again))).toEqual([]);
  });
});

/** A place to cut a history: never within one commit. */
function cutOf(events: readonly Event[], seed: number): number {
  const cut = 2 + ((seed * 7919) % (events.length - 1));
  const last = events[cut - 1];
  return last?.type === "steps.added" && last.data.kind === "siblings" ? cut + 1 : cut;
}
