/** A step that replaces heddle's files by something else: its own failure, told at once, and nobody else's. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { PLANTED, plant, plantedKinds, planting } from "../support/planted.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { expectClean, expectRefusal, expectSound, kinds, place } from "./rig.ts";

const folder = temporaryFolder("planted-run");
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const KINDS = plantedKinds(folder);

test("one step of each kind: each fails for its own file, and what runs beside them succeeds", async () => {
  const steps = KINDS.flatMap((kind, at) => [
    { id: `output-${at}`, run: planting(kind, '"$HEDDLE_OUTPUT"') },
    { id: `steps-${at}`, run: planting(kind, '"$HEDDLE_STEPS"') },
    // The log of a step that starts later.
    {
      id: `planter-${at}`,
      run: `cd "$(dirname "$HEDDLE_OUTPUT")/../logs" && ${planting(kind, `"$PWD/log-${at}.1.log"`)}`,
    },
    { id: `log-${at}`, deps: [`planter-${at}`], run: "echo said" },
  ]);
  using at = place();
  at.plan({ failure: "continue", steps: [...steps, { id: "beside", run: "echo beside" }] });
  const ended = await at.heddle(["run", "--output", "errors"]);
  expectClean(ended);
  expect(ended.code).toBe(1);
  const events = await expectSound(at);
  expect(kinds(events)).toContain("step.succeeded beside");
  for (const [index, kind] of KINDS.entries()) {
    for (const step of [`output-${index}`, `steps-${index}`, `log-${index}`]) {
      const failed = events.find((event) => event.type === "step.failed" && event.step === step);
      expect(failed?.data, `${step}: ${kind}`).toMatchObject({
        error: { message: expect.stringContaining(PLANTED[kind]?.words ?? "?") },
      });
    }
  }
});

test("`heddle logs` of a log that is something else says what it is and exits with 1", async () => {
  using at = place();
  at.plan({ steps: [...KINDS.keys(), "plain"].map((id) => ({ id: `s-${id}`, run: `echo from ${id}` })) });
  expect((await at.heddle(["run", "--output", "errors"])).code).toBe(0);
  const runs = join(at.dir, ".heddle/runs");
  for (const [index, kind] of KINDS.entries()) {
    plant(kind, join(runs, readdirSync(runs)[0] ?? "", `logs/s-${index}.1.log`));
    for (const words of [["logs"], ["logs", "--follow"]]) {
      const ended = await at.heddle([...words, `s-${index}`]);
      expectRefusal(ended, 1, "LogUnreadable", PLANTED[kind]?.words);
      expect(ended.stdout).toBe("");
    }
  }
  const all = await at.heddle(["logs"]);
  expectRefusal(all, 1, "LogUnreadable", PLANTED["pipe"]?.words);
  expect(all.stdout).toContain("from plain");
});
