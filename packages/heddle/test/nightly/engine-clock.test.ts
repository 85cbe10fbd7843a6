/** P6: jumps of the machine's clock change no order, no wait and no result: while a run goes on, and between two engines. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventsOf, expectSound, kinds, place } from "../faults/rig.ts";
import { until } from "../support/until.ts";
import type { Rig } from "../support/command-line.ts";
import { report, scaled } from "./scale.ts";

const LIBRARY = [
  "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
  "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
  "/usr/lib/faketime/libfaketimeMT.so.1",
].find((file) => existsSync(file));

const PLAN = `steps:
  - {id: a, run: "echo a >> effects"}
  - {id: b, run: "echo b >> effects; test $HEDDLE_ATTEMPT -ge 3", deps: [a], retry: {attempts: 5, delay: 700ms, factor: 1, jitter: 0}}
  - {id: c, run: "touch waiting; while [ ! -e go ]; do sleep 0.02; done; echo c >> effects", deps: [b]}
  - {id: d, run: "echo d >> effects", deps: [c], timeout: 30s}
`;
const EFFECTS = ["a", "b", "b", "b", "c", "d"];

/** Jumps, as libfaketime reads them. */
const JUMPS = [
  ["back to 1970", "@1970-01-02 00:00:00"],
  ["10 years on", "+3650d"],
  ["10 years back", "-3650d"],
  ["an hour back", "-3600"],
  ["to 2038 and on", "@2038-01-19 03:14:05"],
] as const;

function faked(file: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return {
    LD_PRELOAD: LIBRARY,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    // The machine's monotonic clock does not jump with the other.
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    ...more,
  };
}

async function judge(at: Rig, out: string): Promise<string | undefined> {
  const events = await expectSound(at);
  if (kinds(events).at(-1) !== "run.succeeded") return `ended with ${kinds(events).at(-1)}`;
  const effects = readFileSync(join(at.dir, "effects"), "utf8").trim().split("\n");
  if (effects.join() !== EFFECTS.join()) return `effects ${effects.join()}`;
  const told = eventsOf({ stdout: out });
  const last = events.slice(-told.length);
  return JSON.stringify(told) === JSON.stringify(last) ? undefined : "told another order than it recorded";
}

/** The clock jumps under a living engine, several times, waits and timers under way. */
async function jumpUnder(seed: number): Promise<string | undefined> {
  using at = place({ "heddle.yaml": PLAN, clock: "+0\n" });
  const clock = join(at.dir, "clock");
  const started = performance.now();
  const running = at.spawn(["run", "--json"], { env: faked(clock) });
  for (let i = 0; !existsSync(join(at.dir, "waiting")); i++) {
    writeFileSync(clock, `${JUMPS[(seed + i) % JUMPS.length]?.[1]}\n`);
    if (performance.now() - started > 40_000) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  at.write("go", "");
  const ended = await running.done;
  if (ended.code !== 0) return `ended with ${ended.code}: ${ended.stderr}`;
  const times = eventsOf(ended).map((event) => event.time);
  if (times.some((time, i) => i > 0 && time < (times[i - 1] ?? 0))) return "times of one engine go back";
  return await judge(at, ended.stdout);
}

/** An engine is killed while a step waits for its next attempt; the next one finds another time of the world. */
async function jumpBetween(jump: string, zone: NodeJS.ProcessEnv = {}): Promise<string | undefined> {
  using at = place({ "heddle.yaml": PLAN.replace("700ms", "1500ms"), clock: `${jump}\n`, go: "" });
  const first = at.spawn(["run", "--json"], { env: zone });
  await until(() => first.stdout.includes('"willRetry":true'));
  first.child.kill("SIGKILL");
  await first.done;
  const from = performance.now();
  const resumed = await at.spawn(["resume", "--json"], { env: faked(join(at.dir, "clock"), zone) }).done;
  const tookMs = performance.now() - from;
  if (resumed.code !== 0) return `ended with ${resumed.code}: ${resumed.stderr}`;
  if (tookMs > 30_000) return `waited ${tookMs} ms`;
  // The newest run is the latest one started, whatever the clock said.
  const second = await at.spawn(["run", "--json"]).done;
  const newest = JSON.parse((await at.spawn(["runs", "--json"]).done).stdout) as { runs: { run: string }[] };
  if (newest.runs[0]?.run !== eventsOf(second)[0]?.run) return "runs are not in the order of their starts";
  writeFileSync(join(at.dir, "effects"), `${EFFECTS.join("\n")}\n`);
  const events = await expectSound(at, newest.runs[1]?.run);
  const told = eventsOf(resumed);
  return JSON.stringify(events.slice(-told.length)) === JSON.stringify(told)
    ? undefined
    : "another order than recorded";
}

/** The hour that is there twice, and the one that is missing. */
const SUMMER = [
  ["TZ=Europe/Berlin", "@2026-10-25 02:59:59"],
  ["TZ=Europe/Berlin", "@2026-03-29 01:59:59"],
] as const;

test("P6 with libfaketime: clock jumps do not matter", async ({ skip }) => {
  if (LIBRARY === undefined) {
    report("P6: not run, libfaketime is not installed");
    skip();
  }
  const probe = spawnSync("date", ["+%Y"], {
    env: { ...process.env, LD_PRELOAD: LIBRARY, FAKETIME: "@1970-01-02 00:00:00" },
  });
  expect(String(probe.stdout).trim()).toBe("1970");
  const rounds: (() => Promise<string | undefined>)[] = [];
  const under = scaled(10);
  const between = scaled(15);
  for (let i = 0; i < under; i++) rounds.push(() => jumpUnder(i));
  for (let i = 0; i < between; i++) rounds.push(() => jumpBetween(JUMPS[i % JUMPS.length]?.[1] ?? ""));
  for (const [zone, jump] of SUMMER) rounds.push(() => jumpBetween(jump, { TZ: zone.slice(3) }));
  const wrong: string[] = [];
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < rounds.length) {
      const problem = await rounds[next++]?.();
      if (problem !== undefined) wrong.push(problem);
    }
  };
  await Promise.all([one(), one(), one()]);
  report(
    `P6: ${under} runs with the clock set 20 times a second, ${between} resumed in 1970, 2036, 2038 or an hour early, 2 over a change to and from summer time: ${wrong.length} wrong`,
  );
  expect(wrong).toEqual([]);
});
