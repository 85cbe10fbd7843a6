/** A disk that fills up while heddle writes a log: the end of that step, with the file named. Needs a disk of its own. */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { commandAttempt } from "../support/suites/runner.ts";
import { temporaryFolder } from "../support/temporary.ts";
import type { StepContext, StepFunction } from "../../src/plan/plan.ts";
import { moduleRunner } from "../../src/runner/module.ts";
import type { Attempt } from "../../src/runner/port.ts";
import { clock, processWorld, setting, shellSetting } from "./rig.ts";

const folder = temporaryFolder("full-disk");
const disk = join(folder, "disk");
mkdirSync(disk);
const isMounted = mount();
afterAll(() => {
  if (isMounted) execFileSync("umount", [disk]);
  rmSync(folder, { recursive: true, force: true });
});

function mount(): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test.skipIf(!isMounted).each(["helper", "plain"] as const)("(%s) ends its own step and no other", async (way) => {
  await using at = shellSetting(way);
  const logFile = join(disk, `${way}.log`);
  const flood = commandAttempt(at.folder, "yes some text", { logFile, secrets: ["KEY"], env: { KEY: "a secret" } });
  expect(await at.runner.start(flood).outcome).toMatchObject({
    kind: "failed",
    error: { message: expect.stringContaining(`cannot write the log ${logFile}: its disk is full`) },
  });
  rmSync(logFile);
  expect((await at.runner.start(commandAttempt(at.folder, "true")).outcome).kind).toBe("succeeded");
});

test.skipIf(!isMounted).each([[], ["KEY"]])(
  "a function whose log is cut does not pass for one that was heard (secrets: %j)",
  async (...secrets) => {
    const world = processWorld();
    await using at = setting(world, moduleRunner({ clock, bases: world.bases, workerEntry: new URL("file:///none") }));
    const logFile = join(disk, "function.log");
    const loud =
      (text: string) =>
      (_: unknown, context: StepContext): null => {
        context.log(text);
        return null;
      };
    const attempt = (fn: StepFunction["run"]): Attempt => {
      const work = { kind: "function", inputs: {}, fn: { run: fn } } as const;
      return commandAttempt(at.folder, "", { work, logFile, secrets, env: { KEY: "a secret" } });
    };
    expect(await at.runner.start(attempt(loud("x".repeat(1 << 20)))).outcome).toMatchObject({
      kind: "failed",
      error: { code: "spawn", message: expect.stringContaining(`cannot write the log ${logFile}: its disk is full`) },
    });
    rmSync(logFile);
    expect((await at.runner.start(attempt(loud("fits"))).outcome).kind).toBe("succeeded");
    rmSync(logFile);
  },
);
