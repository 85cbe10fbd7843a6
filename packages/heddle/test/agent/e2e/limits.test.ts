/** What holds agents back: places with their providers, pauses, and what passes by itself. */
import { expect, test } from "vitest";
import { SCRIPTED } from "../../support/built.ts";
import { AgentRig, type Event, ofType, writes } from "./rig.ts";

function waits(events: readonly Event[], step: string): readonly unknown[] {
  return ofType(events, "step.progress", step)
    .map(({ data }) => data)
    .filter(({ type }) => type === "waiting")
    .map((data) => [data["for"], data["provider"]]);
}

function errorOf(events: readonly Event[], step: string): Readonly<Record<string, unknown>> {
  return ofType(events, "step.failed", step).at(-1)?.data["error"] as Readonly<Record<string, unknown>>;
}

test("agents of one preset share their provider's pause, whatever the plan calls them", async () => {
  using rig = new AgentRig();
  rig.agents(
    {},
    {
      steps: [
        { id: "a", agent: { prompt: "do a", use: "first" } },
        { id: "b", agent: { prompt: "do b", use: "second" }, after: ["a"] },
      ],
      failure: "continue",
    },
    {
      default: "first",
      use: {
        first: { preset: "claude", ...scriptedAs(rig, "a.yaml") },
        second: { preset: "claude", ...scriptedAs(rig, "b.yaml") },
      },
      limits: { wait: "1s" },
    },
  );
  rig.write("a.yaml", `do: [{ rate-limit: { retryAfter: 10m } }]\n`);
  rig.write("b.yaml", `do: [{ write: { path: b.txt, text: b } }]\n`);
  const { events } = await rig.json(["run"]);
  // b has not asked for anything yet: it is held back by what a was told.
  expect(errorOf(events, "b")).toMatchObject({ class: "rate-limit" });
  expect(String(errorOf(events, "b")["message"])).toContain("anthropic refuses requests for");
  expect(ofType(events, "usage.recorded", "b").some(({ data }) => data["sessionId"] !== undefined)).toBe(false);
});

test("a provider that asks for more than a turn's patience is not waited for; a retry and a resume may try again", async () => {
  using rig = new AgentRig();
  rig.agents(
    {
      a: [
        { attempt: 1, do: [writes("half.txt", "half\n"), { "rate-limit": { retryAfter: "3h" } }] },
        { do: [writes("rest.txt", "rest\n")] },
      ],
    },
    { steps: [{ id: "a" }] },
  );
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(1);
  expect(waits(events, "a")).toEqual([]);
  expect(errorOf(events, "a")).toMatchObject({ class: "rate-limit" });
  expect(String(errorOf(events, "a")["message"])).toMatch(/^rate-limit: scripted refuses requests for .*limits\.wait/);
  expect(rig.git(["show", `refs/heddle/${await rig.run()}/a/1:half.txt`])).toBe("half");
  expect((await rig.heddle(["resume"])).code).toBe(0);
  expect([await rig.merged("half.txt"), await rig.merged("rest.txt")]).toEqual(["half", "rest"]);
});

test("what a provider said is kept, with its class, where it is not waited for any longer", async () => {
  using rig = new AgentRig();
  const down = { error: { code: -32_603, message: "API Error: 529 the model is resting" } };
  rig.agents({ a: [down] }, { steps: [{ id: "a" }] }, { limits: { wait: "1s" } });
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(1);
  expect(errorOf(events, "a")).toMatchObject({ class: "overloaded" });
  expect(String(errorOf(events, "a")["message"])).toMatch(/^overloaded: scripted refuses .*529 the model is resting/);
});

test("an error that nobody knows is neither waited for nor begun again without `retry`", async () => {
  using rig = new AgentRig();
  rig.agents({ a: [{ error: { code: -32_603, message: "Internal error" } }] }, { steps: [{ id: "a" }] });
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(1);
  expect(errorOf(events, "a")).toMatchObject({ class: "crash" });
  expect(waits(events, "a")).toEqual([]);
  expect(ofType(events, "usage.recorded", "a")).toHaveLength(1);
});

