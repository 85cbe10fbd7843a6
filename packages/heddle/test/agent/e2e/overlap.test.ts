/** Steps that change the same files: foretold, made to take turns, and told of afterwards. */
import { expect, test } from "vitest";
import { AgentRig, writes } from "./rig.ts";

test("with `conflicts: serialize` steps that may write the same files take turns, others do not, and `show` tells what met", async () => {
  using rig = new AgentRig();
  const [one, apart] = [rig.gate("one"), rig.gate("apart")];
  rig.agents(
    {
      a: [{ run: one.command }, writes("src/x.ts", "a\n"), writes("src/y.ts", "a\n")],
      b: [{ run: "echo b >> src/x.ts" }, writes("src/z.ts", "b\n")],
      c: [{ run: apart.command }, writes("docs/c.md", "c\n")],
    },
    {
      maxConcurrency: 4,
      steps: [
        { id: "a", writes: ["src/**"] },
        { id: "b", writes: ["src/*.ts"] },
        { id: "c", writes: ["docs"] },
      ],
    },
    { conflicts: "serialize" },
  );
  const running = rig.start(["run", "--json"]);
  await Promise.all([one.reached(), apart.reached()]);
  const during = JSON.parse((await rig.heddle(["show", "--json"])).stdout);
  expect(during.steps[1]).toMatchObject({
    id: "b",
    status: "waiting",
    why: expect.stringMatching(/^waiting for a, which may write the same files\b/),
  });
  expect(during.changedBySeveral).toEqual({ count: 0, files: [] });
  await Promise.all([one.open(), apart.open()]);
  const { code, stderr } = await running.done;
  expect([code, stderr]).toEqual([0, ""]);
  expect(await rig.merged("src/x.ts")).toBe("a\nb");

  const shown = await rig.heddle(["show"]);
  expect(shown.stdout).toContain("\nChanged by several steps:\n  src/x.ts  a, b\n");
  expect(shown.stdout).not.toContain("src/y.ts");
  const after = JSON.parse((await rig.heddle(["show", "--json"])).stdout);
  expect(after.changedBySeveral).toEqual({ count: 1, files: [{ file: "src/x.ts", steps: ["a", "b"], count: 2 }] });
});
