/**
 * Task server: combines one HTTP server with a token and a task session per attempt. Load it with `import()` when the
 * first agent is about to start; nothing else needs it.
 */
import { fileURLToPath } from "node:url";
import { invariant } from "../../base/assert.ts";
import { listen, LOOPBACK, MAX_BODY_BYTES } from "./http.ts";
import { withExactIds } from "./exact-ids.ts";
import { TaskSession } from "./task-session.ts";
import type { AttemptTask, TaskAccess, TaskServer, TaskServerOptions } from "./port.ts";
import { TOKEN_VARIABLE, URL_VARIABLE } from "./stdio-proxy.ts";
import { toolServer } from "./mcp-server.ts";
import { Tokens } from "../../http/tokens.ts";

/** Agents wait 30 s to 60 s for a tool. */
const ANSWER_WITHIN_MS = 25_000;

interface OpenSession {
  readonly session: TaskSession;
  readonly fetch: (request: Request) => Promise<Response>;
  readonly close: () => Promise<void>;
}

/** Listens on a port of the loopback address that the system picks. Rejects where that cannot be had. */
export async function openTaskServer(options: TaskServerOptions): Promise<TaskServer> {
  const onFault = options.onFault ?? (() => undefined);
  const tokens = new Tokens<OpenSession>();
  const socket = await listen((token) => tokens.holderOf(token)?.fetch, onFault);
  let open = true;
  const openSession = (task: AttemptTask): OpenSession => {
    const session = new TaskSession(task, options.clock, options.answerWithinMs ?? ANSWER_WITHIN_MS, onFault);
    const server = toolServer(task, session, { version: options.version, maxBodyBytes: MAX_BODY_BYTES, onFault });
    return { session, fetch: withExactIds((request) => server.fetch(request)), close: () => server.close() };
  };
  return {
    issueToken(task) {
      invariant(open, "a token was asked of a closed server");
      return accessOf(socket.url, tokens.issue(openSession(task)), options.node);
    },
    revoke(token) {
      const session = tokens.revoke(token);
      if (session !== undefined) void closeSession(session, onFault);
    },
    async [Symbol.asyncDispose]() {
      open = false;
      await Promise.all(tokens.revokeAll().map((session) => closeSession(session, onFault)));
      await socket.close();
    },
  };
}

async function closeSession(opened: OpenSession, onFault: (message: string) => void): Promise<void> {
  opened.session.close();
  try {
    await opened.close();
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
