/**
 * D3 through the command line: disks of 200 sizes fill up under runs. Each run ends with a message that names the disk, at once;
 * nothing that was told is lost; with room again a resume finishes, and no recorded success runs again.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { smallDisk } from "../journal/tmpfs.ts";
import { eventsOf, expectSound, kinds, place, type RecordedEvent } from "../faults/rig.ts";
import type { Rig } from "../support/command-line.ts";
import { report, scaled } from "./scale.ts";

const STEPS = 12;
/** Longer than any run of the plan needs: a run that goes on trying would pass it. */
const MOST_MS = 30_000;

const canMount = ((): boolean => {
  using disk = smallDisk(64);
  return disk !== undefined;
})();

/** A chain; each step leaves a mark outside the small disk and gives 40 KB of output. */
function chain(effects: string): string {
  const steps = Array.from({ length: STEPS }, (_, i) => {
    const deps = i === 0 ? "" : `\n    deps: [s${i - 1}]`;
    return `  - id: s${i}${deps}
    run: |
      echo ${i} >> "${effects}"
      printf '"%s"' "$(head -c 40000 /dev/zero | tr '\\0' x)" > "$HEDDLE_OUTPUT"
`;
  });
  return `grace: 200ms\nsteps:\n${steps.join("")}`;
}

interface Tally {
  full: number;
  finished: number;
  readonly wrong: string[];
}

function judgeTold(at: readonly RecordedEvent[], told: readonly RecordedEvent[]): string | undefined {
  const stored = at.slice(0, told.length);
  return JSON.stringify(stored) === JSON.stringify(told)
    ? undefined
    : `told ${told.length} events, ${at.length} are stored`;
}

async function fillOnce(kib: number, tally: Tally): Promise<string | undefined> {
  using outside = place();
  using disk = smallDisk(kib);
  if (disk === undefined) return "cannot mount";
  const folder = join(outside.dir, "project");
  mkdirSync(folder);
  execFileSync("mount", ["--bind", disk.path, folder]);
  try {
    const effects = join(outside.dir, "effects");
    outside.write("plan.yaml", chain(effects));
    const at = place({}, folder);
    return await runOut(at, effects, tally, () => disk.remount("size=16384k"));
  } finally {
    spawnSync("umount", ["-l", folder]);
  }
}

async function runOut(at: Rig, effects: string, tally: Tally, makeRoom: () => void): Promise<string | undefined> {
  const from = performance.now();
  const first = await at.spawn(["run", "../plan.yaml", "--json"], { timeoutMs: MOST_MS }).done;
  if (first.signal !== null) return `did not end within ${MOST_MS} ms (${Math.round(performance.now() - from)})`;
  const told = eventsOf(first);
  if (first.code === 0) {
    tally.finished++;
    return judgeTold(await expectSound(at), told);
  }
  tally.full++;
  if (first.code !== 1) return `exit code ${first.code}: ${first.stderr}`;
  // Either the journal could not be written, or a step's own file could not.
  const said = `${first.stderr}${told.map((event) => JSON.stringify(event.data)).join("")}`;
  if (!/disk is full|no space left|ENOSPC|exit code/i.test(said)) return `said ${first.stderr}`;
  if (/\n\s+at /.test(first.stderr)) return "a stack trace";
  makeRoom();
  const again = told.length === 0 ? await at.spawn(["run", "../plan.yaml"]).done : await at.spawn(["resume"]).done;
  if (again.code !== 0) return `could not go on: ${again.stdout}${again.stderr}`;
  const events = await expectSound(at);
  const problem = told.length === 0 ? undefined : judgeTold(events, told);
  if (problem !== undefined) return problem;
  const starts = kinds(events).filter((kind) => kind.startsWith("step.started"));
  const marks = existsSync(effects) ? readFileSync(effects, "utf8").trim().split("\n").length : 0;
  if (marks < STEPS || marks > starts.length + STEPS) return `${marks} effects of ${starts.length} starts`;
  for (let i = 0; i < STEPS; i++) {
    const history = kinds(events).filter((kind) => kind.endsWith(` s${i}`));
    if (history.indexOf(`step.succeeded s${i}`) !== history.length - 1) return `s${i}: ${history.join(", ")}`;
  }
  return undefined;
}

test.skipIf(!canMount)("D3: 200 sizes of a full disk under `heddle run`", async () => {
  const sizes = scaled(200);
  const tally: Tally = { full: 0, finished: 0, wrong: [] };
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < sizes) {
      // From no room for the journal to room for nearly the whole run.
      const kib = 8 + Math.floor((next++ * 3000) / sizes / 4) * 4;
      const problem = await fillOnce(kib, tally);
      if (problem !== undefined) tally.wrong.push(`${kib} KiB: ${problem}`);
    }
  };
  await Promise.all([one(), one(), one()]);
  report(
    `D3: ${sizes} disk sizes under \`heddle run\`: ${tally.full} filled up and went on with room, ${tally.finished} were large enough, ${tally.wrong.length} wrong`,
  );
  expect(tally.wrong).toEqual([]);
  expect(tally.full).toBeGreaterThan(sizes / 4);
});
