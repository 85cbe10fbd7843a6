/**
 * Codex adapter, native form: drives `codex exec --json` and parses its stream.
 *
 * Invariants:
 *  1. A turn succeeds only with `turn.completed` and exit code 0; `turn.failed`, or an end without either, is a failure.
 *  2. Usage is cumulative over a thread: for a resumed thread it is recorded as a difference, or as unknown.
 *  3. No secret is in an argument: headers and variables of MCP servers are passed in the environment.
 */
import { defined } from "../../base/defined.ts";
import { type JsonObject, isJsonObject } from "../../base/json.ts";
import type { AgentSession } from "./agent-session.ts";
import { aboutSession, type AgentFailure, failureOf, shortMessage } from "./failure-class.ts";
import { probeProgram } from "./program.ts";
import { type NativeAgent, type OutputParser, jsonLine, startHeadless } from "./stream-process.ts";
import { decidePermission, reachOf } from "./permissions.ts";
import { type AgentAdapter, type AgentContext, type McpServer, TEXT_LIMIT } from "./port.ts";
import type { ToolKind } from "../../plan/agents-config.ts";
import type { AgentWorld } from "./process.ts";
import { readUsage, usageDelta } from "./usage.ts";

export function codexAdapter(world: AgentWorld, agent: NativeAgent): AgentAdapter {
  return {
    id: agent.id,
    provider: agent.provider,
    homePaths: agent.homePaths,
    homeFiles: agent.homeFiles,
    nestsSandbox: agent.nestsSandbox,
    resumes: true,
    probe: () => probeProgram(world, agent.program, world.path),
    start(context) {
      const mcp = mcpOf(context.mcp);
      const settings = [...settingsOf(context), ...mcp.settings].flatMap((setting) => ["-c", setting]);
      const { resume } = context;
      return startHeadless(world, context, {
        provider: agent.provider,
        program: agent.program,
        args: [
          "exec",
          ...(resume === undefined ? [] : ["resume"]),
          ...settings,
          ...agent.args,
          "--skip-git-repo-check",
          "--json",
          ...(resume === undefined ? [] : [resume.sessionId]),
          "-",
        ],
        env: { ...agent.env(context), ...mcp.env },
        tellsSession: true,
        parser: codexParser(context),
      });
    },
  };
}

/** Overrides of its configuration file: no questions, no telemetry, timeouts for a hanging stream. */
function settingsOf(context: AgentContext): readonly string[] {
  const reach = reachOf(context.policy, context.cwd);
  const sandbox = reach === "read-only" ? "read-only" : reach === "worktree" ? "workspace-write" : "danger-full-access";
  return [
    ...(context.model === undefined ? [] : [`model=${toml(context.model)}`]),
    'approval_policy="never"',
    `sandbox_mode=${toml(sandbox)}`,
    "check_for_update_on_startup=false",
    "analytics.enabled=false",
    "feedback.enabled=false",
    "features.plugins=false",
    "features.apps=false",
    "features.remote_plugin=false",
    ...(mayFetch(context) ? [] : ['web_search="disabled"']),
  ];
}

/** The provider does its web search: a sandbox cannot prevent it. */
function mayFetch({ policy, cwd }: AgentContext): boolean {
  return decidePermission(policy, { kind: "fetch", title: "", paths: [] }, cwd) === "allow";
}

/** A basic string of TOML is one of JSON. */
function toml(text: string): string {
  return JSON.stringify(text);
}

function mcpOf(servers: readonly McpServer[]): { settings: readonly string[]; env: Readonly<Record<string, string>> } {
  const env: Record<string, string> = {};
  const settings = servers.flatMap((server) => {
    const at = `mcp_servers.${server.name}`;
    // Its ten seconds pass on a busy machine, and it goes on without the tools.
    const patience = `${at}.startup_timeout_sec=60`;
    if (server.type === "http") {
      const names = Object.entries(server.headers).map(([name, value]) => {
        const variable = `AGENT_MCP_${Object.keys(env).length}`;
        env[variable] = value;
        return `${toml(name)}=${toml(variable)}`;
      });
      return [
        patience,
        `${at}.url=${toml(server.url)}`,
        ...(names.length === 0 ? [] : [`${at}.env_http_headers={${names.join(",")}}`]),
      ];
    }
    Object.assign(env, server.env);
    const names = Object.keys(server.env).map(toml);
    return [
      patience,
      `${at}.command=${toml(server.command)}`,
      `${at}.args=[${server.args.map(toml).join(",")}]`,
      ...(names.length === 0 ? [] : [`${at}.env_vars=[${names.join(",")}]`]),
    ];
  });
  return { settings, env };
}

const KINDS: Readonly<Record<string, ToolKind>> = {
  command_execution: "execute",
  file_change: "edit",
  mcp_tool_call: "other",
  web_search: "fetch",
};

