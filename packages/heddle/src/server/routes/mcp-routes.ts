/** Route of the Model Context Protocol: the tools of `heddle mcp` for agents that reach the server over HTTP. */
import { z } from "zod";
import type { Json } from "../../base/json.ts";
import { projectOf } from "../asked-run.ts";
import { apiRoute, type ApiRoute } from "../route.ts";

const MOST_BODY_BYTES = 8 * 1024 * 1024;
/** Of one request. Clients of today send one. */
const MOST_MESSAGES = 50;

const message = z.looseObject({ jsonrpc: z.literal("2.0") });

export const MCP_ROUTES: readonly ApiRoute[] = [
  apiRoute({
    method: "POST",
    path: "/api/projects/:project/mcp",
    // What acts is not offered to who only reads.
    authority: "read",
    bodyLimit: MOST_BODY_BYTES,
    operation: {
      id: "askOverMcp",
      summary:
        "The tools and resources of `heddle mcp` over the protocol's streamable HTTP; a `read` token has those that look",
      body: z.union([message, z.array(message).max(MOST_MESSAGES)]),
      answer: {
        status: 200,
        description: "What the protocol says: JSON, or a stream of events",
        type: "application/json",
      },
      example: { body: { jsonrpc: "2.0", id: 1, method: "ping" } },
    },
    handle: async (call) => {
      const project = await projectOf(call);
      // The library takes a tenth of a second to load.
      const { answerMcp } = await import("../../mcp/serve-http.ts");
      const { world, headers, signal } = call;
      const request = new Request(`${world.origin()}${call.instance}`, { method: "POST", headers, signal, body: "{}" });
      return await answerMcp(request, call.body as Json, {
        project,
        clock: world.clock,
        actor: `${world.actor} (MCP)`,
        isReadOnly: call.grant !== "act",
        onFault: world.onFault,
      });
    },
  }),
];
