/**
 * What every backend has to do, as tests: run for each implementation. Registers tests through the `describe`, `it` and
 * `expect` that it is handed, so that nothing here needs a test runner.
 */
import type { JsonObject } from "../../../src/base/json.ts";
import type { Backend } from "../../../src/backend/port.ts";
import type { Outcome, StopReason, Task } from "../../../src/run/attempt.ts";
import type { TestTools } from "./test-tools.ts";

/** Carries out the tasks of a backend under test, at the test's word. */
export interface TaskControl {
  /** What was asked of the task: `stop <reason>` and `kill`, in order. */
  readonly asked: readonly string[];
  readonly progress: (data: JsonObject) => void;
  readonly end: (outcome: Outcome) => void;
}

export interface BackendSetting {
  readonly backend: Backend;
  /** Waits until the step's task is being carried out. */
  control(step: string): Promise<TaskControl>;
  /** Runs and graces of the sweeps that were made, and which of the steps `a` and `b` (attempt 1) each kept. */
  readonly sweeps: readonly { readonly run: string; readonly graceMs: number; readonly kept: readonly string[] }[];
}

export function backendTask(step: string, run = "run1"): Task {
  const action = { kind: "run", command: "true" } as const;
  return {
    run,
    step: { id: step, action },
    attempt: 1,
    params: {},
    deps: {},
    depStatus: {},
    shell: "sh",
    graceMs: 100,
  };
}

const DONE: Outcome = { kind: "succeeded", output: 1 };

export function backendSuite(tools: TestTools, name: string, make: () => Promise<BackendSetting>): void {
  const { describe, it, expect } = tools;
  const ignore = (): void => undefined;
  describe(name, () => {
    it("gives each task's outcome and progress to who dispatched it", async () => {
      const { backend, control } = await make();
      const told: JsonObject[] = [];
      const first = backend.dispatch(backendTask("a"), (note) => void told.push(note.data as JsonObject));
      const second = backend.dispatch(backendTask("b"), ignore);
      const [a, b] = [await control("a"), await control("b")];
      a.progress({ percent: 10 });
      b.end({ kind: "failed", error: { code: "exit", message: "no" } });
      a.end(DONE);
      expect(await first.outcome).toEqual(DONE);
      expect((await second.outcome).kind).toEqual("failed");
      expect(told).toEqual([{ percent: 10 }]);
      await backend[Symbol.asyncDispose]();
    });

    it("passes on stop and kill", async () => {
      const { backend, control } = await make();
      const dispatched = backend.dispatch(backendTask("a"), ignore);
      const a = await control("a");
      const reason: StopReason = "fail-fast";
      dispatched.stop(reason);
      dispatched.kill();
      expect(a.asked).toEqual(["stop fail-fast", "kill"]);
      a.end({ kind: "stopped", reason });
      expect(await dispatched.outcome).toEqual({ kind: "stopped", reason });
      await backend[Symbol.asyncDispose]();
    });

    it("passes nothing on of an attempt that its engine released, and does not keep the engine waiting", async () => {
      const { backend, control } = await make();
      const told: JsonObject[] = [];
      const dispatched = backend.dispatch(backendTask("a"), (note) => void told.push(note.data as JsonObject));
      const a = await control("a");
      a.progress({ percent: 10 });
      dispatched.release();
      a.progress({ percent: 20 });
      a.end({ kind: "stopped", reason: "cancel" });
      await dispatched.outcome;
      expect(told).toEqual([{ percent: 10 }]);
      await backend[Symbol.asyncDispose]();
    });

    it("never sweeps away what is running", async () => {
      const { backend, control, sweeps } = await make();
      const running = backend.dispatch(backendTask("a"), ignore);
      const ended = backend.dispatch(backendTask("b"), ignore);
      (await control("b")).end(DONE);
      await ended.outcome;
      await backend.sweep("run1", 70);
      await backend.sweep("run2", 80, (step) => step === "b");
      expect(sweeps).toEqual([
        { run: "run1", graceMs: 70, kept: ["a"] },
        { run: "run2", graceMs: 80, kept: ["b"] },
      ]);
      (await control("a")).end(DONE);
      await running.outcome;
      await backend[Symbol.asyncDispose]();
    });

    it("ends what runs when it is disposed of", async () => {
      const { backend, control } = await make();
      const dispatched = backend.dispatch(backendTask("a"), ignore);
      const a = await control("a");
      const disposed = backend[Symbol.asyncDispose]();
      expect(a.asked).toEqual(["kill"]);
      a.end({ kind: "stopped", reason: "cancel" });
      await disposed;
      expect((await dispatched.outcome).kind).toEqual("stopped");
    });
  });
}
