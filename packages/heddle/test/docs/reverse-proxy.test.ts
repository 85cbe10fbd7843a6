/** The page about reverse proxies is tried: its configuration in a real nginx, in front of a real server. Skipped where there is no nginx. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { request as secureRequest, type RequestOptions } from "node:https";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { systemClock } from "../../src/base/clock.ts";
import { ServerRig } from "../server/rig.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { until } from "../support/until.ts";
import { blocksOf } from "./markdown.ts";

const NAME = "heddle.example.com";

/** Some are in folders that only root has on PATH. */
const NGINX = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"]
  .map((folder) => path.join(folder, "nginx"))
  .find((file) => existsSync(file));

let rig: ServerRig;
let nginx: ChildProcess | undefined;
let port: number;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}

/** The page's file, for a port and a certificate of this test. */
function configuration(folder: string): string {
  const [block] = blocksOf("docs/guide/reverse-proxy.md").filter(({ language }) => language === "nginx");
  const given: readonly (readonly [string, string])[] = [
    ["listen 443 ssl", `listen 127.0.0.1:${port} ssl`],
    ["/etc/ssl/heddle.pem", path.join(folder, "heddle.pem")],
    ["/etc/ssl/heddle.key", path.join(folder, "heddle.key")],
    ["http://127.0.0.1:4747", rig.server.url],
  ];
  let text = block?.text ?? "";
  for (const [written, here] of given) {
    expect(text).toContain(written);
    text = text.replace(written, here);
  }
  return text;
}

