/** An MCP server in the test's own process, in a folder of its own, with a real client at its streams. */
import { PassThrough } from "node:stream";
import { Client } from "@modelcontextprotocol/client";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { systemClock, type Clock } from "../../src/base/clock.ts";
import type { Json, JsonObject } from "../../src/base/json.ts";
import { openProject } from "../../src/host/open.ts";
import { serveMcp, type McpServing } from "../../src/mcp/serve-stdio.ts";
import { Rig } from "../support/command-line.ts";

export interface McpRigOptions {
  readonly isReadOnly?: boolean;
  readonly clock?: Clock;
  /** Which version of the protocol the client speaks. */
  readonly era?: "auto" | "legacy";
  /** Absent: a new one. */
  readonly folder?: Rig;
}

/** What a call came to: `error` where it was refused. */
export interface Called {
  readonly json: Record<string, Json>;
  readonly error: string | undefined;
  /** Characters of the answer. */
  readonly size: number;
}

export class McpRig implements AsyncDisposable {
  readonly folder: Rig;
  readonly client: Client;
  readonly serving: McpServing;
  readonly faults: unknown[];
  readonly #toServer: PassThrough;

  private constructor(folder: Rig, client: Client, serving: McpServing, toServer: PassThrough, faults: unknown[]) {
    this.folder = folder;
    this.client = client;
    this.serving = serving;
    this.faults = faults;
    this.#toServer = toServer;
  }

  static async start(options: McpRigOptions = {}): Promise<McpRig> {
    const { isReadOnly = false, clock = systemClock(), era = "auto", folder = new Rig() } = options;
    const toServer = new PassThrough();
    const toClient = new PassThrough();
    const faults: unknown[] = [];
    const serving = serveMcp({
      dir: folder.dir,
      open: (access) => openProject(folder.dir, { title: "heddle mcp", access }),
      clock,
      input: toServer,
      output: toClient,
      isReadOnly,
      actor: "tester over MCP",
      onFault: (thrown) => faults.push(thrown),
    });
    const client = new Client({ name: "test", version: "1.0.0" }, { versionNegotiation: { mode: era } });
    // The same at both ends: lines from one stream, lines to the other.
    await client.connect(new StdioServerTransport(toClient, toServer));
    return new McpRig(folder, client, serving, toServer, faults);
  }

  async call(name: string, input: JsonObject = {}, onprogress?: (told: { progress: number }) => void): Promise<Called> {
    const answer = await this.client.callTool(
      { name, arguments: input },
      onprogress === undefined ? {} : { onprogress },
    );
    const text = answer.content.map((part) => (part.type === "text" ? part.text : "")).join("\n");
    const json = (answer.structuredContent ?? {}) as Record<string, Json>;
    return { json, error: answer.isError === true ? text : undefined, size: text.length };
  }

  /** The answer of a call that is not refused. */
  async ask(name: string, input: JsonObject = {}): Promise<Record<string, Json>> {
    const { json, error } = await this.call(name, input);
    if (error !== undefined) throw new Error(error);
    return json;
  }

  /** As a client that ends: its side of the stream is closed. */
  async leave(): Promise<void> {
    this.#toServer.end();
    await this.serving.done;
    await this.client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.serving.stop();
    this.serving.stop();
    await this.serving.done;
    this.folder[Symbol.dispose]();
  }
}
