/** What plans say of agents: what is accepted, where names hold, and what holds where nothing is said. */
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { DEFAULT_AGENT_LIMITS } from "../../src/agent/adapters/port.ts";
import { PRESETS } from "../../src/agent/adapters/presets.ts";
import { runSettings, stepSettings } from "../../src/agent/work/settings.ts";
import { DEFAULT_WORKTREE_LIMITS } from "../../src/git/disk.ts";
import { compileSteps } from "../../src/graph/compile.ts";
import { AGENT_DEFAULTS, type AgentsConfig, KNOWN_AGENTS } from "../../src/plan/agents-config.ts";
import { loadPlanFile, loadSubplanFile } from "../../src/project/load-plan.ts";
import { checkEvent } from "../../src/run/event-schema.ts";
import { expansionProblem } from "../../src/run/expansion.ts";
import { createState } from "../../src/run/apply.ts";
import { sample } from "../run/samples.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { errorsOf, planOf, stepOf } from "./helpers.ts";

/** Every key, so that the compiler tells when one is added. */
const FULL: Required<AgentsConfig> = {
  default: "mine",
  use: {
    mine: {
      protocol: "acp",
      command: "my-agent --flag",
      args: ["-v"],
      env: { A: "1" },
      provider: "mistral",
      passEnv: ["KEY"],
      model: "large",
      permissions: "ask",
      sandbox: "require",
      home: "home",
      writable: ["cache"],
      limits: { start: 5 },
    },
    cheap: { preset: "claude", protocol: "native", model: "haiku" },
    tools: { command: ["llm-edit", "--model", "{model}"] },
    scripted: { script: "script.yaml" },
  },
  passEnv: ["ANTHROPIC_API_KEY"],
  setup: ["npm ci"],
  verify: "npm test",
  merge: "rebase",
  mergeQueue: { ahead: 3, batch: 4 },
  land: { branch: "feature/x" },
  conflicts: "serialize",
  allowNewSteps: true,
  worktrees: { max: 5, maxMb: 10, keep: true, allowOmitted: true },
  model: "sonnet",
  permissions: {
    rules: [
      { deny: "edit", path: "infra/**" },
      { ask: ["execute"], command: "npm publish*" },
      { allow: "all", tool: "a/*" },
    ],
    preset: "read-only",
  },
  sandbox: "off",
  home: "/home",
  writable: ["/cache"],
  limits: { start: "1s", idle: "2s", toolIdle: "3s", ask: "4s", wait: "5s", verify: "6s" },
  onConflict: ["human"],
  tries: 0,
};

test("every key is accepted, and the plan has what was written", async () => {
  const text = JSON.stringify({ agents: FULL, steps: [{ id: "a", agent: "x" }] });
  expect((await planOf(text, { format: "json" })).agents).toStrictEqual(FULL);
});

test("what holds is said for every key: the plan's word, or a default", () => {
  expect(runSettings(FULL, "/plans")).toStrictEqual({
    configs: {
      mine: {
        protocol: "acp",
        command: ["my-agent", "--flag"],
        args: ["-v"],
        env: { A: "1" },
        provider: "mistral",
        model: "large",
      },
      cheap: { preset: "claude", protocol: "native", model: "haiku" },
      tools: { command: ["llm-edit", "--model", "{model}"] },
      scripted: { args: ["/plans/script.yaml"] },
    },
    setup: ["npm ci"],
    verify: ["npm test"],
    merge: "rebase",
    mergeQueue: { ahead: 3, batch: 4 },
    land: { kind: "branch", name: "feature/x" },
    allowNewSteps: true,
    keepWorktrees: true,
    allowOmitted: true,
    worktrees: { maxTrees: 5, maxBytes: 10 * 2 ** 20 },
  });
  expect(runSettings({}, "/plans")).toStrictEqual({
    configs: {},
    setup: [],
    verify: [],
    merge: "squash",
    mergeQueue: { ahead: 2, batch: 1 },
    land: { kind: "none" },
    allowNewSteps: false,
    keepWorktrees: false,
    allowOmitted: false,
    worktrees: DEFAULT_WORKTREE_LIMITS,
  });
});

