/**
 * Upgrades: lets WebSockets in by the same table and the same guard as requests. Authority is a ticket, offered as a subprotocol by pages,
 * or the header of programs.
 *
 * Invariant: before the guard has let it pass, a connection gets a problem document and is closed.
 */
import { STATUS_CODES, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import { HeddleError } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import { allows, type Ticket } from "./authority.ts";
import { SECURITY_HEADERS } from "./app.ts";
import { CLOSE, StreamConnection } from "./connection.ts";
import { sourceProblem, type SourceSettings } from "./guard.ts";
import { detailsOf, problemResponse, tooManyGuesses, type ProblemDetails } from "./problem.ts";
import type { StreamRoute } from "./stream-route.ts";
import type { ServerWorld } from "./world.ts";

/** What clients and server speak. */
export const SUBPROTOCOL = "heddle.v1";

const MOST_MESSAGE_BYTES: number = 64 * 1024;

export interface UpgradeOptions {
  readonly world: ServerWorld;
  readonly routes: readonly StreamRoute[];
  readonly source: () => SourceSettings;
  readonly onFault: (thrown: unknown) => void;
}

export class Upgrades {
  readonly #options: UpgradeOptions;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MOST_MESSAGE_BYTES,
    perMessageDeflate: false,
    // The ticket is not said again.
    handleProtocols: (protocols) => (protocols.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  readonly #open = new Set<StreamConnection>();

  constructor(options: UpgradeOptions) {
    this.#options = options;
  }

  take(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#takeIn(request, socket, head).catch((thrown: unknown) => {
      this.#options.onFault(thrown);
      refuse(socket, { slug: "server-error", detail: "The server met a fault" }, "");
    });
  }

  /** Tells all clients, and closes them. */
  close(): void {
    for (const connection of this.#open) connection.close(CLOSE.stopping, "the server stops");
    this.#sockets.close();
  }

  async #takeIn(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    const found = routeAt(this.#options.routes, path);
    const foreign = sourceProblem(request, found?.route, this.#options.source());
    if (foreign !== undefined) return refuse(socket, foreign, path);
    const ticket = this.#ticketOf(request);
    if (!ticket.ok) return refuse(socket, ticket.error, path);
    if (found === undefined)
      return refuse(socket, { slug: "not-found", detail: "Nothing is served at this address" }, path);
    const { route, params } = found;
    try {
      await route.check?.({ world: this.#options.world, params, ticket: ticket.value });
    } catch (thrown) {
      if (!(thrown instanceof HeddleError)) throw thrown;
      return refuse(socket, detailsOf(thrown), path);
    }
    // After the check, which takes a while.
    const full = this.#options.world.streams.fullProblem;
    if (full !== undefined) return refuse(socket, full, path);
    this.#sockets.handleUpgrade(request, socket, head, (opened: WebSocket) => {
      const { clock, authority } = this.#options.world;
      const { holder } = ticket.value;
      const connection = new StreamConnection(opened, clock, {
        isAllowed: () => holder === undefined || authority.isValid(holder),
      });
      this.#open.add(connection);
      this.#options.world.streams.opened(connection.signal);
      connection.signal.addEventListener("abort", () => this.#open.delete(connection));
      route.open({
        world: this.#options.world,
        params,
        ticket: ticket.value,
        connection,
        onFault: this.#options.onFault,
      });
    });
  }

  /** What the request may see. */
  #ticketOf(request: IncomingMessage): Result<Ticket, ProblemDetails> {
    const { authority } = this.#options.world;
    const peer = request.socket.remoteAddress ?? "";
    const silencedMs = authority.silencedMs(peer);
    if (silencedMs > 0) return err(tooManyGuesses(silencedMs));
    const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((one) => one.trim());
    const given = offered.find((one) => one.startsWith("ticket."))?.slice("ticket.".length);
    const header = request.headers.authorization;
    const holder = authority.holderOf(header);
    const ticket = given === undefined ? undefined : authority.redeem(given);
    if (ticket !== undefined) return ok(ticket);
    if (holder !== undefined && allows(holder.grant, "read"))
      return ok({ grant: holder.grant, project: undefined, holder });
    if (given !== undefined || header !== undefined) authority.noteGuess(peer);
    return err({
      slug: "unauthorized",
      detail: "A ticket or a token is needed",
      hint: "POST /api/tickets gives a ticket; offer it as the subprotocol `ticket.<ticket>` beside `heddle.v1`.",
    });
  }
}

function routeAt(
  routes: readonly StreamRoute[],
  path: string,
): { readonly route: StreamRoute; readonly params: Readonly<Record<string, string>> } | undefined {
  const parts = path.split("/");
  for (const route of routes) {
    const names = route.path.split("/");
    if (names.length !== parts.length) continue;
    const params: Record<string, string> = {};
    const fits = names.every((name, at) => {
      const part = parts[at] ?? "";
      if (!name.startsWith(":")) return name === part;
      const text = decoded(part);
      if (text === undefined || text === "") return false;
      params[name.slice(1)] = text;
      return true;
    });
    if (fits) return { route, params };
  }
  return undefined;
}

/** `undefined`: it is not percent-encoded text. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function refuse(socket: Duplex, problem: ProblemDetails, instance: string): void {
  const response = problemResponse(problem, instance);
  void response.text().then((text) => {
    const lines = [
      `HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ""}`,
      ...Object.entries({ ...SECURITY_HEADERS, ...Object.fromEntries(response.headers) }).map(
        ([name, value]) => `${name}: ${value}`,
      ),
      "cache-control: no-store",
      `content-length: ${Buffer.byteLength(text)}`,
      "connection: close",
    ];
    // Half open, it would be held for as long as the other side likes, also by a server that stops.
    socket.end(`${lines.join("\r\n")}\r\n\r\n${text}`, () => socket.destroy());
  });
}
