/**
 * Claude Code adapter, native form: drives `claude -p` and parses its stream of JSON objects.
 *
 * Invariants:
 *  1. `subtype` is ignored: a result is an error if `is_error`, a status, or the exit code says so.
 *  2. No secret is in an argument: headers and variables of MCP servers are passed in the environment.
 */
import { defined } from "../../base/defined.ts";
import { type JsonObject, isJsonObject } from "../../base/json.ts";
import type { AgentSession } from "./agent-session.ts";
import { aboutSession, type AgentFailure, failureOf, shortMessage } from "./failure-class.ts";
import { probeProgram } from "./program.ts";
import { type NativeAgent, type OutputParser, jsonLine, startHeadless } from "./stream-process.ts";
import { reachOf } from "./permissions.ts";
import { type AgentAdapter, type AgentContext, type McpServer, type PermissionPolicy, TEXT_LIMIT } from "./port.ts";
import type { ToolKind } from "../../plan/agents-config.ts";
import type { AgentWorld } from "./process.ts";
import { readModelUsage, readUsage } from "./usage.ts";

const READING = { inputHoldsCached: false };

export function claudeAdapter(world: AgentWorld, agent: NativeAgent): AgentAdapter {
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
      return startHeadless(world, context, {
        provider: agent.provider,
        program: agent.program,
        args: [...argumentsOf(context), ...mcp.args, ...agent.args],
        env: { ...agent.env(context), ...mcp.env },
        tellsSession: true,
        parser: claudeParser(context),
      });
    },
  };
}

/** Not allowed as such where it works in its folder: its mode allows edits there, and nowhere else. */
const EDIT_TOOLS = ["Write", "Edit", "NotebookEdit"];
const READ_TOOLS = ["Read", "Grep", "Glob"];
const WRITE_TOOLS = ["Bash", ...EDIT_TOOLS];

function argumentsOf(context: AgentContext): readonly string[] {
  const { model, resume } = context;
  const reach = reachOf(context.policy, context.cwd);
  const tools = [
    ...READ_TOOLS,
    ...(reach === "full" ? WRITE_TOOLS : reach === "worktree" ? ["Bash"] : []),
    ...context.mcp.map((server) => `mcp__${server.name}`),
  ];
  const denied = [...(reach === "read-only" ? WRITE_TOOLS : []), ...deniedTools(context.policy)];
  const mode = reach === "read-only" ? "default" : reach === "worktree" ? "acceptEdits" : "bypassPermissions";
  return [
    "-p",
    "--output-format",
    "stream-json",
    "--verbose",
    ...(model === undefined ? [] : ["--model", model]),
    ...(resume === undefined ? [] : ["--resume", resume.sessionId]),
    "--permission-mode",
    mode,
    "--allowedTools",
    ...tools,
    ...(denied.length === 0 ? [] : ["--disallowedTools", ...denied]),
  ];
}

/** Its tools by the kind that a rule names. */
const TOOLS_OF: Readonly<Partial<Record<ToolKind, readonly string[]>>> = {
  read: ["Read"],
  edit: EDIT_TOOLS,
  search: ["Grep", "Glob"],
  execute: ["Bash"],
  fetch: ["WebFetch", "WebSearch"],
};

/**
 * What the policy refuses before anything that allows it, in its own words: it asks nobody. See `canBind` of the plan's check
 * for the rules that it has words for.
 */
function deniedTools({ rules }: PermissionPolicy): readonly string[] {
  const first = rules.findIndex(({ decision }) => decision !== "deny");
  return rules.slice(0, first < 0 ? undefined : first).flatMap(({ kind, path, command, tool }) => {
    if (tool !== undefined) {
      const [server = "", name = ""] = tool.split("/");
      return [name === "*" ? `mcp__${server}` : `mcp__${server}__${name}`];
    }
    if (command !== undefined) return [`Bash(${command})`];
    const names = (kind ?? (Object.keys(TOOLS_OF) as readonly ToolKind[])).flatMap((one) => TOOLS_OF[one] ?? []);
    if (path === undefined) return names;
    // One rule of edits holds for all of its tools that edit.
    const glob = path.startsWith("/") ? `/${path}` : path;
    return [
      ...new Set(names.flatMap((name) => (EDIT_TOOLS.includes(name) ? ["Edit"] : name === "Read" ? [name] : []))),
    ].map((name) => `${name}(${glob})`);
  });
}

