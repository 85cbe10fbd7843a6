import { describe, expect, test } from "vitest";
import { planResume } from "../../src/engine/recovery.ts";
import { buildGraph } from "../../src/graph/build.ts";
import { NO_FUNCTIONS, type Plan, type Step } from "../../src/plan/plan.ts";
import { fold } from "../../src/run/apply.ts";
import { definitionOf, driftOf } from "../../src/run/fingerprint.ts";
import { DryRun } from "../support/dry-run.ts";
import { failing, planOf, run, step } from "./dry.ts";
import type { LoadedPlan } from "../../src/graph/loaded-plan.ts";

function loaded(plan: Plan): LoadedPlan {
  const graph = buildGraph(plan.steps);
  if (!graph.ok) throw new Error("no graph");
  return { plan, graph: graph.value, functions: NO_FUNCTIONS };
}

const each = (command: string): Step => step("f", { forEach: { items: [1, 2] }, action: { kind: "run", command } });
const plan = (command: string): Plan => planOf([each(command), step("end", { deps: ["f"] })], { failure: "continue" });

describe("a container whose definition changed between two engines", () => {
  test("with a success inside: the resume asks first, then begins it anew with the new definition", () => {
    const before = run(plan("old"), failing(["f[1]"]));
    const refused = planResume(before.state, { engine: "0", current: loaded(plan("new")) });
    expect(refused).toMatchObject({ ok: false, error: { code: "PlanChanged" } });
    const accepted = planResume(before.state, { engine: "0", current: loaded(plan("new")), acceptChanges: true });
    expect(accepted).toMatchObject({ ok: true, value: { reset: ["f"] } });
    const commands: string[] = [];
    const script = {
      attempt: ({ action }: Step) => {
        if (action.kind === "run") commands.push(action.command);
        return { durationMs: 1 };
      },
    };
    const second = DryRun.resume(before.events, script, { plan: plan("new"), reset: ["f"] }).run();
    expect(second.state.phase.tag).toBe("succeeded");
    expect(commands).toEqual(["new", "new", "true"]);
  });

  test("with none: it begins anew without asking", () => {
    const before = run(plan("old"), failing(["f[0]", "f[1]"]));
    expect(driftOf(before.state, plan("new"))).toMatchObject({ changed: [], renewed: ["f"] });
    expect(planResume(before.state, { engine: "0", current: loaded(plan("new")) })).toMatchObject({
      ok: true,
      value: { reset: ["f"] },
    });
  });

  test("what depends on a changed success begins anew too, whatever it was doing", () => {
    const make = (command: string): Plan =>
      planOf(
        [
          step("a", { action: { kind: "run", command } }),
          step("ask", { deps: ["a"], action: { kind: "approve", question: "?" } }),
          step("f", { ...each("x"), deps: ["a"] }),
        ],
        {
          failure: "continue",
        },
      );
    const before = run(make("old"), failing(["f[1]"]));
    expect(planResume(before.state, { engine: "0", current: loaded(make("new")), acceptChanges: true })).toMatchObject({
      value: { reset: ["a", "ask", "f"] },
    });
  });
});

test("where a step ran is no part of what its success means", () => {
  expect(definitionOf(step("a", { runsOn: ["gpu"] }))).toBe(definitionOf(step("a")));
  expect(definitionOf(step("a", { shell: "bash" }))).not.toBe(definitionOf(step("a")));
});

describe("what reaches an agent's prompt", () => {
  const agent = (more: Partial<Step>): Step => step("a", { action: { kind: "agent", prompt: "p" }, ...more });
  const texts: readonly Partial<Step>[] = [{ description: "d" }, { acceptance: ["c"] }];

  test.each(texts)("is part of its step's definition, of no other's: %j", (text) => {
    expect(definitionOf(agent(text))).not.toBe(definitionOf(agent({})));
    expect(definitionOf(step("a", text))).toBe(definitionOf(step("a")));
  });

  test.each(texts)("was no part of it under the first rules: %j", (text) => {
    expect(definitionOf(agent(text), 1)).toBe(definitionOf(agent({}), 1));
  });

  test("a changed acceptance criterion is named as the change, by the rules that the run was recorded under", () => {
    const before = run([agent({ acceptance: ["old"] })]);
    const now = planOf([agent({ acceptance: ["new"] })]);
    expect(driftOf(before.state, now).changed).toEqual([{ id: "a", keys: ["acceptance"] }]);
    const [created, ...others] = before.events;
    if (created?.type !== "run.created") throw new Error("no history");
    const { rules: _rules, ...data } = created.data;
    const old = fold([{ ...created, data }, ...others]);
    expect(old && driftOf(old, now)).toMatchObject({ changed: [], differs: true });
  });
});
