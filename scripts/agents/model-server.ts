/**
 * Model server: a scripted model on the loopback address, in the wire formats of the providers. Counts what it served. Knows
 * no agent, and reaches nothing.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isJsonObject, type JsonObject } from "../../packages/heddle/src/base/json.ts";
import {
  canAct,
  type ModelAct,
  type ModelRequest,
  readRequest,
  TOKENS,
  type WireFormat,
  writeAnswer,
  writeRefusal,
} from "./wire-formats.ts";

/** What the model does: `acts` one after the other, and refusals before them. */
export interface ModelScript {
  readonly acts: readonly ModelAct[];
  /** Answers in place of the first ones; `times` absent: of all. */
  readonly refuse?: { readonly status: number; readonly message: string; readonly times?: number };
}

/** What was asked of the model, and what it told that this took. */
export interface Served {
  /** Answers that were given, refusals not among them. */
  answers: number;
  refusals: number;
  input: number;
  cached: number;
  output: number;
  readonly formats: Set<WireFormat>;
  readonly tools: Set<string>;
  /** Requests that no format knows. */
  readonly strange: string[];
}

export interface ModelServer extends AsyncDisposable {
  readonly url: string;
  readonly served: Served;
}

const MAX_BODY = 20_000_000;

export async function startModel(script: ModelScript): Promise<ModelServer> {
  const served: Served = {
    answers: 0,
    refusals: 0,
    input: 0,
    cached: 0,
    output: 0,
    formats: new Set(),
    tools: new Set(),
    strange: [],
  };
  const server = createServer((request, response) => {
    void answer(script, served, request, response).catch((thrown: unknown) => {
      served.strange.push(String(thrown));
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    served,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  script: ModelScript,
  served: Served,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname } = new URL(request.url ?? "/", "http://127.0.0.1");
  const body = await bodyOf(request);
  const read = request.method === "POST" ? readRequest(pathname, body) : undefined;
  if (read === undefined) {
    if (/count_?tokens$/i.test(pathname))
      return send(response, 200, "application/json", '{"input_tokens":1000,"totalTokens":1000}');
    served.strange.push(`${request.method} ${pathname}`);
    return send(response, 404, "application/json", "{}");
  }
  served.formats.add(read.format);
  for (const tool of read.tools) served.tools.add(tool);
  const { refuse } = script;
  if (refuse !== undefined && served.refusals < (refuse.times ?? Number.POSITIVE_INFINITY)) {
    served.refusals++;
    if (refuse.status === 429) response.setHeader("retry-after", "1");
    return send(response, refuse.status, "application/json", writeRefusal(read.format, refuse.status, refuse.message));
  }
  served.answers++;
  served.input += TOKENS.input;
  served.cached += TOKENS.cached;
  served.output += TOKENS.output;
  const { type, body: said } = writeAnswer(read, actFor(script, read), `${served.answers}x${read.results}`);
  send(response, 200, type, said);
}

/** By how far the conversation is: a repeated request gets the same answer. */
function actFor({ acts }: ModelScript, request: ModelRequest): ModelAct {
  if (!canAct(request)) return { kind: "say", text: "A title" };
  return acts[Math.min(request.results, acts.length - 1)] ?? { kind: "say", text: "Done." };
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "content-type": type });
  response.end(body);
}

async function bodyOf(request: IncomingMessage): Promise<JsonObject> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Error("a request is too large");
    chunks.push(chunk);
  }
  try {
    const read: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    return isJsonObject(read) ? read : {};
  } catch {
    return {};
  }
}
