/** Claude Code and Codex in their native forms: arguments, results that lie, running totals. */
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { AgentContext, AgentOutcome, McpServer } from "../../../src/agent/adapters/port.ts";
import { policyOf } from "../../../src/agent/adapters/policy.ts";
import { PERMISSION_PRESETS } from "../../../src/agent/adapters/permissions.ts";
import { agentRegistry } from "../../../src/agent/adapters/registry.ts";
import { fixture } from "../../support/built.ts";
import { type Place, place } from "./rig.ts";

const CLI = fixture("agent-cli");

/** Runs an adapter whose program prints these lines and ends with this code. */
async function printed(
  here: Place,
  id: "claude" | "codex",
  lines: readonly object[],
  extra: Partial<AgentContext> = {},
  code = 0,
): Promise<AgentOutcome> {
  const file = join(here.folder, "../lines");
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return await started(here, id, ["sh", "-c", `cat >/dev/null; cat ${file}; exit ${code}`], extra);
}

async function started(
  here: Place,
  id: "claude" | "codex",
  command: readonly string[],
  extra: Partial<AgentContext>,
): Promise<AgentOutcome> {
  const made = agentRegistry({
    world: here.world,
    agents: { [id]: { protocol: "native", command: command as [string] } },
  });
  const adapter = made.ok ? made.value.get(id) : undefined;
  if (adapter === undefined) throw new Error("no adapter");
  return await adapter.start(here.context(extra)).outcome;
}

async function argumentsOf(
  here: Place,
  id: "claude" | "codex",
  extra: Partial<AgentContext>,
): Promise<readonly string[]> {
  await started(here, id, [process.execPath, CLI, id, "works", ""], extra);
  return (JSON.parse(here.read("args.json")) as string[]).slice(5);
}

const SECRET = "bearer-0123456789";
const MCP: readonly McpServer[] = [
  { type: "http", name: "heddle", url: "http://127.0.0.1:1/mcp", headers: { Authorization: `Bearer ${SECRET}` } },
  { type: "stdio", name: "local", command: "srv", args: ["a b"], env: { TOKEN: SECRET } },
];

