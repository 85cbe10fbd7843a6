/** Agents that die, hang, flood and lie, and their providers' refusals: what becomes of the attempt, its work and its processes. */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { AgentRig, type Event, ofType, writes, variants, isNightly } from "./rig.ts";

/** Processes whose command line begins so. */
function running(command: RegExp): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && command.test(readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " "));
    } catch {
      return false;
    }
  });
}

function told(events: readonly Event[], type: string, step?: string): readonly Event["data"][] {
  return ofType(events, "step.progress", step)
    .map(({ data }) => data)
    .filter((data) => data["type"] === type);
}

function eventsOf(stdout: string): readonly Event[] {
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Event);
}

test("prints megabytes, on every stream: the run stays small, the work is merged", async () => {
  using rig = new AgentRig();
  const bytes = isNightly ? 50_000_000 : 5_000_000;
  rig.agents(
    { a: [{ print: { bytes } }, { print: { bytes, as: "stderr" } }, writes("w.txt", "w\n")] },
    { steps: [{ id: "a" }] },
  );
  const { finished, events } = await rig.json(["run"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  expect(await rig.merged("w.txt")).toBe("w");
  expect(finished.stdout.length).toBeLessThan(100_000);
  const output = ofType(events, "step.succeeded", "a")[0]?.data["output"];
  const { summary } = output as { summary: string };
  expect(summary.length).toBeLessThanOrEqual(4000);
  const message = rig.git(["log", "-1", "--format=%B", `heddle/${await rig.run()}/integration`]);
  expect(message.length).toBeLessThan(6000);
});

test("forks a daemon out of its session, its parent and its environment: nothing of it is left when the step has ended", async () => {
  using rig = new AgentRig();
  const seconds = 40_000 + (process.pid % 10_000);
  rig.agents(
    {
      a: [
        { run: `env -i setsid sh -c 'trap "" TERM HUP INT; sleep ${seconds}; :' > /dev/null 2>&1 & sleep 0.3` },
        { run: `(env -i setsid nohup sleep ${seconds + 1} > /dev/null 2>&1 &)` },
        writes("w.txt", "w\n"),
      ],
    },
    { grace: "300ms", steps: [{ id: "a" }, { id: "b", deps: ["a"], run: "true" }] },
  );
  const { code } = await rig.heddle(["run"]);
  expect(code).toBe(0);
  expect(running(new RegExp(`sleep (${seconds}|${seconds + 1})`))).toEqual([]);
});

test("dies in the middle of its turn: the next attempt, where the plan has one, takes its session up again, and nothing is lost", async () => {
  using rig = new AgentRig();
  const once = "test -e once.here || { touch once.here; kill -9 $PPID; sleep 5; }";
  rig.agents(
    {
      a: [writes("half.txt", "half\n"), { run: once }, writes("rest.txt", "rest\n")],
      b: [writes("lost.txt", "not lost\n"), { die: "SIGKILL" }],
    },
    {
      failure: "continue",
      steps: [
        { id: "a", retry: 2 },
        { id: "b", optional: true },
      ],
    },
  );
  const { finished, events } = await rig.json(["run"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  expect([await rig.merged("half.txt"), await rig.merged("rest.txt")]).toEqual(["half", "rest"]);
  expect(ofType(events, "usage.recorded", "a").map(({ data }) => data["class"])).toEqual(["crash", undefined]);
  expect(told(events, "session", "a").map((data) => data["resumed"])).toEqual([false, true]);
  expect(ofType(events, "step.started", "a")).toHaveLength(2);
  // Without `retry` it is begun once.
  expect(ofType(events, "usage.recorded", "b").map(({ data }) => data["class"])).toEqual(["crash"]);
  expect(ofType(events, "step.failed", "b")[0]?.data["error"]).toMatchObject({
    class: "crash",
    message: expect.stringContaining("SIGKILL"),
  });
  expect(rig.git(["show", `refs/heddle/${await rig.run()}/b/1:lost.txt`])).toBe("not lost");
});

test.each(
  variants(1, [
    ["a line that is no JSON", "this is no JSON\n"],
    ["an answer to nothing that was asked", '{"jsonrpc":"2.0","id":99,"result":{}}\n'],
    ["a line without end", `{"jsonrpc":"2.0","method":"${"x".repeat(900_000)}`],
  ]),
)("sends %s: either that is passed over, or a failure of class protocol; the work is kept", async (_, text) => {
  using rig = new AgentRig();
  rig.agents(
    { a: [writes("half.txt", "half\n"), { raw: text }, writes("rest.txt", "rest\n")] },
    { steps: [{ id: "a" }] },
    // Reached only where what came leaves the agent waiting for an answer.
    { limits: { idle: "10s" } },
  );
  const { finished, events } = await rig.json(["run"]);
  const run = await rig.run();
  expect(rig.git(["show", `refs/heddle/${run}/a/1:half.txt`])).toBe("half");
  if (finished.code === 0) expect(await rig.merged("rest.txt")).toBe("rest");
  else
    expect(ofType(events, "step.failed", "a")[0]?.data["error"]).toMatchObject({
      class: expect.stringMatching(/^(protocol|stall)$/),
    });
  expect(running(new RegExp(`scripted-worker.*${rig.dir}`))).toEqual([]);
});

test("hears nothing, not even that it is to end: it is ended all the same, with its work kept", async () => {
  using rig = new AgentRig();
  rig.agents(
    { a: [writes("half.txt", "half\n"), { stall: { deaf: true } }] },
    { grace: "200ms", timeout: "60s", steps: [{ id: "a", timeout: "5s" }] },
  );
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(1);
  expect(ofType(events, "step.failed", "a")[0]?.data["error"]).toMatchObject({ code: "timeout" });
  expect(rig.git(["show", `refs/heddle/${await rig.run()}/a/1:half.txt`])).toBe("half");
  expect(running(new RegExp(`scripted-worker.*${rig.dir}`))).toEqual([]);
});

test("a rate limit pauses every agent of its provider, no agent of another, and the session goes on after it", async () => {
  using rig = new AgentRig();
  const gate = rig.gate("g");
  rig.write("other.yaml", JSON.stringify({ do: [writes("c.txt", "c\n")] }));
  rig.agents(
    {
      a: [{ run: "echo half > half.txt" }, { run: "test -e once.here" }],
    },
    {
      maxConcurrency: 4,
      maxAgents: 4,
      steps: [
        { id: "a" },
        { id: "later", run: gate.command },
        { id: "b", deps: ["later"] },
        { id: "c", deps: ["later"], agent: { prompt: "do c", use: "other" } },
      ],
    },
    {
      use: {
        scripted: { script: "agents.yaml", provider: "one" },
        other: { preset: "scripted", script: "other.yaml", provider: "two" },
      },
    },
  );
  rig.write(
    "agents.yaml",
    JSON.stringify({
      cases: [
        { step: "a", do: [writes("half.txt", "half\n"), { "rate-limit": { retryAfter: "6s" } }] },
        { step: "b", do: [writes("b.txt", "b\n")] },
      ],
    }),
  );
  const at = rig.start(["run", "--json"]);
  await at.says('"for":"paused"');
  rig.write(
    "agents.yaml",
    JSON.stringify({
      cases: [
        { step: "a", do: [writes("a.txt", "a\n")] },
        { step: "b", do: [writes("b.txt", "b\n")] },
      ],
    }),
  );
  await gate.reached();
  await gate.open();
  const { code, stdout } = await at.done;
  const events = eventsOf(stdout);
  expect(code).toBe(0);
  const place = (found: (event: Event) => boolean): number => events.findIndex(found);
  const session = (step: string, resumed: boolean): number =>
    place(
      (event) =>
        event.step === step &&
        event.type === "step.progress" &&
        event.data["type"] === "session" &&
        event.data["resumed"] === resumed,
    );
  // The other agent of the provider is told to wait and begins after the pause; that of another provider does not wait.
  const [paused, ...later] = told(events, "waiting", "b");
  expect(paused).toMatchObject({ for: "paused", provider: "one", class: "rate-limit", message: "Too many requests" });
  // Half as many may begin then: it may have to wait for the other one.
  expect(later.every((wait) => wait["for"] === "full")).toBe(true);
  expect(told(events, "waiting", "c")).toEqual([]);
  expect(place(({ type, step }) => type === "step.succeeded" && step === "c")).toBeLessThan(session("b", false));
  expect(session("a", true)).toBeGreaterThan(place(({ type, step }) => type === "step.succeeded" && step === "c"));
  const used = ofType(events, "usage.recorded", "a");
  expect(used.map(({ data }) => data["class"])).toEqual(["rate-limit", undefined]);
  expect(new Set(used.map(({ data }) => data["sessionId"])).size).toBe(1);
  expect(ofType(events, "step.started", "a")).toHaveLength(1);
  expect(await rig.merged("half.txt")).toBe("half");
});

test("an agent of a run that was killed with it is ended by the next start, though it cleared its environment", async () => {
  using rig = new AgentRig();
  const gate = rig.gate("g");
  const seconds = 50_000 + (process.pid % 10_000);
  rig.agents(
    {
      a: [
        {
          attempt: 1,
          do: [{ run: `env -i setsid sleep ${seconds} > /dev/null 2>&1 & sleep 0.3` }, { run: gate.command }],
        },
        { do: [writes("w.txt", "w\n")] },
      ],
    },
    { grace: "300ms", steps: [{ id: "a" }] },
  );
  const first = rig.spawn(["run", "--json"]);
  await gate.reached();
  expect(running(new RegExp(`sleep ${seconds}`))).not.toEqual([]);
  first.kill("SIGKILL");
  await first.done;
  expect((await rig.heddle(["resume"])).code).toBe(0);
  expect(existsSync(path.join(rig.dir, "w.txt"))).toBe(false);
  expect(running(new RegExp(`sleep ${seconds}`))).toEqual([]);
});

/** What the agent of a step was told so far, prompt by prompt. */
async function prompts(rig: AgentRig, step: string): Promise<string> {
  const { stdout } = await rig.heddle(["show", await rig.run(), step, "--prompt"]);
  return stdout;
}

/** A run whose engine is killed while its agent has written and waits. */
async function killed(rig: AgentRig, resumes: boolean): Promise<void> {
  const gate = rig.gate("g");
  const cases = [
    {
      attempt: 1,
      do: [
        { usage: { input: 10, usd: 0.5 } },
        writes("half.txt", "half\n"),
        writes("a.txt", "first\nCHANGED\nthird\n"),
        { run: gate.command },
      ],
    },
    { do: [{ run: "cat half.txt a.txt > whole.txt" }, { usage: { input: 3, usd: 0.25 } }] },
  ];
  rig.agents({ a: cases }, { steps: [{ id: "a" }] });
  rig.write("agents.yaml", JSON.stringify({ resumes, cases: cases.map((one) => ({ step: "a", ...one })) }));
  const first = rig.spawn(["run", "--json"]);
  await gate.reached();
  // Told once it is on disk: a session that is not recorded cannot be taken up again.
  await first.says('"type":"session"');
  await first.says('"type":"usage"');
  first.kill("SIGKILL");
  await first.done;
}

test("after a kill an agent that can go on in its session does so, in its worktree as it left it", async () => {
  using rig = new AgentRig();
  await killed(rig, true);
  const { finished, events } = await rig.json(["resume"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  const run = await rig.run();
  expect(told(events, "session", "a")).toEqual([
    expect.objectContaining({ resumed: true, sessionId: `scripted-${run}-a-1-1` }),
  ]);
  expect(ofType(events, "worktree.created", "a").map(({ data }) => data["fresh"])).toEqual([false]);
  // What the killed turn took is counted as far as it was told, and heddle's own capture is no work that was left.
  expect(ofType(events, "usage.recorded", "a").map(({ data }) => [data["class"], data["usd"]])).toEqual([
    ["crash", 0.5],
    [undefined, 0.25],
  ]);
  expect(told(events, "notice", "a").filter((data) => data["about"] === "strays")).toEqual([]);
  expect(JSON.parse((await rig.heddle(["show", "--json"])).stdout)).toMatchObject({ cost: 0.75 });
  expect(await rig.merged("whole.txt")).toBe("half\nfirst\nCHANGED\nthird");
});

test("one that cannot begins anew in the same worktree, and is told what was left there", async () => {
  using rig = new AgentRig();
  await killed(rig, false);
  const { finished, events } = await rig.json(["resume"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  const run = await rig.run();
  expect(told(events, "session", "a")).toEqual([
    expect.objectContaining({ resumed: false, sessionId: `scripted-${run}-a-2-1` }),
  ]);
  expect(await rig.merged("whole.txt")).toBe("half\nfirst\nCHANGED\nthird");
  const text = await prompts(rig, "a");
  expect(text).toContain("do a");
  expect(text).toContain("The process that ran it died");
  expect(text).toMatch(/half\.txt +\| +1 \+/);
  expect(text).toMatch(/a\.txt +\| +2 \+-/);
  expect(rig.git(["show", `refs/heddle/${run}/a/1:half.txt`])).toBe("half");
});

test("where the worktree is gone after a kill, the work is begun anew, in a new session", async () => {
  using rig = new AgentRig();
  await killed(rig, true);
  const tree = (await rig.heddle(["worktrees", "open", "a"])).stdout.trim();
  rmSync(tree, { recursive: true });
  const { finished, events } = await rig.json(["resume"]);
  expect(finished.code).toBe(0);
  expect(told(events, "session", "a").map((data) => data["resumed"])).toEqual([false]);
  expect(ofType(events, "worktree.created", "a").map(({ data }) => data["fresh"])).toEqual([true]);
  expect(await rig.merged("whole.txt")).toBe("first\nsecond\nthird");
});

test("where somebody has switched the worktree's branch since, the agent begins anew on what is there", async () => {
  using rig = new AgentRig();
  await killed(rig, true);
  const tree = (await rig.heddle(["worktrees", "open", "a"])).stdout.trim();
  rig.git(["switch", "-q", "-c", "elsewhere"], tree);
  const { finished, events } = await rig.json(["resume"]);
  expect(finished.code).toBe(0);
  expect(told(events, "session", "a").map((data) => data["resumed"])).toEqual([false]);
  expect(await prompts(rig, "a")).toMatch(/half\.txt +\| +1 \+/);
  expect(await rig.merged("whole.txt")).toBe("half\nfirst\nCHANGED\nthird");
});
