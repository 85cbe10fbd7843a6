/** Nothing that a step started outlives it (P1), nor the engine's death (P2). */
import { describe, expect, test } from "vitest";
import { randomId } from "../../src/base/ids.ts";
import { systemRandom } from "../../src/base/random.ts";
import { helperCommands } from "../../src/runner/helper.ts";
import { memoryWatch } from "../../src/process/memory.ts";
import { plainCommands } from "../../src/process/process.ts";
import { shellRunner } from "../../src/runner/shell.ts";
import { commandAttempt, started } from "../support/suites/runner.ts";
import { sweeper } from "../../src/runner/sweep.ts";
import { killEngine } from "./kill-engine.ts";
import { clock, living, nastyTree, newMark, pidsWith, processWorld, setting, shellSetting, sleepOf } from "./rig.ts";
import { until } from "../support/until.ts";

describe("P1: a cancel leaves no process", () => {
  test.each(["helper", "plain"] as const)("%s: 10 cancels of trees that flee", async (way) => {
    await using at = shellSetting(way);
    const mark = newMark();
    for (let round = 0; round < 5; round++) {
      const running = await Promise.all(
        [1, 2].map(() =>
          started(at.runner, commandAttempt(at.folder, nastyTree(mark, way === "helper"), { graceMs: 100 }), until),
        ),
      );
      expect(pidsWith(mark).length).toBeGreaterThan(10);
      for (const each of running) each.stop("cancel");
      for (const each of running) expect((await each.outcome).kind).toBe("stopped");
      expect(pidsWith(mark)).toEqual([]);
    }
  });

  test.each(["helper", "plain"] as const)("%s: a child in another session, without its environment", async (way) => {
    await using at = shellSetting(way);
    const mark = newMark();
    const command = `env -i setsid sh -c 'trap : TERM; echo up; ${sleepOf(mark)}; ${sleepOf(mark)}; : ${mark}' & wait`;
    const running = await started(at.runner, commandAttempt(at.folder, command, { graceMs: 100 }), until);
    running.stop("cancel");
    expect((await running.outcome).kind).toBe("stopped");
    expect(pidsWith(mark)).toEqual([]);
  });

  test("the end of a command by itself takes along what fled from its session and environment", async () => {
    await using at = shellSetting("helper");
    const mark = newMark();
    const flee = `env -i setsid sh -c '(setsid sh -c "${sleepOf(mark)}; : ${mark}" &) ; exit 0'; echo out`;
    for (let i = 0; i < 3; i++) {
      const attempt = commandAttempt(at.folder, flee, { graceMs: 100 });
      expect((await at.runner.start(attempt).outcome).kind).toBe("succeeded");
      expect(pidsWith(mark)).toEqual([]);
    }
  });
});

describe("a helper", () => {
  test("serves one command after the other; one that was killed is replaced", async () => {
    const world = processWorld();
    const commands = helperCommands(world);
    await using at = setting(world, shellRunner({ commands, bases: world.bases, memory: memoryWatch(clock) }));
    const run = (command: string): Promise<unknown> => at.runner.start(commandAttempt(at.folder, command)).outcome;
    await run("true");
    const [first] = commands.helpers();
    await run("exit 3");
    expect(commands.helpers()).toEqual([first]);
    const attempt = commandAttempt(at.folder, "echo up; sleep 300", { graceMs: 100 });
    const running = await started(at.runner, attempt, until);
    process.kill(first ?? 0, "SIGKILL");
    expect(await running.outcome).toMatchObject({ kind: "failed", error: { exitCode: 137 } });
    expect(living(attempt.run)).toBe(0);
    expect(commands.helpers()).toEqual([]);
    expect(await run("echo 1 >$HEDDLE_OUTPUT")).toEqual({ kind: "succeeded", output: 1 });
    expect(commands.helpers().length).toBe(1);
  });

  test("ends with its watcher when it is no longer needed", async () => {
    const world = processWorld();
    const commands = helperCommands(world);
    const runner = shellRunner({ commands, bases: world.bases, memory: memoryWatch(clock) });
    const at = setting(world, runner);
    await runner.start(commandAttempt(at.folder, "true")).outcome;
    const [helper = 0] = commands.helpers();
    const family = [...world.table.read().processes.values()].filter((info) => info.group === helper);
    expect(family.length).toBe(2);
    for (const info of family) expect(commands.isHelper(info.pid)).toBe(true);
    await at.end();
    await until(() => family.every((info) => world.table.read().processes.get(info.pid)?.started !== info.started));
  });
});

describe("P2: the engine's death leaves no process", () => {
  test("helpers end what runs when their engine is killed", async () => {
    const world = processWorld();
    await using at = setting(
      world,
      shellRunner({ commands: plainCommands(world), bases: world.bases, memory: memoryWatch(clock) }),
    );
    for (let i = 0; i < 3; i++) {
      const mark = newMark();
      const commands = [
        nastyTree(mark, false),
        `echo up; exec ${sleepOf(mark)} # ${mark}`,
        `echo up PIPED; ${sleepOf(mark)}; : ${mark}`,
      ];
      const run = await killEngine(at.folder, commands);
      await until(() => living(run) === 0 && pidsWith(mark).length === 0);
    }
  });

  test("the sweep of the next start ends what carries the run's tag, and spares what it is told to", async () => {
    const world = processWorld();
    await using at = setting(
      world,
      shellRunner({ commands: plainCommands(world), bases: world.bases, memory: memoryWatch(clock) }),
    );
    const run = `run${randomId(systemRandom, 8)}`;
    const kept = commandAttempt(at.folder, "echo up; sleep 300", { run, step: "kept: with/colon", attempt: 2 });
    const lost = commandAttempt(
      at.folder,
      "setsid sh -c 'trap \"\" TERM; while :; do sleep 300; done' & echo up; sleep 300",
      { run },
    );
    const other = commandAttempt(at.folder, "echo up; sleep 300", { run: `${run}x` });
    const running = await Promise.all([kept, lost, other].map((attempt) => started(at.runner, attempt, until)));
    const sweep = sweeper({ clock, table: world.table });
    const found = await sweep.sweep(run, {
      graceMs: 100,
      keep: (step, attempt) => step === kept.step && attempt === 2,
    });
    expect(found).toBeGreaterThanOrEqual(3);
    expect(living(run)).toBeGreaterThanOrEqual(1);
    expect(living(`${run}x`)).toBeGreaterThanOrEqual(1);
    expect((await running[1]?.outcome)?.kind).toBe("failed");
    await sweep.sweep(run, { graceMs: 100 });
    expect(living(run)).toBe(0);
    expect(await sweep.sweep(run, { graceMs: 100 })).toBe(0);
    running[2]?.kill();
    await Promise.all(running.map((each) => each.outcome));
  });
});