describe("claude", () => {
  const init = { type: "system", subtype: "init", session_id: "c1", model: "m1" };
  const result = { type: "result", subtype: "success", is_error: false, result: "ok", session_id: "c1" };

  test("is told its model, its session, its tools, and no secret", async () => {
    using here = place();
    const args = await argumentsOf(here, "claude", { model: "haiku", resume: { sessionId: "c0" }, mcp: MCP });
    const at = (flag: string): string | undefined => args[args.indexOf(flag) + 1];
    expect([at("--model"), at("--resume"), at("--permission-mode"), at("--output-format")]).toEqual([
      "haiku",
      "c0",
      "acceptEdits",
      "stream-json",
    ]);
    expect(args).toContain("mcp__heddle");
    expect(args.join(" ")).not.toContain(SECRET);
    const config = JSON.parse(at("--mcp-config") ?? "") as {
      mcpServers: Record<string, { headers?: Record<string, string> }>;
    };
    const name = /^\$\{(\w+)\}$/.exec(config.mcpServers["heddle"]?.headers?.["Authorization"] ?? "")?.[1] ?? "";
    expect((JSON.parse(here.read("env.json")) as Record<string, string>)[name]).toBe(`Bearer ${SECRET}`);
    const reader = await argumentsOf(here, "claude", { policy: PERMISSION_PRESETS["read-only"] });
    expect(reader.slice(reader.indexOf("--disallowedTools"))).toContain("Write");
    expect(reader).not.toContain("acceptEdits");
    // Edits are allowed by its mode, in its folder: by name they would be everywhere.
    expect(args).not.toContain("Write");
    expect(await argumentsOf(here, "claude", { policy: PERMISSION_PRESETS.full })).toContain("Write");
  });

  test("is told what its rules refuse, in its own words", async () => {
    using here = place();
    const policy = policyOf({
      rules: [
        { deny: "execute", command: "echo secret*" },
        { deny: ["edit", "delete"], path: "infra/**" },
        { deny: "edit", path: "/etc/**" },
        { deny: "fetch" },
        { deny: "all", tool: "github/*" },
        { deny: "all", tool: "github/merge" },
      ],
    });
    const args = await argumentsOf(here, "claude", { policy });
    expect(args.slice(args.indexOf("--disallowedTools") + 1, args.indexOf("--strict-mcp-config"))).toEqual([
      "Bash(echo secret*)",
      "Edit(infra/**)",
      "Edit(//etc/**)",
      "WebFetch",
      "WebSearch",
      "mcp__github",
      "mcp__github__merge",
    ]);
  });

  test("a subtype of success is believed by nobody", async () => {
    using here = place();
    const bad = {
      ...result,
      is_error: true,
      api_error_status: 401,
      terminal_reason: "api_error",
      result: "API Error: 401",
    };
    expect(await printed(here, "claude", [init, bad], {}, 1)).toMatchObject({ status: "failed", class: "auth" });
    expect(await printed(here, "claude", [init, { ...result, terminal_reason: "api_error" }], {}, 1)).toMatchObject({
      status: "failed",
    });
    expect(await printed(here, "claude", [init, { ...result, subtype: "error_max_budget_usd" }])).toMatchObject({
      class: "budget",
    });
    expect(
      await printed(here, "claude", [init, { ...result, subtype: "error_during_execution", is_error: true }]),
    ).toMatchObject({ class: "crash" });
    expect(await printed(here, "claude", [init, { ...result, is_error: true }])).toMatchObject({ class: "crash" });
    expect(await printed(here, "claude", [init])).toMatchObject({ status: "failed", class: "crash" });
    expect(await printed(here, "claude", [init, result])).toMatchObject({
      status: "ok",
      text: "ok",
      sessionId: "c1",
      model: "m1",
    });
  });

  test("cost is a running total of the session, usage is not", async () => {
    using here = place();
    const usage = { input_tokens: 10, cache_read_input_tokens: 4, output_tokens: 2 };
    const modelUsage = { a: { inputTokens: 30, outputTokens: 5 }, b: { inputTokens: 1, outputTokens: 1 } };
    const said = { ...result, usage, modelUsage, total_cost_usd: 3 };
    const first = await printed(here, "claude", [init, said]);
    expect(first).toMatchObject({ usage: { input: 31, output: 6 }, cost: 3, totals: { usd: 3 } });
    const resume = { sessionId: "c1", totals: { usd: 2 } };
    const second = await printed(here, "claude", [init, said], { resume });
    expect(second).toMatchObject({ usage: { input: 10, cachedRead: 4, output: 2 }, cost: 1 });
    const unknown = await printed(here, "claude", [init, said], { resume: { sessionId: "c1" } });
    expect(unknown.cost).toBeUndefined();
  });

  test("begins anew where the session is gone, once", async () => {
    using here = place();
    const gone = {
      type: "result",
      subtype: "error_during_execution",
      is_error: true,
      errors: ["No conversation found with session ID: c0"],
      session_id: "c9",
    };
    const resume = { sessionId: "c0" };
    expect(await printed(here, "claude", [gone], { resume }, 1)).toMatchObject({ isSessionGone: true });
    expect(await printed(here, "claude", [gone], {}, 1)).not.toHaveProperty("isSessionGone");
    // What says so after the agent has answered is about something else.
    const said = { type: "assistant", message: { content: [{ type: "text", text: "hm" }] } };
    expect(await printed(here, "claude", [init, said, gone], { resume }, 1)).not.toHaveProperty("isSessionGone");
    const command = ["sh", "-c", "cat > /dev/null; echo 'No conversation found with session ID: c0' >&2; exit 1"];
    expect(await started(here, "claude", command, { resume })).toMatchObject({ isSessionGone: true });
  });

  test("tells of its own retries", async () => {
    using here = place();
    const retry = {
      type: "system",
      subtype: "api_retry",
      attempt: 1,
      error_status: 429,
      error: "rate_limit",
      retry_delay_ms: 500,
    };
    await printed(here, "claude", [init, retry, result]);
    expect(here.events.find((event) => event.type === "retrying")).toMatchObject({
      class: "rate-limit",
      rateLimit: { provider: "anthropic", retryAfterMs: 500 },
    });
  });
});

