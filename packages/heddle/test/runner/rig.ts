/** Real runners over temporary folders, and a look at who lives. */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { randomId } from "../../src/base/ids.ts";
import { systemRandom } from "../../src/base/random.ts";
import { baseEnvironments, OWNER_VARIABLE } from "../../src/process/environment.ts";
import { helperCommands, type HelperOptions } from "../../src/runner/helper.ts";
import { memoryWatch } from "../../src/process/memory.ts";
import type { Runner } from "../../src/runner/port.ts";
import { type Commands, plainCommands, type ProcessWorld, systemProcessTable } from "../../src/process/process.ts";
import { sharedTable, tagOf } from "../../src/process/table.ts";
import { shellRunner } from "../../src/runner/shell.ts";
import { type RunnerSetting, SUITE_ENV } from "../support/suites/runner.ts";
import { sendSignalTo } from "../../src/process/terminate.ts";
import { until } from "../support/until.ts";
import { temporaryFolder } from "../support/temporary.ts";

export const clock: Clock = systemClock();

export function processWorld(): ProcessWorld {
  return {
    clock,
    table: sharedTable(systemProcessTable()),
    bases: baseEnvironments({ ...SUITE_ENV, PATH: process.env["PATH"] }),
    owner: randomId(systemRandom, 16),
  };
}

export interface Setting extends RunnerSetting, AsyncDisposable {
  readonly world: ProcessWorld;
}

export function setting(world: ProcessWorld, runner: Runner): Setting {
  const folder = temporaryFolder("runner");
  async function end(): Promise<void> {
    await runner[Symbol.asyncDispose]();
    endOwned(world.owner);
    rmSync(folder, { recursive: true, force: true });
  }
  return { world, runner, folder, living, until, end, [Symbol.asyncDispose]: end };
}

export function shellSetting(way: "helper" | "plain", options: HelperOptions = {}): Setting {
  const world = processWorld();
  const commands: Commands = way === "helper" ? helperCommands(world, options) : plainCommands(world);
  return setting(world, shellRunner({ commands, bases: world.bases, memory: memoryWatch(clock) }));
}

/** What a failed test leaves of its commands must not stay on the machine. */
function endOwned(owner: string): void {
  const snapshot = systemProcessTable().read();
  for (const { pid } of snapshot.processes.values())
    if (snapshot.variable(pid, OWNER_VARIABLE) === owner) sendSignalTo(pid, "SIGKILL");
}

/** Living processes with the tag of a run. */
export function livingPids(run: string): readonly number[] {
  const snapshot = systemProcessTable().read();
  return [...snapshot.processes.values()]
    .filter((info) => !info.zombie && tagOf(snapshot, info.pid)?.run === run)
    .map((info) => info.pid);
}

export function living(run: string): number {
  return livingPids(run).length;
}

/** A word that stands in no other command line. */
export function newMark(): string {
  return `mark300.${String(Math.floor(systemRandom() * 1e12)).padStart(12, "0")}`;
}

/** A sleep that carries the mark itself: a child can outlive the shell that has the mark in its text. */
export function sleepOf(mark: string): string {
  return `sleep ${mark.replace("mark", "")}`;
}

/** Living processes whose command line holds `text`; of a mark, also its sleeps. */
export function pidsWith(text: string): readonly number[] {
  const found: number[] = [];
  const wanted = text.replace(/^mark/, "");
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      if (readFileSync(`/proc/${name}/cmdline`, "latin1").includes(wanted)) found.push(Number(name));
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

/**
 * A shell command that does everything to outlive its end; all its processes carry `mark` in their command line. `hidden`
 * adds one that also leaves its session, its parent and its environment.
 */
export function nastyTree(mark: string, hidden: boolean): string {
  const sleeper = `exec ${sleepOf(mark)} # ${mark}`;
  const stubborn = `trap "" TERM HUP INT; while :; do ${sleepOf(mark)}; done # ${mark}`;
  const lines = [
    `setsid sh -c '${stubborn}' &`,
    `sh -c 'sh -c "${sleepOf(mark)}; : ${mark}" & exit 0'`,
    `nohup sh -c '${sleepOf(mark)}; : ${mark}' >/dev/null 2>&1 &`,
    `(setsid sh -c 'setsid sh -c "${sleepOf(mark)}; : ${mark}" & exit 0' &)`,
    `sh -c 'while :; do sh -c "sleep 1; : ${mark}" & sleep 0.01; done # ${mark}' &`,
    ...(hidden
      ? [`env -i setsid sh -c '(setsid sh -c "trap : TERM; ${sleepOf(mark)}; : ${mark}" &) ; : ${mark}' &`]
      : []),
    `sh -c '${sleeper}' &`,
    `sleep 0.05; echo up; wait; : ${mark}`,
  ];
  return lines.join("\n");
}
