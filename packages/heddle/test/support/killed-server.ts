/** A server in a process of its own, at one address and with one token, that is killed and started again. */
import { createServer } from "node:net";
import type { Rig, Running } from "./command-line.ts";

const TOKEN = "t".repeat(43);

export class KilledServer {
  readonly url: string;
  readonly token: string = TOKEN;
  readonly #rig: Rig;
  readonly #port: number;
  #running: Running | undefined;

  private constructor(rig: Rig, port: number) {
    this.#rig = rig;
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Of the rig's folder, started. */
  static async start(rig: Rig): Promise<KilledServer> {
    const server = new KilledServer(rig, await freePort());
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const args = ["serve", "--port", String(this.#port)];
    // As long as the longest test.
    const running = this.#rig.spawn(args, { env: { HEDDLE_TOKEN: TOKEN }, timeoutMs: 3_600_000 });
    this.#running = running;
    await running.says(this.url);
  }

  async kill(): Promise<void> {
    this.#running?.kill("SIGKILL");
    await this.#running?.done;
  }
}

/** One that the system gave, and that is free again. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject).listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
