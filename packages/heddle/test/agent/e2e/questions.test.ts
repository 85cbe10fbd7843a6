/** What agents ask and propose: questions that end a turn, leave for one thing while they work, steps of their own. */
import { expect, test } from "vitest";
import { AgentRig, happens, ofType, writes, type Event } from "./rig.ts";

function eventsIn(stdout: string): readonly Event[] {
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Event);
}

const ask = (question: string, options: readonly string[] = []): object => ({
  tool: { name: "task_ask", with: { question, options } },
});

test("a question ends the turn, the rest of the run goes on, and the answer is in the next attempt of the same session", async () => {
  using rig = new AgentRig();
  rig.agents(
    {
      store: [
        { attempt: 1, do: [writes("begun.txt", "begun\n"), ask("Which database?", ["postgres", "sqlite"])] },
        { prompt: "sqlite", do: [writes("store.txt", "sqlite\n")] },
      ],
      other: [writes("other.txt", "other\n")],
    },
    { steps: [{ id: "store", retry: 1 }, { id: "other" }, { id: "after", deps: ["store"], run: "true" }] },
  );
  const first = await rig.heddle(["run"]);
  expect(first.code).toBe(3);
  expect(first.stdout).toContain("Which database? (1 postgres, 2 sqlite)");
  expect(first.stdout).toContain("[other] ✓");
  expect(await rig.statuses()).toEqual({ store: "needs-approval", other: "succeeded", after: "waiting" });
  const run = await rig.run();
  expect((await rig.heddle(["show"])).stdout).toContain(`heddle approve ${run} store --comment "..."`);

  const bare = await rig.heddle(["approve"]);
  expect([bare.code, bare.stderr]).toEqual([2, expect.stringContaining("(1: postgres, 2: sqlite)")]);
  const answered = await rig.heddle(["approve", run, "store", "--comment", "2"]);
  expect([answered.code, answered.stdout]).toEqual([0, expect.stringContaining("Answered store")]);

  const { finished, events } = await rig.json(["resume"]);
  expect(finished.code).toBe(0);
  expect(ofType(events, "step.started", "store").map(({ attempt }) => attempt)).toEqual([2]);
  expect(await rig.merged("store.txt")).toBe("sqlite");
  expect(await rig.merged("begun.txt")).toBe("begun");
  const whole = await rig.json(["history", run]);
  const sessions = ofType(whole.events, "usage.recorded", "store").map(({ data }) => data["sessionId"]);
  expect(sessions).toHaveLength(2);
  expect(new Set(sessions).size).toBe(1);
  expect(ofType(whole.events, "approval.given", "store")[0]?.data).toMatchObject({ comment: "sqlite" });
  const prompt = (await rig.heddle(["show", run, "store", "--prompt"])).stdout;
  expect(prompt).toContain("Which database?");
  expect(prompt).toContain("It ended with a question that has been answered since.");
});

test("a question that a person will not answer fails the step", async () => {
  using rig = new AgentRig();
  rig.agents({ a: [writes("a.txt", "half\n"), ask("Go on?")] }, { steps: [{ id: "a", retry: 3 }] });
  expect((await rig.heddle(["run"])).code).toBe(3);
  expect((await rig.heddle(["reject", "--comment", "no time"])).code).toBe(0);
  const { finished, events } = await rig.json(["resume"]);
  expect(finished.code).toBe(1);
  expect(ofType(events, "step.failed", "a")[0]?.data).toMatchObject({
    willRetry: false,
    error: { code: "rejected", message: expect.stringContaining("no time") },
  });
  expect(await rig.log()).toEqual([]);
});

test("after its question an agent can report nothing more in that turn", async () => {
  using rig = new AgentRig();
  rig.agents(
    {
      a: [
        { prompt: "yes", do: [writes("a.txt", "done\n")] },
        {
          do: [
            writes("a.txt", "guessed\n"),
            ask("Shall I?"),
            { tool: { name: "task_complete", with: { summary: "I did without" } } },
          ],
        },
      ],
    },
    { steps: [{ id: "a" }] },
  );
  expect((await rig.heddle(["run"])).code).toBe(3);
  expect((await rig.heddle(["logs"])).stdout).toContain("is too late");
  await rig.heddle(["approve", "--comment", "yes"]);
  expect((await rig.heddle(["resume"])).code).toBe(0);
  expect(await rig.merged("a.txt")).toBe("done");
});

const ASKS = { preset: "full", rules: [{ ask: "execute" }] };
const CAREFUL = {
  ask: { kind: "execute", title: "Install", command: "npm install", allowed: [writes("a.txt", "allowed\n")] },
};