/** Its configuration takes `${NAME}` for a variable of the environment. */
function mcpOf(servers: readonly McpServer[]): { args: readonly string[]; env: Readonly<Record<string, string>> } {
  if (servers.length === 0) return { args: ["--strict-mcp-config"], env: {} };
  const env: Record<string, string> = {};
  const hide = (values: Readonly<Record<string, string>>): JsonObject =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => {
        const variable = `AGENT_MCP_${Object.keys(env).length}`;
        env[variable] = value;
        return [name, `\${${variable}}`];
      }),
    );
  const mcpServers = Object.fromEntries(
    servers.map((server) => [
      server.name,
      server.type === "http"
        ? { type: "http", url: server.url, headers: hide(server.headers) }
        : { command: server.command, args: server.args, env: hide(server.env) },
    ]),
  );
  return { args: ["--strict-mcp-config", "--mcp-config", JSON.stringify({ mcpServers })], env };
}

const KINDS: Readonly<Record<string, ToolKind>> = {
  Read: "read",
  Write: "edit",
  Edit: "edit",
  NotebookEdit: "edit",
  Bash: "execute",
  Grep: "search",
  Glob: "search",
  WebFetch: "fetch",
  WebSearch: "fetch",
};

/** Tools that are remembered at the same time. */
const MAX_TOOLS = 1000;

