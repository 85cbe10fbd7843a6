/** A step counts when its `verify` says so, not before. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { command, plan, run, step } from "../../src/index.ts";
import { testFolder } from "../support/test-folder.ts";

it("a success that its verification refuses is a failure that names the command, and dependents do not start", async () => {
  const projectDir = testFolder("api");
  const made = command("made", "echo made > made.txt", {
    verify: ["test -s made.txt", "echo no; grep -q finished made.txt"],
  });
  const after = command("after", "touch after.txt", { deps: [made] });
  const started = run(plan("verified", { steps: [made, after], failure: "continue" }), { projectDir });
  const result = await started.result;
  expect(result.status).toBe("failed");
  expect(started.step("made")).toMatchObject({
    status: "failed",
    error: {
      code: "exit",
      exitCode: 1,
      message: expect.stringContaining("verify `echo no; grep -q finished made.txt` failed"),
    },
  });
  expect(started.step("after")?.status).toBe("skipped");
});

it("verification comes after the step in its folder, environment and log, and is tried again with it", async () => {
  const projectDir = testFolder("api");
  const flaky = command("flaky", "echo try $HEDDLE_ATTEMPT; echo x >> tries; echo n=1 > $HEDDLE_OUTPUT", {
    env: { WANTED: "2" },
    verify: 'echo counting; test "$(wc -l < tries)" -eq "$WANTED"',
    retry: { attempts: 3, delay: "1ms" },
  });
  const started = run(plan("flaky", { steps: [flaky] }), { projectDir });
  const result = await started.result;
  expect(result.status).toBe("succeeded");
  expect(started.step("flaky")).toMatchObject({ attempts: 2, output: { n: expect.anything() } });
  const log = path.join(projectDir, ".heddle", "runs", started.run, "logs", "flaky.2.log");
  expect(await readFile(log, "utf8")).toBe("try 2\ncounting\n");
});

it("functions are verified too", async () => {
  const projectDir = testFolder("api");
  const odd = step("odd", { verify: "exit 3" }, () => 1);
  const started = run(plan("odd", { steps: [odd] }), { projectDir });
  await started.result;
  expect(started.step("odd")?.error).toMatchObject({ exitCode: 3 });
});
