/**
 * MCP over HTTP: answers the protocol's requests one at a time, by the same tools as over standard streams. Keeps no session: what a request
 * may do is said with it. Knows no address, no token and no guard.
 *
 * Invariants:
 *  1. Who only reads gets a server on which no tool acts.
 *  2. Runs that are started go on in this process after their client has gone.
 */
import { createMcpHandler } from "@modelcontextprotocol/server";
import type { Clock } from "../base/clock.ts";
import type { Json } from "../base/json.ts";
import { err, ok } from "../base/result.ts";
import type { Project } from "../project/port.ts";
import { VERSION } from "../version.ts";
import { readOnlyServer } from "./mcp-project.ts";
import { mcpServer } from "./server.ts";
import type { McpWorld } from "./tool.ts";

export interface McpHttpOptions {
  readonly project: Project;
  readonly clock: Clock;
  readonly actor: string;
  readonly isReadOnly: boolean;
  readonly onFault: (thrown: unknown) => void;
}

/** `body`: of the request, whose own is not read. */
export function answerMcp(request: Request, body: Json, options: McpHttpOptions): Promise<Response> {
  const { project, clock, actor, isReadOnly, onFault } = options;
  const world: McpWorld = {
    dir: project.dir,
    clock,
    actor,
    project: {
      toRead: async () => ok(project),
      toAct: async () => (isReadOnly ? err(readOnlyServer()) : ok(project)),
    },
    // What came of it is in the journal.
    runs: { add: (handle) => void handle.result.catch(() => undefined) },
  };
  const server = { world, version: VERSION, isReadOnly, onFault, onCall: () => undefined };
  const handler = createMcpHandler(() => mcpServer(server), { onerror: onFault });
  return handler.fetch(request, { parsedBody: body });
}
