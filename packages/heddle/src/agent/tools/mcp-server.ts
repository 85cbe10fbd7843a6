/**
 * MCP server for one attempt: offers its tools, checks inputs, and passes calls to its task session. Serves the
 * stateless protocol of 2026-07-28 and older versions from one factory. Knows no tokens and no sockets. In this room the
 * only importer of the protocol's library, which takes a tenth of a second to load.
 */
import { createMcpHandler, McpServer, type CallToolResult, type McpHttpHandler } from "@modelcontextprotocol/server";
import { messageOf } from "../../base/errors.ts";
import type { TaskSession, Reply, Report } from "./task-session.ts";
import type { AttemptTask, TaskBrief, ToolName } from "./port.ts";
import { TOOLS } from "./tools.ts";

const INSTRUCTIONS =
  "These tools connect you with the run that gave you your task. Report progress at milestones. End with task_complete, task_fail or plan_submit, whichever you have.";

/** Long-lived streams that one attempt may hold: nothing is ever sent on them. */
const MOST_SUBSCRIPTIONS = 4;

export interface ToolServerOptions {
  readonly version: string;
  readonly maxBodyBytes: number;
  readonly onFault: (message: string) => void;
}

/** Closing the handler ends its requests in flight. */
export function toolServer(task: AttemptTask, session: TaskSession, options: ToolServerOptions): McpHttpHandler {
  return createMcpHandler(() => serverOf(task, session, options.version), {
    maxSubscriptions: MOST_SUBSCRIPTIONS,
    maxRequestBodySize: options.maxBodyBytes,
    onerror: (error) => options.onFault(`a request for task tools was not served: ${messageOf(error)}`),
  });
}

function serverOf(task: AttemptTask, session: TaskSession, version: string): McpServer {
  const server = new McpServer({ name: "heddle", version }, { instructions: INSTRUCTIONS });
  for (const name of new Set(task.tools)) register(server, name, task, session);
  return server;
}

function register(server: McpServer, name: ToolName, task: AttemptTask, session: TaskSession): void {
  const { description, input, output, readOnly, title } = TOOLS[name];
  server.registerTool(
    name,
    {
      title,
      description,
      inputSchema: input,
      outputSchema: output,
      annotations: { readOnlyHint: readOnly, destructiveHint: false, idempotentHint: true, openWorldHint: false },
      // Some agents show tools only to a model that searches for them, unless marked otherwise.
      _meta: { "anthropic/alwaysLoad": true },
    },
    async (checked: unknown): Promise<CallToolResult> => {
      if (name === "task_get") return shown(briefOf(task.brief));
      // The schema belonging to this very name has checked the input.
      return resultOf(await session.report({ tool: name, input: checked } as Report));
    },
  );
}

function briefOf(brief: TaskBrief): Record<string, unknown> {
  return { ...brief };
}

function resultOf(reply: Reply): CallToolResult {
  if (!reply.ok) return { isError: true, content: [{ type: "text", text: reply.message }] };
  const { ok: _, ...rest } = reply;
  return shown(rest);
}

function shown(value: Record<string, unknown>): CallToolResult {
  // Older clients read the text, newer ones the structure.
  return { content: [{ type: "text", text: JSON.stringify(value) }], structuredContent: value };
}
