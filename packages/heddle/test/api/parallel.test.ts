/** Independent steps run at the same time, dependent ones one after the other. Proven by meetings, never by a clock. */
import { describe, expect, test } from "vitest";
import { command, load, parallel, plan, run, sequence, step, type StepValue } from "../../src/index.ts";
import { eventsOf, meeting, placeOf } from "./rig.ts";
import { testFolder } from "../support/test-folder.ts";

const MEMORY = { memory: true } as const;

describe("independent steps", () => {
  test("two start without waiting for each other (parallel starts proven by rendezvous)", async () => {
    const meet = meeting(2);
    const result = await run(plan("two", { maxConcurrency: 2, steps: [step("a", meet), step("b", meet)] }), MEMORY)
      .result;
    expect(result.status).toBe("succeeded");
  });

  test.each([3, 5, 16])("%i of them are all under way at once", async (size) => {
    const meet = meeting(size);
    const steps = Array.from({ length: size }, (_, i) => step(`s${i}`, meet));
    const result = await run(plan("many", { maxConcurrency: size, steps }), MEMORY).result;
    expect(result.status).toBe("succeeded");
  });

  test("two shell commands run at once: each waits for the file of the other", async () => {
    const projectDir = testFolder("api");
    const waitFor = (own: string, other: string): string =>
      `touch ${own}; n=0; while [ ! -e ${other} ]; do n=$((n+1)); [ $n -gt 600 ] && exit 1; sleep 0.05; done`;
    const steps = [command("a", waitFor("a", "b")), command("b", waitFor("b", "a"))];
    expect((await run(plan("files", { maxConcurrency: 2, steps }), { projectDir }).result).status).toBe("succeeded");
  });

  test("all succeed, and every output is there", async () => {
    const steps = [1, 2, 3, 4].map((n) => step(`s${n}`, async () => n * n));
    const { status, outputs, failures } = await run(plan("all", { steps }), MEMORY).result;
    expect({ status, outputs, failures }).toEqual({
      status: "succeeded",
      outputs: { s1: 1, s2: 4, s3: 9, s4: 16 },
      failures: [],
    });
  });
});

describe("dependent steps", () => {
  test("a diamond: a, then b and c at once, then d", async () => {
    const meet = meeting(2);
    const a = step("a", () => 1);
    const b = step("b", { deps: { a } }, async (inputs) => {
      await meet();
      return inputs.a + 10;
    });
    const c = step("c", { deps: { a } }, async (inputs) => {
      await meet();
      return inputs.a + 100;
    });
    const d = step("d", { deps: { b, c } }, (inputs) => inputs.b + inputs.c);
    const diamond = plan("diamond", { maxConcurrency: 4, steps: [d] });
    const running = run(diamond, MEMORY);
    const result = await running.result;
    expect(result.output(d)).toBe(112);
    const events = await eventsOf(running);
    for (const middle of ["b", "c"]) {
      expect(placeOf(events, "step.started", middle)).toBeGreaterThan(placeOf(events, "step.succeeded", "a"));
      expect(placeOf(events, "step.started", "d")).toBeGreaterThan(placeOf(events, "step.succeeded", middle));
    }
    expect((await load(diamond)).layers).toEqual([["a"], ["b", "c"], ["d"]]);
  });

  test("mixed: some side by side, some in sequence, in one plan", async () => {
    const meet = meeting(2);
    const order: string[] = [];
    const noted = (id: string, wait: () => Promise<void> = async () => undefined): StepValue<null> =>
      step(id, async () => {
        await wait();
        order.push(id);
      });
    const steps = [
      sequence(noted("prepare"), parallel(noted("left", meet), noted("right", meet)), noted("join"), noted("end")),
    ];
    const result = await run(plan("mixed", { maxConcurrency: 3, steps }), MEMORY).result;
    expect(result.status).toBe("succeeded");
    expect(order.toSorted()).toEqual(["end", "join", "left", "prepare", "right"]);
    expect(order[0]).toBe("prepare");
    expect(order.slice(3)).toEqual(["join", "end"]);
  });

  test("never overlap: each sees its dependency ended", async () => {
    let running = 0;
    const alone = (): void => {
      expect(running).toBe(0);
    };
    const body = async (): Promise<void> => {
      alone();
      running++;
      await Promise.resolve();
      running--;
    };
    const chain = Array.from({ length: 20 }, (_, i) => step(`s${i}`, body));
    const result = await run(plan("chain", { maxConcurrency: 8, steps: [sequence(...chain)] }), MEMORY).result;
    expect(result.failures).toEqual([]);
    expect(result.status).toBe("succeeded");
  });

  test("start as soon as their own dependencies are recorded: no barrier between layers", async () => {
    // `slow` is of the first layer and ends only when `second` of the second layer has run.
    const second = Promise.withResolvers<void>();
    const slow = step("slow", () => second.promise);
    const quick = step("quick", () => 1);
    const next = step("next", { deps: { quick } }, () => second.resolve());
    const result = await run(plan("ready", { maxConcurrency: 2, steps: [slow, next] }), MEMORY).result;
    expect(result.status).toBe("succeeded");
  });

  test("schedule: layers waits for all of a layer before the next", async () => {
    const done: string[] = [];
    const gate = Promise.withResolvers<void>();
    const slow = step("slow", async () => {
      await gate.promise;
      done.push("slow");
    });
    const quick = step("quick", () => void done.push("quick"));
    const next = step("next", { deps: { quick } }, () => void done.push("next"));
    const running = run(plan("layers", { maxConcurrency: 2, schedule: "layers", steps: [slow, next] }), {
      ...MEMORY,
      onEvent: (event) => {
        if (event.type === "step.succeeded" && event.step === "quick") gate.resolve();
      },
    });
    expect((await running.result).status).toBe("succeeded");
    expect(done).toEqual(["quick", "slow", "next"]);
  });
});

