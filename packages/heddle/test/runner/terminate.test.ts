/** An ending is not over because a look saw nobody: tables that show a process late, commands that are yet to come. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { helperCommands } from "../../src/runner/helper.ts";
import { memoryWatch } from "../../src/process/memory.ts";
import type { Attempt, Runner, RunningAttempt } from "../../src/runner/port.ts";
import { plainCommands, type ProcessWorld, systemProcessTable } from "../../src/process/process.ts";
import type { ProcessInfo, ProcessTable, ProcessSnapshot } from "../../src/process/table.ts";
import { shellRunner } from "../../src/runner/shell.ts";
import { commandAttempt } from "../support/suites/runner.ts";
import { type EndOptions, type ProcessEnding, Followed, endAll } from "../../src/process/terminate.ts";
import { NEVER_MS, until } from "../support/until.ts";
import { clock, living, processWorld, setting } from "./rig.ts";

const GROUP = 100;

/** A machine of invented processes: the table tells of `readings` in turn (the last one again and again), signals are noted. */
function machine(
  readings: readonly (readonly number[])[],
  options: Pick<EndOptions, "graceMs" | "over">,
): {
  ending: ProcessEnding;
  sent: string[];
  settled: () => boolean;
  nowMs: () => number;
  tick: () => Promise<void>;
  show: (pids: number[]) => void;
} {
  const sent: string[] = [];
  let nowMs = 0;
  let timer: { at: number; fire: () => void } | undefined;
  const left = readings.map(snapshotOf);
  const table: ProcessTable = {
    read: () => (left.length > 1 ? left.shift() : left[0]) ?? snapshotOf([]),
    children: () => undefined,
  };
  const followed = new Followed(table, { includes: (info) => info.group === GROUP, excludes: () => false });
  const ending = endAll(followed, {
    ...options,
    group: GROUP,
    send: (pid, name) => void sent.push(`${name} ${pid}`),
    clock: {
      now: () => nowMs,
      after(delayMs, fire) {
        timer = { at: nowMs + delayMs, fire };
        return () => (timer = undefined);
      },
    },
  });
  let settled = false;
  void ending.done.then(() => (settled = true));
  return {
    ending,
    sent,
    settled: () => settled,
    nowMs: () => nowMs,
    async tick() {
      await Promise.resolve();
      nowMs = timer?.at ?? nowMs;
      timer?.fire();
      await Promise.resolve();
    },
    show: (pids) => void left.splice(0, left.length, snapshotOf(pids), snapshotOf(pids), snapshotOf(pids)),
  };
}

function snapshotOf(pids: readonly number[]): ProcessSnapshot {
  const infos = pids.map((pid): readonly [number, ProcessInfo] => [
    pid,
    { pid, parent: 1, group: GROUP, session: GROUP, started: "1", zombie: false, memoryMb: 1 },
  ]);
  return { processes: new Map(infos), variable: () => undefined };
}

describe("an ending", () => {
  test("is over after two empty readings, not after two looks at one", async () => {
    const at = machine([[]], { graceMs: 1000 });
    for (let i = 0; i < 5; i++) await at.tick();
    expect(at.settled()).toBe(false);
    at.show([]);
    await at.tick();
    await at.tick();
    expect(at.settled()).toBe(true);
  });

  test("kill in the moment of the stop, while the table shows nobody yet, ends the group", async () => {
    const at = machine([[], [], [], [GROUP], []], { graceMs: 60_000, over: () => false });
    await Promise.resolve();
    at.ending.kill();
    expect(new Set(at.sent)).toEqual(new Set([`SIGTERM -${GROUP}`, `SIGKILL -${GROUP}`]));
    for (let i = 0; i < 5; i++) await at.tick();
    expect(at.settled()).toBe(false);
  });

  test("waits for who was told to start and is not there yet, and lets it hear TERM", async () => {
    let over = false;
    const at = machine([[], [], [], []], { graceMs: 60_000, over: () => over });
    for (let i = 0; i < 4; i++) await at.tick();
    expect(at.settled()).toBe(false);
    at.show([GROUP + 1]);
    await at.tick();
    expect(at.sent).toEqual([`SIGTERM -${GROUP}`, `SIGTERM ${GROUP + 1}`]);
    over = true;
    at.show([]);
    await at.tick();
    expect(at.settled()).toBe(false);
    await at.tick();
    expect(at.settled()).toBe(true);
  });

  test("one empty look between two forks is none", async () => {
    const at = machine([[101], [], [102], [], [103], [], []], { graceMs: 0 });
    for (let i = 0; i < 5; i++) await at.tick();
    expect(at.settled()).toBe(false);
    await at.tick();
    expect(at.settled()).toBe(true);
    expect(await at.ending.done).toBe(3);
    expect(at.sent.filter((each) => each.endsWith(" 103"))).toEqual(["SIGKILL 103"]);
  });

  test("sends KILL at the end of the grace, not earlier, before it looks again (P3)", async () => {
    const at = machine([[GROUP]], { graceMs: 400, over: () => false });
    while (at.nowMs() < 400) {
      expect(at.sent).toEqual(at.sent.slice(0, 1));
      await at.tick();
    }
    expect(at.nowMs()).toBe(400);
    expect(at.sent.slice(0, 2)).toEqual([`SIGTERM -${GROUP}`, `SIGKILL -${GROUP}`]);
  });

  test("gives up on what cannot be ended", async () => {
    const at = machine([[101]], { graceMs: 0, over: () => false });
    for (let i = 0; i < 500 && !at.settled(); i++) await at.tick();
    expect(at.settled()).toBe(true);
  });
});