test("agents at work that want leave get it, or do not, from another terminal", async () => {
  using rig = new AgentRig();
  const asks = (file: string): object => ({
    ask: { ...CAREFUL.ask, allowed: [writes(file, "allowed\n")], denied: [writes(file, "denied\n")] },
  });
  rig.agents(
    { yes: [asks("yes.txt")], no: [asks("no.txt")], other: [writes("b.txt", "b\n")] },
    { maxAgents: 3, maxConcurrency: 3, steps: [{ id: "yes" }, { id: "no" }, { id: "other" }] },
    {
      permissions: ASKS,
      // Stands still while a person is asked.
      limits: { idle: "2s" },
    },
  );
  const running = rig.start(["run", "--json"]);
  for (const step of ["yes", "no"]) await happens(running, "approval.requested", step);
  await happens(running, "step.succeeded", "other");
  expect(await rig.statuses()).toEqual({ yes: "needs-approval", no: "needs-approval", other: "succeeded" });
  const shown = await rig.heddle(["show"]);
  expect(shown.stdout).toContain("may its agent run npm install (Install)?");
  const run = await rig.run();
  expect((await rig.heddle(["approve", run, "yes"])).code).toBe(0);
  expect((await rig.heddle(["reject", run, "no"])).code).toBe(0);
  const { code, stdout } = await running.done;
  expect(code).toBe(0);
  expect([await rig.merged("yes.txt"), await rig.merged("no.txt")]).toEqual(["allowed", "denied"]);
  const events = eventsIn(stdout);
  for (const [step, word] of [
    ["yes", "approve"],
    ["no", "reject"],
  ]) {
    expect(ofType(events, "step.started", step)).toHaveLength(1);
    expect(ofType(events, "approval.given", step)[0]?.data["decision"]).toBe(word);
  }
});

test("nobody answers in time: it is a no, and the agent goes on", async () => {
  using rig = new AgentRig();
  const step = { ...CAREFUL.ask, denied: [writes("a.txt", "denied\n")] };
  rig.agents(
    { a: [{ ask: step }, { ask: step }] },
    { steps: [{ id: "a" }] },
    {
      permissions: ASKS,
      limits: { ask: "300ms", idle: "100ms" },
    },
  );
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(0);
  expect(await rig.merged("a.txt")).toBe("denied");
  const given = ofType(events, "approval.given", "a").map(({ data }) => [data["decision"], data["by"]]);
  expect(given).toEqual([
    ["reject", "timeout"],
    ["reject", "timeout"],
  ]);
});

test("kill -9 of the engine while leave is asked for: the question is gone with it, and is asked again", async () => {
  using rig = new AgentRig();
  const step = { ...CAREFUL.ask, denied: [writes("a.txt", "denied\n")] };
  rig.agents(
    { a: [{ ask: step }] },
    { steps: [{ id: "a" }] },
    {
      permissions: ASKS,
    },
  );
  const running = rig.spawn(["run", "--json"]);
  await running.says('"about":"permission"');
  running.kill("SIGKILL");
  await running.done;
  expect(await rig.statuses()).toEqual({ a: "interrupted" });
  const late = await rig.heddle(["approve"]);
  expect([late.code, late.stderr]).toEqual([2, expect.stringContaining("(it is interrupted)")]);
  const again = rig.start(["resume", "--json"]);
  await again.says('"about":"permission"');
  expect((await rig.heddle(["approve"])).code).toBe(0);
  expect((await again.done).code).toBe(0);
  expect(await rig.merged("a.txt")).toBe("allowed");
});

const propose = (title: string, prompt: string, deps: readonly string[] = []): object => ({
  tool: { name: "task_propose", with: { title, prompt, deps } },
});

