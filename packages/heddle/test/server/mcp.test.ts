/** The Model Context Protocol over HTTP, asked by a real client: the same tools as over standard streams, as far as the token allows. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import type { Json, JsonObject } from "../../src/base/json.ts";
import { MCP_TOOLS } from "../../src/mcp/server.ts";
import { ServerRig } from "./rig.ts";

let rig: ServerRig;
beforeAll(async () => {
  // Runs go by the time of the machine.
  rig = await ServerRig.start({ clock: systemClock() });
  const plan = {
    name: "release",
    steps: [
      { id: "build", run: "echo built for $WHO", env: { WHO: "you" } },
      { id: "ship", approve: "Ship it?", deps: ["build"] },
      { id: "deploy", run: "echo deployed", deps: ["ship"] },
    ],
  };
  writeFileSync(join(rig.dir, "demo/heddle.json"), JSON.stringify(plan));
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

async function connected(token: string, era: "auto" | "legacy" = "auto"): Promise<Client & AsyncDisposable> {
  const client = new Client({ name: "test", version: "1.0.0" }, { versionNegotiation: { mode: era } });
  const url = new URL(`${rig.server.url}/api/projects/demo/mcp`);
  const headers = { authorization: `Bearer ${token}` };
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

async function call(client: Client, name: string, input: JsonObject = {}): Promise<Record<string, Json>> {
  const { isError, content, structuredContent } = await client.callTool({ name, arguments: input });
  expect(isError, JSON.stringify(content)).not.toBe(true);
  return structuredContent as Record<string, Json>;
}

describe.each(["auto", "legacy"] as const)("a client of the era %s", (era) => {
  test("plans, starts, watches, answers and reads a run, which goes on without it", async () => {
    let run: Json;
    {
      await using client = await connected(rig.server.tokens.act, era);
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toEqual(MCP_TOOLS.map(({ name }) => name));
      expect(await call(client, "validate_plan")).toMatchObject({ valid: true, name: "release" });
      ({ run = null } = await call(client, "start_run"));
    }
    await using client = await connected(rig.server.tokens.act, era);
    const told: number[] = [];
    const waited = await client.callTool(
      { name: "wait_for_run", arguments: { run, timeoutSeconds: 60 } },
      { onprogress: ({ progress }) => told.push(progress) },
    );
    expect(waited.structuredContent).toMatchObject({ reason: "needs-you", needs: [{ step: "ship" }] });
    expect(told).toContain(1);
    expect(await call(client, "answer", { run, decision: "approve" })).toMatchObject({ step: "ship" });
    expect(await call(client, "wait_for_run", { run, until: "end" })).toMatchObject({ status: "succeeded" });
    expect(await call(client, "read_log", { run, step: "build" })).toMatchObject({ lines: ["built for you"] });
    const { contents } = await client.readResource({ uri: `heddle://runs/${String(run)}/report` });
    expect(contents[0]?.mimeType).toBe("application/json");
    const given = (await rig.ask(`/api/projects/demo/runs/${String(run)}/events`)).text;
    expect(given).toContain("tester over HTTP (MCP)");
  });

  test("that only reads is offered no tool that acts, and each is refused", async () => {
    await using client = await connected(rig.server.tokens.read, era);
    const before = (await call(client, "list_runs"))["runs"];
    const looking = MCP_TOOLS.filter(({ acts }) => acts === undefined).map(({ name }) => name);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(looking);
    for (const { name, acts } of MCP_TOOLS)
      if (acts !== undefined)
        await expect(client.callTool({ name, arguments: { run: "x" } }), name).rejects.toThrow("not found");
    expect((await call(client, "list_runs"))["runs"]).toEqual(before);
  });
});

test("a message that is none of the protocol's is refused, and a project that is not served", async () => {
  const ask = (path: string, body: Json): Promise<{ readonly status: number }> => rig.ask(path, { body });
  for (const body of [{}, { jsonrpc: "1.0" }, [{ jsonrpc: "2.0" }, 1], "x"])
    expect((await ask("/api/projects/demo/mcp", body)).status).toBe(422);
  const elsewhere = await ask("/api/projects/nowhere/mcp", { jsonrpc: "2.0", id: 1, method: "ping" });
  expect(elsewhere.status).toBe(404);
  expect(rig.faults).toEqual([]);
});

test("no session is kept: what would begin or end one is not allowed", async () => {
  for (const method of ["GET", "DELETE"]) {
    const { status, headers } = await rig.ask("/api/projects/demo/mcp", { method });
    expect([status, headers["allow"]]).toEqual([405, "POST"]);
  }
});
