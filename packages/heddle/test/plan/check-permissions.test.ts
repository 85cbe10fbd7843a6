/** Rules that bind, and rules that are refused because they cannot: by agent and protocol. */
import { describe, expect, test } from "vitest";
import type { AgentEntry, PermissionRuleConfig, PermissionsConfig } from "../../src/plan/agents-config.ts";
import { diagnosticsOf } from "./helpers.ts";

/** The ways to speak to an agent. */
const AGENTS = {
  "claude acp": { preset: "claude" },
  "claude native": { preset: "claude", protocol: "native" },
  "codex acp": { preset: "codex" },
  "codex native": { preset: "codex", protocol: "native" },
  "gemini acp": { preset: "gemini" },
  "opencode acp": { preset: "opencode" },
  "scripted acp": { preset: "scripted", script: "x.yaml" },
  "own acp": { command: "mine", protocol: "acp" },
  "own exec": { command: "mine" },
} as const satisfies Readonly<Record<string, AgentEntry>>;
type Name = keyof typeof AGENTS;

const NAMES = Object.keys(AGENTS) as readonly Name[];
const ASKING: readonly Name[] = ["claude acp", "gemini acp", "opencode acp", "scripted acp", "own acp"];
const TOLD: readonly Name[] = [...ASKING, "claude native"];

async function isBound(
  name: Name,
  permissions: PermissionsConfig,
  sandbox: "auto" | "require" = "auto",
): Promise<boolean> {
  const agent = { prompt: "p", use: "it", permissions, sandbox };
  const plan = { agents: { use: { it: AGENTS[name] } }, steps: [{ id: "a", agent }] };
  const said = await diagnosticsOf(JSON.stringify(plan), { file: "plan.json" });
  expect(said.filter(({ code }) => code !== "RuleNotEnforceable")).toEqual([]);
  return said.length === 0;
}

/** Who can be held to it. */
async function bound(permissions: PermissionsConfig): Promise<readonly Name[]> {
  const all = await Promise.all(NAMES.map(async (name) => ((await isBound(name, permissions)) ? [name] : [])));
  return all.flat();
}

const rules = (...all: readonly PermissionRuleConfig[]): PermissionsConfig => ({ rules: all });

describe("permissions", () => {
  test.each<readonly [string, PermissionsConfig, readonly Name[]]>([
    ["worktree", "worktree", NAMES],
    ["full", "full", NAMES],
    ["read-only", "read-only", NAMES],
    ["ask", "ask", [...ASKING, "codex acp"]],
    ["no edits of some files", rules({ deny: "edit", path: "infra/**" }), NAMES],
    ["no edits at all", rules({ deny: ["edit", "delete", "move"] }), NAMES],
    ["no edits elsewhere", rules({ deny: "edit", path: "/etc/**" }), NAMES.filter((name) => name !== "own exec")],
    ["no such command", rules({ deny: "execute", command: "echo secret*" }), TOLD],
    ["no such command, written oddly", rules({ deny: "execute", command: "echo (x)" }), ASKING],
    ["no commands", rules({ deny: "execute" }), TOLD],
    ["no fetches", rules({ deny: "fetch" }), [...TOLD, "codex native"]],
    ["no reads of some files", rules({ deny: "read", path: "secrets/**" }), TOLD],
    ["no searches of some files", rules({ deny: "search", path: "secrets/**" }), ASKING],
    ["no such tool", rules({ deny: "all", tool: "github/merge" }), TOLD],
    ["no tools of a server", rules({ deny: "other", tool: "github/*" }), TOLD],
    ["no tools of such a form", rules({ deny: "all", tool: "git*/merge" }), ASKING],
    ["a question", rules({ ask: "execute" }), ASKING],
    ["a question about some files", rules({ ask: "edit", path: "infra/**" }), ASKING],
    ["an exception to a refusal", rules({ allow: "execute", command: "npm test" }, { deny: "execute" }), ASKING],
    ["more than is allowed anyway", rules({ allow: "execute", command: "npm test" }), NAMES],
    ["some more than reading", { preset: "read-only", rules: [{ allow: "edit", path: "docs/**" }] }, ASKING],
    ["everything", { preset: "read-only", rules: [{ allow: "all" }] }, NAMES],
  ])("%s", async (_, permissions, expected) => {
    expect((await bound(permissions)).toSorted()).toEqual([...expected].toSorted());
  });

  test("outside its worktree bind a command in a sandbox", async () => {
    expect(await isBound("own exec", rules({ deny: "edit", path: "/etc/**" }), "require")).toBe(true);
  });
});

describe("what cannot be enforced is said", () => {
  const said = async (text: string): Promise<readonly unknown[]> =>
    (await diagnosticsOf(text)).map(({ code, line, message, hint }) => ({ code, line, message, hint }));

  test("where the rule is, with a way out, and once", async () => {
    const text = `agents:
  default: claude
  use: { claude: { protocol: native } }
  permissions:
    rules:
      - { deny: execute, command: "rm *" }
      - { ask: fetch }
steps:
  - { id: a, agent: x }
  - { id: b, agent: y }
  - { id: c, agent: { prompt: z, permissions: read-only } }
  - { id: d, plan: { steps: [{ id: e, agent: x }] } }
`;
    expect(await said(text)).toEqual([
      {
        code: "RuleNotEnforceable",
        line: 7,
        message: 'the agent "claude" (native) cannot be held to this: it asks nobody before it acts',
        hint: "say `protocol: acp`, over which it asks",
      },
    ]);
  });

  test("of an entry, and of a preset", async () => {
    const text = `agents:
  use:
    mine: { command: mine, permissions: ask }
steps:
  - { id: a, agent: { prompt: x, use: mine } }
`;
    expect(await said(text)).toMatchObject([
      { code: "RuleNotEnforceable", line: 3, hint: expect.stringContaining("ACP") },
    ]);
  });

  test("not of agents that no step uses", async () => {
    const text = `agents:
  use: { mine: { command: mine } }
  permissions: ask
steps:
  - { id: a, agent: x }
`;
    expect(await said(text)).toEqual([]);
  });
});
