/** The merge queue as a plan sets it: verified together, one ahead of the other, and not again what passed before. */
import path from "node:path";
import { expect, test } from "vitest";
import type { Running } from "../rig.ts";
import { AgentRig, ofType, writes, type Event } from "./rig.ts";

/** What commands wrote of themselves, a line each. */
function told(rig: AgentRig, file = "told.here"): readonly string[] {
  return rig.read(file).trimEnd().split("\n");
}

/** The step's work is captured and waits to be merged: it does so before the event can be read. */
async function queued(running: Running, steps: readonly string[]): Promise<void> {
  for (const step of steps) await running.says(`/${step}/1"},"step":"${step}"`);
}

async function eventsOf(running: Running): Promise<readonly Event[]> {
  const { code, stdout, stderr } = await running.done;
  expect([code, stderr]).toEqual([0, ""]);
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Event);
}

/** `one`, `two` and `three` come to the queue while `zero` is being verified there. `check` is part of what is run. */
async function together(
  rig: AgentRig,
  scripts: Readonly<Record<string, readonly unknown[]>>,
  check = "true",
): Promise<readonly Event[]> {
  const [held, begin] = [rig.gate("held"), rig.gate("begin")];
  const file = path.join(rig.dir, "told.here");
  const ids = ["one", "two", "three"];
  rig.agents(
    {
      zero: [writes("zero.ts", "0\n")],
      ...Object.fromEntries(ids.map((id) => [id, [writes(`${id}.ts`, id)]])),
      ...scripts,
    },
    {
      maxAgents: 4,
      maxConcurrency: 4,
      steps: [{ id: "zero" }, { id: "begin", run: begin.command }, ...ids.map((id) => ({ id, deps: ["begin"] }))],
    },
    {
      mergeQueue: { ahead: 1, batch: 3 },
      verify: [`echo $(ls *.ts) >> '${file}'; test $(wc -l < '${file}') != 1 || { ${held.command}; }; ${check}`],
    },
  );
  const running = rig.start(["run", "--json"]);
  await held.reached();
  await begin.reached();
  await begin.open();
  await queued(running, ids);
  await held.open();
  return await eventsOf(running);
}

test("batch: what waits together is verified by one run of the command", async () => {
  using rig = new AgentRig();
  const events = await together(rig, {});
  expect(told(rig)).toEqual(["zero.ts", "one.ts three.ts two.ts zero.ts"]);
  expect(ofType(events, "worktree.merged")).toHaveLength(4);
  expect(ofType(events, "worktree.conflicted")).toEqual([]);
  expect(await rig.log()).toHaveLength(4);
});

test("batch: the red one is found and goes back to its owner, the others are merged", async () => {
  using rig = new AgentRig();
  const mended = rig.gate("mended");
  const two = [
    { prompt: "check of your work failed", do: [{ run: mended.command }, { delete: "bad.ts" }] },
    { do: [writes("two.ts", "2\n"), writes("bad.ts", "x\n")] },
  ];
  const mend = (async () => {
    await mended.reached();
    await mended.open();
  })();
  const [events] = await Promise.all([
    together(rig, { two }, "test ! -e bad.ts || { echo bad.ts is here; exit 1; }"),
    mend,
  ]);
  expect(ofType(events, "worktree.conflicted").map(({ step, data }) => [step, data["reason"]])).toEqual([
    ["two", "verify"],
  ]);
  expect(ofType(events, "worktree.conflicted")[0]?.data["output"]).toContain("bad.ts is here");
  const merged = ofType(events, "worktree.merged").map(({ step }) => step);
  expect([merged[0], merged.at(-1), merged.toSorted()]).toEqual(["zero", "two", ["one", "three", "two", "zero"]]);
  expect(rig.git(["ls-tree", "--name-only", `heddle/${await rig.run()}/integration`]).split("\n")).not.toContain(
    "bad.ts",
  );
  // All three, then halves until the red one is certain.
  const lines = told(rig);
  expect(lines.slice(0, 2)).toEqual(["zero.ts", "bad.ts one.ts three.ts two.ts zero.ts"]);
  expect(lines.at(-1)).toBe("one.ts three.ts two.ts zero.ts");
});

test.each([
  [1, ["begin", "end", "begin", "end"]],
  [2, ["begin", "begin", "end", "end"]],
])("ahead: %i at a time are verified", async (ahead, order) => {
  using rig = new AgentRig();
  const [first, second] = [rig.gate("first"), rig.gate("second")];
  const file = path.join(rig.dir, "told.here");
  rig.agents(
    { one: [writes("one.ts", "1\n")], two: [writes("two.ts", "2\n")] },
    { steps: [{ id: "one" }, { id: "two" }], maxAgents: 2, maxConcurrency: 2 },
    {
      mergeQueue: { ahead },
      verify: [
        `echo begin >> '${file}'`,
        `if test -e one.ts && test -e two.ts; then ${second.command}; else ${first.command}; fi`,
        `echo end >> '${file}'`,
      ],
    },
  );
  const running = rig.start(["run", "--json"]);
  await first.reached();
  await queued(running, ["one", "two"]);
  if (ahead === 2) await second.reached();
  await first.open();
  if (ahead === 1) await second.reached();
  await second.open();
  const events = await eventsOf(running);
  expect(told(rig)).toEqual(order);
  expect(ofType(events, "worktree.merged")).toHaveLength(2);
});

test("what passed on a tree is not run on it again by a resumed run; what did not end is", async () => {
  using rig = new AgentRig();
  const gate = rig.gate("g");
  const [all, own] = ["told.here", "own.here"].map((file) => path.join(rig.dir, file));
  rig.agents(
    { a: [writes("a.ts", "a\n")], b: [writes("b.ts", "b\n")] },
    {
      steps: [
        { id: "a", verify: `echo own >> '${own}'; test $(wc -l < '${own}') != 1 || { ${gate.command}; }` },
        { id: "b", deps: ["a"] },
      ],
    },
    { verify: `echo $(ls *.ts) >> '${all}'` },
  );
  const running = rig.start(["run"]);
  await gate.reached();
  running.kill("SIGKILL");
  await running.done;
  expect(told(rig)).toEqual(["a.ts"]);
  const { code, stderr } = await rig.heddle(["resume"]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(told(rig)).toEqual(["a.ts", "a.ts b.ts"]);
  expect(told(rig, "own.here")).toEqual(["own", "own"]);
  expect(await rig.log()).toHaveLength(2);
});
