/** What the file of a recorded run says now, and whether the run needs it. */
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { memoryJournal } from "../../src/journal/memory.ts";
import type { EventLog } from "../../src/journal/port.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { currentPlan } from "../../src/project/recorded-plan.ts";
import type { EventBody } from "../../src/run/event.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { OPTIONS } from "../view/histories.ts";
import { RecordedRun } from "./runs.ts";

const PLAN: Plan = { name: "p", steps: [{ id: "a", action: { kind: "run", command: "x" }, undo: "y" }] };

const happens = (type: string, data: object): EventBody => ({ type, data }) as EventBody;
const ofA = (type: string, data: object): EventBody => ({ type, step: "a", attempt: 1, data }) as unknown as EventBody;
const started = ofA("step.started", { input: null, resources: [] });
const succeeded = ofA("step.succeeded", { output: null, durationMs: 1 });
const error = { code: "exit", message: "exit 1" };
const failed = ofA("step.failed", { error, willRetry: false, durationMs: 1 });
const rollback = [happens("rollback.started", { mode: "all", steps: ["a"] }), ofA("step.rolledback", {})];

test.each([
  ["runs", [started], true],
  ["has succeeded", [started, succeeded, happens("run.succeeded", { outputs: {} })], false],
  ["has failed", [started, failed, happens("run.failed", { error, failed: ["a"] })], true],
  [
    "was undone after it had succeeded",
    [started, succeeded, happens("run.succeeded", { outputs: {} }), ...rollback],
    true,
  ],
])(
  "a plan file with a fault is needed, or not, where the run %s; its history is read once",
  async (_, events, isNeeded) => {
    const journal = memoryJournal();
    const dir = temporaryFolder("recorded-plan");
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    writeFileSync(path.join(dir, "heddle.yaml"), "steps: [");
    const run = new RecordedRun(journal, "r1", PLAN, { ...OPTIONS, planFile: "heddle.yaml" });
    await (await run.begin()).record(events);
    let read = 0;
    const log: Pick<EventLog, "get" | "read"> = {
      get: (id) => journal.get(id),
      async *read(id, options) {
        for await (const batch of journal.read(id, options)) {
          read += batch.length;
          yield batch;
        }
      },
    };
    expect(await currentPlan(log, dir, "r1")).toMatchObject({ kind: "invalid", isNeeded });
    // Once for its parameters, and the first event for its file.
    expect(read).toBe(events.length + 2 + 1);
  },
);
