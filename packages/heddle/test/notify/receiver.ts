/** A receiver of notices: a real HTTP server that answers as the test says, and keeps what came. */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Json } from "../../src/base/json.ts";

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What is answered to one request: a status with headers; nothing at all; or more than ends. */
export type Reply =
  | number
  | { readonly status: number; readonly headers: Record<string, string> }
  | "nothing"
  | "endless";

export class Receiver implements AsyncDisposable {
  readonly received: Received[] = [];
  connections = 0;
  /** Called with each request before it is answered. */
  onReceived: (received: Received) => void = () => undefined;
  /** For requests to come, in turn; the last for all others. */
  replies: readonly Reply[] = [200];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", () => this.connections++);
  }

  static async open(host = "127.0.0.1"): Promise<Receiver> {
    const server = createServer();
    const receiver = new Receiver(server);
    server.on("request", (request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        const reply = receiver.replies[Math.min(receiver.received.length, receiver.replies.length - 1)] ?? 200;
        const received = { path: request.url ?? "", headers: request.headers, body };
        receiver.received.push(received);
        receiver.onReceived(received);
        if (reply === "nothing") return;
        if (reply === "endless") {
          response.writeHead(200);
          const more = (): void => {
            if (!response.destroyed) response.write("x".repeat(65_536), () => setImmediate(more));
          };
          more();
          return;
        }
        const { status, headers } = typeof reply === "number" ? { status: reply, headers: {} } : reply;
        response.writeHead(status, headers).end("thanks");
      });
    });
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  /** Bodies as documents. */
  get documents(): readonly Record<string, Json>[] {
    return this.received.map(({ body }) => JSON.parse(body) as Record<string, Json>);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