test("steps that agents propose join the run where the plan lets them, each once, whatever others propose", async () => {
  using rig = new AgentRig();
  rig.agents(
    {
      a: [writes("a.txt", "a\n"), propose("Write docs", "docs, please"), propose("Write docs", "more", ["nowhere"])],
      b: [writes("b.txt", "b\n"), propose("Write docs", "${{ params.none }} docs")],
      "*-write-docs*": [{ run: "touch docs-$HEDDLE_STEP.txt" }],
    },
    { steps: [{ id: "a" }, { id: "b" }] },
    { allowNewSteps: true },
  );
  const { finished, events } = await rig.json(["run"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  expect(await rig.statuses()).toEqual({
    a: "succeeded",
    b: "succeeded",
    "a-write-docs": "succeeded",
    "b-write-docs": "succeeded",
  });
  expect((await rig.heddle(["logs", "a"])).stdout).toContain("There is no task nowhere");
  const run = await rig.run();
  expect((await rig.heddle(["show", run, "b-write-docs", "--prompt"])).stdout).toContain("${{ params.none }} docs");
  expect(ofType(events, "steps.added")).toHaveLength(2);
});

test("what was proposed before the work had to be mended is not forgotten", async () => {
  using rig = new AgentRig();
  rig.agents(
    {
      a: [
        { prompt: "Verification of your work failed", do: [writes("good.txt", "good\n")] },
        { do: [writes("a.txt", "a\n"), propose("More", "do more")] },
      ],
      "a-more": [writes("more.txt", "more\n")],
    },
    { steps: [{ id: "a", verify: "test -e good.txt" }] },
    { allowNewSteps: true },
  );
  expect((await rig.heddle(["run"])).code).toBe(0);
  expect(await rig.statuses()).toEqual({ a: "succeeded", "a-more": "succeeded" });
});

test("elsewhere a person decides about a proposal, and a no fails nothing", async () => {
  using rig = new AgentRig();
  rig.agents(
    {
      a: [writes("a.txt", "a\n"), propose("More", "do more")],
      b: [writes("b.txt", "b\n"), propose("More", "do even more")],
      "a-more": [writes("more.txt", "more\n")],
    },
    { steps: [{ id: "a" }, { id: "b" }] },
  );
  const first = await rig.heddle(["run"]);
  expect([first.code, first.stdout]).toEqual([3, expect.stringContaining("More: do more")]);
  expect(await rig.merged("a.txt")).toBe("a");
  const run = await rig.run();
  expect((await rig.heddle(["approve", run, "a-more-approval"])).code).toBe(0);
  expect((await rig.heddle(["reject", run, "b-more-approval"])).code).toBe(0);
  expect((await rig.heddle(["resume"])).code).toBe(0);
  expect(await rig.statuses()).toEqual({
    a: "succeeded",
    "a-more-approval": "succeeded",
    "a-more": "succeeded",
    b: "succeeded",
    "b-more-approval": "failed",
    "b-more": "skipped",
  });
});

test("a lesson is recorded", async () => {
  using rig = new AgentRig();
  const lesson = { domain: "testing", kind: "practice", text: "Run the tests with --fast.", files: ["a.txt"] };
  rig.agents(
    { a: [{ tool: { name: "expertise_add", with: lesson } }, writes("a.txt", "a\n")] },
    { steps: [{ id: "a" }] },
  );
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(0);
  expect(ofType(events, "lesson.recorded", "a").map(({ data }) => data)).toEqual([lesson]);
});

test("what an agent reports by its tools shows no secret: progress, lessons, proposals, its question", async () => {
  using rig = new AgentRig();
  const secret = "s3cr3t-value";
  const tool = (name: string, input: object): object => ({ tool: { name, with: input } });
  rig.agents(
    {
      a: [
        tool("task_progress", { message: `using ${secret}` }),
        tool("expertise_add", {
          domain: "api",
          kind: "pattern",
          text: `log in with ${secret}`,
          files: [`${secret}.ts`],
        }),
        propose("rotate", `replace ${secret}`),
        tool("task_complete", { summary: `logged in with ${secret}`, files: [] }),
        writes("a.txt", "a\n"),
      ],
      b: [ask(`Is ${secret} right?`, [secret, "no"])],
      c: [tool("task_fail", { reason: `${secret} is refused`, retryable: false })],
    },
    {
      failure: "continue",
      steps: ["a", "b", "c"].map((id) => ({ id, env: { KEY: "${{ params.key }}" }, secrets: ["KEY"] })),
      params: { key: { type: "string", default: "none" } },
    },
  );
  const { events } = await rig.json(["run", "--param", `key=${secret}`]);
  const told = events.filter(({ type }) => type !== "run.created");
  for (const type of ["step.progress", "lesson.recorded", "steps.added", "step.succeeded"])
    expect([type, JSON.stringify(ofType(told, type, "a"))]).toEqual([type, expect.stringContaining("***")]);
  expect(ofType(told, "approval.requested", "b")[0]?.data).toMatchObject({
    question: "Is *** right?",
    options: ["***", "no"],
  });
  expect(JSON.stringify(ofType(told, "step.failed", "c"))).toContain("*** is refused");
  expect(JSON.stringify(told)).not.toContain(secret);
  expect(rig.git(["log", "--all", "--format=%B"])).not.toContain(secret);
});
