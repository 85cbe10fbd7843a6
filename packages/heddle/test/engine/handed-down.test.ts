/** What a step that stands for a plan says of commands: it holds for the steps inside, where these say nothing else. */
import { expect, test } from "vitest";
import { Rig } from "./rig.ts";

const PLAN = `
name: outer
steps:
  - { id: a, run: a }
  - id: box
    deps: [a]
    env: { FROM: "\${{ deps.a.output }}", KEPT: outer }
    cwd: outer-folder
    shell: bash
    envMode: strict
    passEnv: [HOME]
    secrets: [TOKEN]
    plan:
      steps:
        - { id: silent, run: x }
        - { id: own, run: x, env: { KEPT: inner }, cwd: own-folder, shell: zsh, envMode: inherit, passEnv: [LANG], secrets: [KEY] }
        - { id: deeper, env: { DEEP: deep }, plan: { steps: [ { id: c, run: x } ] } }
`;

test("environment, secrets, folder and shell are handed down, at any depth", async () => {
  const rig = new Rig();
  const handle = await rig.start(PLAN);
  await rig.succeed("a", "value of a");
  expect(rig.taskOf("box/silent").step).toMatchObject({
    env: { FROM: "value of a", KEPT: "outer" },
    cwd: "outer-folder",
    shell: "bash",
    envMode: "strict",
    passEnv: ["HOME"],
    secrets: ["TOKEN"],
  });
  expect(rig.taskOf("box/own").step).toMatchObject({
    env: { FROM: "value of a", KEPT: "inner" },
    cwd: "own-folder",
    shell: "zsh",
    envMode: "inherit",
    passEnv: ["HOME", "LANG"],
    secrets: ["TOKEN", "KEY"],
  });
  expect(rig.taskOf("box/deeper/c").step).toMatchObject({
    env: { FROM: "value of a", KEPT: "outer", DEEP: "deep" },
    secrets: ["TOKEN"],
  });
  handle.kill();
  await handle.result;
});
