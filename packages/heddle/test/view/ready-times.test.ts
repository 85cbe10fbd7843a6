/** Since when attempts could have begun, and what they waited for: by hand, and against what events alone say of runs of chance. */
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../src/base/random.ts";
import type { Plan, Step } from "../../src/plan/plan.ts";
import type { Event } from "../../src/run/event.ts";
import type { Span } from "../../src/view/timeline.ts";
import { DryRun } from "../support/dry-run.ts";
import { fuzzRun } from "../support/fuzz-reducer.ts";
import { whole } from "../support/plans.ts";
import { history, OPTIONS, read, started, succeeded, type Happening } from "./histories.ts";

const SEEDS = Number(process.env["HEDDLE_SEEDS"] ?? 20);

function step(id: string, more: Partial<Step> = {}): Step {
  return { id, action: { kind: "run", command: id }, ...more };
}

/** `blocked, by, queued, by, ran` of each span of the step. */
function leads(events: readonly Event[], id: string): readonly (readonly (number | string | null)[])[] {
  const spans = read(events)
    .timeline.spans()
    .filter((span) => span.step === id);
  return spans.map(({ blockedMs, blockedBy, queuedMs, queuedBy, ranMs }) => [
    blockedMs,
    blockedBy,
    queuedMs,
    queuedBy,
    ranMs,
  ]);
}

const paused = (time: number): Happening => [time, { type: "run.paused", data: { reason: "lunch" } }];
const resumed: Happening[1] = { type: "run.resumed", data: { engine: "test", interrupted: ["it"], reset: [] } };
const retry: Happening[1] = {
  type: "step.failed",
  step: "it",
  attempt: 1,
  data: { error: { code: "exit", message: "x" }, durationMs: 10, willRetry: true, retryAt: 1500, retryDelayMs: 480 },
};
const held: Happening[1] = {
  type: "step.progress",
  step: "it",
  attempt: 1,
  data: { type: "waiting", for: "lock", run: "r2" },
};

describe("a step that began", () => {
  test.each<[string, readonly Step[], readonly Happening[], Partial<Plan & typeof OPTIONS>, unknown]>([
    [
      "at once",
      [step("it")],
      [
        [1000, started("it")],
        [1400, succeeded("it", 400)],
      ],
      {},
      [[0, null, 0, null, 400]],
    ],
    ["late, and nothing says why", [step("it")], [[1300, started("it")]], {}, [[0, null, 300, "turn", null]]],
    [
      "after its dependency",
      [step("a"), step("it", { deps: ["a"] })],
      [
        [1010, started("a")],
        [1100, succeeded("a", 90)],
        [1100, started("it")],
      ],
      {},
      [[100, "deps", 0, null, null]],
    ],
    [
      "after its dependency and a slot",
      [step("a"), step("b"), step("it", { deps: ["a"] })],
      [
        [1000, started("a")],
        [1100, succeeded("a", 100)],
        [1100, started("b")],
        [1500, succeeded("b", 400)],
        [1501, started("it")],
      ],
      { maxConcurrency: 1 },
      [[100, "deps", 401, "slot", null]],
    ],
    [
      "after its layer",
      [step("a"), step("b", { deps: ["a"] }), step("c"), step("it", { deps: ["c"] })],
      [
        [1000, started("a")],
        [1000, started("c")],
        [1010, succeeded("c", 10)],
        [1300, succeeded("a", 300)],
        [1300, started("it")],
      ],
      { schedule: "layers" },
      [[300, "layer", 0, null, null]],
    ],
    [
      "after a pause, mostly, and a pool",
      [step("a", { resources: { gpu: 1 } }), step("it", { resources: { gpu: 1 } })],
      [
        [1000, started("a")],
        paused(1100),
        [1700, { type: "run.unpaused", data: {} }],
        [1800, succeeded("a", 800)],
        [1800, started("it")],
      ],
      { resources: { gpu: 1 } },
      [[0, null, 800, "paused", null]],
    ],
    [
      "after a pool",
      [step("a", { resources: { gpu: 1 } }), step("it", { resources: { gpu: 1 } })],
      [
        [1000, started("a")],
        [1800, succeeded("a", 800)],
        [1800, started("it")],
      ],
      { resources: { gpu: 1 } },
      [[0, null, 800, "pool", null]],
    ],
    [
      "after the machine lacked memory, mostly",
      [step("a"), step("it")],
      [
        [1000, started("a")],
        [1300, { type: "machine.short", data: { resource: "memory", used: 2000, limit: 1000 } }],
        [1900, started("it")],
      ],
      {},
      [[0, null, 900, "memory", null]],
    ],
    [
      "after a lock of another run",
      [step("it")],
      [
        [1100, held],
        [1900, started("it")],
      ],
      {},
      [[0, null, 900, "foreign-lock", null]],
    ],
    [
      "again, when its next attempt was due",
      [step("it"), step("a")],
      [
        [1010, started("it")],
        [1020, retry],
        [1030, started("a")],
        [1600, succeeded("a", 570)],
        [1600, started("it", 2)],
      ],
      { maxConcurrency: 1 },
      [
        [0, null, 10, "turn", 10],
        [480, "retry-delay", 100, "slot", null],
      ],
    ],
    [
      "again, under another engine: the time between the two is no wait",
      [step("a"), step("it", { deps: ["a"] })],
      [
        [1000, started("a")],
        [1100, succeeded("a", 100)],
        [1100, started("it")],
        [1200, held],
        [90_000, resumed],
        [90_020, started("it", 2)],
      ],
      {},
      [
        [100, "deps", 0, null, 100],
        [0, null, 20, "turn", null],
      ],
    ],
  ])("%s", (_name, steps, happenings, more, expected) => {
    const { resources, ...options } = more;
    const plan: Plan = resources === undefined ? { name: "p", steps } : { name: "p", steps, resources };
    expect(leads(history(plan, happenings, { ...OPTIONS, ...options }), "it")).toEqual(expected);
  });
});