/** Tools that are counted at the same time. */
const MAX_TOOLS = 1000;

function codexParser(context: AgentContext): OutputParser {
  let text = "";
  let isOpen = false;
  let isCompleted = false;
  let failure: AgentFailure | undefined;
  const tools = new Set<string>();

  function item(raw: unknown, phase: "running" | "done", attempt: AgentSession): void {
    if (!isJsonObject(raw)) return;
    const { type, id } = raw;
    if (type === "agent_message" && phase === "done" && typeof raw["text"] === "string") {
      text = raw["text"].slice(-TEXT_LIMIT);
      context.log(raw["text"]);
      context.emit({ type: "text", text });
    } else if (type === "reasoning" && phase === "done" && typeof raw["text"] === "string") {
      context.emit({ type: "thought", text: raw["text"].slice(-TEXT_LIMIT) });
    } else if (type === "error" && typeof raw["message"] === "string") {
      attempt.notice(shortMessage(raw["message"]));
    } else if (type === "todo_list" && Array.isArray(raw["items"])) {
      const entries = raw["items"]
        .slice(0, 100)
        .flatMap((one: unknown) =>
          isJsonObject(one)
            ? [{ text: String(one["text"]).slice(0, 300), status: one["completed"] === true ? "completed" : "pending" }]
            : [],
        );
      context.emit({ type: "plan", entries });
    } else if (typeof type === "string" && typeof id === "string" && Object.hasOwn(KINDS, type)) {
      if (phase !== "running") tools.delete(id);
      else if (tools.size < MAX_TOOLS) tools.add(id);
      attempt.deadlines.tools(tools.size);
      const isFailed = phase === "done" && (raw["status"] === "failed" || Number(raw["exit_code"] ?? 0) !== 0);
      const status = isFailed ? "failed" : phase;
      const title = titleOf(raw);
      const paths = Array.isArray(raw["changes"])
        ? raw["changes"]
            .slice(0, 50)
            .flatMap((one: unknown) => (isJsonObject(one) && typeof one["path"] === "string" ? [one["path"]] : []))
        : [];
      context.log(`[${KINDS[type]} ${status}] ${title}`);
      context.emit({ type: "tool", id, title, kind: KINDS[type] ?? "other", status, paths });
    }
  }
  function completed(message: JsonObject, attempt: AgentSession): void {
    isCompleted = true;
    const total = readUsage(message["usage"], { inputHoldsCached: true });
    if (total === undefined) return;
    const before = context.resume?.totals?.usage;
    const isKnown = attempt.session?.resumed !== true || before !== undefined;
    attempt.note(
      defined({
        usage: isKnown ? (attempt.session?.resumed === true ? usageDelta(total, before) : total) : undefined,
        totals: { usage: total },
        rawUsage: isJsonObject(message["usage"]) ? message["usage"] : undefined,
      }),
    );
  }
  /** It is to go on in a thread, and has not. */
  function isUnopened(): boolean {
    return context.resume !== undefined && !isOpen;
  }
  return {
    text: () => text,
    line(line, attempt) {
      const message = jsonLine(line, attempt);
      if (message === undefined) return;
      switch (message["type"]) {
        case "thread.started": {
          const sessionId = message["thread_id"];
          if (typeof sessionId !== "string")
            return attempt.fail({ class: "protocol", message: "the agent named no thread" });
          isOpen = true;
          return attempt.ready({ sessionId, resumed: context.resume?.sessionId === sessionId });
        }
        case "item.started":
          return item(message["item"], "running", attempt);
        case "item.completed":
          return item(message["item"], "done", attempt);
        case "turn.completed":
          return completed(message, attempt);
        case "turn.failed": {
          const { error } = message;
          const said = isJsonObject(error) ? String(error["message"] ?? "") : "";
          failure = aboutSession(failureOf(said, error, "crash"), said, isUnopened());
          return attempt.fail(failure);
        }
        case "error": {
          // Retries are reported as errors; the last one is repeated at the turn's end.
          const said = String(message["message"] ?? "");
          const read = failureOf(said, undefined, "network");
          context.emit({ type: "retrying", class: read.class, message: read.message });
          return;
        }
        default:
          return;
      }
    },
    verdict(code, words) {
      if (failure !== undefined) return failure;
      if (isCompleted && code === 0) return "done";
      if (words === "") return undefined;
      const read = aboutSession(failureOf(words, undefined, "crash"), words, isUnopened());
      return { ...read, message: shortMessage(`exit code ${code}: ${read.message}`) };
    },
  };
}

function titleOf(item: JsonObject): string {
  const what =
    item["command"] ??
    item["query"] ??
    (item["tool"] === undefined ? item["type"] : `${String(item["server"])} ${String(item["tool"])}`);
  return shortMessage(String(what), 200);
}
