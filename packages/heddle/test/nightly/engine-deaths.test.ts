/**
 * P2 through the command line: the engine is killed over trees that do everything to outlive it, now and then together with the
 * helpers that would clean up; the next start ends what is left before it starts a step.
 */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { expectSound, kinds, place } from "../faults/rig.ts";
import { until } from "../support/until.ts";
import { nastyTree, newMark, pidsWith, sleepOf } from "../runner/rig.ts";
import { report, scaled } from "./scale.ts";

/** The second attempt looks for survivors before it does anything: what carries the mark, itself left out. */
const STEP = `if [ "$HEDDLE_ATTEMPT" -gt 1 ]; then grep -lsf mark /proc/[0-9]*/cmdline > survivors-$HEDDLE_STEP; exit 0; fi; . ./tree.sh`;

/** Children of a process, with their children. */
function descendants(pid: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    } catch {
      // It ended meanwhile.
    }
  }
  const found = [pid];
  for (const at of found) for (const [child, parent] of parents) if (parent === at) found.push(child);
  return found.slice(1);
}

interface Verdict {
  readonly alive: number;
  /** Alive when a step of the next start looked. */
  readonly early: number;
  /** Alive after all. */
  readonly late: number;
}

/** Leaves its session, its parent and its environment: nothing but its engine's helper knows of it. */
function hiding(mark: string): string {
  return `env -i setsid sh -c '(setsid sh -c "trap : TERM; ${sleepOf(mark)}; ${sleepOf(mark)}; : ${mark}" &) ; : up ${mark}' &`;
}

async function killOnce(round: number): Promise<Verdict> {
  const mark = newMark();
  const hidden = newMark();
  const killsHelpers = round % 2 === 1;
  using at = place({
    mark: `${mark}\n`,
    "tree.sh": `${killsHelpers ? "" : hiding(hidden)}\n${nastyTree(mark, false)}`,
    "heddle.yaml": `grace: 100ms
steps:
  - {id: a, run: "echo a >> effects"}
  - {id: b, deps: [a], run: ${JSON.stringify(STEP)}}
  - {id: c, deps: [a], run: ${JSON.stringify(STEP)}}
`,
  });
  const first = at.spawn(["run", "-j", "2"]);
  const engine = first.child.pid ?? 0;
  const areUp = (): boolean =>
    pidsWith(mark).length > 10 &&
    (killsHelpers || (pidsWith(hidden).length === 4 && pidsWith(`: up ${hidden}`).length === 0));
  await until(areUp).catch(() => {
    throw new Error(`the trees did not come up\n${first.stdout}${first.stderr}`);
  });
  const alive = pidsWith(mark).length + pidsWith(hidden).length;
  // Every other time what would clean up dies as well: the engine's helpers and their watchers.
  const helpers = killsHelpers ? descendants(engine).filter((pid) => isHelper(pid)) : [];
  process.kill(engine, "SIGKILL");
  for (const pid of helpers) kill(pid);
  await first.done;
  const resumed = await at.spawn(["resume"]).done;
  if (resumed.code !== 0) throw new Error(resumed.stdout + resumed.stderr);
  const early = ["b", "c"].flatMap((step) =>
    readFileSync(join(at.dir, `survivors-${step}`), "utf8")
      .split("\n")
      .filter((line) => line !== ""),
  );
  // What hid is ended by the helpers' watchers, which give it their own grace.
  await until(() => pidsWith(hidden).length === 0, 15_000).catch(() => undefined);
  const events = await expectSound(at);
  expect(kinds(events).filter((kind) => kind === "step.started a").length).toBe(1);
  expect(readFileSync(join(at.dir, "effects"), "utf8")).toBe("a\n");
  return { alive, early: early.length, late: pidsWith(mark).length + pidsWith(hidden).length };
}

/** A shell whose command line holds no command of a step: helper, or watcher of one. */
function isHelper(pid: number): boolean {
  try {
    return !/tree\.sh|sleep|mark/.test(readFileSync(`/proc/${pid}/cmdline`, "latin1"));
  } catch {
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}

test("P2: 200 engines are killed over nasty trees; the next start ends them first", async () => {
  const kills = scaled(200);
  const sum = { alive: 0, early: 0, late: 0 };
  let done = 0;
  const one = async (): Promise<void> => {
    while (done < kills) {
      const { alive, early, late } = await killOnce(done++);
      sum.alive += alive;
      sum.early += early;
      sum.late += late;
    }
  };
  await Promise.all([one(), one(), one()]);
  report(
    `P2: ${done} engines killed and resumed, ${sum.alive} living processes under them, ${sum.early} left when a step started, ${sum.late} left after`,
  );
  expect(sum).toMatchObject({ early: 0, late: 0 });
});

test("P2: the look for survivors sees them", async () => {
  const mark = newMark();
  using at = place({ mark: `${mark}\n`, "tree.sh": nastyTree(mark, false) });
  const sleeper = at.spawn([], { through: ["sh", "-c", `sleep 5; : ${mark}`] });
  await until(() => pidsWith(mark).length > 0);
  writeFileSync(join(at.dir, "look.sh"), STEP);
  const looked = await at.shell("HEDDLE_ATTEMPT=2 HEDDLE_STEP=x sh look.sh; cat survivors-x");
  expect(looked.stdout).toContain("cmdline");
  sleeper.child.kill("SIGKILL");
  await sleeper.done;
});
