/**
 * One answer to what a run is doing: the line that the engine stores (`heddle runs`) and the folded history (`heddle show`)
 * agree in every situation, while a process holds the run and after it is gone.
 */
import { describe, expect, it } from "vitest";
import type { RunHandle } from "../../src/engine/api.ts";
import { recordRequest } from "../../src/engine/control-channel.ts";
import { HistoryReader } from "../../src/view/history.ts";
import { runLine } from "../../src/view/list.ts";
import { runStatus, stepCounts } from "../../src/view/status.ts";
import { Rig } from "./rig.ts";

interface Situation {
  readonly name: string;
  readonly plan: string;
  /** What happens until the question is put. */
  readonly until?: (rig: Rig, handle: RunHandle) => Promise<void>;
  readonly held: string;
  readonly gone: string;
}

const ASKS = "{ id: ask, approve: Well? }";
const LOCKED = "{ id: locked, run: x, locks: { write: [db] } }";

const SITUATIONS: readonly Situation[] = [
  { name: "a step runs", plan: "steps: [{ id: a, run: x }]", held: "running", gone: "interrupted" },
  {
    name: "a question beside a running step",
    plan: `steps: [{ id: a, run: x }, ${ASKS}]`,
    held: "running",
    gone: "interrupted",
  },
  { name: "only people can help", plan: `steps: [${ASKS}]`, held: "waiting", gone: "waiting" },
  {
    name: "only people can help, once more",
    plan: `steps: [{ id: first, approve: Well? }, { id: ask, deps: [first], approve: Well? }]`,
    until: async (rig, handle) => {
      handle.answer("first", { decision: "approve", by: "test" });
      await rig.quiet();
    },
    held: "waiting",
    gone: "waiting",
  },
  {
    name: "a lock of another run, and a question",
    plan: `steps: [${LOCKED}, ${ASKS}]`,
    held: "running",
    gone: "interrupted",
  },
  { name: "a lock of another run alone", plan: `steps: [${LOCKED}]`, held: "running", gone: "interrupted" },
  {
    name: "a layer behind a question",
    plan: `schedule: layers\nsteps: [${ASKS}, { id: a, run: x }, { id: b, deps: [a], run: x }]`,
    until: (rig) => rig.succeed("a"),
    held: "waiting",
    gone: "waiting",
  },
  {
    name: "between two attempts, and a question",
    plan: `steps: [{ id: a, run: x, retry: 1 }, ${ASKS}]`,
    until: (rig) => rig.fail("a"),
    held: "running",
    gone: "interrupted",
  },
  {
    name: "paused",
    plan: "steps: [{ id: a, run: x }, { id: b, deps: [a], run: x }]",
    until: async (rig, handle) => {
      handle.pause("lunch");
      await rig.succeed("a");
    },
    held: "paused",
    gone: "interrupted",
  },
  {
    name: "paused with a question",
    plan: `steps: [${ASKS}]`,
    until: async (rig, handle) => {
      handle.pause("lunch");
      await rig.quiet();
    },
    held: "paused",
    gone: "interrupted",
  },
  {
    name: "succeeded",
    plan: "steps: [{ id: a, run: x }]",
    until: (rig) => rig.succeed("a"),
    held: "succeeded",
    gone: "succeeded",
  },
  { name: "failed", plan: "steps: [{ id: a, run: x }]", until: (rig) => rig.fail("a"), held: "failed", gone: "failed" },
  {
    name: "cancelled",
    plan: `steps: [{ id: a, run: x }, ${ASKS}]`,
    until: async (rig, handle) => {
      handle.cancel();
      await rig.quiet();
      await rig.yield("a");
    },
    held: "cancelled",
    gone: "cancelled",
  },
];

/** The stored line and the folded history say the same. */
async function expectStatus(rig: Rig, run: string, { held, gone }: Pick<Situation, "held" | "gone">): Promise<void> {
  const record = await rig.ports.journal.get(run);
  const reader = new HistoryReader();
  for await (const batch of rig.ports.journal.read(run)) for (const event of batch) reader.add(event);
  const { state } = reader;
  if (record === undefined || state === undefined) throw new Error("no run");
  for (const [live, expected] of [
    [true, held],
    [false, gone],
  ] as const) {
    const line = runLine({ ...record, holder: live ? "somebody" : null });
    expect([line.status, runStatus(state, live)]).toEqual([expected, expected]);
    expect(line.counts).toEqual(stepCounts(state, live));
  }
}

describe("the status of a run", () => {
  it.each(SITUATIONS)("$name: $held while it is held, $gone after", async ({ plan, until, held, gone }) => {
    const other = new Rig({ pid: 2 });
    await other.start("steps: [{ id: holder, run: x, locks: { write: [db] } }]");
    const rig = new Rig({ store: other.store, clock: other.clock });
    const handle = await rig.start(plan, { wait: true });
    await until?.(rig, handle);
    await expectStatus(rig, handle.run, { held, gone });
    // The same by the state in the engine's hands, which has moved on in its queues.
    expect(runStatus(handle.state(), true)).toBe(held);
  });

  it("answered while nobody holds it: waiting until a resume acts on the answer", async () => {
    const rig = new Rig();
    const { run, result } = await rig.start(`steps: [${ASKS}, { id: b, deps: [ask], run: x }]`);
    await result;
    const answer = { kind: "answer", step: "ask", decision: "approve", by: "test" } as const;
    expect(await recordRequest(rig.ports, run, answer)).toMatchObject({ ok: true });
    await expectStatus(rig, run, { held: "waiting", gone: "waiting" });
    const resumed = await rig.resume(run);
    await rig.succeed("b");
    expect((await resumed.result).status).toBe("succeeded");
  });

  it("answered for a new attempt while nobody holds it: the same", async () => {
    const rig = new Rig();
    const { run, result } = await rig.start("steps: [{ id: a, run: x }, { id: b, deps: [a], run: x }]");
    await rig.endWith("a", () => ({ kind: "unresolved", about: "conflict", question: "yours or theirs?" }));
    await result;
    const answer = { kind: "answer", step: "a", decision: "approve", choice: "ours", by: "test" } as const;
    expect(await recordRequest(rig.ports, run, answer)).toMatchObject({ ok: true });
    await expectStatus(rig, run, { held: "waiting", gone: "waiting" });
    await rig.resume(run);
    await expectStatus(rig, run, { held: "running", gone: "interrupted" });
  });
});
