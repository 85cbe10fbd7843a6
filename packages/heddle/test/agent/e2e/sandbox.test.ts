/**
 * Agents in a box, and without one: what they can write to and see, and what is said where there is none. Those that need
 * bubblewrap are skipped where it does not work.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { bubblewrapSandbox } from "../../../src/agent/adapters/sandbox.ts";
import { IN_MEMORY, temporaryFolder } from "../../support/temporary.ts";
import { agentWorld } from "../adapters/rig.ts";
import { AgentRig, type Event, ofType, writes } from "./rig.ts";

/** A box has a `/tmp` and a `/dev` of its own: what lies there is not what is outside. */
const OUTSIDE = "/var/tmp";

const probed = await bubblewrapSandbox(agentWorld()).probe();
// The scripted agent is started from this checkout, which a box hides where it lies in `/tmp`.
const isHidden = import.meta.filename.startsWith("/tmp/");
const isMissing = !probed.ok || isHidden;

/** A shell command that tells in `report.txt` whether another one went well. */
function tells(name: string, command: string): object {
  return {
    run: `{ ${command}; } 2> /dev/null && echo '${name}: yes' >> report.txt || echo '${name}: no' >> report.txt`,
  };
}

function sandboxes(events: readonly Event[]): readonly unknown[] {
  return ofType(events, "usage.recorded").map(({ data }) => data["sandbox"]);
}

/** A PATH on which bubblewrap is a program that fails. */
function withoutBox(rig: AgentRig): { readonly PATH: string } {
  rig.write("bin.here/bwrap", "#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n");
  chmodSync(path.join(rig.dir, "bin.here/bwrap"), 0o755);
  return { PATH: `${path.join(rig.dir, "bin.here")}:${process.env["PATH"] ?? ""}` };
}

async function reported(rig: AgentRig): Promise<Readonly<Record<string, string>>> {
  const lines = (await rig.merged("report.txt")).split("\n");
  return Object.fromEntries(lines.map((line) => line.split(": ") as [string, string]));
}

test("`require` where there is no sandbox is a failure that says so, before the agent starts", async () => {
  using rig = new AgentRig(OUTSIDE);
  rig.agents({ a: [writes("a.txt", "a\n")] }, { steps: [{ id: "a", retry: 3 }] }, { sandbox: "require" });
  const { code, stdout } = await rig.heddle(["run", "--json"], { env: withoutBox(rig) });
  const events = stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Event);
  expect(code).toBe(1);
  const failures = ofType(events, "step.failed", "a");
  expect(failures.map(({ data }) => [data["willRetry"], data["error"]])).toEqual([
    [
      false,
      expect.objectContaining({
        code: "spawn",
        message: expect.stringMatching(
          /needs a sandbox, and none is available: .*No permissions to create new namespace/,
        ),
      }),
    ],
  ]);
  expect(ofType(events, "step.progress").filter(({ data }) => data["type"] === "session")).toEqual([]);
  const run = await rig.run();
  expect(rig.git(["diff", "--name-only", "main", `refs/heddle/${run}/a/1`])).toBe("");
});

test("`auto` where there is none works without, says so once, and records it of each turn", async () => {
  using rig = new AgentRig(OUTSIDE);
  rig.agents(
    { a: [writes("a.txt", "a\n")], b: [writes("b.txt", "b\n")] },
    { steps: [{ id: "a" }, { id: "b", deps: ["a"] }] },
    { sandbox: "auto" },
  );
  const { code, stdout } = await rig.heddle(["run", "--json"], { env: withoutBox(rig) });
  const events = stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Event);
  expect(code).toBe(0);
  expect(sandboxes(events)).toEqual(["none", "none"]);
  const notices = ofType(events, "step.progress").filter(({ data }) => data["type"] === "notice");
  expect(notices.map(({ step, data }) => [step, data["text"]])).toEqual([
    ["a", expect.stringContaining("without a sandbox")],
  ]);
});

test("`off` starts none, and says nothing", async () => {
  using rig = new AgentRig(OUTSIDE);
  rig.agents({ a: [writes("a.txt", "a\n")] }, { steps: [{ id: "a" }] }, { sandbox: "off" });
  const { events } = await rig.json(["run"]);
  expect(sandboxes(events)).toEqual(["none"]);
  expect(ofType(events, "step.progress").filter(({ data }) => data["type"] === "notice")).toEqual([]);
});

