/** S12: an agent names its session itself, and the next attempt's program is told the name: never as an option. */
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import type { AgentAdapter, AgentContext, AgentOutcome, AgentTurn } from "../../../src/agent/adapters/port.ts";
import { agentRunner } from "../../../src/agent/adapters/runner.ts";
import { err, ok } from "../../../src/base/result.ts";
import { baseEnvironments } from "../../../src/process/environment.ts";

/** What an adapter is started with. `outcomes`: of one start after the other. */
async function startedWith(sessionId: string, outcomes: readonly AgentOutcome[]): Promise<readonly AgentContext[]> {
  const seen: AgentContext[] = [];
  const adapter: AgentAdapter = {
    id: "fake",
    provider: "none",
    homePaths: [],
    homeFiles: [],
    nestsSandbox: false,
    resumes: true,
    probe: async () => ({ found: true, program: "/fake" }),
    start(context) {
      seen.push(context);
      return {
        outcome: Promise.resolve(outcomes[seen.length - 1] ?? { status: "ok", text: "" }),
        stop: () => undefined,
        kill: () => undefined,
        members: () => [],
      };
    },
  };
  const runner = agentRunner({
    adapters: new Map([["fake", adapter]]),
    bases: baseEnvironments({}),
    memory: { watch: () => ({ end: () => undefined }) } as never,
    sandbox: {
      probe: async () => err("none here"),
      probeNested: async () => err("none here"),
      around: async () => ok({ kind: "none" }),
    },
  });
  const turn: AgentTurn = {
    run: "r",
    step: "s",
    attempt: 2,
    agent: "fake",
    prompt: "p",
    resume: { sessionId },
    cwd: tmpdir(),
    env: {},
    envMode: "strict",
    passEnv: [],
    secrets: [],
    logFile: null,
    graceMs: 100,
  };
  await runner.start(turn).outcome;
  return seen;
}

/** The session that an adapter is asked to go on in. */
async function resumedIn(sessionId: string): Promise<string | undefined> {
  return (await startedWith(sessionId, []))[0]?.resume?.sessionId;
}

test("a session that is gone is begun anew, once", async () => {
  const gone = {
    status: "failed",
    class: "crash",
    message: "No conversation found",
    text: "",
    isSessionGone: true,
  } as const;
  const seen = await startedWith("s1", [gone, gone, gone]);
  expect(seen.map(({ resume }) => resume?.sessionId)).toEqual(["s1", undefined]);
  expect(await startedWith("s1", [{ status: "failed", class: "crash", text: "" }])).toHaveLength(1);
});

test.each(["0199c8a3-7c1e-7b52-a1e4-5d4f3f2c1b0a", "ses_6f2aZ.x", "scripted-r1-a:b-1-1"])(
  "a session is gone on in: %s",
  async (id) => {
    expect(await resumedIn(id)).toBe(id);
  },
);

test.each([
  "--dangerously-bypass-approvals-and-sandbox",
  "-c",
  "",
  "a b",
  "a\n--help",
  "a\u0000b",
  "\u001b[2J",
  "../../x",
  "x".repeat(257),
])("a session whose name is no plain word is begun anew: %j", async (id) => {
  expect(await resumedIn(id)).toBeUndefined();
});
