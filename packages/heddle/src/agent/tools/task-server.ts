/**
 * Task server: combines one HTTP server with a token and a task session per attempt. Load it with `import()` when the
 * first agent is about to start; nothing else needs it.
 */
import { fileURLToPath } from "node:url";
import { invariant } from "../../base/assert.ts";
import { listen, LOOPBACK, MAX_BODY_BYTES } from "./http.ts";
import { Ledger } from "./task-session.ts";
import type { AttemptTask, TaskAccess, TaskDesk, TaskDeskOptions } from "./port.ts";
import { TOKEN_VARIABLE, URL_VARIABLE } from "./stdio-proxy.ts";
import { toolServer } from "./mcp-server.ts";
import { Tokens } from "./tokens.ts";

/** Agents wait 30 s to 60 s for a tool. */
const ANSWER_WITHIN_MS = 25_000;

interface Seat {
  readonly ledger: Ledger;
  readonly fetch: (request: Request) => Promise<Response>;
  readonly close: () => Promise<void>;
}

/** Listens on a port of the loopback address that the system picks. Rejects where that cannot be had. */
export async function openTaskDesk(options: TaskDeskOptions): Promise<TaskDesk> {
  const onFault = options.onFault ?? (() => undefined);
  const tokens = new Tokens<Seat>();
  const socket = await listen((token) => tokens.holderOf(token)?.fetch, onFault);
  let open = true;
  const seatOf = (task: AttemptTask): Seat => {
    const ledger = new Ledger(task, options.clock, options.answerWithinMs ?? ANSWER_WITHIN_MS, onFault);
    const server = toolServer(task, ledger, { version: options.version, maxBodyBytes: MAX_BODY_BYTES, onFault });
    return { ledger, fetch: (request) => server.fetch(request), close: () => server.close() };
  };
  return {
    issueToken(task) {
      invariant(open, "a token was asked of a closed desk");
      return accessOf(socket.url, tokens.issue(seatOf(task)), options.node);
    },
    revoke(token) {
      const seat = tokens.revoke(token);
      if (seat !== undefined) void leave(seat, onFault);
    },
    async [Symbol.asyncDispose]() {
      open = false;
      await Promise.all(tokens.revokeAll().map((seat) => leave(seat, onFault)));
      await socket.close();
    },
  };
}

async function leave(seat: Seat, onFault: (message: string) => void): Promise<void> {
  seat.ledger.close();
  try {
    await seat.close();
  } catch (thrown) {
    onFault(`task tools did not close: ${String(thrown)}`);
  }
}

function accessOf(url: string, token: string, node: string): TaskAccess {
  return {
    url,
    token,
    stdio: {
      command: node,
      args: [fileURLToPath(proxyProgram())],
      // A proxy of the user's would be asked for this address, and be given the token.
      env: { [URL_VARIABLE]: url, [TOKEN_VARIABLE]: token, NO_PROXY: LOOPBACK, no_proxy: LOOPBACK },
    },
  };
}

/** Beside this file: `stdio-worker.ts` among the sources, `stdio-worker.js` in the bundle. */
function proxyProgram(): URL {
  return new URL(import.meta.url.endsWith(".ts") ? "./stdio-worker.ts" : "./stdio-worker.js", import.meta.url);
}