test("where slots alone are short, a step is ready when the last that it comes after has ended, and waits for a slot", () => {
  let queued = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = seededRandom(seed);
    const steps = Array.from({ length: 20 }, (_, at) => {
      const deps =
        at === 0 ? [] : [...new Set([whole(random, at - 1), whole(random, at - 1)])].filter(() => random() < 0.6);
      return step(`s${at}`, deps.length === 0 ? {} : { deps: deps.map((dep) => `s${dep}`) });
    });
    const attempt = (): { durationMs: number } => ({ durationMs: 1 + whole(random, 99) });
    const { events } = DryRun.start({ name: "p", steps }, { attempt }, { seed, maxConcurrency: 2 }).run();
    const ends = new Map(
      read(events)
        .timeline.spans()
        .map(({ step: id, endedAt }) => [id, endedAt ?? 0]),
    );
    const begin = events[1]?.time ?? 0;
    for (const span of read(events).timeline.spans()) {
      const deps = steps.find(({ id }) => id === span.step)?.deps ?? [];
      const readyAt = Math.max(begin, ...deps.map((id) => ends.get(id) ?? 0));
      const isQueued = span.startedAt > readyAt;
      if (isQueued) queued++;
      expect(span).toMatchObject({
        readyAt,
        blockedMs: readyAt - begin,
        blockedBy: readyAt > begin ? "deps" : null,
        queuedMs: span.startedAt - readyAt,
        queuedBy: isQueued ? "slot" : null,
        ranMs: span.durationMs,
      });
    }
  }
  expect(queued).toBeGreaterThan(SEEDS);
});

test("the parts of a wait are never negative, and have a reason where they are not nothing, whatever the run", () => {
  const wrong: string[] = [];
  for (let seed = 1; seed <= SEEDS; seed++)
    for (const span of read(fuzzRun(seed)).timeline.spans())
      if (!isSound(span)) wrong.push(`seed ${seed}: ${JSON.stringify(span)}`);
  expect(wrong.slice(0, 3)).toEqual([]);
});

function isSound({
  kind,
  startedAt,
  readyAt,
  blockedMs,
  blockedBy,
  queuedMs,
  queuedBy,
  endedAt,
  ranMs,
}: Span): boolean {
  if ((endedAt === null) !== (ranMs === null) || (ranMs ?? 0) < 0) return false;
  if (readyAt === null || blockedMs === null || queuedMs === null)
    return kind !== "attempt" && kind !== "container" && kind !== "wait" && blockedBy === null && queuedBy === null;
  const isWhole = readyAt + queuedMs === startedAt && blockedMs >= 0 && queuedMs >= 0;
  return isWhole && blockedMs > 0 === (blockedBy !== null) && queuedMs > 0 === (queuedBy !== null);
}
