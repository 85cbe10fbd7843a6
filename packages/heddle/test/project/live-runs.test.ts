/** The registry of runs that this process works on holds what is alive, and no more. */
import { expect, test } from "vitest";
import type { RunHandle, RunOutcome } from "../../src/project/port.ts";
import { NO_FUNCTIONS } from "../../src/plan/plan.ts";
import { LiveRuns } from "../../src/project/live-runs.ts";
import { settle } from "../support/virtual-clock.ts";

const CODE = { functions: NO_FUNCTIONS, folder: "/project" };

/** A handle that settles when the test says so. */
function handle(run: string) {
  const { promise, resolve, reject } = Promise.withResolvers<RunOutcome>();
  const end = (): Promise<void> => {
    resolve({ run, status: "succeeded", outputs: {} });
    return settle();
  };
  return { handle: { run, result: promise } as RunHandle, end, break: () => reject(new Error("a bug")) };
}

test("an entry goes when the handle of its run has settled, well or not", async () => {
  const left: string[] = [];
  const live = new LiveRuns(async (run) => void left.push(run));
  const runs = Array.from({ length: 100 }, (_, i) => handle(`r${i}`));
  for (const one of runs) live.add(one.handle, CODE);
  expect(live.size).toBe(100);
  expect(live.codeFor("r7")).toBe(CODE);
  expect(live.handleOf("r7")).toBe(runs[7]?.handle);
  for (const one of runs.slice(1)) await one.end();
  expect(live.size).toBe(1);
  runs[0]?.break();
  await settle();
  expect(live.size).toBe(0);
  expect(live.codeFor("r7")).toBeUndefined();
  expect(left).toHaveLength(100);
});

test("a run that was taken up again before its first handle settled keeps its new entry", async () => {
  const left: string[] = [];
  const live = new LiveRuns(async (run) => void left.push(run));
  const [first, second] = [handle("r1"), handle("r1")];
  const now = { ...CODE, folder: "/elsewhere" };
  live.add(first.handle, CODE);
  live.add(second.handle, now);
  await first.end();
  expect(live.codeFor("r1")).toBe(now);
  expect(left).toEqual([]);
  await second.end();
  expect(live.size).toBe(0);
  expect(left).toEqual(["r1"]);
});

test("closing lets go of what never settled, waits for those on their way, and tells what failed there", async () => {
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const live = new LiveRuns((run) => {
    const gate = Promise.withResolvers<void>();
    gates.set(run, gate);
    return gate.promise;
  });
  const [ended, running] = [handle("ended"), handle("running")];
  live.add(ended.handle, CODE);
  live.add(running.handle, CODE);
  await ended.end();
  let isClosed = false;
  const closed = live.close().finally(() => (isClosed = true));
  gates.get("running")?.resolve();
  await settle();
  expect(isClosed).toBe(false);
  gates.get("ended")?.reject(new Error("cannot remove the folder"));
  await expect(closed).rejects.toThrow("cannot remove the folder");
  expect(live.size).toBe(0);
});
