/** P4: whoever asks an engine to end gets the documented exit code, a run that can be resumed, and nothing left running. */
import { expect, test } from "vitest";
import { jsonLines, Rig } from "../support/command-line.ts";
import { until } from "../support/until.ts";
import { killOften, taggedWith } from "./kills.ts";

// SIGHUP means something where there is a terminal: see below.
test.each(["SIGINT", "SIGTERM"] as const)("%s, at moments of chance, then resumed to the end", async (signal) => {
  const reports = await Promise.all([1, 2, 3].map((seed) => killOften(seed, 2, signal)));
  expect(reports.flatMap(({ violations }) => violations)).toEqual([]);
  expect(reports.reduce((sum, { kills }) => sum + kills, 0)).toBeGreaterThan(2);
});

test("a terminal that is closed", async () => {
  using rig = new Rig();
  const gate = rig.gate("inside");
  rig.plan({
    steps: [
      { id: "a", run: gate.command },
      { id: "b", deps: ["a"], run: "true" },
    ],
  });
  const terminal = rig.onTerminal(["run"], { columns: 80, rows: 24 });
  await gate.reached();
  terminal.kill("SIGKILL");
  await terminal.done;
  const run = await endedRun(rig);
  expect(taggedWith(run)).toEqual([]);
  const resumed = rig.spawn(["resume", run, "--json"]);
  await gate.reached();
  await gate.open();
  const { code, stdout } = await resumed.done;
  expect(code).toBe(0);
  expect(jsonLines(stdout).at(-1)).toMatchObject({ type: "run.succeeded" });
});

/** The run, once the engine that lost its terminal has ended it. */
async function endedRun(rig: Rig): Promise<string> {
  let ended: string | undefined;
  await until(async () => {
    const { stdout } = await rig.heddle(["runs", "--json"]);
    const { runs } = JSON.parse(stdout) as {
      readonly runs: readonly { readonly run: string; readonly status: string }[];
    };
    ended = runs.find(({ status }) => status === "cancelled")?.run;
    return ended !== undefined;
  });
  return ended ?? "";
}
