/** The folder that an agent's step works in: of its worktree, looked for there and then. */
import { execFileSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { AgentRig, ofType, writes } from "./rig.ts";

function errorOf(events: Parameters<typeof ofType>[0], step: string): unknown {
  return ofType(events, "step.failed", step).at(-1)?.data["error"];
}

test("a step works in a folder that an earlier step made, though the user's checkout has none", async () => {
  using rig = new AgentRig();
  rig.agents(
    { a: [writes("pkg/new/x.txt", "x\n")], b: [writes("y.txt", "y\n")] },
    { steps: [{ id: "a" }, { id: "b", deps: ["a"], cwd: "pkg/new", verify: "cat x.txt y.txt" }] },
  );
  const { finished } = await rig.json(["run"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  expect(await rig.merged("pkg/new/y.txt")).toBe("y");
  expect(rig.has("pkg")).toBe(false);
});

test("a folder that only the user's checkout has, or that leads out of the worktree, is refused and named", async () => {
  using rig = new AgentRig();
  rig.write("local.here/x", "ignored by git\n");
  symlinkSync("/", path.join(rig.dir, "root"));
  rig.commit("a link");
  rig.agents(
    {},
    {
      steps: [
        { id: "a", cwd: "local.here" },
        { id: "b", cwd: "root/etc" },
      ],
      failure: "continue",
    },
  );
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(1);
  const missing = expect.stringMatching(/the folder local\.here does not exist.*Commit/);
  expect(errorOf(events, "a")).toMatchObject({ message: missing });
  expect(errorOf(events, "b")).toMatchObject({ message: expect.stringContaining("root/etc is outside") });
});

test("a project folder of which nothing is committed is named, with setup commands and without", async () => {
  using rig = new AgentRig();
  for (const setup of [[], ["true"]]) {
    rig.agents({ a: [writes("x.txt", "x\n")] }, { steps: [{ id: "a" }] }, { setup });
    execFileSync("sh", ["-c", "mkdir -p sub && cp heddle.json agents.yaml sub"], { cwd: rig.dir });
    const { finished, events } = await rig.json(["-C", "sub", "run"]);
    expect(finished.code).toBe(1);
    expect(errorOf(events, "a")).toMatchObject({
      message: expect.stringMatching(/folder sub is not in the worktree.*[Cc]ommit/s),
    });
  }
});
