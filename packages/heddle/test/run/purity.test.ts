/**
 * What the reducer promises of its state, over generated plans in which everything happens: decisions change nothing, facts come
 * from the history alone, and the index can be made anew at any point.
 */
import { describe, expect, test } from "vitest";
import { ok } from "../../src/base/result.ts";
import { apply, createState, fold } from "../../src/run/apply.ts";
import { decide } from "../../src/run/decide.ts";
import type { Event } from "../../src/run/event.ts";
import { rebuildIndex } from "../../src/run/reindex.ts";
import type { RunState } from "../../src/run/state.ts";
import { advance } from "../../src/run/transition.ts";
import { DryRun, type DryOptions, type Script } from "../support/dry-run.ts";
import { generatePlan, USUAL_SHAPE, type PlanShape } from "../support/plans.ts";
import { exactIndex, factsSnapshot, indexMeaning } from "../support/state-snapshot.ts";
import { generatedScript } from "./dry.ts";

/** More of them: `HEDDLE_SEEDS=600`. */
const SEEDS = Number(process.env["HEDDLE_SEEDS"] ?? 60);

const SHAPE: PlanShape = { ...USUAL_SHAPE, approvals: 0.15, writes: 0.2, additions: 0.15, interrupts: 0.3 };

/** Ways in which a run goes, by seed. */
function optionsOf(seed: number): DryOptions {
  return {
    seed,
    maxConcurrency: 1 + (seed % 5),
    schedule: seed % 3 === 0 ? "layers" : "ready",
    failure: seed % 2 === 0 ? "continue" : "fail-fast",
    rollback: seed % 4 === 0 ? "all" : "none",
  };
}

/** Every fourth run is examined first, every fifth leaves its questions open. */
function scriptOf(seed: number): Script {
  const script = generatedScript(seed, SHAPE);
  const { answer: _answer, ...silent } = script;
  return {
    ...(seed % 5 === 0 ? silent : script),
    ...(seed % 4 === 0 && {
      examine: ({ id }) =>
        id.length % 2 === 0
          ? ({ decision: "run", key: id } as const)
          : ({ decision: "cached", key: id, from: "r0", output: id } as const),
    }),
  };
}

/** A run that is cut in the middle, taken up again, and cut once more where that changes anything. */
function lives(seed: number, watch: (dry: DryRun) => void = () => undefined): readonly Event[] {
  const plan = generatePlan(seed, SHAPE);
  const cached = { ...plan, steps: plan.steps.map((step) => (seed % 4 === 0 ? { ...step, cache: true } : step)) };
  const live = (dry: DryRun, turns: number): DryRun => {
    watch(dry);
    for (let turn = 0; turn < turns && !dry.isOver; turn++) {
      const before = dry.events.length;
      dry.run(1);
      watch(dry);
      if (dry.events.length === before) break;
    }
    return dry;
  };
  const first = live(DryRun.start(cached, scriptOf(seed), optionsOf(seed)), 3 + (seed % 7));
  if (seed % 6 === 0) first.halt = "cancel";
  const ended = live(first, seed % 6 === 0 ? 200 : 0);
  return live(DryRun.resume(ended.events, scriptOf(seed), optionsOf(seed)), 200).events;
}

/** Calls `look` with the state after each event of a history. */
function atEachPrefix(events: readonly Event[], look: (state: RunState, event: Event) => void): void {
  let state: RunState | undefined;
  for (const event of events) {
    if (state !== undefined) apply(state, event);
    else if (event.type === "run.created") {
      const created = createState(event);
      if (!created.ok) throw new Error("no graph");
      state = created.value;
    }
    if (state !== undefined) look(state, event);
  }
}

describe.each(Array.from({ length: 6 }, (_, part) => part))("generated runs, part %i", (part) => {
  const seeds = Array.from({ length: Math.ceil(SEEDS / 6) }, (_, at) => 1 + at * 6 + part);

  test("a decision changes neither facts nor index", () => {
    for (const seed of seeds) {
      let decisions = 0;
      atEachPrefix(lives(seed), (state, { seq, time }) => {
        const before = { facts: factsSnapshot(state), index: exactIndex(state.index) };
        for (const now of [time, time + 10_000]) {
          for (const load of [undefined, "memory"]) decisions += decide(state, { now, load, locks: new Set() }).length;
        }
        const after = { facts: factsSnapshot(state), index: exactIndex(state.index) };
        expect([seed, seq, after]).toEqual([seed, seq, before]);
      });
      expect(decisions).toBeGreaterThan(0);
    }
  });

  test("the live state is what its history folds to", () => {
    for (const seed of seeds) {
      lives(seed, ({ state, events }) => {
        const folded = fold(events);
        expect([seed, state.seq, folded && factsSnapshot(folded)]).toEqual([seed, state.seq, factsSnapshot(state)]);
      });
    }
  });

  test("the index that was kept is the index that is made anew, after every event", () => {
    for (const seed of seeds) {
      atEachPrefix(lives(seed), (state, { seq, type }) => {
        if (type === "run.created") return;
        const kept = indexMeaning(state.index);
        const facts = factsSnapshot(state);
        rebuildIndex(state);
        expect([seed, seq, indexMeaning(state.index)]).toEqual([seed, seq, kept]);
        expect([seed, seq, factsSnapshot(state)]).toEqual([seed, seq, facts]);
      });
    }
  });

  test("an index made anew before every turn changes no later event", () => {
    for (const seed of seeds) {
      const plain = lives(seed);
      const rebuilt = lives(seed, ({ state }) => rebuildIndex(state));
      expect([seed, rebuilt]).toEqual([seed, plain]);
    }
  });
});

test("the generated runs have everything in them", () => {
  const types = new Set(
    Array.from({ length: SEEDS }, (_, at) => lives(at + 1)).flatMap((events) => events.map(({ type }) => type)),
  );
  expect([...types].sort()).toEqual(
    [
      "approval.given",
      "approval.requested",
      "rollback.ended",
      "rollback.failed",
      "rollback.started",
      "run.cancelled",
      "run.created",
      "run.failed",
      "run.resumed",
      "run.started",
      "run.succeeded",
      "step.cached",
      "step.cancelled",
      "step.examined",
      "step.failed",
      "step.rolledback",
      "step.skipped",
      "step.started",
      "step.succeeded",
      "steps.added",
    ].filter((type) => type !== "rollback.failed" || types.has("rollback.failed")),
  );
});

test("the same state, inputs and world give the same events and effects", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const history = lives(seed);
    const [once, twice] = [fold(history.slice(0, 12)), fold(history.slice(0, 12))].map((state) => {
      if (state === undefined) throw new Error("no history");
      return advance(state, [], {
        now: 5000,
        load: undefined,
        locks: new Set(),
        random: () => 0.5,
        expressions: { holds: () => ok(true), text: () => ok("?") },
        environment: {},
      });
    });
    expect(twice).toEqual(once);
  }
});
