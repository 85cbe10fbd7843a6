/** Conditions of steps: of each item of a list, and beside outputs that are not there. */
import { describe, expect, test } from "vitest";
import { phaseTag, Rig } from "./rig.ts";

describe("a condition that reads `item`", () => {
  const CASES = {
    "of a command": { action: "run: deploy", start: (item: number) => `deploy[${item}]` },
    "of an agent": { action: "agent: deploy", start: (item: number) => `deploy[${item}]` },
    "of a subplan": {
      action: "plan: { steps: [ { id: in, run: deploy } ] }",
      start: (item: number) => `deploy[${item}]/in`,
    },
  };

  test.each(Object.entries(CASES))("is asked for each item: %s", async (_, { action, start }) => {
    const rig = new Rig();
    const handle = await rig.start(`
name: items
steps:
  - { id: deploy, forEach: [staging, prod, test], if: "item != 'prod'", ${action} }
  - { id: end, deps: [deploy], run: end }
`);
    expect(rig.running).toEqual([start(0), start(2)]);
    await rig.succeed(start(0), "s");
    await rig.succeed(start(2), "t");
    expect(rig.told).toContain("step.skipped deploy[1]");
    expect(phaseTag(handle, "deploy")).toBe("succeeded");
    const { deps } = rig.taskOf("end");
    expect((deps["deploy"] as unknown[])[1]).toBeNull();
    await rig.succeed("end");
    expect((await handle.result).status).toBe("succeeded");
  });

  test("reads its members, and fails the item that has none", async () => {
    const rig = new Rig();
    const handle = await rig.start(`
name: items
failure: continue
steps:
  - { id: deploy, forEach: [ { on: true }, { off: true } ], if: item.on, run: deploy }
`);
    expect(rig.running).toEqual(["deploy[0]"]);
    await rig.succeed("deploy[0]");
    expect((await handle.result).status).toBe("failed");
    expect(phaseTag(handle, "deploy[1]")).toBe("failed");
  });

  test("may read the status of what came before as well", async () => {
    const rig = new Rig();
    const handle = await rig.start(`
name: items
failure: continue
steps:
  - { id: a, run: a, optional: true }
  - { id: b, after: [a], forEach: [1, 2], if: "item == 2 && deps.a.status == 'failed'", run: b }
`);
    await rig.fail("a");
    expect(rig.running).toEqual(["b[1]"]);
    await rig.succeed("b[1]");
    expect((await handle.result).status).toBe("succeeded");
  });

  test("one that does not read it is asked once, for the list", async () => {
    const rig = new Rig();
    const handle = await rig.start(`
name: items
steps:
  - { id: deploy, forEach: [1, 2], if: "1 > 2", run: deploy }
`);
    expect((await handle.result).status).toBe("succeeded");
    expect(rig.told).toContain("step.skipped deploy");
    expect(rig.told).not.toContain("step.started deploy");
  });
});

describe("a step whose dep was skipped by its condition", () => {
  const plan = (condition: string): string => `
name: missing
steps:
  - { id: gen, if: "1 > 2", run: gen }
  - { id: use, deps: [gen], ${condition} env: { X: "\${{ deps.gen.output }}" }, run: use }
  - { id: last, deps: [use], run: last }
`;

  test.each([
    ["is skipped by its own condition where that is false", 'if: "2 > 3",', true],
    ["whose condition asks for the dep's status", "if: \"deps.gen.status == 'succeeded'\",", true],
    ["is skipped for the output where its condition holds", 'if: "3 > 2",', false],
    ["is skipped for the output where its condition reads that", "if: \"deps.gen.output == 'x'\",", false],
    ["is skipped for the output without a condition", "", false],
  ])("%s", async (_, condition, lastRuns) => {
    const rig = new Rig();
    const handle = await rig.start(plan(condition));
    const skipped = rig.events.find((event) => event.type === "step.skipped" && event.step === "use");
    expect(skipped?.data).toEqual({
      reason: lastRuns ? { kind: "condition" } : { kind: "dependency", cause: "gen" },
    });
    expect(rig.running).toEqual(lastRuns ? ["last"] : []);
    if (lastRuns) await rig.succeed("last");
    expect((await handle.result).status).toBe("succeeded");
  });
});

describe("an expression that cannot be evaluated", () => {
  test.each([
    ["the condition", 'if: "deps.gen.output.there", run: use'],
    ["the question", 'approve: "Ship ${{ deps.gen.output.there }}?"'],
  ])("fails its step, also where every slot is taken: %s", async (_, action) => {
    const rig = new Rig();
    const handle = await rig.start(
      `
name: full
failure: continue
steps:
  - { id: gen, approve: go on? }
  - { id: long, run: long }
  - { id: use, deps: [gen], ${action} }
`,
      { maxConcurrency: 1, wait: true },
    );
    expect(rig.running).toEqual(["long"]);
    handle.answer("gen", { decision: "approve", by: "me" });
    await rig.quiet();
    expect(phaseTag(handle, "use")).toBe("failed");
    expect(rig.events.at(-1)?.data).toMatchObject({ error: { code: "expression" }, willRetry: false });
    await rig.succeed("long");
    expect((await handle.result).status).toBe("failed");
    const again = await rig.resume(handle.run);
    expect((await again.result).status).toBe("failed");
  });

  test("fails the item of a list that may have no more items under way", async () => {
    const rig = new Rig();
    const handle = await rig.start(`
name: items
failure: continue
steps:
  - { id: each, forEach: [1, { on: true }], maxConcurrency: 1, if: item.on, run: x }
  - { id: two, forEach: [{ on: true }, 2], maxConcurrency: 1, if: item.on, run: x }
`);
    expect(rig.running).toEqual(["each[1]", "two[0]"]);
    expect([phaseTag(handle, "each[0]"), phaseTag(handle, "two[1]")]).toEqual(["failed", "failed"]);
    await rig.succeed("each[1]");
    await rig.succeed("two[0]");
    expect((await handle.result).status).toBe("failed");
  });
});