test.skipIf(isMissing)(
  "in a box an agent writes to its worktree and to a /tmp of its own, to nothing beside them",
  async () => {
    using rig = new AgentRig(OUTSIDE);
    const outside = temporaryFolder("outside", "/tmp");
    try {
      writeFileSync(path.join(outside, "seen"), "");
      const tmp = `/tmp/heddle-inside-${path.basename(outside)}`;
      const beside = path.join(rig.state, "heddle", "worktrees");
      rig.agents(
        {
          a: [
            tells("worktree", "echo x > own.txt && mkdir -p deep && echo x > deep/own.txt"),
            tells("checkout", `echo x > '${path.join(rig.dir, "intruder.txt")}'`),
            tells("file of it", `echo x >> '${path.join(rig.dir, "a.txt")}'`),
            tells("worktrees", `echo x > '${beside}/intruder.txt'`),
            tells("beside", "echo x > ../intruder.txt"),
            tells("hooks", 'echo x > "$(git rev-parse --git-common-dir)/hooks/post-checkout"'),
            tells("config", "git config user.name intruder"),
            tells("branch", "git branch intruder"),
            tells("home", 'echo x > "$HOME/intruder.txt"'),
            tells("etc", "echo x > /etc/intruder.txt"),
            tells("dev", "echo x > /dev/shm/intruder.txt && rm /dev/shm/intruder.txt && test ! -e /dev/sda"),
            tells("tmp", `echo x > '${tmp}' && test "$TMPDIR" = /tmp`),
            tells("outer tmp", `test -e '${outside}/seen'`),
            tells("remount", "mount -o remount,rw / || umount /"),
          ],
        },
        { steps: [{ id: "a" }] },
        { sandbox: "require" },
      );
      const before = rig.checkout();
      const { finished, events } = await rig.json(["run"]);
      expect([finished.code, finished.stderr]).toEqual([0, ""]);
      expect(sandboxes(events)).toEqual(["bubblewrap"]);
      expect(await reported(rig)).toEqual({
        worktree: "yes",
        checkout: "no",
        "file of it": "no",
        worktrees: "no",
        beside: "no",
        hooks: "no",
        config: "no",
        branch: "no",
        home: "no",
        etc: "no",
        dev: "yes",
        tmp: "yes",
        "outer tmp": "no",
        remount: "no",
      });
      expect([await rig.merged("own.txt"), await rig.merged("deep/own.txt")]).toEqual(["x", "x"]);
      expect([existsSync(tmp), existsSync("/dev/shm/intruder.txt")]).toEqual([false, false]);
      expect(rig.checkout()).toBe(before);
      expect(events.filter(({ data }) => data["type"] === "isolation.breach")).toEqual([]);
    } finally {
      rmSync(outside, { recursive: true, force: true });
    }
  },
);

test.skipIf(isMissing)("in a box an agent sees no process but its own, and none of them outlives it", async () => {
  using rig = new AgentRig(OUTSIDE);
  rig.agents(
    {
      a: [
        { run: "ls /proc | grep -c '^[0-9]' > count.txt" },
        tells("engine", "cat /proc/*/cmdline | tr '\\0' ' ' | grep -q 'heddle[.]ts run'"),
        tells("kill", `kill -0 ${process.pid}`),
        { daemon: { seconds: 302, stubborn: true } },
        { run: "env -i setsid sh -c 'trap \"\" TERM; sleep 301; :' > /dev/null 2>&1 &" },
      ],
    },
    { steps: [{ id: "a" }] },
    { sandbox: "require" },
  );
  const { finished } = await rig.json(["run"]);
  expect(finished.code).toBe(0);
  expect(Number(await rig.merged("count.txt"))).toBeLessThan(10);
  expect(await reported(rig)).toEqual({ engine: "no", kill: "no" });
  expect(sleepers()).toEqual([]);
});

/** Processes that wait for as long as those of the script: nobody else's do. */
function sleepers(): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && /^sleep\u000030[12]\b/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
    } catch {
      return false;
    }
  });
}