describe("what a process started in the moment of its end", () => {
  const OTHER = 300;
  const info = (pid: number, session: number, started = "1"): ProcessInfo => {
    return { pid, parent: 1, group: session, session, started, zombie: false, memoryMb: 1 };
  };

  function pidsSeen(readings: readonly (readonly ProcessInfo[])[]): readonly (readonly number[])[] {
    let at = 0;
    const followed = new Followed(
      {
        read: () => ({
          processes: new Map((readings[at++] ?? []).map((each) => [each.pid, each])),
          variable: () => undefined,
        }),
        children: () => undefined,
      },
      { includes: ({ pid, started }) => pid === GROUP && started === "1", excludes: (pid) => pid === OTHER },
    );
    return readings.map(() => followed.look().map(({ pid }) => pid));
  }

  test("is known by the session that the process led", () => {
    const leader = info(GROUP, GROUP);
    expect(pidsSeen([[leader], [info(201, GROUP)], [info(202, GROUP), info(OTHER, GROUP)]])).toEqual([
      [GROUP],
      [201],
      [202],
    ]);
  });

  test("is a stranger's where the process led none, where the session has ended, and where its number is another's", () => {
    expect(pidsSeen([[info(GROUP, 50)], [info(201, 50)]])).toEqual([[GROUP], []]);
    const leader = info(GROUP, GROUP);
    expect(pidsSeen([[leader], [], [info(201, GROUP)]])).toEqual([[GROUP], [], []]);
    expect(pidsSeen([[leader], [info(GROUP, GROUP, "2"), info(201, GROUP)]])).toEqual([[GROUP], []]);
  });
});

/** The system's table, read once and told again until somebody wants a new reading: the longest turn there can be. */
function lateWorld(): { world: ProcessWorld; reads: () => number; freeze: () => void } {
  const real = systemProcessTable();
  let frozen: ProcessSnapshot | undefined;
  let reads = 0;
  const table: ProcessTable = {
    read: () => (reads++, frozen ?? real.read()),
    forget: () => (frozen = undefined),
    children: (pid) => real.children(pid),
  };
  return { world: { ...processWorld(), table }, reads: () => reads, freeze: () => (frozen = real.read()) };
}

/** Starts, and waits without giving the event loop a turn. */
function startedAtOnce(runner: Runner, attempt: Attempt): RunningAttempt {
  const running = runner.start(attempt);
  for (const deadline = performance.now() + 10_000; performance.now() < deadline;) {
    try {
      if (readFileSync(attempt.logFile ?? "", "utf8") !== "") return running;
    } catch {
      // Not yet.
    }
  }
  throw new Error("the command wrote nothing");
}

describe("a table older than the command", () => {
  test.each(["helper", "plain"] as const)("%s: stop and kill in the turn of the start", async (way) => {
    const { world, freeze } = lateWorld();
    const commands = way === "helper" ? helperCommands(world) : plainCommands(world);
    await using at = setting(world, shellRunner({ commands, bases: world.bases, memory: memoryWatch(clock) }));
    await at.runner.start(commandAttempt(at.folder, "true")).outcome;
    const text = "trap '' TERM; echo up; while :; do sleep 300; done";
    for (const stopFirst of [true, false]) {
      const attempt = commandAttempt(at.folder, text, { graceMs: 60_000 });
      freeze();
      const running = startedAtOnce(at.runner, attempt);
      if (stopFirst) running.stop("cancel");
      running.kill();
      expect((await running.outcome).kind).toBe("stopped");
      expect(living(attempt.run)).toBe(0);
    }
  });

  test("helper: what a command leaves is seen, though it is younger than the last reading", async () => {
    const { world, freeze } = lateWorld();
    const commands = helperCommands(world);
    await using at = setting(world, shellRunner({ commands, bases: world.bases, memory: memoryWatch(clock) }));
    await at.runner.start(commandAttempt(at.folder, "true")).outcome;
    const attempt = commandAttempt(at.folder, "sleep 300 & echo up");
    freeze();
    expect((await at.runner.start(attempt).outcome).kind).toBe("succeeded");
    expect(living(attempt.run)).toBe(0);
  });
});

test("a stop reaches a command that its helper has not begun yet", async () => {
  const { world, reads } = lateWorld();
  const commands = helperCommands(world);
  await using at = setting(world, shellRunner({ commands, bases: world.bases, memory: memoryWatch(clock) }));
  await at.runner.start(commandAttempt(at.folder, "true")).outcome;
  const [helper = 0] = commands.helpers();
  process.kill(helper, "SIGSTOP");
  const attempt = commandAttempt(at.folder, "exec sleep 300", { graceMs: NEVER_MS });
  const running = at.runner.start(attempt);
  running.stop("cancel");
  const before = reads();
  await until(() => reads() >= before + 4);
  process.kill(helper, "SIGCONT");
  expect((await running.outcome).kind).toBe("stopped");
  expect(living(attempt.run)).toBe(0);
});
