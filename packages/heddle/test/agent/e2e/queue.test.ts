/** The merge queue as a plan sets it: verified together, one ahead of the other, and not again what passed before. */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";
import { jsonLines } from "../../support/command-line.ts";
import type { Command } from "../../support/in-process.ts";
import { AgentRig, happens, ofType, writes, type Event, isNightly } from "./rig.ts";

/** What commands wrote of themselves, a line each. */
function told(rig: AgentRig, file = "told.here"): readonly string[] {
  return rig.read(file).trimEnd().split("\n");
}

/** The step's work is captured and waits to be merged: it does so before the event can be read. */
async function queued(running: Command, steps: readonly string[]): Promise<void> {
  for (const step of steps) await happens(running, "usage.recorded", step);
}

async function eventsOf(running: Command): Promise<readonly Event[]> {
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
    { prompt: "Verification of your work failed", do: [{ run: mended.command }, { delete: "bad.ts" }] },
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
  const running = rig.spawn(["run"]);
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

test("a step's timeout reaches the queue: it does not wait for another's verification, nor is it merged later", async () => {
  using rig = new AgentRig();
  const [held, begun] = [rig.gate("held"), rig.gate("begun")];
  rig.agents(
    { a: [writes("a.ts", "a\n")], b: [{ run: begun.command }, writes("b.ts", "b\n")] },
    { steps: [{ id: "a" }, { id: "b", timeout: "10s", optional: true }], maxAgents: 2, maxConcurrency: 2 },
    { mergeQueue: { ahead: 1 }, verify: [`test ! -e a.ts || { ${held.command}; }`] },
  );
  const running = rig.start(["run", "--json"]);
  await held.reached();
  await begun.reached();
  await begun.open();
  await queued(running, ["b"]);
  await running.says('"type":"step.failed"');
  await held.open();
  const events = await eventsOf(running);
  expect(
    ofType(events, "step.failed").map(({ step, data }) => [step, (data["error"] as { code: string }).code]),
  ).toEqual([["b", "timeout"]]);
  expect(ofType(events, "worktree.merged").map(({ step }) => step)).toEqual(["a"]);
  expect(await rig.log()).toHaveLength(1);
});

test("cancel: a step whose work is being verified ends, and its verification with it", async () => {
  using rig = new AgentRig();
  const held = rig.gate("held");
  rig.agents(
    { a: [writes("a.ts", "a\n")] },
    { steps: [{ id: "a" }] },
    { verify: [`${held.command}; touch '${path.join(rig.dir, "after.here")}'`] },
  );
  const running = rig.start(["run", "--json"]);
  await held.reached();
  running.interrupt();
  const { stdout } = await running.done;
  const events = jsonLines(stdout) as unknown as readonly Event[];
  expect(ofType(events, "worktree.conflicted")).toEqual([]);
  expect(await rig.statuses()).toEqual({ a: "cancelled" });
  expect([await rig.log(), rig.has("after.here")]).toEqual([[], false]);
});

test("limits: {verify}: a verification that hangs is ended, and red", async () => {
  using rig = new AgentRig();
  const held = rig.gate("held");
  rig.agents(
    {
      a: [
        { prompt: "took longer than the limit", do: [{ delete: "slow.ts" }] },
        { do: [writes("a.ts", "a\n"), writes("slow.ts", "x\n")] },
      ],
    },
    { steps: [{ id: "a" }] },
    { limits: { verify: "3s" }, verify: [`test ! -e slow.ts || { ${held.command}; }`] },
  );
  const { finished, events } = await rig.json(["run"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  const [red] = ofType(events, "worktree.conflicted");
  expect(red?.data).toMatchObject({ reason: "verify" });
  expect(red?.data["output"]).toContain("took longer than the limit of 3s (limits: {verify})");
  expect(rig.git(["ls-tree", "--name-only", `heddle/${await rig.run()}/integration`])).not.toContain("slow.ts");
});

test.runIf(isNightly)(
  "what passed is asked again where a value of the environment, a param or a copied file differs; no value is stored",
  async () => {
    using rig = new AgentRig();
    const file = path.join(rig.dir, "told.here");
    rig.write(".worktreeinclude", "flavour.here\n");
    rig.commit("include");
    rig.write("flavour.here", "good\n");
    rig.agents(
      { a: [writes("a.ts", "a\n")] },
      {
        params: { size: { type: "string", default: "1" } },
        steps: [{ id: "a", agent: { prompt: "do a", onConflict: [] } }],
      },
      { verify: [`echo run >> '${file}'; test "$FLAVOUR" != bad-one || exit 1; grep -q good flavour.here`] },
    );
    const run = async (flavour: string, ...args: readonly string[]): Promise<number> => {
      const { code } = await rig.heddle(["run", ...args], {
        env: rig.env({ FLAVOUR: flavour }) as Record<string, string>,
      });
      return code === 0 ? told(rig).length : -told(rig).length;
    };
    expect(await run("good-one")).toBe(1);
    expect(await run("good-one")).toBe(1);
    expect(await run("bad-one")).toBe(-2);
    expect(await run("good-one", "--param", "size=2")).toBe(3);
    rig.write("flavour.here", "not so\n");
    expect(await run("good-one")).toBe(-4);
    const found = execFileSync("find", [rig.state, "-name", ".passed"], { encoding: "utf8" }).trim().split("\n");
    const stored = execFileSync("cat", found, { encoding: "utf8" });
    expect(stored.trim().split("\n").filter(Boolean)).toHaveLength(2);
    expect(stored).not.toMatch(/one|good/);
  },
);
