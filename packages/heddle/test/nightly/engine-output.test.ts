/** D11 through the command line: a gigabyte from one step is kept and given back, and no process grows by it. */
import { createHash } from "node:crypto";
import { createReadStream, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { expect, test } from "vitest";
import { eventsOf, place, plan } from "../faults/rig.ts";
import { HEDDLE } from "../support/built.ts";
import type { Rig, SpawnOptions } from "../support/command-line.ts";
import { spawn } from "node:child_process";
import { report, scaled } from "./scale.ts";

const GB = 1 << 30;
const MOST_GROWTH_MB = 64;

/** Highest resident memory of a process, read as long as it lives. */
function watchPeak(pid: number): { readonly peakMb: () => number; readonly stop: () => void } {
  let peak = 0;
  const timer = setInterval(() => {
    try {
      const [, kb = "0"] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
      peak = Math.max(peak, Number(kb) / 1024);
    } catch {
      // It ended meanwhile.
    }
  }, 20);
  return { peakMb: () => peak, stop: () => clearInterval(timer) };
}

/** The most memory of a run. */
async function peakOf(at: Rig, mode: string, options: SpawnOptions = {}): Promise<number> {
  const running = at.spawn(["run", "--output", mode], { timeoutMs: 600_000, ...options });
  const watch = watchPeak(running.child.pid ?? 0);
  const ended = await running.done;
  watch.stop();
  expect(ended.code, ended.stderr).toBe(0);
  return watch.peakMb();
}

/** `heddle logs a`, read as fast as it comes: its peak and a hash of what came. */
async function readBack(at: Rig): Promise<{ readonly peakMb: number; readonly hash: string }> {
  const child = spawn(process.execPath, [HEDDLE, "logs", "a"], {
    cwd: at.dir,
    env: at.env(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const watch = watchPeak(child.pid ?? 0);
  const hash = createHash("sha1");
  await pipeline(child.stdout, hash);
  watch.stop();
  return { peakMb: watch.peakMb(), hash: hash.digest("hex") };
}

test.each([
  ["grouped", "yes 0123456789 abcdefghij | head -c"],
  ["stream", "yes 0123456789 abcdefghij | head -c"],
  ["errors", "head -c"],
] as const)("D11: 1 GB from one step of a run, --output %s", async (mode, command) => {
  // Lines of 22 bytes: the last one is whole.
  const bytes = Math.floor(scaled(mode === "stream" ? GB / 4 : GB) / 22) * 22;
  const source = command.startsWith("head")
    ? `${command} ${bytes - 1} /dev/zero | tr '\\0' x; echo`
    : `${command} ${bytes}`;
  using small = place({ "heddle.yaml": plan({ a: "yes 0123456789 abcdefghij | head -c 22000" }) });
  using at = place({ "heddle.yaml": plan({ a: source }) });
  const base = await peakOf(small, mode);
  // What is shown goes to a file, as in a continuous integration's log: this process would hold it otherwise.
  const run = await peakOf(at, mode, { through: ["sh", "-c", 'exec "$@" > shown', "sh"] });
  const [event] = eventsOf(await at.spawn(["history", "--json"]).done);
  const log = join(at.dir, ".heddle/runs", event?.run ?? "", "logs/a.1.log");
  const hash = createHash("sha1");
  await pipeline(createReadStream(log), hash);
  const back = await readBack(at);
  const smallBack = await readBack(small);
  const grown = Math.max(run - base, back.peakMb - smallBack.peakMb);
  report(
    `D11: ${bytes} bytes of one step, --output ${mode}: stored and given back whole, the run grew by ${(run - base).toFixed(0)} MB, \`logs\` by ${(back.peakMb - smallBack.peakMb).toFixed(0)} MB`,
  );
  expect(statSync(log).size).toBe(bytes);
  expect(back.hash).toBe(hash.digest("hex"));
  expect(grown).toBeLessThan(MOST_GROWTH_MB);
});