beforeAll(async () => {
  if (NGINX === undefined) return;
  rig = await ServerRig.start({ clock: systemClock(), allowHosts: [NAME] });
  const folder = temporaryFolder("nginx");
  const files = ["-keyout", path.join(folder, "heddle.key"), "-out", path.join(folder, "heddle.pem")];
  const key = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", `/CN=${NAME}`];
  execFileSync("openssl", [...key, ...files], { stdio: "ignore" });
  mkdirSync(path.join(folder, "tmp"));
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/tmp/${name};`,
  );
  const main = `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events {} http { access_log off; ${temporary.join(" ")} include ${folder}/heddle.conf; }`;
  writeFileSync(path.join(folder, "nginx.conf"), main);
  // Between the choice of a port and its use another process may take it: nginx ends then.
  for (let starts = 0; nginx === undefined || nginx.exitCode !== null; starts++) {
    if (starts === 5) throw new Error(readFileSync(path.join(folder, "error.log"), "utf8"));
    port = await freePort();
    writeFileSync(path.join(folder, "heddle.conf"), configuration(folder));
    const started = spawn(NGINX, ["-e", path.join(folder, "error.log"), "-c", path.join(folder, "nginx.conf")], {
      stdio: "ignore",
    });
    nginx = started;
    const answers = (): Promise<boolean> =>
      ask("/api/health").then(
        ({ status }) => status === 200,
        () => false,
      );
    await until(async () => started.exitCode !== null || (await answers()));
  }
});
afterAll(async () => {
  nginx?.kill("SIGKILL");
  await rig?.[Symbol.asyncDispose]();
});

interface Asked {
  readonly status: number;
  readonly text: string;
}

/** As a client that finds the name at this machine, and trusts the certificate. */
function ask(
  address: string,
  {
    host = NAME,
    method = "GET",
    body,
    headers = {},
  }: { host?: string; method?: string; body?: string; headers?: object } = {},
): Promise<Asked> {
  const options: RequestOptions = {
    host: "127.0.0.1",
    port,
    path: address,
    method,
    servername: NAME,
    rejectUnauthorized: false,
    headers: {
      host,
      authorization: `Bearer ${rig.server.tokens.act}`,
      ...(body === undefined ? {} : { "content-type": "application/json", "idempotency-key": `k${body.length}` }),
      ...headers,
    },
  };
  return new Promise((resolve, reject) => {
    const request = secureRequest(options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on("error", reject).end(body);
  });
}

describe.skipIf(NGINX === undefined)("behind nginx as the page says", () => {
  test("requests come through, with plans of more than a megabyte, and only by the name", async () => {
    expect((await ask("/api/projects")).status).toBe(200);
    expect((await ask("/api/projects", { headers: { origin: `https://${NAME}` } })).status).toBe(200);
    const plan = { steps: [{ id: "a", run: "true", description: "d".repeat(1_500_000) }] };
    const started = await ask("/api/projects/demo/runs", { method: "POST", body: JSON.stringify({ plan }) });
    expect([started.status, started.text.slice(0, 300)]).toEqual([201, expect.stringContaining('"run"')]);
    expect((await ask("/api/projects", { host: "evil.test" })).status).toBe(421);
    expect((await ask("/api/projects", { headers: { origin: "https://evil.test" } })).status).toBe(403);
    expect((await ask("/api/projects", { headers: { authorization: "Bearer nothing" } })).status).toBe(401);
  });

  test("a WebSocket opens with a ticket, as a page's", async () => {
    const { text } = await ask("/api/tickets", { method: "POST", body: "{}" });
    const { ticket } = JSON.parse(text) as { ticket: string };
    const socket = new WebSocket(`wss://127.0.0.1:${port}/api/stream`, ["heddle.v1", `ticket.${ticket}`], {
      headers: { host: NAME },
      origin: `https://${NAME}`,
      rejectUnauthorized: false,
    });
    const said = new Promise<string>((resolve, reject) => {
      socket.once("message", (data: Buffer) => resolve(String(data))).once("error", reject);
    });
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    expect(socket.protocol).toBe("heddle.v1");
    socket.send(JSON.stringify({ op: "open", id: "1", kind: "runs", project: "demo" }));
    expect(JSON.parse(await said)).toMatchObject({ type: "snapshot", id: "1" });
    socket.close();
  });

  test("an event stream says at once what there is, while its run goes on", async () => {
    const plan = { steps: [{ id: "wait", signal: "go" }] };
    const { text } = await ask("/api/projects/demo/runs", { method: "POST", body: JSON.stringify({ plan }) });
    const { run } = JSON.parse(text) as { run: string };
    const stream = ask(`/api/projects/demo/runs/${run}/events/stream`);
    const first = new Promise<string>((resolve, reject) => {
      const options = { host: "127.0.0.1", port, servername: NAME, rejectUnauthorized: false };
      const headers = { host: NAME, authorization: `Bearer ${rig.server.tokens.read}` };
      secureRequest({ ...options, headers, path: `/api/projects/demo/runs/${run}/events/stream` }, (response) => {
        let said = "";
        response.on("data", (chunk: Buffer) => {
          said += String(chunk);
          if (said.includes("run.created")) resolve(said);
        });
      })
        .on("error", reject)
        .end();
    });
    expect(await first).toContain('"type":"run.created"');
    await ask(`/api/projects/demo/runs/${run}/signals/go`, { method: "POST", body: "{}" });
    expect((await stream).text).toContain('"type":"run.succeeded"');
  });

  test("an agent's MCP client works", async () => {
    const client = new Client({ name: "test", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
    const through: typeof fetch = async (input, init) => {
      const sent = new Headers(init?.headers);
      const body = typeof init?.body === "string" ? init.body : undefined;
      const headers = Object.fromEntries([...sent].filter(([name]) => name !== "host"));
      const { pathname } = new URL(String(input instanceof Request ? input.url : input));
      const { status, text } = await ask(pathname, {
        method: init?.method ?? "GET",
        ...(body === undefined ? {} : { body }),
        headers,
      });
      const type = text.startsWith("{") ? "application/json" : "text/event-stream";
      return new Response(text === "" ? null : text, { status, headers: { "content-type": type } });
    };
    const url = new URL(`https://${NAME}/api/projects/demo/mcp`);
    await client.connect(new StreamableHTTPClientTransport(url, { fetch: through }));
    const { tools } = await client.listTools();
    expect(tools.length).toBeGreaterThanOrEqual(14);
    await client.close();
  });
});
