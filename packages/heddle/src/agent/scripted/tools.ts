/**
 * Tool client of the scripted agent: sends one request per call to an MCP server of the session. Implements only what a
 * call needs.
 */
import { isJsonObject, type JsonObject } from "../../base/json.ts";

export interface ToolServer {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Those of a session's servers that are reached by HTTP. */
export function serversOf(handed: unknown): readonly ToolServer[] {
  if (!Array.isArray(handed)) return [];
  return handed.flatMap((one): ToolServer[] => {
    if (!isJsonObject(one) || one["type"] !== "http") return [];
    const { name, url, headers } = one;
    if (typeof name !== "string" || typeof url !== "string") return [];
    const pairs = Array.isArray(headers) ? headers.filter(isJsonObject) : [];
    return [
      { name, url, headers: Object.fromEntries(pairs.map((pair) => [String(pair["name"]), String(pair["value"])])) },
    ];
  });
}

/** The tool's answer. Rejects with the reason if there is no such server, it cannot be reached, or it refuses. */
export async function callTool(
  servers: readonly ToolServer[],
  { tool, input, signal }: { readonly tool: string; readonly input: JsonObject; readonly signal: AbortSignal },
): Promise<string> {
  const [server] = servers;
  if (server === undefined) throw new Error("no tool server was configured");
  const response = await fetch(server.url, {
    method: "POST",
    headers: {
      ...server.headers,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: tool, arguments: input } }),
    signal,
  });
  const answer = answerIn(await response.text());
  if (answer === undefined) throw new Error(`${server.name} answered with status ${response.status}`);
  const { result, error } = answer;
  if (isJsonObject(error)) throw new Error(String(error["message"]));
  const content = isJsonObject(result) && Array.isArray(result["content"]) ? result["content"] : [];
  const text = content.map((part) => (isJsonObject(part) ? String(part["text"] ?? "") : "")).join("\n");
  if (isJsonObject(result) && result["isError"] === true) throw new Error(text);
  return text;
}

/** A single message, or the only event of a stream. */
function answerIn(text: string): JsonObject | undefined {
  const data = /^data: ?(.*)$/m.exec(text)?.[1] ?? text;
  try {
    const value: unknown = JSON.parse(data);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
