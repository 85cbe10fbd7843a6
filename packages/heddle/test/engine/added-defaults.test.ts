/** Steps that join a run on the way are steps of their plan: its defaults, parameters and pools hold for them, and what is handed down. */
import { expect, test } from "vitest";
// The engine loads it with the first expression: here it is loaded already.
import "../../src/plan/expression/cel.ts";
import "../../src/plan/expression/check.ts";
import { Rig } from "./rig.ts";

const PLAN = `
defaults: { timeout: 1s, shell: bash -e, retry: 1, env: { D: outer } }
resources: { cpu: 2 }
steps:
  - { id: grow, run: x }
  - id: box
    env: { BOX: "1" }
    secrets: [TOKEN]
    cwd: folder
    plan:
      params: { size: { type: number, default: 3 } }
      defaults: { priority: 7, env: { D: inner } }
      resources: { db: 1 }
      steps:
        - { id: deep, run: x }
        - { id: each, forEach: [1], run: x }
`;

test("defaults of the run's plan reach steps that are added to it", async () => {
  const rig = new Rig();
  const handle = await rig.start(PLAN);
  await rig.succeed("grow", null, [{ id: "added", run: "y", env: { OWN: "1" }, retry: 0 }]);
  const { step } = rig.taskOf("added");
  expect(step).toMatchObject({ timeoutMs: 1000, shell: "bash -e", env: { D: "outer", OWN: "1" } });
  expect(step.retry).toBeUndefined();
  handle.kill();
  await handle.result;
});

test("inside a plan its own defaults, parameters and pools hold, and what is handed down to it", async () => {
  const rig = new Rig();
  const handle = await rig.start(PLAN);
  const added = (id: string): object => ({
    id,
    run: "y",
    resources: { db: 1 },
    env: { N: "${{ params.size }}" },
  });
  await rig.succeed("box/deep", null, [added("one")]);
  const wanted = {
    priority: 7,
    resources: { db: 1 },
    env: { D: "inner", BOX: "1", N: "${{ params.size }}" },
    secrets: ["TOKEN"],
    cwd: "folder",
  };
  expect(rig.taskOf("box/one")).toMatchObject({ step: wanted, params: { size: 3 } });
  expect(rig.taskOf("box/one").step.timeoutMs).toBeUndefined();
  await rig.succeed("box/one");
  await rig.succeed("box/each[0]", null, [added("two")]);
  expect(rig.taskOf("box/two")).toMatchObject({ step: wanted });
  handle.kill();
  await handle.result;
});

test("an added step that could never get what it asks for fails its adder", async () => {
  const rig = new Rig();
  const handle = await rig.start(`
resources: { cpu: 2 }
failure: continue
steps:
  - id: box
    locks: { write: [db] }
    plan:
      steps: [{ id: a, run: x }, { id: b, run: x }, { id: c, run: x }]
`);
  await rig.succeed("box/a", null, [{ id: "x1", run: "y", locks: { write: ["other"] } }]);
  await rig.succeed("box/b", null, [{ id: "x2", run: "y", resources: { gpu: 1 } }]);
  await rig.succeed("box/c", null, [{ id: "x3", run: "y", locks: { read: ["db"] }, resources: { cpu: 1 } }]);
  const failures = rig.events.flatMap((event) => (event.type === "step.failed" ? [event.data.error.message] : []));
  expect(failures).toEqual([
    expect.stringContaining("asks for the lock other while box around it holds other things"),
    expect.stringContaining('there is no pool "gpu"'),
  ]);
  expect(rig.running).toEqual(["box/x3"]);
  handle.kill();
  await handle.result;
});

test("what a plan file says of a whole run fails the step, where the run's plan says otherwise", async () => {
  const inner = async (top: string): Promise<string | undefined> => {
    const subplan = (await new Rig().load(`${top}\nsteps: [{ id: x, run: x }]`)).plan;
    const rig = new Rig({ subplan });
    const handle = await rig.start("rollback: dependents\nsteps: [{ id: box, plan: ./inner.yaml }]");
    const failed = rig.events.find((event) => event.type === "step.failed");
    handle.kill();
    await handle.result;
    return failed?.data.error.message;
  };
  expect(await inner("rollback: dependents")).toBeUndefined();
  expect(await inner("schedule: ready")).toBeUndefined();
  expect(await inner("rollback: all")).toContain("its plan says `rollback`, which holds for a whole run: set it in");
  expect(await inner("schedule: layers")).toContain("its plan says `schedule`");
  expect(await inner("limits: { maxMemoryMb: 10 }")).toContain("its plan says `limits`");
  expect(await inner("agents: { verify: [test] }")).toContain("its plan says `agents.verify`");
});

test("grace is handed down: a step's own first, then that of its plan, then that of the step around it", async () => {
  const rig = new Rig();
  const handle = await rig.start(`
grace: 9s
steps:
  - { id: a, grace: 1s, plan: { steps: [{ id: x, run: x }, { id: y, run: x, grace: 3s }] } }
  - { id: b, grace: 1s, plan: { grace: 2s, steps: [{ id: x, run: x }] } }
  - { id: c, run: x }
`);
  const grace = ["a/x", "a/y", "b/x", "c"].map((id) => rig.taskOf(id).graceMs);
  expect(grace).toEqual([1000, 3000, 2000, 9000]);
  handle.kill();
  await handle.result;
});
