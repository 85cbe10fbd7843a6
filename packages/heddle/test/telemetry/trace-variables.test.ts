/** What processes of an attempt find of its trace: commands, verifications and agents alike, and the plan's own words first. */
import { expect, test } from "vitest";
import type { AgentExecutor, AgentJob } from "../../src/agent/port.ts";
import { systemRandom } from "../../src/base/random.ts";
import { randomId } from "../../src/base/ids.ts";
import { executor } from "../../src/engine/executor.ts";
import { NO_FUNCTIONS, type Step } from "../../src/plan/plan.ts";
import type { Outcome, Task, TraceContext } from "../../src/run/attempt.ts";
import type { Attempt, Runner } from "../../src/runner/port.ts";
import { memoryWorkspaces } from "../../src/workspace/memory.ts";

const DONE: Outcome = { kind: "succeeded", output: null };
const TRACE: TraceContext = { traceparent: "00-1-2-01", tracestate: "a=b" };

/** The environments that an attempt of the step gave to its processes. */
async function givenTo(step: Step, trace?: TraceContext): Promise<readonly Readonly<Record<string, string>>[]> {
  const given: Readonly<Record<string, string>>[] = [];
  const running = { outcome: Promise.resolve(DONE), stop: () => undefined, kill: () => undefined };
  const runner = {
    start: (attempt: Attempt) => {
      given.push(attempt.env);
      return running;
    },
  } as unknown as Runner;
  const agents = {
    start: (job: AgentJob) => {
      given.push(job.env);
      return running;
    },
  } as unknown as AgentExecutor;
  const execute = executor({
    runner,
    workspaces: memoryWorkspaces({ projectDir: "/" }),
    codeFor: () => ({ functions: NO_FUNCTIONS, folder: "/" }),
    environment: {},
    checkOutput: async () => undefined,
    agents: async () => agents,
  });
  const task = {
    run: randomId(systemRandom),
    step,
    attempt: 1,
    params: {},
    deps: {},
    depStatus: {},
    graceMs: 1,
    shell: "sh",
  };
  const whole: Task = trace === undefined ? task : { ...task, trace };
  expect(await execute(whole, () => undefined).outcome).toEqual(DONE);
  return given;
}

const FOUND = { TRACEPARENT: "00-1-2-01", TRACESTATE: "a=b" };

test("a command and what verifies it", async () => {
  const step: Step = { id: "s", action: { kind: "run", command: "x" }, verify: ["y"], env: { OWN: "1" } };
  expect(await givenTo(step, TRACE)).toEqual([
    { ...FOUND, OWN: "1" },
    { ...FOUND, OWN: "1" },
  ]);
  expect(await givenTo(step)).toEqual([{ OWN: "1" }, { OWN: "1" }]);
});

test("an agent", async () => {
  const step: Step = { id: "s", action: { kind: "agent", prompt: "x" } };
  expect(await givenTo(step, TRACE)).toEqual([FOUND]);
  expect(await givenTo(step)).toEqual([{}]);
});

test("what the plan says goes first", async () => {
  const step: Step = { id: "s", action: { kind: "run", command: "x" }, env: { TRACEPARENT: "mine" } };
  expect(await givenTo(step, TRACE)).toEqual([{ ...FOUND, TRACEPARENT: "mine" }]);
});
