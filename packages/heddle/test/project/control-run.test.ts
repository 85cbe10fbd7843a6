/** What became of a request to the process that works on a run: its sender is told, whatever it was. */
import { describe, expect, test } from "vitest";
import type { Problem } from "../../src/base/errors.ts";
import { ok, type Result } from "../../src/base/result.ts";
import { engineOver } from "../../src/engine/open.ts";
import { answerStep } from "../../src/project/answers.ts";
import { requestOf } from "../../src/project/control-run.ts";
import type { ControlRequest } from "../../src/run/control.ts";
import { Rig } from "../engine/rig.ts";

type Sent = Result<"sent" | "done", Problem>;

const PLAN = `
steps:
  - { id: paid, signal: payment }
  - { id: ask, approve: "Go?" }
  - { id: work, run: x }
`;

let count = 0;
const signal = (value: number): ControlRequest => ({
  kind: "signal",
  signal: "payment",
  value,
  by: "ada",
  id: `request ${++count}`,
});
const answer = (decision: "approve" | "reject"): ControlRequest => ({
  kind: "answer",
  step: "ask",
  decision,
  by: "ada",
});

function world() {
  const rig = new Rig({ pollMs: 100 });
  const engine = engineOver(rig.ports);
  const ports = {
    journal: rig.ports.journal,
    clock: rig.clock,
    engine: async () => engine,
    cancel: (run: string) => engine.cancel(run, {}, () => undefined),
  };
  return { rig, send: (run: string, request: ControlRequest): Promise<Sent> => requestOf(ports, run, request) };
}

const told = (sent: readonly Sent[]): readonly string[] => sent.map((each) => (each.ok ? each.value : each.error.code));

describe("a request that the engine cannot take", () => {
  test.each([
    ["signals", [signal(1), signal(2)], ["sent", "SignalNotAwaited"]],
    ["answers", [answer("approve"), answer("reject")], ["sent", "NotAsked"]],
  ])("is told to its sender, where two came at once: %s", async (_, requests, results) => {
    const { rig, send } = world();
    const handle = await rig.start(PLAN, { wait: true });
    const sent = requests.map((request) => send(handle.run, request));
    await rig.pass(1000);
    expect(told(await Promise.all(sent))).toEqual(results);
  });

  test("one that is sent twice is taken once, and told as taken", async () => {
    const { rig, send } = world();
    const handle = await rig.start(PLAN, { wait: true });
    const once = signal(1);
    const sent = [once, once].map((request) => send(handle.run, request));
    await rig.pass(1000);
    expect(told(await Promise.all(sent))).toEqual(["sent", "sent"]);
  });

  test("is left for an engine that does not respond", async () => {
    const { rig, send } = world();
    const silent = new Rig({ store: rig.store, clock: rig.clock, pid: 2 });
    const handle = await silent.start(PLAN, { wait: true });
    const sent = send(handle.run, signal(1));
    await rig.quiet();
    await rig.pass(6000);
    expect(told([await sent])).toEqual(["sent"]);
  });

  test("is recorded where the engine went before it looked, and counts once", async () => {
    const { rig, send } = world();
    const silent = new Rig({ store: rig.store, clock: rig.clock, pid: 2 });
    const handle = await silent.start("steps: [{ id: paid, signal: payment }, { id: work, run: x }]");
    const sent = send(handle.run, signal(1));
    await rig.pass(100);
    await silent.succeed("work");
    await rig.pass(100);
    expect(told([await sent])).toEqual(["done"]);
    const again = await rig.resume(handle.run);
    expect((await again.result).outputs).toMatchObject({ paid: 1 });
    expect(rig.told.filter((type) => type === "signal.received")).toEqual([]);
  });
});

test("other steps at once are asked of a run that nobody works on: it says how a resume does it", async () => {
  const { rig, send } = world();
  const { run, result } = await rig.start("steps: [{ id: ask, approve: Go? }]");
  await result;
  const sent = await send(run, { kind: "set-concurrency", maxConcurrency: 8, by: "ada" });
  expect(sent).toMatchObject({ ok: false, error: { code: "RunNotLive" } });
  expect(sent.ok ? "" : sent.error.hint).toContain(`heddle resume ${run} --max-concurrency 8`);
});

test("of two who answer a question at once, the second does not answer the next one unseen", async () => {
  const { rig, send } = world();
  const { run } = await rig.start("steps: [{ id: a, run: x }]", { wait: true });
  const asks = (question: string) => () => ({ kind: "unresolved", about: "question", question }) as const;
  await rig.endWith("a", asks("May I read it?"));
  const requests: ControlRequest[] = [];
  const log = rig.ports.journal;
  const ports = {
    log,
    send: async (_run: string, request: ControlRequest): Promise<Sent> => {
      requests.push(request);
      return ok("sent");
    },
  };
  for (const by of ["ada", "bea"]) await answerStep(ports, run, "approve", { by, comment: "yes" });
  const [first, second] = requests as [ControlRequest, ControlRequest];
  const sent = send(run, first);
  await rig.pass(1000);
  await rig.endWith("a", asks("May I delete it?"));
  expect(rig.told.filter((told) => told === "approval.requested a")).toHaveLength(2);
  const late = send(run, second);
  await rig.pass(1000);
  expect(told([await sent, await late])).toEqual(["sent", "NotAsked"]);
  const given = rig.store.runs.get(run)?.events.filter(({ type }) => type === "approval.given");
  expect(given?.map(({ data }) => data)).toEqual([{ decision: "approve", by: "ada", comment: "yes" }]);
});
