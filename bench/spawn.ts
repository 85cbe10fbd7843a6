/**
 * What starting commands costs: 1,000 no-op commands, two at once, by helpers and by plain spawns, with a small and a large
 * heap. Run by hand: `node bench/spawn.ts [commands]`. Prints microseconds per command and of this process's CPU.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../packages/heddle/src/base/clock.ts";
import { baseEnvironments } from "../packages/heddle/src/process/environment.ts";
import { helperCommands } from "../packages/heddle/src/runner/helper.ts";
import { memoryWatch } from "../packages/heddle/src/process/memory.ts";
import type { Attempt } from "../packages/heddle/src/runner/port.ts";
import { type Commands, plainCommands, systemProcessTable } from "../packages/heddle/src/process/process.ts";
import { sharedTable } from "../packages/heddle/src/process/table.ts";
import { shellRunner } from "../packages/heddle/src/runner/shell.ts";

const COUNT = Number(process.argv[2] ?? 1000);
const WIDTH = 2;
const HEAP_MB = 300;

const folder = mkdtempSync(join(tmpdir(), "heddle-bench-"));
const clock = systemClock();
const bases = baseEnvironments(process.env);
const world = { clock, bases, table: sharedTable(systemProcessTable()), owner: `bench${process.pid}` };

async function measure(title: string, commands: Commands, command: string): Promise<void> {
  const runner = shellRunner({ commands, bases, memory: memoryWatch(clock) });
  runner.warm?.();
  let started = 0;
  async function lane(): Promise<void> {
    while (started < COUNT) {
      const step = `s${started++}`;
      const base = join(folder, step);
      const attempt: Attempt = {
        run: "bench",
        step,
        attempt: 1,
        work: { kind: "run", command, shell: "sh" },
        cwd: folder,
        env: {},
        envMode: "inherit",
        passEnv: [],
        secrets: [],
        isolate: false,
        deps: {},
        params: {},
        logFile: `${base}.log`,
        exchangeBase: base,
        graceMs: 1000,
      };
      const outcome = await runner.start(attempt).outcome;
      if (outcome.kind !== "succeeded") throw new Error(JSON.stringify(outcome));
    }
  }
  const cpu = process.cpuUsage();
  const from = performance.now();
  await Promise.all(Array.from({ length: WIDTH }, lane));
  const wall = ((performance.now() - from) / COUNT) * 1000;
  const { user, system } = process.cpuUsage(cpu);
  console.log(
    `${title.padEnd(36)} ${wall.toFixed(0).padStart(6)} us wall ${((user + system) / COUNT).toFixed(0).padStart(6)} us of our CPU`,
  );
  await runner[Symbol.asyncDispose]();
}

const ballast: unknown[] = [];
for (const size of ["small heap", `${HEAP_MB} MB heap`]) {
  await measure(`helpers, ${size}, true`, helperCommands(world), "true");
  await measure(`helpers, ${size}, /bin/true`, helperCommands(world), "/bin/true");
  await measure(`plain spawn, ${size}, true`, plainCommands(world), "true");
  for (let i = 0; ballast.length < HEAP_MB * 1000; i++) ballast.push(Array.from({ length: 120 }, () => i + 0.5));
}
rmSync(folder, { recursive: true, force: true });
