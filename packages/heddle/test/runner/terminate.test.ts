/** Ending processes that the table does not show yet. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { systemProcessTable } from "../../src/runner/process.ts";
import type { ProcessTable } from "../../src/runner/processes.ts";
import { endAll, Followed } from "../../src/runner/terminate.ts";
import { clock } from "./rig.ts";

test("a stop and a kill in one turn, before the table was read anew, end the process all the same", async () => {
  const child = spawn("sh", ["-c", "trap '' TERM; echo up; while :; do sleep 300; done"], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  const group = child.pid ?? 0;
  const real = systemProcessTable();
  // Read before the process was there, and kept until the turn ends, as the shared table does.
  let isStale = true;
  setImmediate(() => (isStale = false));
  const table: ProcessTable = {
    ...real,
    read: () => (isStale ? { processes: new Map(), variable: () => undefined } : real.read()),
  };
  const followed = new Followed(table, { includes: (info) => info.group === group, excludes: () => false });
  const ending = endAll(followed, { clock, graceMs: 60_000, group });
  ending.kill();
  const [, name] = (await once(child, "exit", { signal: AbortSignal.timeout(5000) })) as [unknown, string];
  expect(name).toBe("SIGKILL");
  expect(await ending.done).toBeGreaterThan(0);
});
