/** Steering a run: cancel, pause, questions to people, and where it stands. */
import { describe, expect, test } from "vitest";
import { approve, command, plan, resume, run, sequence, step, type Event, type Run } from "../../src/index.ts";
import { eventsOf, meeting, placeOf, untilAborted } from "./rig.ts";
import { testFolder } from "../support/test-folder.ts";

const MEMORY = { memory: true } as const;

/** Resolves at the first event of a run that fits. */
async function firstEvent(running: Run, fits: (event: Event) => boolean): Promise<Event | undefined> {
  for await (const event of running) if (fits(event)) return event;
  return undefined;
}

describe("cancel", () => {
  test("tells how many steps were running, ends all of them and lets nothing new start", async () => {
    const all = Promise.withResolvers<void>();
    let come = 0;
    const endless = Array.from({ length: 3 }, (_, i) =>
      step(`e${i}`, async (_inputs, { signal }) => {
        if (++come === 3) all.resolve();
        await untilAborted(signal);
      }),
    );
    const running = run(
      plan("cancel", { maxConcurrency: 3, steps: [step("after", { deps: endless }, () => 1)] }),
      MEMORY,
    );
    await all.promise;
    expect(running.cancel()).toBe(3);
    expect((await running.result).status).toBe("cancelled");
    expect(running.status()).toMatchObject({
      status: "cancelled",
      running: [],
      counts: { cancelled: 3, waiting: 1, running: 0 },
    });
    expect(running.cancel()).toBe(0);
  });

  test("before the run has begun executes nothing", async () => {
    let ran = 0;
    const running = run(plan("early", { steps: [step("s", () => void ran++)] }), MEMORY);
    expect(running.cancel()).toBe(0);
    expect((await running.result).status).toBe("cancelled");
    expect(ran).toBe(0);
  });

  test("comes by an AbortSignal too, and reaches processes", async () => {
    const projectDir = testFolder("api");
    const aborter = new AbortController();
    const running = run(plan("abort", { steps: [command("c", "sleep 1000")] }), { projectDir, signal: aborter.signal });
    await firstEvent(running, (event) => event.type === "step.started");
    aborter.abort();
    expect((await running.result).status).toBe("cancelled");
  });

  test("by a signal that was aborted before executes nothing", async () => {
    let ran = 0;
    const running = run(plan("aborted", { steps: [step("s", () => void ran++)] }), {
      ...MEMORY,
      signal: AbortSignal.abort(),
    });
    expect((await running.result).status).toBe("cancelled");
    expect(ran).toBe(0);
  });

  test("abandons a function that ignores its signal after the grace, and says so", async () => {
    const started = Promise.withResolvers<void>();
    const deaf = step("deaf", { grace: "10ms" }, () => {
      started.resolve();
      return new Promise(() => undefined);
    });
    const running = run(plan("deaf", { steps: [deaf] }), MEMORY);
    await started.promise;
    running.cancel();
    expect((await running.result).status).toBe("cancelled");
    const ended = (await eventsOf(running)).find((event) => event.type === "step.cancelled");
    expect(ended).toMatchObject({ step: "deaf", data: { abandoned: true } });
  });
});

describe("status", () => {
  test("tells what runs, how much is done and how many may run", async () => {
    const meet = meeting(3);
    const gate = Promise.withResolvers<void>();
    const body = async (): Promise<void> => {
      void meet();
      await gate.promise;
    };
    const running = run(
      plan("status", { maxConcurrency: 2, steps: [step("a", body), step("b", body), step("c", body)] }),
      MEMORY,
    );
    expect(running.status()).toMatchObject({ run: running.run, status: "starting" });
    await firstEvent(running, (event) => event.type === "step.started" && event.step === "b");
    const { status, running: now, counts, maxConcurrency } = running.status();
    expect({ status, counts, maxConcurrency, now: now.map(({ step: id, attempt }) => [id, attempt]) }).toMatchObject({
      status: "running",
      counts: { running: 2, waiting: 1 },
      maxConcurrency: 2,
      now: [
        ["a", 1],
        ["b", 1],
      ],
    });
    expect(running.step("c")).toMatchObject({ status: "waiting", attempts: 0, why: expect.any(String) });
    expect(running.step("nobody")).toBeUndefined();
    gate.resolve();
    await running.result;
    expect(running.status()).toMatchObject({ status: "succeeded", running: [], counts: { succeeded: 3 } });
  });
});

describe("pause", () => {
  test("lets nothing new start until unpause; what runs goes on", async () => {
    const gate = Promise.withResolvers<void>();
    const steps = [
      sequence(
        step("first", () => gate.promise),
        step("second", () => 2),
      ),
    ];
    const running = run(plan("pause", { steps }), MEMORY);
    await firstEvent(running, (event) => event.type === "step.started");
    running.pause("lunch");
    await firstEvent(running, (event) => event.type === "run.paused");
    gate.resolve();
    await firstEvent(running, (event) => event.type === "step.succeeded");
    expect(running.status().status).toBe("paused");
    expect(running.step("second")?.status).toBe("waiting");
    running.unpause();
    expect((await running.result).status).toBe("succeeded");
    const events = await eventsOf(running);
    const unpaused = events.findIndex((event) => event.type === "run.unpaused");
    expect(placeOf(events, "step.started", "second")).toBeGreaterThan(unpaused);
  });
});

describe("approvals", () => {
  const asking = plan("asking", {
    steps: [
      approve("sign-off", "Ship it?", { deps: [step("build", () => 1)] }),
      step("ship", { deps: ["sign-off"] }, () => "shipped"),
    ],
  });

  test("a run that only waits for a person ends as waiting and goes on by a resume", async () => {
    const projectDir = testFolder("api");
    const first = run(asking, { projectDir });
    expect(await first.result).toMatchObject({ status: "waiting", outputs: { build: 1 } });
    expect(first.step("sign-off")).toMatchObject({ status: "needs-approval", question: "Ship it?" });
    const second = resume(first.run, asking, { projectDir, wait: true });
    await firstEvent(second, (event) => event.type === "run.resumed");
    second.approve("sign-off", { by: "ada", comment: "go" });
    expect((await second.result).outputs["ship"]).toBe("shipped");
    const given = (await eventsOf(second)).find((event) => event.type === "approval.given");
    expect(given).toMatchObject({ step: "sign-off", data: { decision: "approve", by: "ada", comment: "go" } });
  });

  test("a listener may answer at once", async () => {
    const running = run(asking, {
      ...MEMORY,
      onEvent: (event) => event.type === "approval.requested" && running.approve(event.step),
    });
    expect((await running.result).status).toBe("succeeded");
  });

  test("a no fails the step and skips what depends on it", async () => {
    const running = run(asking, {
      ...MEMORY,
      failure: "continue",
      onEvent: (event) => event.type === "approval.requested" && running.reject(event.step, { comment: "not yet" }),
    });
    const { status, failures } = await running.result;
    expect({ status, failures }).toMatchObject({
      status: "failed",
      failures: [{ step: "sign-off", error: { code: "rejected" } }],
    });
    expect(running.step("ship")).toMatchObject({ status: "skipped", cause: "sign-off" });
  });

  test("an answer that nobody asked for is an error", async () => {
    const running = run(asking, MEMORY);
    expect(() => running.approve("sign-off")).toThrow(expect.objectContaining({ code: "NotAsked" }));
    await running.result;
    // Nobody reads it here any more: it would be lost.
    expect(() => running.approve("sign-off")).toThrow(expect.objectContaining({ code: "RunNotLive" }));
    expect(() => running.approve("build")).toThrow(expect.objectContaining({ code: "NotAsked" }));
  });
});
