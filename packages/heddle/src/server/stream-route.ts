/** Stream routes: WebSockets of the table. */
import type { Ticket } from "./authority.ts";
import type { StreamConnection } from "./connection.ts";
import type { RouteHead } from "./route.ts";
import type { ServerWorld } from "./world.ts";

export interface StreamCall {
  readonly world: ServerWorld;
  readonly params: Readonly<Record<string, string>>;
  /** What the client may see. */
  readonly ticket: Ticket;
}

export interface OpenStream extends StreamCall {
  readonly connection: StreamConnection;
  readonly onFault: (thrown: unknown) => void;
}

export interface StreamRoute extends RouteHead {
  readonly kind: "stream";
  readonly method: "GET";
  readonly summary: string;
  /** Before it is opened. Throws a `HeddleError` where it cannot be. */
  readonly check?: (call: StreamCall) => Promise<unknown>;
  readonly open: (stream: OpenStream) => void;
}