test.skipIf(isMissing)(
  "`writable` folders and a `home` of its own can be written to, also when they are relative or new",
  async () => {
    using rig = new AgentRig(OUTSIDE);
    const cache = temporaryFolder("cache", OUTSIDE);
    try {
      mkdirSync(path.join(rig.dir, "cache.here"));
      rig.agents(
        {
          a: [
            tells("cache", `echo x > '${cache}/a'`),
            tells("relative", `echo x > '${rig.dir}/cache.here/a'`),
            tells("home", 'echo x > "$HOME/a" && echo "$HOME" > home.txt'),
            tells("checkout", `echo x > '${rig.dir}/intruder.txt'`),
          ],
        },
        { steps: [{ id: "a" }] },
        { sandbox: "require", writable: [cache, "cache.here"], home: "home.here" },
      );
      const { finished } = await rig.json(["run"]);
      expect([finished.code, finished.stderr]).toEqual([0, ""]);
      expect(await reported(rig)).toEqual({ cache: "yes", relative: "yes", home: "yes", checkout: "no" });
      expect(await rig.merged("home.txt")).toBe(path.join(rig.dir, "home.here"));
      expect(readFileSync(path.join(cache, "a"), "utf8")).toBe("x\n");
      expect(rig.read("home.here/a")).toBe("x\n");
    } finally {
      rmSync(cache, { recursive: true, force: true });
    }
  },
);

const GIT = [
  tells(
    "top",
    'test "$(git rev-parse --show-toplevel)" = "$(git -C . rev-parse --show-toplevel)" && git rev-parse --show-toplevel',
  ),
  tells("status", "git status --porcelain"),
  tells("log", "git log -1 --format=%s | grep -q first"),
  tells("diff", "git diff HEAD --stat"),
  tells("commit", "git add -A && git -c user.name=a -c user.email=a@b commit -qm mine"),
];
const GIT_WORKS = { top: "yes", status: "yes", log: "yes", diff: "yes", commit: "no" };

test.skipIf(isMissing).each([
  ["anywhere", OUTSIDE],
  ["in /tmp", "/tmp"],
  ["in memory", IN_MEMORY],
])("git can be asked in a box, its repository %s; nothing is committed but by heddle", async (_, where) => {
  const scripts = temporaryFolder("script", OUTSIDE);
  try {
    using rig = new AgentRig(where);
    rig.agents(
      { a: GIT },
      { steps: [{ id: "a" }] },
      { sandbox: "require", use: { scripted: { script: path.join(scripts, "agents.yaml") } } },
    );
    writeFileSync(path.join(scripts, "agents.yaml"), rig.read("agents.yaml"));
    const { finished } = await rig.json(["run"]);
    expect([finished.code, finished.stderr]).toEqual([0, ""]);
    expect(await reported(rig)).toEqual(GIT_WORKS);
  } finally {
    rmSync(scripts, { recursive: true, force: true });
  }
});

/** A step that works in a folder of its worktree. */
function inside(sandbox: "require" | "off"): AgentRig {
  const rig = new AgentRig(OUTSIDE);
  rig.write("sub/b.txt", "b\n");
  rig.commit("first folder");
  rig.agents(
    { a: [tells("up", "echo x > ../up.txt"), ...GIT.slice(0, 4)] },
    { steps: [{ id: "a", cwd: "sub" }] },
    { sandbox },
  );
  return rig;
}

async function worksInside(rig: AgentRig): Promise<void> {
  const { finished } = await rig.json(["run"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  const report = (await rig.merged("sub/report.txt")).split("\n");
  expect(report).toEqual(["up: yes", "top: yes", "status: yes", "log: yes", "diff: yes"]);
  expect(await rig.merged("up.txt")).toBe("x");
}

test("an agent whose step works in a folder of its worktree finds git there, and may write to all of the worktree", async () => {
  using rig = inside("off");
  await worksInside(rig);
});

test.skipIf(isMissing)("... in a box too", async () => {
  using rig = inside("require");
  await worksInside(rig);
});

test("an agent that is not there is named, with how to get it, in a box or not", async () => {
  using rig = new AgentRig(OUTSIDE);
  rig.agents({}, { steps: [{ id: "a" }] }, { default: "claude", use: {}, sandbox: "auto" });
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(1);
  const [failed] = ofType(events, "step.failed", "a");
  expect(failed?.data["error"]).toMatchObject({
    code: "spawn",
    class: "spawn",
    final: true,
    message: expect.stringMatching(/claude-agent-acp was not found on PATH; npm install/),
  });
});
