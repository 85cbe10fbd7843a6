/** A step taken back out of a run's branch: the checks of its plan, and of what was built on it, run on the result as for attempts. */
import { expect, test } from "vitest";
import { orThrow } from "../../../src/base/errors.ts";
import type { Reverted } from "../../../src/agent/port.ts";
import type { Problem } from "../../../src/base/errors.ts";
import type { Result } from "../../../src/base/result.ts";
import { type CommandBehaviour, ExecutorRig } from "./rig.ts";

const INTEGRATION = "heddle/r1/integration";

async function revert(rig: ExecutorRig): Promise<Result<Reverted, Problem>> {
  const jobs = ["api", "ui"].map((id) => {
    const step = id === "ui" ? { verify: ["npm run ui"], env: { OF: "ui" } } : {};
    return { task: rig.job(id, { step }).task, env: { OF: id } };
  });
  const run = { run: "r1", config: rig.config, maxAgents: 4, base: rig.base, branch: "main" };
  return await rig.executor.revert({ ...run, folder: rig.git.topLevel }, { step: "api", jobs });
}

async function merged(command: CommandBehaviour = () => true): Promise<ExecutorRig> {
  const turns = { api: [{ "api.txt": "api\n" }], ui: [{ "ui.txt": "ui\n" }] };
  const rig = new ExecutorRig(turns, { config: { setup: "npm ci", verify: "npm test" }, command });
  for (const id of ["api", "ui"]) await rig.run(id);
  rig.commands.length = 0;
  return rig;
}

test("is verified by the plan's checks and those of others, each with its step's environment", async () => {
  const seen: unknown[] = [];
  using rig = await merged(({ env, step }) => (seen.push([step, env["OF"]]), true));
  seen.length = 0;
  expect(orThrow(await revert(rig))).toEqual({
    integration: INTEGRATION,
    commit: rig.git.branch(INTEGRATION),
    files: ["api.txt"],
    verified: true,
  });
  expect(rig.commands).toEqual(["api: npm ci", "api: npm test", "ui: npm run ui"]);
  expect(seen).toEqual([
    ["api", "api"],
    ["api", "api"],
    ["ui", "ui"],
  ]);
  expect([rig.merged("api.txt"), rig.merged("ui.txt")]).toEqual([undefined, "ui\n"]);
});

test("stays in where one fails, which is named", async () => {
  using rig = await merged(({ work }) => !(work.kind === "run" && work.command === "npm run ui"));
  const head = rig.git.branch(INTEGRATION);
  expect(await revert(rig)).toMatchObject({
    ok: false,
    error: { code: "RevertRejected", message: expect.stringContaining("$ npm run ui") },
  });
  expect([rig.git.branch(INTEGRATION), rig.merged("api.txt")]).toEqual([head, "api\n"]);
});
