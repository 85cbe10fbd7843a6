/**
 * What agents do that they should not, and what happens to them: nothing of theirs is lost, nothing of the user's is touched. What
 * `faults.test.ts` shows in other ways runs in the nightly alone.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { AgentRig, happens, isNightly, ofType, writes } from "./rig.ts";

/** Processes that carry the tag of a run. */
function survivors(run: string): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, "utf8").includes(`HEDDLE_TAG=${run}:`);
    } catch {
      return false;
    }
  });
}

const NAUGHTY = {
  commits: [writes("commits.txt", "w\n"), { commit: "mine" }],
  switches: [writes("switches.txt", "w\n"), { branch: "elsewhere" }, { commit: "mine" }],
  deletes: [{ delete: ".git" }, writes("deletes.txt", "w\n")],
  owns: [{ run: "rm -rf .git && git init -q" }, writes("owns.txt", "w\n"), { commit: "mine" }],
};

const PLANTS = [
  {
    run: 'mkdir -p "$(git rev-parse --git-common-dir)/hooks"; printf \'#!/bin/sh\\ntouch "$HOME/canary"\\n\' > "$(git rev-parse --git-common-dir)/hooks/post-checkout"; chmod +x "$(git rev-parse --git-common-dir)/hooks/post-checkout"',
  },
  {
    run: "git config filter.x.clean 'touch $HOME/canary; cat'; git config filter.x.smudge 'touch $HOME/canary; cat'",
  },
  writes(".gitattributes", "* filter=x\n"),
  writes("plants.txt", "w\n"),
];