describe("codex", () => {
  const begun = [{ type: "thread.started", thread_id: "t1" }, { type: "turn.started" }];
  const message = { type: "item.completed", item: { id: "1", type: "agent_message", text: "ok" } };
  const usage = (input: number, output: number): object => ({
    type: "turn.completed",
    usage: { input_tokens: input, cached_input_tokens: 100, output_tokens: output },
  });

  test("is told its model, its thread, its limits, and no secret", async () => {
    using here = place();
    const args = await argumentsOf(here, "codex", { model: 'a"b', resume: { sessionId: "t0" }, mcp: MCP });
    expect(args.slice(0, 2)).toEqual(["exec", "resume"]);
    expect(args.slice(-2)).toEqual(["t0", "-"]);
    for (const setting of [
      'model="a\\"b"',
      'approval_policy="never"',
      'sandbox_mode="workspace-write"',
      "analytics.enabled=false",
    ])
      expect(args).toContain(setting);
    expect(args.join(" ")).not.toContain(SECRET);
    expect(args.find((arg) => arg.startsWith("mcp_servers.heddle.env_http_headers"))).toMatch(
      /^\S+=\{"Authorization"="AGENT_MCP_0"\}$/,
    );
    expect(args).toContain('mcp_servers.local.env_vars=["TOKEN"]');
    for (const { name } of MCP) expect(args).toContain(`mcp_servers.${name}.startup_timeout_sec=60`);
    const reader = await argumentsOf(here, "codex", { policy: PERMISSION_PRESETS["read-only"] });
    expect(reader).toContain('sandbox_mode="read-only"');
  });

  test("searches the web only where its rules let it fetch", async () => {
    using here = place();
    const off = 'web_search="disabled"';
    expect(await argumentsOf(here, "codex", { policy: PERMISSION_PRESETS["read-only"] })).toContain(off);
    expect(await argumentsOf(here, "codex", { policy: PERMISSION_PRESETS.ask })).toContain(off);
    expect(await argumentsOf(here, "codex", { policy: PERMISSION_PRESETS.worktree })).not.toContain(off);
    const rules = [{ kind: ["fetch"], decision: "deny" }, ...PERMISSION_PRESETS.worktree.rules] as const;
    expect(await argumentsOf(here, "codex", { policy: { rules, otherwise: "deny" } })).toContain(off);
  });

  test("is done only when it says so and ends well", async () => {
    using here = place();
    expect(await printed(here, "codex", [...begun, message, usage(1000, 10)])).toMatchObject({
      status: "ok",
      text: "ok",
      sessionId: "t1",
    });
    expect(await printed(here, "codex", [...begun, message])).toMatchObject({ status: "failed", class: "crash" });
    expect(await printed(here, "codex", [...begun, message, usage(1, 1)], {}, 1)).toMatchObject({
      status: "failed",
      class: "crash",
    });
    const failed = { type: "turn.failed", error: { message: "stream disconnected before completion" } };
    expect(await printed(here, "codex", [...begun, message, failed], {}, 0)).toMatchObject({
      status: "failed",
      class: "network",
    });
  });

  test("begins anew where the thread is gone", async () => {
    using here = place();
    const said = "Error: thread/resume: thread/resume failed: no rollout found for thread id t0";
    const resume = { sessionId: "t0" };
    const command = ["sh", "-c", `cat > /dev/null; echo '${said}' >&2; exit 1`];
    expect(await started(here, "codex", command, { resume })).toMatchObject({ isSessionGone: true });
    expect(await started(here, "codex", command, {})).not.toHaveProperty("isSessionGone");
    const failed = { type: "turn.failed", error: { message: said } };
    expect(await printed(here, "codex", [failed], { resume }, 1)).toMatchObject({ isSessionGone: true });
    expect(await printed(here, "codex", [...begun, failed], { resume }, 1)).not.toHaveProperty("isSessionGone");
  });

  test("usage is a running total of the thread, cached tokens in its input", async () => {
    using here = place();
    const first = await printed(here, "codex", [...begun, message, usage(1000, 10)]);
    expect(first).toMatchObject({
      usage: { input: 900, cachedRead: 100, output: 10 },
      totals: { usage: { input: 900 } },
    });
    const totals = first.totals ?? {};
    const second = await printed(here, "codex", [...begun, message, usage(1500, 25)], {
      resume: { sessionId: "t1", totals },
    });
    expect(second.usage).toEqual({ input: 500, cachedRead: 0, output: 15 });
    const unknown = await printed(here, "codex", [...begun, message, usage(1500, 25)], { resume: { sessionId: "t1" } });
    expect(unknown.usage).toBeUndefined();
  });
});
