import { describe, expect, test } from "vitest";
import { TaskSession, type Reply, type Report } from "../../../src/agent/tools/task-session.ts";
import type { TaskListener } from "../../../src/agent/tools/port.ts";
import { handClock, type Heard, taskOf } from "./rig.ts";

function sessionOf(over: Partial<TaskListener> = {}) {
  const heard: Heard[] = [];
  const faults: string[] = [];
  const clock = handClock();
  const session = new TaskSession(taskOf(heard, { over }), clock, 1000, (message) => faults.push(message));
  return { heard, faults, clock, session };
}

const done: Report = { tool: "task_complete", input: { summary: "done", files: [] } };
const failed: Report = { tool: "task_fail", input: { reason: "broken", retryable: true } };
const ask: Report = { tool: "task_ask", input: { question: "Which?", options: [] } };

function ok(status: string): object {
  return expect.objectContaining({ ok: true, status }) as object;
}

function refusal(message: RegExp): object {
  return { ok: false, message: expect.stringMatching(message) as string };
}

describe("the same call again", () => {
  test("is heard once, with the same answer, also at the same time", async () => {
    const { heard, session } = sessionOf();
    const [first, second] = await Promise.all([session.report(done), session.report(done)]);
    const third = await session.report(structuredClone(done));
    expect([first, second, third]).toEqual([first, first, first]);
    expect(first).toEqual(ok("completed"));
    expect(heard).toHaveLength(1);
  });

  test("is heard again after a refusal", async () => {
    let tries = 0;
    const { heard, session } = sessionOf({
      completed: () =>
        Promise.resolve(tries++ === 0 ? { kind: "refused", reason: "nothing changed" } : { kind: "accepted" }),
    });
    expect(await session.report(done)).toEqual({ ok: false, message: "nothing changed" });
    expect(await session.report(done)).toEqual(ok("completed"));
    expect(heard).toHaveLength(2);
  });

  test("is heard again after a fault, of which the run is told and the agent only that it was one", async () => {
    let tries = 0;
    const { faults, session } = sessionOf({
      failed: () => (tries++ === 0 ? Promise.reject(new Error("disk full")) : Promise.resolve({ kind: "accepted" })),
    });
    const reply = await session.report(failed);
    expect(reply).toEqual(refusal(/internal error/));
    expect(JSON.stringify(reply)).not.toContain("disk full");
    expect(faults).toEqual(["task_fail of r1/build failed: disk full"]);
    expect(await session.report(failed)).toEqual(ok("failed"));
  });

  test("of progress that throws is a fault as well", async () => {
    const { faults, session } = sessionOf({
      progress() {
        throw new Error("no");
      },
    });
    expect(await session.report({ tool: "task_progress", input: { message: "m" } })).toEqual(refusal(/internal error/));
    expect(faults).toHaveLength(1);
  });
});

describe("an attempt ends once", () => {
  test.each<[string, Report, Report]>([
    ["completed after it failed", failed, done],
    ["failed after it was completed", done, failed],
    ["completed otherwise", done, { tool: "task_complete", input: { summary: "more", files: [] } }],
    ["asking after the end", done, ask],
    ["progress after the end", failed, { tool: "task_progress", input: { message: "m" } }],
  ])("%s", async (_, first, second) => {
    const { heard, session } = sessionOf();
    const before = await session.report(first);
    expect(await session.report(second)).toEqual(refusal(new RegExp(`already ended by ${first.tool}`)));
    expect(await session.report(first)).toEqual(before);
    expect(heard).toHaveLength(1);
  });

  test("while one end is decided, another waits, and may come once that is refused", async () => {
    const verdict = Promise.withResolvers<{ readonly kind: "refused"; readonly reason: string }>();
    const { heard, session } = sessionOf({ completed: () => verdict.promise });
    const first = session.report(done);
    expect(await session.report(failed)).toEqual(refusal(/task_complete has been called: wait for its answer/));
    verdict.resolve({ kind: "refused", reason: "tests are red" });
    expect(await first).toEqual({ ok: false, message: "tests are red" });
    expect(await session.report(failed)).toEqual(ok("failed"));
    expect(heard.map(({ method }) => method)).toEqual(["completed", "failed"]);
  });
});

test("who waits too long is told to call again, and then shares the one answer", async () => {
  const answer = Promise.withResolvers<{ readonly kind: "answered"; readonly answer: string }>();
  const { clock, heard, session } = sessionOf({ asked: () => answer.promise });
  const first = session.report(ask);
  clock.advance(1000);
  expect(await first).toEqual(refusal(/no answer yet/));
  const second = session.report(ask);
  answer.resolve({ kind: "answered", answer: "the left one" });
  expect(await second).toEqual(ok("answered"));
  expect(await session.report(ask)).toMatchObject({ answer: "the left one" });
  expect(heard).toHaveLength(1);
});

test("a closed session answers what waits, and tells the listener nothing more", async () => {
  const { heard, session } = sessionOf({ asked: () => new Promise(() => undefined) });
  const waiting = session.report(ask);
  session.close();
  expect(await waiting).toEqual(refusal(/has ended/));
  expect(await session.report(done)).toEqual(refusal(/has ended/));
  expect(heard.map(({ method }) => method)).toEqual(["asked"]);
});

test("what was decided after the close does not bring the attempt back", async () => {
  const verdict = Promise.withResolvers<{ readonly kind: "refused"; readonly reason: string }>();
  const { session } = sessionOf({ completed: () => verdict.promise });
  const waiting = session.report(done);
  session.close();
  verdict.resolve({ kind: "refused", reason: "no" });
  await waiting;
  expect(await session.report(done)).toEqual(refusal(/has ended/));
});

test("a question that has to wait ends the attempt: what is said after it is refused, the question again is not", async () => {
  const { heard, session } = sessionOf();
  expect(await session.report(ask)).toEqual(ok("deferred"));
  expect(await session.report(done)).toEqual(refusal(/ended by task_ask/));
  expect(await session.report(ask)).toEqual(ok("deferred"));
  expect(heard.map(({ method }) => method)).toEqual(["asked"]);
});

test("calls are counted: too many reports are dropped, too many questions refused", async () => {
  const { heard, session } = sessionOf({ asked: () => Promise.resolve({ kind: "answered", answer: "yes" }) });
  let last: Reply | undefined;
  for (let i = 0; i <= 1000; i++) last = await session.report({ tool: "task_progress", input: { message: `${i}` } });
  expect(last).toEqual(ok("ignored"));
  expect(heard).toHaveLength(1000);
  for (let i = 0; i <= 50; i++)
    last = await session.report({ tool: "task_ask", input: { question: `${i}`, options: [] } });
  expect(last).toEqual(refusal(/50 times/));
  expect(heard).toHaveLength(1050);
  expect(await session.report(done)).toEqual(ok("completed"));
});
