/** What a worktree has before its agent begins: setup commands, files that git does not hold, ports. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { AgentRig, type Event, ofType, writes, variants } from "./rig.ts";

/** A setup command that says where it runs and for whom, and leaves something that git ignores. */
function toldBy(rig: AgentRig): string {
  return `echo "$HEDDLE_STEP $PWD $PORT" >> '${noted(rig)}'; mkdir -p made.here && echo ready > made.here/it`;
}

function noted(rig: AgentRig): string {
  return path.join(rig.dir, "setup.here");
}

interface Noted {
  readonly step: string;
  readonly tree: string;
  readonly port: string;
}

function setups(rig: AgentRig): readonly Noted[] {
  if (!existsSync(noted(rig))) return [];
  return readFileSync(noted(rig), "utf8")
    .trim()
    .split("\n")
    .map((text) => {
      const [step = "", folder = "", port = ""] = text.split(" ");
      return { step, tree: path.basename(folder), port };
    });
}

function errorOf(
  events: readonly Event[],
  step: string,
): { readonly class?: string; readonly message: string; readonly output?: string } {
  return ofType(events, "step.failed", step).at(-1)?.data["error"] as { class?: string; message: string };
}

test("setup runs once in every worktree of an agent, and where candidates are verified, before either is used", async () => {
  using rig = new AgentRig();
  const seen = "cat made.here/it";
  rig.agents(
    { a: [{ run: `${seen} > a.txt` }], b: [{ run: `${seen} > b.txt` }], c: [{ run: `${seen} > c.txt` }] },
    { maxConcurrency: 1, steps: [{ id: "a" }, { id: "b" }, { id: "c", deps: ["a", "b"] }] },
    { setup: toldBy(rig), verify: `test "$(${seen})" = ready` },
  );
  const before = rig.checkout();
  const { finished } = await rig.json(["run"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  const all = setups(rig);
  expect(all.filter(({ tree }) => !tree.startsWith("@@")).map(({ step, tree }) => [step, tree])).toEqual([
    ["a", "a"],
    ["b", "b"],
    ["c", "c"],
  ]);
  // One worktree verifies one after the other: set up for the first.
  expect(all.filter(({ tree }) => tree.startsWith("@@"))).toEqual([
    { step: "a", tree: "@@verify-1", port: expect.stringMatching(/^\d+$/) },
  ]);
  expect([await rig.merged("a.txt"), await rig.merged("c.txt")]).toEqual(["ready", "ready"]);
  // What it made is the worktree's own: neither merged nor in the user's checkout.
  expect(rig.git(["ls-tree", "-r", "--name-only", `heddle/${await rig.run()}/integration`])).not.toContain("made.here");
  expect([rig.has("made.here"), rig.checkout()]).toEqual([false, before]);
});

test("setup is due again when a lock file changed, and only then", async () => {
  using rig = new AgentRig();
  const inGroup = (id: string, deps: readonly string[]): { id: string } => ({ id, group: "g", deps }) as { id: string };
  rig.agents(
    {
      a: [writes("src/a.ts", "a\n")],
      b: [writes("package-lock.json", "{}\n")],
      c: [writes("c.txt", "c\n")],
      d: [writes("d.txt", "d\n")],
    },
    { steps: [inGroup("a", []), inGroup("b", ["a"]), inGroup("c", ["b"]), inGroup("d", ["c"])] },
    { setup: toldBy(rig), verify: "true" },
  );
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(0);
  expect(new Set(ofType(events, "worktree.created").map(({ data }) => data["path"])).size).toBe(1);
  const all = setups(rig);
  expect(all.filter(({ tree }) => tree === "@g").map(({ step }) => step)).toEqual(["a", "c"]);
  // A candidate with the new lock file is verified with what belongs to it.
  expect(all.filter(({ tree }) => tree.startsWith("@@")).map(({ step }) => step)).toEqual(["a", "b"]);
});

test("lock files count wherever they lie; setup runs in the project's folder, also where that is inside its repository", async () => {
  using rig = new AgentRig();
  rig.write("sub/.gitignore", ".heddle/\nheddle.json\n");
  rig.write("sub/package-lock.json", "{}\n");
  rig.write("sub/api/go.sum", "1\n");
  rig.commit("a project inside");
  rig.agents(
    {
      a: [writes("package-lock.json", '{"a":1}\n')],
      b: [writes("b.txt", "b\n")],
      c: [writes("go.sum", "2\n")],
      d: [writes("d.txt", "d\n")],
    },
    {
      steps: [
        { id: "a", group: "g" },
        { id: "b", group: "g", deps: ["a"] },
        { id: "c", group: "g", cwd: "api", deps: ["b"] },
        { id: "d", group: "g", cwd: "api", deps: ["c"] },
      ],
    },
    { use: { scripted: { script: path.join(rig.dir, "agents.yaml") } }, setup: toldBy(rig) },
  );
  rig.write("sub/heddle.json", rig.read("heddle.json"));
  const { finished } = await rig.json(["run", "-C", "sub"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  // In the project's folder, whatever folder its steps work in.
  expect(setups(rig).map(({ step, tree }) => [step, tree])).toEqual([
    ["a", "sub"],
    ["b", "sub"],
    ["d", "sub"],
  ]);
});

test("a setup that fails fails the step with what it printed, before the agent starts; a resume sets up again", async () => {
  using rig = new AgentRig();
  rig.agents(
    { a: [writes("a.txt", "a\n")] },
    { steps: [{ id: "a" }, { id: "after", deps: ["a"], run: "true" }] },
    {
      setup: ["echo first", "test -e ../../../../../ok || { echo no ok anywhere >&2; exit 9; }"].map((one) =>
        one.replace("../../../../../ok", path.join(rig.dir, "ok.here")),
      ),
    },
  );
  const before = rig.checkout();
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(1);
  const { message, output } = errorOf(events, "a");
  expect(message).toMatch(/^setup `test -e [^`]*` failed: [^\n]*exit code 9$/);
  expect(output).toBe("no ok anywhere");
  expect(ofType(events, "usage.recorded")).toEqual([]);
  expect(ofType(events, "step.progress", "a").filter(({ data }) => data["type"] === "session")).toEqual([]);
  expect(rig.checkout()).toBe(before);
  rig.write("ok.here", "");
  const again = await rig.json(["resume"]);
  expect(again.finished.code).toBe(0);
  expect(await rig.merged("a.txt")).toBe("a");
});

test("a setup that fails over what an earlier attempt left loses nothing of it", async () => {
  using rig = new AgentRig();
  const scripts = {
    a: [
      {
        attempt: 1,
        do: [writes("half.txt", "half\n"), { error: { code: -32000, message: "Authentication required" } }],
      },
      { do: [writes("rest.txt", "rest\n")] },
    ],
  };
  const plan = (setup: string): void => rig.agents(scripts, { steps: [{ id: "a" }] }, { setup });
  plan("true");
  expect((await rig.heddle(["run"])).code).toBe(1);
  plan("echo broken; exit 9");
  const { finished, events } = await rig.json(["resume"]);
  expect(finished.code).toBe(1);
  expect(errorOf(events, "a").message).toContain("broken");
  const run = await rig.run();
  expect(rig.git(["show", `refs/heddle/${run}/a/1:half.txt`])).toBe("half");
  const tree = (await rig.heddle(["worktrees", "open", "a"])).stdout.trim();
  expect(readFileSync(path.join(tree, "half.txt"), "utf8")).toBe("half\n");
  plan("true");
  expect((await rig.heddle(["resume"])).code).toBe(0);
  expect([await rig.merged("half.txt"), await rig.merged("rest.txt")]).toEqual(["half", "rest"]);
});

test("a setup that fails where candidates are verified is a red check: the agent is told, and nothing is merged", async () => {
  using rig = new AgentRig();
  rig.agents(
    { a: [{ prompt: "cannot be set up", do: [writes("told.txt", "told\n")] }, { do: [writes("a.txt", "a\n")] }] },
    { steps: [{ id: "a" }] },
    { setup: "case $PWD in *@@verify*) echo cannot be set up; exit 3;; esac", verify: "true", tries: 1 },
  );
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(1);
  expect(errorOf(events, "a")).toMatchObject({ class: "verify", message: expect.stringContaining("cannot be set up") });
  expect(await rig.log()).toEqual([]);
  const run = await rig.run();
  expect(rig.git(["show", `refs/heddle/${run}/a/1:told.txt`])).toBe("told");
});

test("files that .worktreeinclude names are in every worktree and where candidates are verified, and are never merged", async () => {
  using rig = new AgentRig();
  rig.write(".gitignore", `${rig.read(".gitignore")}.env\ncerts/\nother/\n`);
  rig.write(".worktreeinclude", ".env\ncerts/\n");
  rig.commit("include");
  rig.write(".env", "KEY=secret\n");
  mkdirSync(path.join(rig.dir, "certs"));
  rig.write("certs/a.pem", "pem\n");
  rig.write("other/b", "b\n");
  const check = "grep -q secret .env && test -e certs/a.pem && test ! -e other/b";
  rig.agents(
    { a: [{ run: `${check} && echo yes > a.txt` }] },
    { steps: [{ id: "a" }] },
    { setup: check, verify: check },
  );
  const before = rig.checkout();
  const { finished } = await rig.json(["run"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  expect(await rig.merged("a.txt")).toBe("yes");
  expect(rig.git(["log", "--all", "--format=%H", "--", ".env", "certs", "other"])).toBe("");
  expect(rig.checkout()).toBe(before);
});

test("worktrees at work at the same time have ports of their own, which their commands and agents find", async () => {
  using rig = new AgentRig();
  const [one, two] = [rig.gate("one"), rig.gate("two")];
  const note = `echo "$PORT $PORTS"`;
  rig.agents(
    {
      a: [{ run: `${note} > a.txt` }, { run: one.command }],
      b: [{ run: `${note} > b.txt` }, { run: two.command }],
    },
    { steps: [{ id: "a" }, { id: "b" }] },
    { setup: toldBy(rig), verify: `${note} > /dev/null; test -n "$PORT" && test "\${PORTS%%,*}" = "$PORT"` },
  );
  const running = rig.start(["run", "--json"]);
  await Promise.all([one.reached(), two.reached()]);
  await Promise.all([one.open(), two.open()]);
  expect((await running.done).code).toBe(0);
  const found = await Promise.all(["a.txt", "b.txt"].map(async (file) => (await rig.merged(file)).split(" ")));
  const lists = found.map(([, ports = ""]) => ports.split(","));
  expect(found.map(([port]) => port)).toEqual(lists.map(([first]) => first));
  expect(lists.map((ports) => ports.length)).toEqual([10, 10]);
  expect(new Set(lists.flat()).size).toBe(20);
  // That of the setup is the agent's, that of the verification none of theirs.
  const all = setups(rig);
  for (const [index, id] of ["a", "b"].entries())
    expect(all.find(({ tree }) => tree === id)?.port).toBe(lists[index]?.[0]);
  const verifying = all.filter(({ tree }) => tree.startsWith("@@"));
  expect(verifying).not.toEqual([]);
  for (const { port } of verifying) expect(lists.flat()).not.toContain(port);
});

test.each(
  variants(1, [
    ["kept and completed", { NO_PROXY: "example.org, .internal" }, "example.org,.internal,127.0.0.1"],
    ["under its other name", { no_proxy: "example.org" }, "example.org,127.0.0.1"],
    ["as it is, where all is excepted", { NO_PROXY: "*" }, "*"],
    ["made where there is none", {}, "127.0.0.1"],
  ]),
)("agents reach heddle's tools past the user's proxy: exceptions are %s", async (_, user, expected) => {
  using rig = new AgentRig();
  rig.agents(
    { a: [{ run: 'printf "%s\\n" "$NO_PROXY" "$no_proxy" "$HTTPS_PROXY" > env.txt' }] },
    { steps: [{ id: "a" }] },
    { passEnv: ["NO_PROXY", "no_proxy", "HTTPS_PROXY"] },
  );
  const env = { HTTPS_PROXY: "http://proxy.example:1", ...(user as Record<string, string>) };
  expect((await rig.heddle(["run"], { env })).code).toBe(0);
  expect(await rig.merged("env.txt")).toBe([expected, expected, env.HTTPS_PROXY].join("\n"));
});
