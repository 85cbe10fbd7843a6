/**
 * HTTP server of the task tools: listens on the loopback address only, rejects requests that may not pass, limits what
 * is read, and passes requests to a handler. Does not know the protocol inside.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { invariant } from "../../base/assert.ts";
import { messageOf } from "../../base/errors.ts";
import { checkRequest, TOOLS_PATH, UNKNOWN_TOKEN, type Rejection } from "../../http/request-guard.ts";

export const MAX_BODY_BYTES: number = 2 * 1024 * 1024;

/** Read and dropped of a body that is too large, so that its sender gets to read why. */
const MAX_DRAINED_BYTES = 8 * MAX_BODY_BYTES;

export const LOOPBACK: string = "127.0.0.1";
const HEADERS_WITHIN_MS = 10_000;
const REQUEST_WITHIN_MS = 30_000;
/** Agents think between calls; a shorter one makes them meet connections that are just being closed. */
const KEEP_ALIVE_MS = 120_000;
const MOST_CONNECTIONS = 2048;

/** Headers that the protocol reads; all others, secrets among them, stay here. */
const PASSED_HEADERS = ["accept", "content-type", "mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id"];

/** The handler for a token; `undefined`: the token is not valid. */
export type FindHandler = (token: string) => ((request: Request) => Promise<Response>) | undefined;

export interface Listening {
  readonly url: string;
  /** Cuts off all connections; resolves when the socket is closed. */
  close(): Promise<void>;
}

/** Rejects where the loopback address cannot be listened on. */
export async function listen(findHandler: FindHandler, onFault: (message: string) => void): Promise<Listening> {
  let port = 0;
  const server = createServer((request, response) => {
    serve(request, response, port, findHandler).catch((thrown: unknown) => {
      if (response.destroyed) return;
      onFault(`a request for task tools failed: ${messageOf(thrown)}`);
      if (response.headersSent) response.destroy();
      else refuse(response, { status: 500, message: "the request could not be served" });
    });
  });
  server.headersTimeout = HEADERS_WITHIN_MS;
  server.requestTimeout = REQUEST_WITHIN_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = MOST_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: LOOPBACK, port: 0 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  server.on("error", (error) => onFault(`the socket of the task tools: ${messageOf(error)}`));
  const address = server.address();
  invariant(address !== null && typeof address === "object", "a TCP server has a port");
  port = address.port;
  return {
    url: `http://${LOOPBACK}:${port}${TOOLS_PATH}`,
    close() {
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  port: number,
  findHandler: FindHandler,
): Promise<void> {
  const admission = checkRequest(request, port);
  if (!admission.ok) return reject(request, response, admission.rejection);
  if (findHandler(admission.token) === undefined) return reject(request, response, UNKNOWN_TOKEN);
  const body = await readBody(request);
  if (body === undefined)
    return reject(request, response, { status: 413, message: `the body is larger than ${MAX_BODY_BYTES} bytes` });
  // The attempt may have ended while the body came in.
  const handler = findHandler(admission.token);
  if (handler === undefined) return reject(request, response, UNKNOWN_TOKEN);
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  await answer(response, await handler(webRequest(request, body, port, gone.signal)));
}

/** `undefined`: larger than it may be; then it was not read to its end. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Not left by `break`: that would destroy the socket before the answer is sent.
  return new Promise((resolve, reject) => {
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
      else {
        request.removeAllListeners("data");
        resolve(undefined);
      }
    });
    request.once("end", () => resolve(Buffer.concat(chunks)));
    request.once("error", reject);
  });
}

function webRequest(request: IncomingMessage, body: Buffer, port: number, signal: AbortSignal): Request {
  const headers = new Headers();
  for (const name of PASSED_HEADERS) {
    const value = request.headers[name];
    if (typeof value === "string") headers.set(name, value);
  }
  return new Request(`http://${LOOPBACK}:${port}${TOOLS_PATH}`, {
    method: "POST",
    headers,
    body: new Uint8Array(body),
    signal,
  });
}

async function answer(response: ServerResponse, from: Response): Promise<void> {
  response.writeHead(from.status, { ...Object.fromEntries(from.headers), "cache-control": "no-store" });
  if (from.body === null) {
    response.end();
    return;
  }
  await pipeline(from.body, response);
}

/** Answers, then closes the connection: what else is on it was never asked for. */
function reject(request: IncomingMessage, response: ServerResponse, rejection: Rejection): void {
  let drained = 0;
  request.on("data", (chunk: Buffer) => {
    drained += chunk.length;
    if (drained > MAX_DRAINED_BYTES) request.destroy();
  });
  request.on("error", () => response.destroy());
  refuse(response, rejection);
}

function refuse(response: ServerResponse, { headers, message, status }: Rejection): void {
  response.writeHead(status, { "content-type": "application/json", connection: "close", ...headers });
  response.end(JSON.stringify({ jsonrpc: "2.0", error: { code: -32000, message }, id: null }));
}
