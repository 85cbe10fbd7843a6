/**
 * What the reducer promises of its state, over generated plans in which everything happens: decisions change nothing, facts come
 * from the history alone, are plain data, and the index can be made anew at any point. Looked at before every event, in the middle of
 * turns too.
 */
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { ok } from "../../src/base/result.ts";
import { apply, createState, fold } from "../../src/run/apply.ts";
import type { Note } from "../../src/run/attempt.ts";
import { decide } from "../../src/run/decide.ts";
import type { Event } from "../../src/run/event.ts";
import type { Facts } from "../../src/run/facts.ts";
import { rebuildIndex } from "../../src/run/reindex.ts";
import type { RunState } from "../../src/run/state.ts";
import { advance } from "../../src/run/transition.ts";
import { DryRun, type DryOptions, type Script } from "../support/dry-run.ts";
import { generatePlan, hash, USUAL_SHAPE, type PlanShape } from "../support/plans.ts";
import { EVENTS_OF_THE_REDUCER } from "../support/reducer-events.ts";
import { exactIndex, factsSnapshot, indexMeaning, stateOfCopy } from "../support/state-snapshot.ts";
import { generatedScript } from "./dry.ts";

/** More of them: `HEDDLE_SEEDS=600`. */
const SEEDS = Number(process.env["HEDDLE_SEEDS"] ?? 30);

const SHAPE: PlanShape = {
  ...USUAL_SHAPE,
  agents: 0.2,
  approvals: 0.15,
  writes: 0.2,
  additions: 0.15,
  interrupts: 0.3,
  always: 0.15,
  waits: 0.15,
};

/** Ways in which a run goes, by seed. */
function optionsOf(seed: number): DryOptions {
  return {
    seed,
    maxConcurrency: seed % 8 === 1 ? 1 : 1 + (seed % 5),
    ...(seed % 8 === 1 && { sequential: true }),
    schedule: seed % 3 === 0 ? "layers" : "ready",
    failure: seed % 2 === 0 ? "continue" : "fail-fast",
    rollback: seed % 4 === 0 ? "all" : "none",
  };
}

/** Every fourth run is examined first, every fifth leaves its questions open; agents report and ask, and some undos fail. */
function scriptOf(seed: number): Script {
  const script = generatedScript(seed, SHAPE);
  const { answer: _answer, ...silent } = script;
  return {
    ...(seed % 5 === 0 ? silent : script),
    sends: (signal) => hash(`${seed} ${signal}`) % 3 !== 0,
    undo: ({ id }) => hash(`${seed} ${id}`) % 4 !== 0,
    notes: ({ id, action }, attempt) => (action.kind === "agent" ? notesOf(hash(`${seed} ${id} ${attempt}`)) : []),
    ...(seed % 4 === 0 && {
      examine: ({ id }) =>
        id.length % 2 === 0
          ? ({ decision: "run", key: id } as const)
          : ({ decision: "cached", key: id, from: "r0", output: id } as const),
    }),
  };
}

function notesOf(chance: number): readonly Note[] {
  const agent = "scripted";
  return [
    { type: "step.progress", data: { message: "begins" } },
    { type: "usage.recorded", data: { agent, model: "m", provider: "p", tokens: { input: chance % 100 }, usd: 0.5 } },
    ...(chance % 2 === 0 ? [{ type: "usage.recorded", data: { agent, model: "m" } } as const] : []),
    ...(chance % 3 === 0
      ? [{ type: "approval.requested", data: { about: "permission", question: "?" } } as const]
      : []),
  ];
}

interface Watch {
  /** Between two turns. */
  readonly between?: (dry: DryRun) => void;
  /** Before each event, those that a resume folds in too. */
  readonly beforeEvent?: (state: RunState) => void;
}

