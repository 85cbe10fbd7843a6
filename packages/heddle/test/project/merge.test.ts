/** Which runs may land, and what is noted of it. */
import { beforeEach, describe, expect, test } from "vitest";
import type { AgentMaintenance } from "../../src/agent/port.ts";
import { err, ok } from "../../src/base/result.ts";
import { memoryJournal } from "../../src/journal/memory.ts";
import type { Journal } from "../../src/journal/port.ts";
import { landWork, type MergeOptions, type MergePorts, takeOut } from "../../src/project/merge.ts";
import type { Engine } from "../../src/engine/open.ts";
import type { EventBody } from "../../src/run/event.ts";
import { DIAMOND } from "../view/histories.ts";
import { agentsWith } from "./agents.ts";
import { RecordedRun } from "./runs.ts";

const LANDED = {
  integration: "heddle/r1/integration",
  commits: 2,
  mode: "merge",
  branch: "main",
  commit: "c1",
} as const;
const SUCCEEDED: EventBody = { type: "run.succeeded", data: { durationMs: 1 } };

let log: Journal;
let run: RecordedRun;
let asked: unknown[];
let noted: unknown[];
beforeEach(async () => {
  log = memoryJournal();
  asked = [];
  noted = [];
  run = await new RecordedRun(log, "r1", DIAMOND).begin();
});

async function land(options: MergeOptions, said: Partial<AgentMaintenance> = {}) {
  const agents = agentsWith({
    land: async (...words) => {
      asked.push(words);
      return ok(LANDED);
    },
    ...said,
  });
  const engine = { recordLanding: async (...words: unknown[]) => void noted.push(words) } as Partial<Engine>;
  return landWork({ log, agents, engine: async () => engine as Engine }, "r1", options);
}

describe("the work of a run", () => {
  test("lands when it has succeeded, and its history says so", async () => {
    await (await run.record([SUCCEEDED])).leave();
    let isUnfinished = false;
    const landed = await land({ kind: "branch", name: "feature", onUnfinished: () => (isUnfinished = true) });
    expect(landed).toEqual(ok(LANDED));
    expect(asked).toEqual([["r1", "branch", { name: "feature" }]]);
    expect(noted).toEqual([["r1", LANDED]]);
    expect(isUnfinished).toBe(false);
  });

  test("does not land in part while the run goes on, unless that is asked for", async () => {
    expect(await land({ kind: "merge" })).toMatchObject({ ok: false, error: { code: "RunGoesOn" } });
    expect(asked).toEqual([]);
    expect(await land({ kind: "merge", partial: true })).toMatchObject({ ok: true });
  });

  test("lands as far as it came where the run has ended without success, which is said before git is asked", async () => {
    await run.leave();
    const order: string[] = [];
    await land(
      { kind: "ff", onUnfinished: () => order.push("unfinished") },
      { land: async () => (order.push("git"), ok(LANDED)) },
    );
    expect(order).toEqual(["unfinished", "git"]);
  });

  test("is not noted to have landed where it has not", async () => {
    await (await run.record([SUCCEEDED])).leave();
    const problem = { code: "CheckoutDirty", message: "changes in the way" };
    const refused = { integration: LANDED.integration, commits: 2, mode: "merge", problem } as const;
    expect(await land({ kind: "merge" }, { land: async () => ok(refused) })).toEqual(err(problem));
    expect(await land({ kind: "merge" }, { land: async () => err(problem) })).toEqual(err(problem));
    expect(noted).toEqual([]);
  });
});

describe("a step's work is taken out of the run's branch", () => {
  const reverted = { integration: LANDED.integration, commit: "c2", files: ["a.txt"] };
  const agents = agentsWith({ revert: async (_run, { step }) => (asked.push(step), ok(reverted)) });
  const engine = {
    revert: async (of, { step, tasks }) => {
      asked.push([of.config.verify, step, ...tasks.map((task) => task.step.id)]);
      return ok({ ...reverted, verified: true });
    },
  } as Partial<Engine>;
  const ports = (): MergePorts => ({ log, agents, engine: async () => engine as Engine });

  /** A run whose steps `b` and `c` are built on `a`; `c` on `b`. */
  async function begun(id: string, { plan = {}, step = {} }: { plan?: object; step?: object }): Promise<void> {
    const agent = { kind: "agent", prompt: "do it" } as const;
    const steps = [
      { id: "a", action: agent },
      { id: "b", action: { kind: "run", command: "true" }, deps: ["a"], verify: ["never"] },
      { id: "c", action: agent, deps: ["b"], ...step },
    ] as const;
    await new RecordedRun(log, id, { name: "p", steps, agents: plan }).begin();
  }

  test("by its id; a wrong one is told before git is asked", async () => {
    expect(await takeOut(ports(), "r1", "a")).toEqual(ok(reverted));
    expect(await takeOut(ports(), "r1", "aa")).toMatchObject({
      error: { code: "UnknownStep", hint: "Did you mean a?" },
    });
    expect(asked).toEqual(["a"]);
  });

  test("unverified where nothing says how; the steps built on it are named", async () => {
    await begun("r2", {});
    expect(await takeOut(ports(), "r2", "a")).toEqual(ok({ ...reverted, builders: ["c"] }));
    expect(asked).toEqual(["a"]);
  });

  test("verified by the plan's checks, and those of the steps built on it", async () => {
    await begun("r2", { plan: { verify: "make test" } });
    await begun("r3", { step: { verify: ["test c"] } });
    const verified = ok({ ...reverted, verified: true, builders: ["c"] });
    expect(await takeOut(ports(), "r2", "a")).toEqual(verified);
    expect(await takeOut(ports(), "r3", "a")).toEqual(verified);
    expect(asked).toEqual([
      ["make test", "a", "a", "c"],
      [undefined, "a", "a", "c"],
    ]);
  });

  test("its own checks do not count: its work is gone", async () => {
    await begun("r2", { step: { verify: ["test c"] } });
    expect(await takeOut(ports(), "r2", "c")).toEqual(ok(reverted));
    expect(asked).toEqual(["c"]);
  });
});
