/** Containers that are cut short, in every way: none counts as done, and a resume goes on with what is left of them. */
import { describe, expect, test } from "vitest";
import { watchSignals } from "../../src/cli/signals.ts";
import type { RunHandle } from "../../src/engine/api.ts";
import { resumeRun } from "../../src/engine/engine.ts";
import type { Plan, Step } from "../../src/plan/plan.ts";
import { fold } from "../../src/run/apply.ts";
import type { Event, EventBody, RunOptions } from "../../src/run/event.ts";
import { checkHistory } from "../../src/run/check/history-checker.ts";
import { reusable } from "../../src/project/reusable.ts";
import { phaseTag, Rig } from "./rig.ts";

const CHILDREN = {
  command: "run: work",
  function: 'call: "./work.ts#work"',
  agent: 'agent: "work"',
  approval: 'approve: "Ship it?"',
} as const;
type Child = keyof typeof CHILDREN;

/** `more`: keys of the container. */
const CONTAINERS = {
  plan: (child: string, more = "") => `{ id: box${more}, plan: { steps: [ { id: c, ${child} } ] } }`,
  forEach: (child: string, more = "") => `{ id: box${more}, forEach: [1], ${child} }`,
  "plan in plan": (child: string, more = "") =>
    `{ id: box${more}, plan: { steps: [ { id: b, plan: { steps: [ { id: c, ${child} } ] } } ] } }`,
  "plan in forEach": (child: string, more = "") =>
    `{ id: box${more}, forEach: [1], plan: { steps: [ { id: c, ${child} } ] } }`,
  "forEach in plan": (child: string, more = "") =>
    `{ id: box${more}, plan: { steps: [ { id: f, forEach: [1], ${child} } ] } }`,
} as const;
type Shape = keyof typeof CONTAINERS;

/** Id of the innermost step. */
const INNER: Readonly<Record<Shape, string>> = {
  plan: "box/c",
  forEach: "box[0]",
  "plan in plan": "box/b/c",
  "plan in forEach": "box[0]/c",
  "forEach in plan": "box/f[0]",
};

interface Way {
  readonly plan?: string;
  /** Keys of the container. */
  readonly box?: string;
  readonly cut: (rig: Rig, handle: RunHandle) => void | Promise<void>;
  readonly status: "failed" | "cancelled";
  /** What the container comes to. Absent: it is cancelled, with what is in it. */
  readonly fails?: true;
}

/** As on the command line: the signal handler's own listener, without a signal for the process of the tests. */
function pressCtrlC(handle: RunHandle, times: number): void {
  const watch = watchSignals({ handle, say: () => undefined, hasTerminal: true });
  const interrupt = process.listeners("SIGINT").at(-1);
  for (let time = 0; time < times; time++) interrupt?.("SIGINT");
  watch.stop();
}

const WAYS: Readonly<Record<string, Way>> = {
  "fail-fast": { cut: async (rig) => rig.fail("tests"), status: "failed" },
  cancel: { cut: (_, handle) => handle.cancel(), status: "cancelled" },
  "Ctrl-C": { cut: (_, handle) => pressCtrlC(handle, 1), status: "cancelled" },
  "Ctrl-C, twice": { cut: (_, handle) => pressCtrlC(handle, 2), status: "cancelled" },
  "run timeout": { plan: "timeout: 1s", cut: async (rig) => rig.pass(1000), status: "failed" },
  "its own timeout": { box: ", timeout: 1s", cut: async (rig) => rig.pass(1000), status: "failed", fails: true },
};

function planText(way: Way, shape: Shape, child: Child): string {
  return `
name: cut
${way.plan ?? ""}
steps:
  - { id: tests, run: test }
  - ${CONTAINERS[shape](CHILDREN[child], way.box)}
  - { id: deploy, deps: [box], run: deploy }
`;
}

/** The attempts obey their stops, those that they bring about too. */
async function end(rig: Rig, handle: RunHandle): Promise<string> {
  for (let step = rig.running[0]; step !== undefined; step = rig.running[0]) await rig.yield(step);
  await rig.pass(1);
  return (await handle.result).status;
}

