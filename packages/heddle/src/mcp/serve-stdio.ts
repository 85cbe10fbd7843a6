/**
 * MCP over standard streams: serves one client until it goes away or a stop is asked for, and ends the runs of this server then.
 *
 * Invariants:
 *  1. When {@link McpServing.done} has resolved nothing that was started here goes on.
 *  2. After a stop no call is answered, and no run begins that is not ended at once.
 */
import type { Readable, Writable } from "node:stream";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import type { Clock } from "../base/clock.ts";
import { VERSION } from "../version.ts";
import { McpProject, type OpenForMcp } from "./mcp-project.ts";
import { mcpServer } from "./server.ts";
import { StartedRuns } from "./started-runs.ts";

/** Of one message: a plan as text, and what goes with it. */
const MOST_MESSAGE_BYTES = 16 * 1024 * 1024;

export interface ServeMcpOptions {
  /** Absolute: the project's folder. */
  readonly dir: string;
  readonly open: OpenForMcp;
  readonly clock: Clock;
  readonly input: Readable;
  readonly output: Writable;
  readonly isReadOnly: boolean;
  readonly actor: string;
  readonly onFault: (thrown: unknown) => void;
}

export interface McpServing {
  /** Ends the runs with grace; asked for again, without. */
  stop(): void;
  /** Resolves after a stop, or after the client has gone, when nothing goes on any more. */
  readonly done: Promise<void>;
}

export function serveMcp(options: ServeMcpOptions): McpServing {
  const { clock, dir, actor, isReadOnly, onFault } = options;
  const project = new McpProject(options.open, isReadOnly);
  const runs = new StartedRuns();
  const calls = new Set<Promise<unknown>>();
  const gone = Promise.withResolvers<void>();
  const transport = new WatchedTransport(options, gone.resolve);
  const server = {
    world: { dir, clock, actor, project, runs },
    version: VERSION,
    isReadOnly,
    onFault,
    onCall(call: Promise<unknown>) {
      calls.add(call);
      void call.finally(() => calls.delete(call));
    },
  };
  const connection = serveStdio(() => mcpServer(server), { transport, onerror: onFault });
  const end = async (): Promise<void> => {
    await gone.promise;
    runs.end();
    // One that is under way may start a run yet; it is ended when it comes.
    await Promise.all(calls);
    await runs.settled();
    await project[Symbol.asyncDispose]();
  };
  let isStopped = false;
  return {
    stop() {
      if (isStopped || transport.isClosed) runs.end();
      isStopped = true;
      connection.close().catch(onFault);
      gone.resolve();
    },
    done: end(),
  };
}

/** Tells when the connection is closed, whoever closed it. */
class WatchedTransport extends StdioServerTransport {
  readonly #onClosed: () => void;
  #isClosed = false;

  constructor({ input, output }: Pick<ServeMcpOptions, "input" | "output">, onClosed: () => void) {
    super(input, output, { maxBufferSize: MOST_MESSAGE_BYTES });
    this.#onClosed = onClosed;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  override async close(): Promise<void> {
    this.#isClosed = true;
    await super.close();
    this.#onClosed();
  }
}
