/**
 * What is over when a run is taken up: each kind of wait, by each way to go on, before its time is over and after. Whatever else
 * there is to do, it is settled first, by what its plan says; an answer or a signal that comes later is refused.
 */
import { describe, expect, test } from "vitest";
import { present } from "../../src/base/assert.ts";
import { recordRequest } from "../../src/engine/control-channel.ts";
import { cancelRun } from "../../src/engine/engine.ts";
import { fold } from "../../src/run/apply.ts";
import { explainStep } from "../../src/run/explain.ts";
import { checkHistory } from "../../src/run/check/history-checker.ts";
import type { Event } from "../../src/run/event.ts";
import { phaseTag, Rig } from "./rig.ts";

const HOUR_MS = 3_600_000;

interface Kind {
  readonly name: string;
  /** The step `w`. */
  readonly step: string;
  /** How `w` ends when its time is over. */
  readonly end: "succeeded" | "failed";
  /** What is answered or sent: the step, or the name of the signal. */
  readonly asks?: string;
  readonly sends?: string;
}

const KINDS: readonly Kind[] = [
  { name: "a question, rejected", step: 'approve: "Go?", timeout: 1h', end: "failed", asks: "w" },
  {
    name: "a question, approved",
    step: 'approve: "Go?", timeout: 1h, onTimeout: approve',
    end: "succeeded",
    asks: "w",
  },
  { name: "a signal that fails", step: "signal: go, timeout: 1h", end: "failed", sends: "go" },
  {
    name: "a signal that continues",
    step: "signal: go, timeout: 1h, onTimeout: continue",
    end: "succeeded",
    sends: "go",
  },
  { name: "a sleep", step: "sleep: 1h", end: "succeeded" },
  {
    name: "a plan with a question",
    step: 'timeout: 1h, plan: { steps: [ { id: q, approve: "Go?" } ] }',
    end: "failed",
    asks: "w/q",
  },
  {
    name: "a plan with a signal",
    step: "plan: { timeout: 1h, steps: [ { id: s, signal: go } ] }",
    end: "failed",
    sends: "go",
  },
];

const plan = ({ step }: Kind, busy: boolean): string => `
failure: continue
steps:
  - { id: w, ${step} }
  - { id: next, deps: [w], run: next }
${busy ? "  - { id: other, run: other }" : ""}
`;

async function history(rig: Rig, run: string): Promise<readonly Event[]> {
  const events: Event[] = [];
  for await (const batch of rig.ports.journal.read(run)) events.push(...batch);
  return events;
}

/** A run whose engine went while it waited, `ms` ago. */
async function left(kind: Kind, ms: number, busy: boolean): Promise<{ readonly rig: Rig; readonly run: string }> {
  const rig = new Rig();
  const first = await rig.start(plan(kind, busy));
  if (busy) await rig.fail("other");
  if (kind.asks === undefined && kind.sends === undefined) first.stopWaiting();
  expect((await first.result).status).toBe("waiting");
  await rig.pass(ms);
  return { rig, run: first.run };
}

/** Of `w` and what is inside of it. */
const isOfWait = (event: Event): boolean => "step" in event && event.step.split("/")[0] === "w";

describe.each(KINDS)("$name", (kind) => {
  describe.each([false, true])("with other work to do: %s", (busy) => {
    test.each([false, true])(
      "is settled before anything else, where the run goes on: waiting for people: %s",
      async (wait) => {
        const { rig, run } = await left(kind, HOUR_MS, busy);
        const before = (await history(rig, run)).length;
        const handle = await rig.resume(run, { wait });
        const events = (await history(rig, run)).slice(before);
        const settled = events.findLastIndex(isOfWait);
        expect(events.slice(1, settled + 1).filter((event) => !isOfWait(event))).toEqual([]);
        expect([phaseTag(handle, "w"), settled > 0]).toEqual([kind.end, true]);
        if (kind.end === "succeeded") await rig.succeed("next");
        if (busy) await rig.succeed("other");
        expect((await handle.result).status).toBe(kind.end);
        expect(checkHistory(await history(rig, run))).toEqual([]);
      },
    );

    test("is open until then", async () => {
      const { rig, run } = await left(kind, HOUR_MS - 1, busy);
      const handle = await rig.resume(run, { wait: true });
      expect(["waiting-for-answer", "waiting-for-signal", "sleeping", "expanded"]).toContain(phaseTag(handle, "w"));
      await rig.pass(2);
      expect(phaseTag(handle, "w")).toBe(kind.end);
    });

    const { asks, sends } = kind;
    if (asks === undefined && sends === undefined) return;
    const answer = async (rig: Rig, run: string): Promise<unknown> =>
      asks === undefined
        ? recordRequest(rig.ports, run, { kind: "signal", signal: sends ?? "", value: 1, by: "ada", id: "1" })
        : recordRequest(rig.ports, run, { kind: "answer", step: asks, decision: "approve", by: "ada" });

    test("is told as over, and as open until then", async () => {
      for (const [ms, isOver] of [
        [HOUR_MS - 1, false],
        [HOUR_MS, true],
      ] as const) {
        const { rig, run } = await left(kind, ms, busy);
        const state = present(fold(await history(rig, run)), "state");
        const step = asks ?? (kind.step.includes("plan") ? "w/s" : "w");
        const why = explainStep(state, state.index.byId.get(step) ?? -1, { now: rig.clock.now(), live: false });
        expect([why, why.includes("is over")]).toEqual([why, isOver]);
      }
    });

    test("takes nothing once its time is over", async () => {
      const { rig, run } = await left(kind, HOUR_MS, busy);
      const code = asks === undefined ? "SignalTooLate" : "AnswerTooLate";
      expect(await answer(rig, run)).toMatchObject({ ok: false, error: { code } });
      expect(phaseTag(await rig.resume(run), "w")).toBe(kind.end);
    });

    test("keeps what came in time, whenever the run goes on", async () => {
      const { rig, run } = await left(kind, HOUR_MS - 1, busy);
      expect(await answer(rig, run)).toEqual({ ok: true, value: "done" });
      await rig.pass(HOUR_MS);
      const handle = await rig.resume(run);
      expect(phaseTag(handle, "w")).toBe("succeeded");
      expect(checkHistory(await history(rig, run))).toEqual([]);
    });
  });

  test("a cancel of the run ends it, over or not", async () => {
    for (const ms of [HOUR_MS - 1, HOUR_MS + 1]) {
      const { rig, run } = await left(kind, ms, false);
      expect(await cancelRun(rig.ports, run)).toEqual({ ok: true, value: "done" });
      expect((await history(rig, run)).at(-1)?.type).toBe("run.cancelled");
      expect(rig.dispatched).toEqual([]);
    }
  });
});