test.each([
  ["commit, switch the branch, delete .git or make a repository of their own", NAUGHTY],
  ["plant hooks and filters", { plants: PLANTS }],
])("agents that %s: their work is merged all the same", async (_, scripts) => {
  using rig = new AgentRig();
  const ids = Object.keys(scripts);
  rig.agents(
    { ...scripts, after: [{ run: `cat ${ids.map((id) => `${id}.txt`).join(" ")} > after.txt` }] },
    { steps: [...ids.map((id) => ({ id })), { id: "after", deps: ids }] },
  );
  const [head, status] = [rig.git(["rev-parse", "HEAD"]), rig.git(["status", "--porcelain"])];
  const { finished } = await rig.json(["run"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  expect(await rig.merged("after.txt")).toBe(ids.map(() => "w").join("\n"));
  expect([rig.git(["rev-parse", "HEAD"]), rig.git(["status", "--porcelain"])]).toEqual([head, status]);
  expect(existsSync(path.join(rig.env()["HOME"] ?? "", "canary"))).toBe(false);
  expect(survivors(await rig.run())).toEqual([]);
});

test("says done with nothing done: that is a failure, tried again as the plan says, and told by its class", async () => {
  using rig = new AgentRig();
  rig.agents(
    {
      lazy: [{ attempt: 2, do: [writes("w.txt", "w\n")] }, { do: [{ say: "Done." }] }],
      never: [{ say: "Done." }],
      reports: [{ say: "All is well." }],
    },
    {
      failure: "continue",
      steps: [
        { id: "lazy", retry: { attempts: 2, delay: "10ms" } },
        { id: "never", optional: true },
        { id: "reports", agent: { prompt: "look", expect: "none" } },
      ],
    },
  );
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(0);
  expect(
    ofType(events, "step.failed").map(({ step, data }) => [step, (data["error"] as { class: string }).class]),
  ).toEqual(
    expect.arrayContaining([
      ["lazy", "no-changes"],
      ["never", "no-changes"],
    ]),
  );
  expect(ofType(events, "step.succeeded", "reports")[0]?.data["output"]).toMatchObject({
    summary: "All is well.",
    files: [],
  });
  expect(await rig.log()).toHaveLength(1);
});

test.runIf(isNightly)("forks a daemon that ignores TERM: nothing of it is left when the step has ended", async () => {
  using rig = new AgentRig();
  rig.agents(
    { a: [{ daemon: { seconds: 300, stubborn: true } }, writes("w.txt", "w\n")] },
    { grace: "300ms", steps: [{ id: "a" }] },
  );
  const { code } = await rig.heddle(["run"]);
  expect(code).toBe(0);
  expect(survivors(await rig.run())).toEqual([]);
});

test("writes into the user's checkout: that is noticed and told", async () => {
  using rig = new AgentRig();
  rig.agents(
    { a: [writes(path.join(rig.dir, "intruder.txt"), "x\n"), writes("w.txt", "w\n")] },
    { steps: [{ id: "a" }] },
  );
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(0);
  const told = ofType(events, "step.progress", "a").map(({ data }) => data);
  expect(told).toContainEqual({ type: "isolation.breach", breaches: [{ kind: "files", names: ["intruder.txt"] }] });
});

test("a failure that no retry mends is tried once, whatever the plan says; its work is kept", async () => {
  using rig = new AgentRig();
  rig.agents(
    { a: [writes("half.txt", "half\n"), { error: { code: -32000, message: "Authentication required" } }] },
    { steps: [{ id: "a", retry: 5 }] },
  );
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(1);
  expect(ofType(events, "step.failed").map(({ data }) => [data["willRetry"], data["error"]])).toEqual([
    [false, expect.objectContaining({ class: "auth", final: true })],
  ]);
  expect(rig.git(["show", `refs/heddle/${await rig.run()}/a/1:half.txt`])).toBe("half");
  expect((await rig.heddle(["worktrees"])).stdout).toContain("a ");
});

test.runIf(isNightly)("a rate limit pauses every agent of the provider, and the session goes on after it", async () => {
  using rig = new AgentRig();
  rig.agents({ a: [{ "rate-limit": { retryAfter: "300ms" } }] }, { steps: [{ id: "a" }] });
  const running = rig.start(["run", "--json"]);
  await running.says('"for":"paused"');
  rig.write("agents.yaml", "do: [{ write: { path: w.txt, text: w } }]\n");
  const { code, stdout } = await running.done;
  const events = stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  expect(code).toBe(0);
  const used = ofType(events, "usage.recorded", "a");
  expect(used[0]?.data["class"]).toBe("rate-limit");
  expect(new Set(used.map(({ data }) => data["sessionId"])).size).toBe(1);
  expect(ofType(events, "step.started", "a")).toHaveLength(1);
});

test("an agent that falls silent is ended by the idle clock", async () => {
  using rig = new AgentRig();
  rig.agents({ a: [writes("half.txt", "half\n"), "stall"] }, { steps: [{ id: "a" }] }, { limits: { idle: "300ms" } });
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(1);
  expect(ofType(events, "step.failed", "a")[0]?.data["error"]).toMatchObject({ class: "stall" });
  expect(rig.git(["show", `refs/heddle/${await rig.run()}/a/1:half.txt`])).toBe("half");
});

test("a cancel ends agents within seconds, keeps what they did, and a resume goes on with it", async () => {
  using rig = new AgentRig();
  rig.agents(
    {
      a: [
        { attempt: 1, do: [writes("half.txt", "half\n"), { say: "at it" }, "stall"] },
        { do: [writes("rest.txt", "rest\n")] },
      ],
    },
    { steps: [{ id: "a" }] },
  );
  const running = rig.start(["run", "--json"]);
  await running.says('half.txt","kind":"edit","status":"done"');
  running.interrupt();
  expect((await running.done).code).toBe(130);
  const run = await rig.run();
  expect(survivors(run)).toEqual([]);
  expect(rig.git(["show", `refs/heddle/${run}/a/1:half.txt`])).toBe("half");
  expect((await rig.heddle(["resume"])).code).toBe(0);
  expect([await rig.merged("half.txt"), await rig.merged("rest.txt")]).toEqual(["half", "rest"]);
});

test.runIf(isNightly)(
  "kill -9 of the engine: nothing survives, nothing is lost, and the resume goes on in the same worktree and session",
  async () => {
    using rig = new AgentRig();
    const gate = rig.gate("g");
    rig.agents(
      {
        a: [
          { attempt: 1, do: [writes("half.txt", "half\n"), { run: gate.command }] },
          { do: [{ run: "cat half.txt half.txt > whole.txt" }] },
        ],
        b: [writes("b.txt", "b\n")],
      },
      { steps: [{ id: "a" }, { id: "b" }, { id: "c", deps: ["a", "b"], run: "true" }] },
    );
    const before = rig.checkout();
    const running = rig.spawn(["run", "--json"]);
    await gate.reached();
    await happens(running, "step.succeeded", "b");
    running.kill("SIGKILL");
    await running.done;
    const { finished, events } = await rig.json(["resume"]);
    expect([finished.code, finished.stderr]).toEqual([0, ""]);
    expect(ofType(events, "step.started", "b")).toHaveLength(0);
    expect(await rig.merged("whole.txt")).toBe("half\nhalf");
    const run = await rig.run();
    expect(rig.git(["show", `refs/heddle/${run}/a/1:half.txt`])).toBe("half");
    expect(ofType(events, "step.progress", "a").find(({ data }) => data["type"] === "session")?.data["resumed"]).toBe(
      true,
    );
    expect(rig.checkout()).toBe(before);
    expect((await rig.heddle(["replay"])).code).toBe(0);
  },
);
