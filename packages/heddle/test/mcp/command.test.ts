/** `heddle mcp` as an agent starts it: the published command, spoken to over its standard streams. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { Client } from "@modelcontextprotocol/client";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { expect, onTestFinished, test } from "vitest";
import { HEDDLE } from "../support/built.ts";
import { Rig } from "../support/command-line.ts";

interface Served {
  readonly rig: Rig;
  readonly client: Client;
  readonly child: ChildProcessWithoutNullStreams;
  /** The exit code, and the signal that ended it. */
  readonly ended: Promise<unknown[]>;
}

async function served(args: readonly string[]): Promise<Served> {
  const rig = new Rig();
  const child = spawn(process.execPath, [HEDDLE, ...args], { cwd: rig.dir, env: rig.env() });
  onTestFinished(() => {
    child.kill("SIGKILL");
    rig[Symbol.dispose]();
  });
  child.stderr.resume();
  const client = new Client({ name: "test", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
  await client.connect(new StdioServerTransport(child.stdout, child.stdin));
  return { rig, client, child, ended: once(child, "close") };
}

test("an agent runs a plan that prints where the protocol is, and what runs ends when the agent closes its end", async () => {
  const { rig, client, child, ended } = await served(["mcp"]);
  const gate = rig.gate("long");
  rig.write(
    "loud.mjs",
    `console.log("loaded"); process.stdout.write("{}\\n"); export const loud = () => console.log("loud");`,
  );
  rig.plan({
    name: "loud",
    steps: [
      { id: "loud", call: "./loud.mjs#loud" },
      { id: "long", deps: ["loud"], run: gate.command },
    ],
  });
  const begun = await client.callTool({ name: "start_run", arguments: {} });
  expect(begun.structuredContent).toMatchObject({ plan: "loud", status: "running" });
  await gate.reached();
  const log = await client.callTool({ name: "read_log", arguments: { step: "loud" } });
  expect(log.structuredContent).toMatchObject({ lines: ["loud"] });
  child.stdin.end();
  expect(await ended).toEqual([0, null]);
  const { stdout } = await rig.heddle(["runs", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ runs: [{ status: "cancelled" }] });
});

test("a signal ends a server that only looks at another folder", async () => {
  const { rig, client, child, ended } = await served(["mcp", "--read-only", "-C", "."]);
  const { tools } = await client.listTools();
  expect(tools.filter(({ annotations }) => annotations?.readOnlyHint !== true)).toEqual([]);
  child.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
  expect(rig.has(".heddle")).toBe(false);
});
