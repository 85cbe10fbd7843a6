/** When heddle itself is killed, its agents end too (P2). */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nastyTree, newMark, pidsWith } from "../../runner/rig.ts";
import { living, place } from "./rig.ts";
import { fixture, SCRIPTED } from "../../support/built.ts";
import { until } from "../../support/until.ts";

test("an agent and all that it started end when the engine is killed", async () => {
  using here = place();
  const mark = newMark();
  const script = join(here.folder, "../script.yaml");
  writeFileSync(script, `do: [{run: ${JSON.stringify(nastyTree(mark, false))}}]`);
  const engine = spawn(
    process.execPath,
    ["--no-warnings", fixture("engine"), here.folder, here.run, script, SCRIPTED],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  engine.stdout.setEncoding("utf8");
  await once(engine.stdout, "data", { signal: AbortSignal.timeout(20_000) });
  await until(() => pidsWith(mark).length >= 5);
  engine.kill("SIGKILL");
  await once(engine, "exit");
  await until(() => living(here.run) === 0 && pidsWith(mark).length === 0, 20_000);
  expect(living(here.run)).toBe(0);
});
