/** `heddle serve` and `heddle open` as they are typed: one server for a port, its end, and runs that outlive it. */
import { rmSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readTokenFile, tokenFileOf, type TokenFile } from "../../src/server/token-file.ts";
import { Rig, type Running } from "../support/command-line.ts";
import { until } from "../support/until.ts";

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.dispose]());

async function served(...args: readonly string[]): Promise<{ readonly server: Running; readonly file: TokenFile }> {
  const server = rig.spawn(["serve", "--port", "0", ...args]);
  await server.says("Serving ");
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(server.stdout)?.[1]);
  const file = readTokenFile(tokenFileOf(rig.env(), port));
  if (file === undefined) throw new Error(`no token file for port ${port}`);
  return { server, file };
}

test("a second server of the same project names the first; open logs in; Ctrl-C ends it and its tokens", async () => {
  rig.plan({ steps: [{ id: "a", run: "true" }] });
  const { server, file } = await served();
  const port = new URL(file.url).port;
  const again = await rig.heddle(["serve", "--port", port]);
  const already = `Served already at ${file.url} by heddle serve (pid ${file.pid})\n`;
  expect([again.code, again.stdout]).toEqual([0, already]);
  const link = expect.stringMatching(new RegExp(`^${file.url}/#login=[\\w-]{43}$`)) as string;
  const opened = await rig.heddle(["serve", "--port", port, "--open"]);
  expect(opened.stdout).toContain(`${already}Log in: ${file.url}/#login=`);
  const asJson = await rig.heddle(["serve", "--port", port, "--open", "--json"]);
  expect(JSON.parse(asJson.stdout)).toEqual({ url: file.url, port: Number(port), pid: file.pid, login: link });
  const unknown = await rig.heddle(["serve", "--port", port, "--open", "zzzz"]);
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining("[UnknownRun]")]);
  rig.write("other/heddle.yaml", "steps: [{id: a, run: 'true'}]\n");
  const other = await rig.heddle(["serve", "--port", port, "--project", "other"]);
  expect([other.code, other.stderr]).toEqual([1, expect.stringContaining("[PortInUse]")]);
  const held = `in use by heddle serve (pid ${file.pid}), which serves ${rig.dir} at ${file.url}`;
  expect(other.stderr).toContain(held);
  expect(other.stderr).toContain(`heddle serve --port ${Number(port) + 1}`);
  const { code, stdout } = await rig.heddle(["open", "--port", port, "--json"]);
  expect([code, (JSON.parse(stdout) as { readonly url: string }).url]).toEqual([0, link]);
  server.kill("SIGINT");
  expect(await server.done).toMatchObject({ code: 0, signal: null });
  expect(readTokenFile(tokenFileOf(rig.env(), Number(port)))).toBeUndefined();
  expect((await rig.heddle(["open", "--port", port])).code).toBe(2);
});

test("a link may lead to the page of a run, of whichever project has it", async () => {
  rig.write("one/heddle.yaml", "steps: [{id: a, run: 'true'}]\n");
  rig.write("two/heddle.yaml", "steps: [{id: a, run: 'true'}]\n");
  expect((await rig.heddle(["-C", "two", "run"])).code).toBe(0);
  const { stdout } = await rig.heddle(["-C", "two", "runs", "--json"]);
  const [{ run }] = (JSON.parse(stdout) as { runs: [{ run: string }] }).runs;
  const projects = ["--project", "one", "--project", "two"];
  const { server, file } = await served(...projects, "--open", run.slice(0, 6));
  const page = `${file.url}/p/two/runs/${run}#login=`;
  await server.says(`Log in: ${page}`);
  const port = new URL(file.url).port;
  expect((await rig.heddle(["open", run, "--port", port])).stdout).toContain(page);
  expect((await rig.heddle(["open", "--port", port])).stdout).toContain(`${file.url}/#login=`);
  const unknown = await rig.heddle(["open", "zzzz", "--port", port]);
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining("[UnknownRun]")]);
  const wrong = await rig.heddle(["serve", "--port", "0", ...projects, "--open", "zzzz"]);
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("[UnknownRun]")]);
});

test("a run that was started over HTTP goes on after its server died: resumed by hand, or by the next one", async () => {
  const gate = rig.gate("g");
  rig.plan({
    steps: [
      { id: "a", run: gate.command },
      { id: "b", run: "true", deps: ["a"] },
    ],
  });
  const first = await served();
  const [project = ""] = first.server.stdout.split("Serving ")[1]?.split(" ") ?? [];
  const asked = await fetch(`${first.file.url}/api/projects/${project}/runs`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${first.file.act}`,
      "content-type": "application/json",
      "idempotency-key": "one",
    },
    body: "{}",
  });
  const { run } = (await asked.json()) as { readonly run: string };
  await gate.reached();
  first.server.kill("SIGKILL");
  await first.server.done;
  const status = async (): Promise<unknown> =>
    (JSON.parse((await rig.heddle(["show", run, "--json"])).stdout) as { readonly status: unknown }).status;
  expect(await status()).toBe("interrupted");
  rmSync(tokenFileOf(rig.env(), Number(new URL(first.file.url).port)));
  const second = await served("--recover");
  expect(second.server.stderr).toContain(`Run ${run} goes on.`);
  await gate.reached();
  await gate.open();
  await until(async () => (await status()) === "succeeded");
  second.server.kill("SIGTERM");
  await second.server.done;
});

const TOKEN = "0123456789abcdefghijklmnopqrstuvwxyzABC=";
test.each([
  [["--host", "0.0.0.0"], undefined, "ExposedServer"],
  [["--host", "0.0.0.0"], TOKEN, "ExposedServer"],
  [["--host", "0.0.0.0", "--allow-host", "box.lan"], undefined, "ExposedServer"],
  [[], "short", "WeakToken"],
  [[], `${TOKEN} ${TOKEN}`, "UnusableToken"],
  [[], TOKEN.repeat(6), "UnusableToken"],
  [["reads", "short"], TOKEN, "WeakToken"],
  [["reads", TOKEN], TOKEN, "SameTokens"],
  [["--cors", "*"], undefined, "Usage"],
  [["--cors", "https://dash.test/page"], undefined, "Usage"],
])("serve %j with the token %j is refused: %s", async (given, token, code) => {
  const reads = given[0] === "reads" ? given[1] : undefined;
  const args = reads === undefined ? given : [];
  const env = { HEDDLE_TOKEN: token, HEDDLE_READ_TOKEN: reads };
  const { code: exit, stderr } = await rig.heddle(["serve", "--port", "0", ...args], { env });
  expect([exit, stderr]).toEqual([2, expect.stringContaining(`[${code}]`)]);
});