/** A run that is paused now and then, and whose concurrency is changed, cut in the middle, taken up again, and cut once more where that changes anything. */
function lives(seed: number, { between, beforeEvent }: Watch = {}): readonly Event[] {
  const plan = generatePlan(seed, SHAPE);
  const cached = { ...plan, steps: plan.steps.map((step) => (seed % 4 === 0 ? { ...step, cache: true } : step)) };
  const options = { ...optionsOf(seed), ...(beforeEvent && { beforeEvent }) };
  const live = (dry: DryRun, turns: number): DryRun => {
    for (let turn = 0; turn < turns && !dry.isOver; turn++) {
      between?.(dry);
      if ((seed + turn) % 7 === 3)
        dry.give({ kind: "set-concurrency", maxConcurrency: 1 + ((seed + turn) % 4), by: "ada" });
      if ((seed + turn) % 8 === 1) dry.give({ kind: "short", resource: "cpu", used: 95, limit: 80 });
      if ((seed + turn) % 9 === 2) dry.give({ kind: "pause", reason: "lunch" });
      const before = dry.events.length;
      const wasPaused = dry.state.phase.tag === "paused";
      if (wasPaused) dry.give({ kind: "unpause" });
      dry.run(1);
      if (dry.events.length === before && !wasPaused) break;
    }
    return dry;
  };
  const first = live(DryRun.start(cached, scriptOf(seed), options), 3 + (seed % 7));
  if (seed % 6 === 0) first.halt = "cancel";
  const ended = live(first, seed % 6 === 0 ? 200 : 0);
  return live(DryRun.resume(ended.events, scriptOf(seed), options), 200).events;
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

/** Much quicker than `toEqual`, which then says where two differ. */
function expectSame(where: readonly unknown[], actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return;
  expect([...where, actual]).toStrictEqual([...where, expected]);
  expect.fail(`${where.join(" ")}: they differ`);
}

describe.each(Array.from({ length: 6 }, (_, part) => part))("generated runs, part %i", (part) => {
  const seeds = Array.from({ length: Math.ceil(SEEDS / 6) }, (_, at) => 1 + at * 6 + part);

  test("a decision changes neither facts nor index, nor what only the engine knows", () => {
    for (const seed of seeds) {
      let decisions = 0;
      const look = (state: RunState): void => {
        const all = (): unknown => [factsSnapshot(state), exactIndex(state.index), structuredClone(state.volatile)];
        const before = all();
        const now = state.lastTime;
        for (const later of [now, now + 10_000])
          for (const load of [undefined, { resource: "memory", used: 2000, limit: 1000 } as const])
            decisions += decide(state, { now: later, load, locks: new Set() }).length;
        expectSame([seed, state.seq], all(), before);
      };
      lives(seed, { beforeEvent: look, between: ({ state }) => look(state) });
      expect(decisions).toBeGreaterThan(0);
    }
  });

  test("the live state is what its history folds to, at every prefix", () => {
    for (const seed of seeds) {
      const live: Facts[] = [];
      const keep = (state: RunState): void => void live.push(factsSnapshot(state));
      const history = lives(seed, { beforeEvent: keep, between: ({ state }) => keep(state) });
      const folded = new Map<number, Facts>();
      atEachPrefix(history, (state, { seq }) => folded.set(seq, factsSnapshot(state)));
      for (const facts of live) expectSame([seed, facts.seq], facts, folded.get(facts.seq));
      // The last event has none after it.
      const seen = new Set(live.map(({ seq }) => seq));
      expect(history.filter(({ seq }) => !seen.has(seq)).length).toBeLessThanOrEqual(1);
    }
  });

  test("the index that is kept is the index that is made of a copy of the facts, at every prefix", () => {
    for (const seed of seeds) {
      const look = (state: RunState): void => {
        if (state.phase.tag === "created") return;
        const copy = stateOfCopy(state);
        expectSame([seed, state.seq], indexMeaning(copy.index), indexMeaning(state.index));
        expectSame([seed, state.seq], factsSnapshot(copy), factsSnapshot(state));
      };
      lives(seed, { beforeEvent: look, between: ({ state }) => look(state) });
    }
  });

  test("an index made anew before every event changes no later event", () => {
    for (const seed of seeds) {
      const plain = lives(seed);
      const rebuilt = lives(seed, { beforeEvent: rebuildIndex, between: ({ state }) => rebuildIndex(state) });
      expectSame([seed], rebuilt, plain);
    }
  });

  test("a run that goes on with a structured clone of its facts before every turn is the same run", () => {
    for (const seed of seeds) {
      const plain = lives(seed);
      const copied = lives(seed, {
        between: (dry) => {
          dry.state = stateOfCopy(dry.state);
        },
      });
      expectSame([seed], copied, plain);
    }
  });
});

test("the generated runs have everything in them", () => {
  const histories = Array.from({ length: SEEDS }, (_, at) => lives(at + 1));
  const types = new Set(histories.flatMap((events) => events.map(({ type }) => type)));
  expect([...types].sort()).toEqual([...EVENTS_OF_THE_REDUCER, "usage.recorded"]);
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
        expressions: { holds: () => ok(true), text: (template) => ok(template) },
        outputProblem: () => undefined,
        environment: {},
      });
    });
    expect(twice).toEqual(once);
  }
});