test("an agent that crashes is begun again by `retry` alone, in its session and with what it had done", async () => {
  using rig = new AgentRig();
  const crash = { exit: 3 };
  rig.agents(
    {
      a: [writes("a1.txt", "x\n"), crash],
      b: [{ attempt: 1, do: [writes("b1.txt", "x\n"), crash] }, { do: [writes("b2.txt", "y\n")] }],
    },
    { steps: [{ id: "a" }, { id: "b", retry: 2 }], failure: "continue" },
  );
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(1);
  const sessions = (step: string): number =>
    ofType(events, "step.progress", step).filter(({ data }) => data["type"] === "session").length;
  expect([sessions("a"), sessions("b")]).toEqual([1, 2]);
  expect(errorOf(events, "a")).toMatchObject({ class: "crash" });
  expect(ofType(events, "step.started", "b")).toHaveLength(2);
  expect([await rig.merged("b1.txt"), await rig.merged("b2.txt")]).toEqual(["x", "y"]);
});

test("a prompt is kept once for a turn that is begun again, and without secrets", async () => {
  using rig = new AgentRig();
  rig.agents(
    { a: [{ "rate-limit": { retryAfter: "100ms" } }] },
    {
      steps: [{ id: "a", agent: "log in with ${{ params.key }}", env: { KEY: "${{ params.key }}" }, secrets: ["KEY"] }],
      params: { key: { type: "string", default: "s3cr3t-value" } },
    },
  );
  const running = rig.start(["run", "--json"]);
  await running.says('"for":"paused"');
  rig.write("agents.yaml", "do: [{ write: { path: w.txt, text: w } }]\n");
  expect((await running.done).code).toBe(0);
  const shown = (await rig.heddle(["show", await rig.run(), "a", "--prompt"])).stdout;
  expect(shown.split("log in with")).toHaveLength(2);
  expect(shown).toContain("log in with ***");
  expect(shown).not.toContain("s3cr3t-value");
});

test("the commit says what all turns of the attempt cost, and where some did not tell, that it is part of it", async () => {
  using rig = new AgentRig();
  const mend = "Verification of your work failed";
  rig.agents(
    {
      a: [
        { prompt: mend, do: [writes("a.txt", "green\n"), { usage: { input: 10, usd: 0.2 } }] },
        { do: [writes("a.txt", "red\n"), { usage: { input: 10, usd: 0.1 } }] },
      ],
      b: [
        { prompt: mend, do: [writes("b.txt", "green\n"), { usage: { input: 10, usd: 0.2 } }] },
        { do: [writes("b.txt", "red\n")] },
      ],
    },
    {
      maxConcurrency: 1,
      steps: [
        { id: "a", verify: "grep -q green a.txt" },
        { id: "b", verify: "grep -q green b.txt", deps: ["a"] },
      ],
    },
  );
  const { finished } = await rig.json(["run"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  const costs = rig.git([
    "log",
    "--reverse",
    "--format=%(trailers:key=Cost,valueonly)",
    `main..heddle/${await rig.run()}/integration`,
  ]);
  expect(costs.split("\n").filter(Boolean)).toEqual(["0.3 USD", "at least 0.2 USD"]);
});

test("agents, setup and verification find a name for databases that no other worktree has", async () => {
  using rig = new AgentRig();
  const seen = (): readonly string[] => rig.read("slugs.here").trim().split("\n");
  const tell = `echo "$HEDDLE_STEP $HEDDLE_SLUG" >> '${rig.dir}/slugs.here'`;
  rig.agents(
    { "a-b": [{ run: `${tell}; echo a > a.txt` }], a_b: [{ run: `${tell}; echo b > b.txt` }] },
    { maxConcurrency: 1, steps: [{ id: "a-b" }, { id: "a_b", deps: ["a-b"] }] },
    { setup: tell, verify: tell },
  );
  const { finished } = await rig.json(["run"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  const slugs = seen().map((line) => line.split(" "));
  for (const [, slug] of slugs) expect(slug).toMatch(/^[a-z0-9_]{1,40}$/);
  // Two steps and the place where candidates are verified.
  expect(new Set(slugs.map(([, slug]) => slug)).size).toBe(3);
  expect(new Set(slugs.slice(0, 2).map(([, slug]) => slug)).size).toBe(1);
});

function scriptedAs(rig: AgentRig, file: string): object {
  return { command: [process.execPath, SCRIPTED, `${rig.dir}/${file}`], sandbox: "off" };
}