test("the step's word counts before its agent's, and that before the plan's", () => {
  const { limits, ...own } = stepSettings(FULL, { limits: { idle: "9s" } }, "/plans");
  // The rest of what may be said for a step, entry by entry.
  expect(limits).toStrictEqual({ startMs: 5000, idleMs: 9000, toolIdleMs: 3000, askMs: 4000 });
  expect(own).toMatchObject({
    agent: "mine",
    model: "large",
    expect: "changes",
    sandbox: "require",
    waitMs: 5000,
    verifyMs: 6000,
    passEnv: ["ANTHROPIC_API_KEY", "KEY"],
    onConflict: ["human"],
    tries: 0,
    home: "/plans/home",
    writable: ["/plans/cache"],
    policy: { otherwise: "ask" },
  });
  expect(stepSettings(FULL, { use: "cheap", model: "auto", tries: 1, sandbox: "auto" }, "/plans")).toMatchObject({
    agent: "cheap",
    tries: 1,
    sandbox: "auto",
    home: "/home",
    policy: { otherwise: "deny" },
  });
  expect(stepSettings(FULL, { use: "cheap", model: "auto" }, "/plans")).not.toHaveProperty("model");
  const { limits: plain, waitMs, verifyMs } = stepSettings({}, {}, "/plans");
  const { startMs, idleMs, toolIdleMs, askMs } = DEFAULT_AGENT_LIMITS;
  expect(plain).toStrictEqual({ startMs, idleMs, toolIdleMs, askMs });
  expect([waitMs, verifyMs]).toStrictEqual([7_200_000, 1_800_000]);
  expect(stepSettings({ default: "scripted" }, {}, "/").sandbox).toBe("off");
});

test("what a plan may name and what can be started are one list", () => {
  const { scripted, ...known } = KNOWN_AGENTS;
  expect(scripted).toStrictEqual(["acp"]);
  const spoken = Object.entries(PRESETS).map(([name, preset]) => [
    name,
    (["acp", "native"] as const).filter((protocol) => preset[protocol] !== undefined),
  ]);
  expect(Object.fromEntries(spoken)).toStrictEqual(known);
  expect(Object.keys(KNOWN_AGENTS)).toContain(AGENT_DEFAULTS.default);
});

test("names hold for all steps of a run: those of inner plans and those that join it", async () => {
  const agents = "agents: {use: {mine: {command: x}}}\n";
  expect(
    await errorsOf(`${agents}steps: [{id: a, plan: {steps: [{id: b, agent: {prompt: x, use: mine}}]}}]`),
  ).toStrictEqual([]);
  const plan = await planOf(`${agents}steps: [{id: a, run: x}]`);
  const added = (use: string): Promise<string> =>
    compileSteps([{ id: "b", agent: { prompt: "x", use } }], new Set(), { plan }).then((result) =>
      result.ok ? "" : (result.error[0]?.code ?? ""),
    );
  expect([await added("mine"), await added("claude"), await added("other")]).toStrictEqual(["", "", "UnknownAgent"]);
  // A file of its own may be read before the run's agents are known.
  const [child] = (await planOf("- {id: b, agent: {prompt: x, use: other}}", { agents: "unknown" })).steps;
  const created = sample("run.created");
  const state = createState({ ...created, data: { ...created.data, plan } });
  if (!state.ok) throw new Error("no state");
  expect(
    expansionProblem(state.value, 0, { kind: "children", steps: child === undefined ? [] : [child], params: {} }),
  ).toContain("uses the agent other, but the run's plan has no such agent");
});

test("a plan file that is a step may use the agents of the run that it joins", async () => {
  const folder = temporaryFolder("child");
  try {
    writeFileSync(path.join(folder, "child.yaml"), "- {id: b, agent: {prompt: x, use: ours}}");
    expect(await loadSubplanFile({ folder }, { file: "child.yaml", params: {} })).toMatchObject({
      ok: true,
      value: { plan: { steps: [{ action: { options: { use: "ours" } } }] } },
    });
    // By itself it has none of that name.
    expect(await loadPlanFile(path.join(folder, "child.yaml"), {})).toMatchObject({
      error: [{ code: "UnknownAgent", line: 1, column: 35 }],
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a step's agent, key by key", async () => {
  const { use: _use, default: _default, passEnv: _passEnv, ...rest } = FULL;
  const { model, permissions, sandbox, home, writable, limits, onConflict, tries } = rest;
  const options = { model, permissions, sandbox, home, writable, limits, onConflict, tries };
  for (const expected of ["none", { files: ["a"] }] as const) {
    const step = await stepOf(
      JSON.stringify([{ id: "a", agent: { prompt: "p", use: "gemini", expect: expected, ...options } }]),
      { format: "json" },
    );
    expect(step.action).toStrictEqual({
      kind: "agent",
      prompt: "p",
      options: { use: "gemini", expect: expected, ...options },
    });
  }
});

test("runs recorded by any version can be read", () => {
  const created = sample("run.created");
  const withAgents = (agents: unknown): unknown => ({
    ...created,
    data: { ...created.data, plan: { ...created.data.plan, agents } },
  });
  expect(checkEvent(withAgents(FULL))).toBeUndefined();
  // Names are not looked at again.
  const old = { default: "gone", permissions: { rules: [{ allow: "edit", path: "" }] } };
  expect(checkEvent(withAgents(old))).toBeUndefined();
  expect(checkEvent(withAgents({ conflicts: "maybe" }))).toContain(".data.plan.agents.conflicts is not one of");
  expect(checkEvent(withAgents({ use: { mine: { command: 3 } } }))).toContain("is not a list");
});