describe.each(Object.entries(WAYS))("a container cut short by %s", (_, way) => {
  for (const shape of Object.keys(CONTAINERS) as Shape[]) {
    test.each(Object.keys(CHILDREN) as Child[])(`${shape} of one %s`, async (child) => {
      const rig = new Rig();
      const first = await rig.start(planText(way, shape, child), { wait: true });
      const inner = INNER[shape];
      const atWork = child === "approval" ? "waiting-for-answer" : "running";
      expect(phaseTag(first, inner)).toBe(atWork);
      await way.cut(rig, first);
      expect(await end(rig, first)).toBe(way.status);
      expect(phaseTag(first, "box")).toBe(way.fails === true ? "failed" : "cancelled");
      // The limit of a forEach is one for each of its items.
      expect(phaseTag(first, inner)).toBe(way.fails === true && shape === "forEach" ? "failed" : "cancelled");

      const second = await rig.resume(first.run, { wait: true });
      expect(phaseTag(second, "box")).toBe("expanded");
      expect(phaseTag(second, inner)).toBe(atWork);
      expect(rig.dispatched).not.toContain("deploy#1");
      if (child === "approval") second.answer(inner, { decision: "approve", by: "me" });
      else await rig.succeed(inner);
      await rig.quiet();
      expect(phaseTag(second, "box")).toBe("succeeded");
      await rig.succeed("tests");
      await rig.succeed("deploy");
      expect((await second.result).status).toBe("succeeded");
      expect(checkHistory(rig.events)).toEqual([]);
    });
  }
});

test.each(Object.keys(CONTAINERS) as Shape[])(
  "Ctrl-C while only a question in a %s is left ends no step",
  async (shape) => {
    const rig = new Rig();
    const handle = await rig.start(planText({ cut: () => undefined, status: "failed" }, shape, "approval"), {
      wait: true,
    });
    await rig.succeed("tests");
    pressCtrlC(handle, 1);
    await rig.quiet();
    expect((await handle.result).status).toBe("waiting");
    const second = await rig.resume(handle.run, { wait: true });
    second.answer(INNER[shape], { decision: "approve", by: "me" });
    await rig.quiet();
    await rig.succeed("deploy");
    expect((await second.result).status).toBe("succeeded");
  },
);

test.each(["timeout", "totalTimeout"])(
  "a container whose %s is over says so, and ends the containers inside",
  async (key) => {
    const rig = new Rig();
    const handle = await rig.start(
      planText({ ...(WAYS["its own timeout"] as Way), box: `, ${key}: 1s` }, "plan in plan", "command"),
      {
        wait: true,
      },
    );
    await rig.pass(1000);
    expect(await end(rig, handle)).toBe("failed");
    const [failure, inside] = ["step.failed box", "step.cancelled box/b"].map(
      (told) => rig.events[rig.told.indexOf(told)],
    );
    expect(failure?.data).toMatchObject({ error: { code: "timeout", message: "timed out after 1000 ms" } });
    expect(inside?.data).toMatchObject({ reason: "step-timeout" });
  },
);

test("a failed child counts before a cancelled one, and an optional failure does not count", async () => {
  const rig = new Rig();
  const handle = await rig.start(`
name: mixed
steps:
  - id: box
    plan:
      steps:
        - { id: bad, run: bad }
        - { id: spare, run: spare, optional: true }
        - { id: slow, run: slow }
`);
  await rig.fail("box/spare");
  await rig.fail("box/bad");
  expect(await end(rig, handle)).toBe("failed");
  expect(phaseTag(handle, "box/slow")).toBe("cancelled");
  const failure = rig.events.find((event) => event.type === "step.failed" && event.step === "box");
  expect(failure?.data).toMatchObject({ error: { message: "1 of 3 steps failed: box/bad" } });
});