describe("layers", () => {
  const layersOf = async (steps: Parameters<typeof plan>[1]["steps"]): Promise<readonly (readonly string[])[]> =>
    (await load(plan("shape", { steps }))).layers;
  const named = (id: string, ...deps: StepValue[]): StepValue => command(id, "true", { deps });
  const a = named("a");
  const [b, c] = [named("b", a), named("c", a)];

  test("of a linear plan: one step each", async () => {
    expect(await layersOf([a, b, named("d", b)])).toEqual([["a"], ["b"], ["d"]]);
  });

  test("of a fan-out: the root, then all", async () => {
    expect(await layersOf([a, b, c, named("d", a)])).toEqual([["a"], ["b", "c", "d"]]);
  });

  test("of a fan-in: all, then the one that needs them", async () => {
    expect(
      await layersOf([named("x"), named("y"), named("z"), command("end", "true", { deps: ["x", "y", "z"] })]),
    ).toEqual([["x", "y", "z"], ["end"]]);
  });

  test("of a diamond: [[a], [b, c], [d]]", async () => {
    expect(await layersOf([named("d", b, c)])).toEqual([["a"], ["b", "c"], ["d"]]);
  });

  test("a step is in the layer of its longest way, not of its shortest", async () => {
    expect(await layersOf([named("late", a, named("d", b))])).toEqual([["a"], ["b"], ["d"], ["late"]]);
  });
});

describe("the concurrency limit", () => {
  test.each([1, 2, 3])("%i: never more at once, and as many as allowed", async (limit) => {
    let now = 0;
    let most = 0;
    const meet = Array.from({ length: 12 / limit }, () => meeting(limit));
    let entered = 0;
    const body = async (): Promise<void> => {
      most = Math.max(most, ++now);
      // Groups of `limit` meet: with fewer slots than that they would never pass.
      await meet[Math.floor(entered++ / limit)]?.();
      now--;
    };
    const steps = Array.from({ length: 12 }, (_, i) => step(`s${i}`, body));
    const result = await run(plan("limited", { steps }), { ...MEMORY, maxConcurrency: limit }).result;
    expect(result.status).toBe("succeeded");
    expect(most).toBe(limit);
  });

  test("sequential: one at a time, in the order of the plan", async () => {
    const order: string[] = [];
    const steps = ["c", "a", "b"].map((id) => step(id, () => void order.push(id)));
    await run(plan("sequential", { maxConcurrency: 4, steps }), { ...MEMORY, sequential: true }).result;
    expect(order).toEqual(["c", "a", "b"]);
  });

  test("a pool of resources bounds those that take of it", async () => {
    let now = 0;
    let most = 0;
    const body = async (): Promise<void> => {
      most = Math.max(most, ++now);
      await Promise.resolve();
      now--;
    };
    const steps = Array.from({ length: 6 }, (_, i) => step(`s${i}`, { resources: { licence: 1 } }, body));
    const result = await run(plan("pool", { maxConcurrency: 6, resources: { licence: 2 }, steps }), MEMORY).result;
    expect(result.status).toBe("succeeded");
    expect(most).toBeLessThanOrEqual(2);
  });
});
