/**
 * Server sockets: listens on the loopback addresses of this machine, or on one address that the user names, with bounds on what a client
 * may send and how long it may take. Knows no route.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { messageOf, systemCode, type Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";

const HEADERS_WITHIN_MS = 10_000;
const REQUEST_WITHIN_MS = 30_000;
const KEEP_ALIVE_MS = 60_000;
const MOST_CONNECTIONS = 1024;
const MOST_HEADER_BYTES = 16 * 1024;

export const LOOPBACKS: readonly string[] = ["127.0.0.1", "::1"];

export interface ListenOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** Addresses; the first must be there, of the others those that this machine has. */
  readonly addresses: readonly string[];
  readonly onRequest: RequestListener;
  /** A request to change the protocol. Absent: such connections are closed. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Of a socket, after it listens. */
  readonly onFault: (message: string) => void;
}

export interface Sockets {
  readonly port: number;
  /** Takes no new connection and ends those without a request; resolves when all are closed, cut off after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** The problem is `PortInUse`, or `AddressUnusable`. */
export async function listenOn(options: ListenOptions): Promise<Result<Sockets, Problem>> {
  const servers: Server[] = [];
  let { port } = options;
  for (const [at, address] of options.addresses.entries()) {
    const listening = await listenAt(address, port, options);
    if (listening.ok) {
      servers.push(listening.value);
      const bound = listening.value.address();
      if (bound !== null && typeof bound === "object") ({ port } = bound);
    } else if (at === 0 || listening.error.code === "PortInUse") {
      await Promise.all(servers.map((server) => closed(server, 0)));
      return listening;
    }
  }
  return ok({
    port,
    close: async (graceMs) => void (await Promise.all(servers.map((server) => closed(server, graceMs)))),
  });
}

async function listenAt(address: string, port: number, options: ListenOptions): Promise<Result<Server, Problem>> {
  // An offer of another protocol may be passed over: the request is answered then.
  const shouldUpgradeCallback = ({ headers }: IncomingMessage): boolean =>
    headers.upgrade?.toLowerCase() === "websocket";
  const server = createServer(
    { maxHeaderSize: MOST_HEADER_BYTES, joinDuplicateHeaders: false, shouldUpgradeCallback },
    options.onRequest,
  );
  server.headersTimeout = HEADERS_WITHIN_MS;
  server.requestTimeout = REQUEST_WITHIN_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = MOST_CONNECTIONS;
  server.on("upgrade", (request, socket, head) => {
    // A client that goes away is no fault of the server.
    socket.on("error", () => socket.destroy());
    if (options.onUpgrade === undefined) socket.destroy();
    else options.onUpgrade(request, socket, head);
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: address, port, ipv6Only: true }, () => {
        server.off("error", reject);
        resolve();
      });
    });
  } catch (thrown) {
    return err(listenProblem(thrown, address, port));
  }
  server.on("error", (error) => options.onFault(`the socket at ${address}: ${messageOf(error)}`));
  return ok(server);
}

function listenProblem(thrown: unknown, address: string, port: number): Problem {
  switch (systemCode(thrown)) {
    case "EADDRINUSE":
      return {
        code: "PortInUse",
        message: `port ${port} of ${address} is in use`,
        hint: `Choose another one: \`heddle serve --port ${port === 65_535 ? port - 1 : port + 1}\`, or \`--port 0\` for any that is free.`,
        cause: thrown,
      };
    case "EACCES":
      return {
        code: "AddressUnusable",
        message: `port ${port} may not be listened on`,
        hint: "Choose one above 1023.",
        cause: thrown,
      };
    default:
      return {
        code: "AddressUnusable",
        message: `${address} cannot be listened on: ${messageOf(thrown)}`,
        hint: "Name an address of this machine.",
        cause: thrown,
      };
  }
}

function closed(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