test("what a container cut short would undo is not undone", async () => {
  const rig = new Rig();
  const handle = await rig.start(`
name: undo
rollback: all
steps:
  - { id: tests, run: test }
  - { id: box, undo: "undo box", plan: { steps: [ { id: c, run: work } ] } }
`);
  await rig.fail("tests");
  expect(await end(rig, handle)).toBe("failed");
  expect(rig.told).not.toContain("rollback.started");
});

describe("a run of the first rules, in which a container cut short stands as a success", () => {
  /** As version 0.1.0 recorded it. */
  const history = (rules?: number): Event[] => {
    const bodies: EventBody[] = [
      { type: "run.started", data: {} },
      { type: "step.started", step: "tests", attempt: 1, data: {} },
      { type: "step.started", step: "box", attempt: 1, data: {} },
      { type: "steps.added", step: "box", data: { kind: "children", steps: [SIGN_OFF], params: {} } },
      { type: "approval.requested", step: "box/c", attempt: 1, data: { about: "step", question: "Ship it?" } },
      {
        type: "step.failed",
        step: "tests",
        attempt: 1,
        data: { error: { code: "exit", message: "exit code 1" }, durationMs: 1, willRetry: false },
      },
      { type: "step.cancelled", step: "box/c", attempt: 1, data: { reason: "fail-fast", durationMs: 1 } },
      { type: "step.succeeded", step: "box", attempt: 1, data: { output: { c: null }, durationMs: 1 } },
      { type: "run.failed", data: { durationMs: 1, failed: ["tests"] } },
    ];
    const data = { plan: OLD_PLAN, options: OLD_OPTIONS, engine: "0.1.0", ...(rules !== undefined && { rules }) };
    return [{ type: "run.created" as const, data }, ...bodies].map((body, at) => ({
      run: "old",
      seq: at + 1,
      time: at + 1,
      ...body,
    }));
  };
  const recorded = async (rules?: number): Promise<Rig> => {
    const rig = new Rig();
    const { journal, holder } = rig.ports;
    const leased = await journal.create({ run: "old", plan: "old", createdAt: 1 }, holder);
    if (!leased.ok) throw new Error(leased.error.kind);
    await journal.append(leased.value, history(rules));
    await journal.release(leased.value);
    return rig;
  };

  test("is named by the checker", () => {
    expect(checkHistory(history()).map(({ rule, seq }) => [rule, seq])).toEqual([["container-outcome", 9]]);
  });

  test("is not gone on with: the problem names the way out", async () => {
    const rig = await recorded();
    const resumed = await resumeRun(rig.ports, "old", {});
    expect(resumed).toMatchObject({
      ok: false,
      error: {
        code: "ContainerCutShort",
        message: "run old recorded box as succeeded although some of its steps never ran: box/c",
        hint: "Run it and everything that depends on it again: `heddle rerun old --from box`.",
      },
    });
    expect(rig.dispatched).toEqual([]);
  });

  test("undoes nothing of that container, and hands its result to no other run", async () => {
    const rig = await recorded();
    const undone = await rig.rollback("old");
    expect((await undone.result).status).toBe("failed");
    expect(rig.dispatched).toEqual([]);
    const state = fold(history());
    expect(state && [...reusable(state, OLD_PLAN).results.keys()]).toEqual([]);
  });

  test("under the rules of today such a history is broken", async () => {
    const rig = await recorded(2);
    expect(await resumeRun(rig.ports, "old", {})).toMatchObject({ ok: false, error: { code: "HistoryBroken" } });
  });
});

const SIGN_OFF: Step = { id: "box/c", action: { kind: "approve", question: "Ship it?" } };
const OLD_OPTIONS: RunOptions = {
  maxConcurrency: 2,
  maxAgents: 1,
  schedule: "ready",
  failure: "fail-fast",
  rollback: "all",
};
const OLD_PLAN: Plan = {
  name: "old",
  steps: [
    { id: "tests", action: { kind: "run", command: "test" } },
    { id: "box", undo: "undo", action: { kind: "plan", plan: { name: "box", steps: [{ ...SIGN_OFF, id: "c" }] } } },
    { id: "deploy", deps: ["box"], action: { kind: "run", command: "deploy" } },
  ],
};
