/** Work that does not go together with what was merged before it: no kind of conflict, crash or cancel loses a side of it. */
import { chmodSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { until } from "../../support/until.ts";
import { AgentRig, ofType, writes, type Step, variants } from "./rig.ts";

const DONE = { say: "done" };
const SECOND = [writes("a.txt", "SECOND\nsecond\nthird\n"), writes("own.txt", "own\n")];

interface Scene {
  readonly first?: readonly object[];
  /** What the second does once the first is merged. */
  readonly second?: readonly object[];
  /** To later prompts. */
  readonly later?: readonly object[];
  readonly steps?: readonly Step[];
  readonly more?: Readonly<Record<string, readonly object[]>>;
}

/** `second` begins where `first` does, and ends when that is merged. */
function clash(rig: AgentRig, scene: Scene, agents: Readonly<Record<string, unknown>> = {}): void {
  const { first = [writes("a.txt", "FIRST\nsecond\nthird\n")], second = SECOND, later = [DONE], steps, more } = scene;
  const [one, two] = [rig.gate("one"), rig.gate("two")];
  const base = rig.git(["rev-parse", "HEAD"]);
  const opened = Promise.all([one.reached(), two.reached()]).then(async () => {
    await one.open();
    await until(() => integrations(rig).some((commit) => commit !== base));
    await two.open();
  });
  // Where it comes to nothing the run does not end, and the test says so.
  opened.catch(() => undefined);
  const begun = { attempt: 1, do: [{ run: two.command }, ...second] };
  rig.agents(
    {
      first: [{ run: one.command }, ...first],
      second: [{ prompt: "conflict markers", do: later }, begun, { do: later }],
      ...more,
    },
    { steps: steps ?? [{ id: "first" }, { id: "second" }] },
    agents,
  );
}

/** Where the integration branches of the runs are: by files alone, a git that is asked over and over takes the time of others. */
function integrations(rig: AgentRig): readonly string[] {
  const heads = path.join(rig.dir, ".git/refs/heads/heddle");
  return globSync("*/integration", { cwd: heads }).map((name) => readFileSync(path.join(heads, name), "utf8").trim());
}

async function tree(rig: AgentRig): Promise<readonly string[]> {
  const branch = `heddle/${await rig.run()}/integration`;
  return rig.git(["ls-tree", "-r", "--name-only", branch]).split("\n");
}

test("kill -9 while the agent mends: what it left is not taken for settled", async () => {
  using rig = new AgentRig();
  const mending = rig.gate("mending");
  clash(rig, { later: [{ run: `test $HEDDLE_ATTEMPT != 1 || { ${mending.command}; }` }, DONE] });
  const running = rig.spawn(["run"]);
  await mending.reached();
  running.kill("SIGKILL");
  await running.done;
  const { code, stdout } = await rig.heddle(["resume"]);
  expect([code, stdout]).toEqual([3, expect.stringContaining("conflicts with")]);
  expect(await rig.merged("a.txt")).toBe("FIRST\nsecond\nthird");
  const prompt = (await rig.heddle(["show", await rig.run(), "second", "--prompt"])).stdout;
  expect(prompt).toContain("These files have conflict markers");
});

test("a later attempt of a conflict that failed is held to it", async () => {
  using rig = new AgentRig();
  clash(rig, {}, { onConflict: ["agent"] });
  expect((await rig.heddle(["run"])).code).toBe(1);
  expect((await rig.heddle(["resume"])).code).toBe(1);
  expect(await rig.merged("a.txt")).toBe("FIRST\nsecond\nthird");
});

test.each(
  variants(1, [
    ["a file and a folder", [writes("thing/in.txt", "in\n")], [writes("thing", "file\n")], "thing"],
    ["a binary file", [{ run: "printf 'F\\000' > logo" }], [{ run: "printf 'S\\000' > logo" }], "logo"],
    ["a file that one side removed", [writes("a.txt", "longer\nsecond\nthird\n")], [{ delete: "a.txt" }], "a.txt"],
    [
      "a file that the other side removed",
      [{ delete: "a.txt" }],
      [writes("a.txt", "longer\nsecond\nthird\n")],
      "a.txt",
    ],
    ["a link", [{ run: "ln -s a.txt link" }], [{ run: "ln -s .gitignore link" }], "link"],
  ]),
)(
  "%s has to be decided too: an agent that does nothing about it has not settled it",
  async (_, first, second, file) => {
    using rig = new AgentRig();
    clash(rig, { first, second: [...second, writes("own.txt", "own\n")] });
    const { code, stdout } = await rig.heddle(["run"]);
    expect([code, stdout]).toEqual([3, expect.stringContaining(`in ${file}`)]);
    expect(await tree(rig)).not.toContain("own.txt");
    const run = await rig.run();
    const { path: folder } = JSON.parse((await rig.heddle(["resolve", run, "second", "--json"])).stdout);
    expect(existsSync(path.join(folder, "own.txt"))).toBe(true);
    // Left as it is, it is asked about again; settled, it is merged.
    await rig.heddle(["resolve", run, "second", "--continue"]);
    expect((await rig.heddle(["resume"])).code).toBe(3);
    rmSync(path.join(folder, file), { recursive: true, force: true });
    rig
      .git(["ls-files", "--others", "--exclude-standard"], folder)
      .split("\n")
      .filter((name) => name.includes("~"))
      .forEach((name) => rmSync(path.join(folder, name)));
    rig.git(["add", "-A"], folder);
    rig
      .git(["ls-files"], folder)
      .split("\n")
      .filter((name) => name.includes("~"))
      .forEach((name) => rmSync(path.join(folder, name)));
    rig.writeIn(folder, file, "settled\n");
    await rig.heddle(["resolve", run, "second", "--continue"]);
    const last = await rig.heddle(["resume"]);
    expect([last.code, last.stderr]).toEqual([0, ""]);
    expect(await rig.merged(file)).toBe("settled");
    expect(await rig.merged("own.txt")).toBe("own");
  },
);

test.each(
  variants(1, [
    ["--theirs", "thing", "file"],
    ["--ours", "thing/in.txt", "in"],
  ]),
)("a file and a folder under one name: a side is taken whole (%s)", async (side, file, text) => {
  using rig = new AgentRig();
  clash(
    rig,
    { first: [writes("thing/in.txt", "in\n")], second: [writes("thing", "file\n"), writes("own.txt", "own\n")] },
    { onConflict: ["human"] },
  );
  expect((await rig.heddle(["run"])).code).toBe(3);
  await rig.heddle(["resolve", await rig.run(), "second", side]);
  expect((await rig.heddle(["resume"])).code).toBe(0);
  expect(await tree(rig)).toEqual([".gitignore", "a.txt", "own.txt", file]);
  expect(await rig.merged(file)).toBe(text);
});

test("text that only looks like a conflict is nobody's matter", async () => {
  using rig = new AgentRig();
  const doc = "<<<<<<< HEAD\nx\n=======\ny\n>>>>>>> b\n";
  rig.write("doc.md", doc);
  rig.commit("about conflicts");
  clash(rig, {
    second: [...SECOND, { write: { path: "doc.md", text: "more\n", append: true } }],
    later: [writes("a.txt", "BOTH\nsecond\nthird\n")],
  });
  expect((await rig.heddle(["run"])).code).toBe(0);
  expect(await rig.merged("a.txt")).toBe("BOTH\nsecond\nthird");
  expect(await rig.merged("doc.md")).toBe(`${doc}more`);
});

describe("a person settles", () => {
  const grouped = [{ id: "first" }, { id: "second", group: "g" }, { id: "other", group: "g", priority: -1 }];

  test("in a worktree of the step's own, while its group goes on in theirs", async () => {
    using rig = new AgentRig();
    clash(rig, { steps: grouped, more: { other: [writes("other.txt", "o\n")] } }, { onConflict: ["human"] });
    expect((await rig.heddle(["run"])).code).toBe(3);
    expect(await rig.statuses()).toMatchObject({ second: "needs-resolution", other: "succeeded" });
    const run = await rig.run();
    const { path: folder } = JSON.parse((await rig.heddle(["resolve", run, "second", "--json"])).stdout);
    expect(readFileSync(path.join(folder, "own.txt"), "utf8")).toBe("own\n");
    rig.writeIn(folder, "a.txt", "BOTH\nsecond\nthird\n");
    await rig.heddle(["resolve", run, "second", "--continue"]);
    expect((await rig.heddle(["resume"])).code).toBe(0);
    expect(await rig.merged("own.txt")).toBe("own");
    expect(await rig.merged("a.txt")).toBe("BOTH\nsecond\nthird");
    expect((await rig.heddle(["worktrees"])).stdout).toContain("No worktrees");
  });

  test("and removes the worktree before: it is made again, and asked about again", async () => {
    using rig = new AgentRig();
    clash(rig, {}, { onConflict: ["human"] });
    const asked = await rig.heddle(["run"]);
    expect(asked.code).toBe(3);
    const run = await rig.run();
    const { path: folder } = JSON.parse((await rig.heddle(["resolve", run, "second", "--json"])).stdout);
    // Where to look stands below the question.
    expect(asked.stdout).toContain(`    worktree: ${folder}\n`);
    rmSync(folder, { recursive: true });
    await rig.heddle(["resolve", run, "second", "--continue"]);
    expect((await rig.heddle(["resume"])).code).toBe(3);
    expect(readFileSync(path.join(folder, "a.txt"), "utf8")).toContain("<<<<<<<");
    expect(readFileSync(path.join(folder, "own.txt"), "utf8")).toBe("own\n");
  });

  test("and cancels while that is verified: the word stands, no agent runs again", async () => {
    using rig = new AgentRig();
    const verified = rig.gate("verified");
    const steps = [{ id: "first" }, { id: "second", verify: [verified.command] }];
    clash(rig, { steps, later: [writes("agent.txt", "ran again\n")] }, { onConflict: ["human"] });
    expect((await rig.heddle(["run"])).code).toBe(3);
    await rig.heddle(["resolve", await rig.run(), "second", "--theirs"]);
    const first = rig.start(["resume"]);
    await verified.reached();
    first.interrupt();
    expect((await first.done).code).toBe(130);
    expect(await rig.statuses()).toMatchObject({ second: "cancelled" });
    const again = rig.start(["resume", "--json"]);
    await verified.reached();
    await verified.open();
    const { code, stdout } = await again.done;
    expect([code, stdout.includes('"usage.recorded"')]).toEqual([0, false]);
    expect(await rig.merged("a.txt")).toBe("SECOND\nsecond\nthird");
    expect(await rig.merged("own.txt")).toBe("own");
  });
});

/** A git that ends its caller, as `kill -9` would, when it is called for something; `times` says for which time. */
function killer(rig: AgentRig, pattern: string, when: "before" | "after"): Readonly<Record<string, string>> {
  const bin = path.join(rig.dir, ".heddle-test-bin.here");
  mkdirSync(bin, { recursive: true });
  const folders = (rig.env()["PATH"] ?? "").split(":");
  const real = folders.map((folder) => path.join(folder, "git")).find((file) => existsSync(file));
  const script = `#!/bin/sh\ncase "$*" in *${pattern}*)\n${when === "after" ? `${real} "$@"\n` : ""}kill -9 $PPID; exit 1;;\nesac\nexec ${real} "$@"\n`;
  writeFileSync(path.join(bin, "git"), script);
  chmodSync(path.join(bin, "git"), 0o755);
  return { PATH: `${bin}:${rig.env()["PATH"] ?? ""}` };
}

test("killed between the merge and its record, and again on the way to find that out: done once", async () => {
  using rig = new AgentRig();
  rig.agents({ a: [{ run: "echo x >> a.txt" }] }, { steps: [{ id: "a" }] });
  const merge = killer(rig, `"update-ref -m heddle: a --stdin"`, "after");
  expect((await rig.spawn(["run"], { env: merge }).done).signal).toBe("SIGKILL");
  const look = killer(rig, `"--first-parent"`, "before");
  expect((await rig.spawn(["resume"], { env: look }).done).signal).toBe("SIGKILL");
  const { finished, events } = await rig.json(["resume"]);
  expect(finished.code).toBe(0);
  expect(ofType(events, "usage.recorded")).toEqual([]);
  expect(await rig.merged("a.txt")).toBe("first\nsecond\nthird\nx");
});

test("killed while the two sides are put together: the work is there when the agent goes on", async () => {
  using rig = new AgentRig();
  clash(rig, {
    later: [{ run: "cat own.txt > seen.txt; test $HEDDLE_ATTEMPT = 1 || printf 'BOTH\\n' > a.txt" }, DONE],
  });
  // The reset that puts them together is the first that sets files to a tree which no commit of the run has.
  const put = killer(rig, `"symbolic-ref -m heddle: reset"`, "after");
  const killed = await rig.spawn(["run"], { env: put }).done;
  expect(killed.signal).toBe("SIGKILL");
  expect((await rig.heddle(["resume"])).code).toBe(0);
  expect(await rig.merged("seen.txt")).toBe("own");
  expect(await rig.merged("own.txt")).toBe("own");
  expect(await rig.merged("a.txt")).toBe("BOTH");
});

test("what the plan asks of output and files is asked before the merge", async () => {
  using rig = new AgentRig();
  rig.agents(
    { a: [writes("a.txt", "a\n")], b: [writes("b.txt", "b\n")], c: [writes("sub/c.txt", "c\n")] },
    {
      steps: [
        { id: "a", output: { type: "object", required: ["nope"] }, optional: true },
        { id: "b", agent: { prompt: "b", expect: { files: ["a.txt"] } }, optional: true },
        { id: "c", agent: { prompt: "c", expect: { files: ["sub/c.txt"] } } },
      ],
    },
  );
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(0);
  expect(ofType(events, "step.failed", "a")[0]?.data["error"]).toMatchObject({ code: "output" });
  expect(ofType(events, "step.failed", "b")[0]?.data["error"]).toMatchObject({ class: "no-changes" });
  expect(await tree(rig)).toEqual([".gitignore", "a.txt", "sub/c.txt"]);
  expect(await rig.merged("a.txt")).toBe("first\nsecond\nthird");
});
