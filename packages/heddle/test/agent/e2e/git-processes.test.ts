/** What a step costs: processes of git, each a few milliseconds, and more on a machine at work. */
import { chmodSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { AgentRig, writes } from "./rig.ts";

/** Git processes of a run of so many steps, one after the other, each verified. */
async function processes(steps: number): Promise<number> {
  using rig = new AgentRig();
  const real = (process.env["PATH"] ?? "").split(":");
  rig.write(
    "bin.here/git",
    `#!/bin/sh\necho "$*" >> '${path.join(rig.dir, "log.here")}'\nPATH='${real.join(":")}' exec git "$@"\n`,
  );
  chmodSync(path.join(rig.dir, "bin.here/git"), 0o755);
  const ids = Array.from({ length: steps }, (_, n) => `s${n}`);
  rig.agents(Object.fromEntries(ids.map((id) => [id, [writes(`${id}.ts`, "x\n")]])), {
    steps: ids.map((id, n) => ({ id, verify: "true", ...(n === 0 ? {} : { deps: [`s${n - 1}`] }) })),
  });
  const PATH = [path.join(rig.dir, "bin.here"), ...real].join(":");
  const { code } = await rig.heddle(["run"], { env: rig.env({ PATH }) as Record<string, string> });
  expect(code).toBe(0);
  return rig.read("log.here").trimEnd().split("\n").length;
}

test("a run of one step is at most 66 processes of git, and one more step 45: nothing is asked twice that cannot have changed", async () => {
  const [few, more] = [await processes(1), await processes(2)];
  expect(few).toBeLessThanOrEqual(66);
  expect(more - few).toBeLessThanOrEqual(45);
});