function claudeParser(context: AgentContext): OutputParser {
  let text = "";
  let result: JsonObject | undefined;
  let failure: AgentFailure | undefined;
  let hasAnswered = false;
  const tools = new Map<
    string,
    { readonly title: string; readonly kind: ToolKind; readonly paths: readonly string[] }
  >();

  function contentOf(message: unknown): readonly JsonObject[] {
    const content = isJsonObject(message) ? message["content"] : undefined;
    return Array.isArray(content) ? content.filter(isJsonObject) : [];
  }
  function tool(id: string, status: "running" | "done" | "failed", attempt: AgentSession): void {
    const known = tools.get(id);
    if (known === undefined) return;
    if (status !== "running") tools.delete(id);
    context.log(`[${known.kind} ${status}] ${known.title}`);
    context.emit({ type: "tool", id, status, ...known });
    attempt.deadlines.tools(tools.size);
  }
  function assistant(message: JsonObject, attempt: AgentSession): void {
    hasAnswered = true;
    for (const block of contentOf(message["message"])) {
      if (block["type"] === "text" && typeof block["text"] === "string") {
        text = block["text"].slice(-TEXT_LIMIT);
        context.log(block["text"]);
        context.emit({ type: "text", text });
      } else if (block["type"] === "thinking" && typeof block["thinking"] === "string") {
        context.emit({ type: "thought", text: block["thinking"].slice(-TEXT_LIMIT) });
      } else if (block["type"] === "tool_use" && typeof block["id"] === "string" && tools.size < MAX_TOOLS) {
        const name = String(block["name"]);
        const input = isJsonObject(block["input"]) ? block["input"] : {};
        const file = input["file_path"];
        const what = input["command"] ?? file ?? input["pattern"] ?? "";
        tools.set(block["id"], {
          title: shortMessage(`${name} ${String(what)}`, 200),
          kind: KINDS[name] ?? "other",
          paths: typeof file === "string" ? [file] : [],
        });
        tool(block["id"], "running", attempt);
      }
    }
  }
  function system(message: JsonObject, attempt: AgentSession): void {
    if (message["subtype"] === "init") {
      const sessionId = message["session_id"];
      if (typeof sessionId !== "string")
        return attempt.fail({ class: "protocol", message: "the agent named no session" });
      if (attempt.session === undefined) attempt.ready({ sessionId, resumed: context.resume?.sessionId === sessionId });
      if (typeof message["model"] === "string") attempt.note({ model: message["model"] });
    } else if (message["subtype"] === "api_retry") {
      const status = message["error_status"];
      const read = failureOf(
        String(message["error"] ?? ""),
        { status, message: String(message["error"] ?? "") },
        "network",
      );
      const retryAfterMs = message["retry_delay_ms"];
      context.emit(
        defined({
          type: "retrying",
          class: read.class,
          message: read.message,
          rateLimit:
            typeof retryAfterMs === "number" && retryAfterMs >= 0 ? { provider: "anthropic", retryAfterMs } : undefined,
        }),
      );
    }
  }
  function ended(message: JsonObject, attempt: AgentSession): void {
    result = message;
    if (typeof message["result"] === "string") text = message["result"].slice(-TEXT_LIMIT);
    const sessionId = message["session_id"];
    // A resumed session may have got a new id.
    if (typeof sessionId === "string" && attempt.session === undefined) attempt.ready({ sessionId, resumed: false });
    const resumed = context.resume !== undefined;
    const usage =
      (resumed ? undefined : readModelUsage(message["modelUsage"], READING)) ?? readUsage(message["usage"], READING);
    const total = message["total_cost_usd"];
    const before = context.resume?.totals?.usd;
    const usd = typeof total === "number" && total >= 0 ? total : undefined;
    const cost =
      usd === undefined ? undefined : !resumed ? usd : before === undefined ? undefined : Math.max(0, usd - before);
    attempt.note(
      defined({
        usage,
        cost,
        totals: usd === undefined ? undefined : { usd },
        rawUsage: isJsonObject(message["usage"]) ? message["usage"] : undefined,
      }),
    );
    const found = failureOfResult(message, text);
    if (found === undefined) return attempt.done();
    failure = aboutSession(found, `${text} ${errorsOf(message)}`, resumed && !hasAnswered);
    attempt.fail(failure);
  }
  return {
    text: () => text,
    line(line, attempt) {
      const message = jsonLine(line, attempt);
      if (message === undefined) return;
      switch (message["type"]) {
        case "system":
          return system(message, attempt);
        case "assistant":
          return assistant(message, attempt);
        case "user":
          for (const block of contentOf(message["message"])) {
            if (block["type"] === "tool_result" && typeof block["tool_use_id"] === "string")
              tool(block["tool_use_id"], block["is_error"] === true ? "failed" : "done", attempt);
          }
          return;
        case "result":
          return ended(message, attempt);
        default:
          return;
      }
    },
    verdict(code, words) {
      if (result !== undefined) return failure ?? "done";
      if (words === "") return undefined;
      const read = aboutSession(
        failureOf(words, undefined, "crash"),
        words,
        context.resume !== undefined && !hasAnswered,
      );
      return { ...read, message: shortMessage(`exit code ${code} without a result: ${read.message}`) };
    },
  };
}

function failureOfResult(result: JsonObject, text: string): AgentFailure | undefined {
  const status = result["api_error_status"];
  const subtype = String(result["subtype"] ?? "");
  const reason = String(result["terminal_reason"] ?? "");
  const isBad = result["is_error"] === true || (status !== null && status !== undefined) || reason === "api_error";
  if (subtype.startsWith("error_max_budget")) return { class: "budget", message: "the agent's own budget is used up" };
  if (subtype.startsWith("error_max_turns"))
    return { class: "budget", message: "the agent reached its own limit of turns" };
  if (!isBad && !subtype.startsWith("error")) return undefined;
  return failureOf(text === "" ? errorsOf(result) : text, { status: Number(status) }, "crash");
}

function errorsOf({ errors }: JsonObject): string {
  return Array.isArray(errors) ? errors.map(String).join("; ") : "";
}
