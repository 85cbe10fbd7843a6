/** Time that passes, and ends that are wanted, while no engine works on a run. */
import { describe, expect, test } from "vitest";
import { recordRequest } from "../../src/engine/control-channel.ts";
import { cancelRun, resumeRun } from "../../src/engine/engine.ts";
import { checkHistory } from "../../src/run/check/history-checker.ts";
import type { Event } from "../../src/run/event.ts";
import { phaseTag, Rig } from "./rig.ts";

async function history(rig: Rig, run: string): Promise<readonly Event[]> {
  const events: Event[] = [];
  for await (const batch of rig.ports.journal.read(run)) events.push(...batch);
  return events;
}

const asking = (onTimeout: string): string => `
name: ship
steps:
  - { id: sign-off, approve: "Ship it?", timeout: 2s, ${onTimeout} }
  - { id: ship, deps: [sign-off], run: ship }
`;

describe("a question whose time passed while nobody worked on the run", () => {
  test.each([
    ["onTimeout: reject", "failed"],
    ["onTimeout: approve", "succeeded"],
  ])("is settled first thing by a resume: %s", async (onTimeout, end) => {
    const rig = new Rig();
    const first = await rig.start(asking(onTimeout));
    expect((await first.result).status).toBe("waiting");
    await rig.pass(4000);
    const second = await rig.resume(first.run);
    if (end === "succeeded") await rig.succeed("ship");
    expect((await second.result).status).toBe(end);
    expect(phaseTag(second, "sign-off")).toBe(end);
    expect(checkHistory(await history(rig, first.run))).toEqual([]);
  });

  test("takes no answer any more", async () => {
    const rig = new Rig();
    const first = await rig.start(asking("onTimeout: reject"));
    await first.result;
    await rig.pass(2000);
    const answer = { kind: "answer", step: "sign-off", decision: "approve", by: "ada" } as const;
    expect(await recordRequest(rig.ports, first.run, answer)).toMatchObject({
      ok: false,
      error: { code: "AnswerTooLate" },
    });
  });

  test("took one until then", async () => {
    const rig = new Rig();
    const first = await rig.start(asking("onTimeout: reject"));
    await first.result;
    await rig.pass(1999);
    const answer = { kind: "answer", step: "sign-off", decision: "approve", by: "ada" } as const;
    expect(await recordRequest(rig.ports, first.run, answer)).toEqual({ ok: true, value: "done" });
  });
});

test("a subplan whose time passed while its engine was dead is over when the next one begins", async () => {
  const rig = new Rig();
  const first = await rig.start(`
name: late
failure: continue
steps:
  - { id: box, timeout: 5s, plan: { steps: [ { id: c, run: work } ] } }
`);
  await rig.pass(1000);
  first.kill();
  // The engine of then died: nothing it recorded after this counts.
  const recorded = await history(rig, first.run);
  const cut = recorded.slice(0, recorded.findIndex(({ type }) => type === "step.started") + 3);
  const next = new Rig({ clock: rig.clock, pid: 2 });
  const leased = await next.ports.journal.create({ run: first.run, plan: "late", createdAt: 0 }, next.ports.holder);
  if (!leased.ok) throw new Error(leased.error.kind);
  await next.ports.journal.append(leased.value, cut);
  await next.ports.journal.release(leased.value);
  await next.pass(6000);
  const second = await next.resume(first.run);
  expect(next.dispatched).toEqual([]);
  expect((await second.result).status).toBe("failed");
  expect(second.state().phases[0]).toMatchObject({ tag: "failed", error: { code: "timeout" } });
});

describe("a run that nobody works on", () => {
  test("can be cancelled: its questions end, nothing starts, and a resume goes on", async () => {
    const rig = new Rig();
    const first = await rig.start(asking("onTimeout: reject"));
    await first.result;
    expect(await cancelRun(rig.ports, first.run)).toEqual({ ok: true, value: "done" });
    expect(rig.dispatched).toEqual([]);
    const events = await history(rig, first.run);
    expect(events.slice(-3).map(({ type }) => type)).toEqual(["run.resumed", "step.cancelled", "run.cancelled"]);
    expect(checkHistory(events)).toEqual([]);
    expect(rig.sweeps).toBeGreaterThan(0);
    expect(await cancelRun(rig.ports, first.run)).toMatchObject({ ok: false, error: { code: "RunEnded" } });
    const again = await resumeRun(rig.ports, first.run, {});
    expect(again.ok).toBe(true);
  });
});

describe("stopping to wait", () => {
  test("leaves the questions open where nothing else is left", async () => {
    const rig = new Rig();
    const handle = await rig.start(asking("onTimeout: reject"), { wait: true });
    expect(handle.stopWaiting()).toBe(true);
    expect((await handle.result).status).toBe("waiting");
    expect(phaseTag(handle, "sign-off")).toBe("waiting-for-answer");
  });

  test("does nothing while something runs", async () => {
    const rig = new Rig();
    const handle = await rig.start(
      `
name: both
steps:
  - { id: sign-off, approve: "Ship it?" }
  - { id: work, run: work }
`,
      { wait: true },
    );
    expect(handle.stopWaiting()).toBe(false);
    await rig.succeed("work");
    await rig.quiet();
    expect(handle.answer("sign-off", { decision: "approve", by: "ada" }).ok).toBe(true);
    await rig.quiet();
    expect((await handle.result).status).toBe("succeeded");
  });
});
