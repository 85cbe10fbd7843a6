/** Logs as bytes: parts of them, what says which state they are of, and that no browser shows them as a page. */
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "../../src/client/client.ts";
import { openProject } from "../../src/host/open.ts";
import { orThrow } from "../../src/base/errors.ts";
import { until } from "../support/until.ts";
import { ServerRig, type Answer } from "./rig.ts";

/** 41 bytes. */
const TEXT = "<script>alert(1)</script>\nzwei: é\nthree\n";
let rig: ServerRig;
let path: string;
let file: string;
let run: string;

beforeAll(async () => {
  rig = await ServerRig.start();
  const { json } = await rig.ask("/api/projects/demo/runs", { body: { plan: { steps: [{ id: "a", run: "true" }] } } });
  run = String(json["run"]);
  const address = `/api/projects/demo/runs/${run}`;
  await until(async () => (await rig.ask(address)).json["status"] === "succeeded");
  path = `${address}/steps/a/attempts/1/log`;
  await using project = orThrow(await openProject(`${rig.dir}/demo`, { title: "test" }));
  file = project.logs.file(run, "a", 1);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, TEXT);
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

function part(range: string, more: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return rig.ask(path, { headers: { range, ...more } });
}

test.each([
  ["bytes=0-7", "<script>", "bytes 0-7/41"],
  ["bytes=35-", "three\n", "bytes 35-40/41"],
  ["bytes=-6", "three\n", "bytes 35-40/41"],
  ["bytes=35-9999", "three\n", "bytes 35-40/41"],
  ["bytes=-9999", TEXT, "bytes 0-40/41"],
])("%s", async (range, text, contentRange) => {
  const answer = await part(range);
  expect([answer.status, answer.text, answer.headers["content-range"]]).toEqual([206, text, contentRange]);
});

test.each(["bytes=9999-", "bytes=-0", "bytes=41-"])("%s is not there", async (range) => {
  const { status, headers, json } = await part(range);
  expect([status, json["code"]]).toEqual([416, "range-not-satisfiable"]);
  expect(headers["content-range"]).toBe("bytes */41");
});

test.each(["bytes=5-2", "bytes=", "bytes=-", "bytes=0-1,4-5", "lines=1-2", "bytes=a-b", `bytes=${"9".repeat(40)}-`])(
  "%s is no range, and answered as if it were not there",
  async (range) => {
    expect(await part(range)).toMatchObject({ status: 200, json: { totalLines: 3 } });
  },
);

test("the whole log is a file to be kept, whatever is in it", async () => {
  const { status, text, headers } = await rig.ask(`${path}?raw=true`);
  expect([status, text, headers["content-length"]]).toEqual([200, TEXT, "41"]);
  expect(headers).toMatchObject({
    "content-type": "text/plain; charset=utf-8",
    "content-disposition": "attachment",
    "x-content-type-options": "nosniff",
    "content-security-policy": expect.stringMatching(/^default-src 'none'.*; sandbox$/),
  });
  const other = await part("bytes=0-7");
  expect(other.headers["content-security-policy"]).toMatch(/; sandbox$/);
});

test("HEAD gives the size and the lines; what is known is not sent again until something is written", async () => {
  const head = await rig.ask(path, { method: "HEAD", key: null });
  expect([head.status, head.headers["heddle-log-bytes"], head.headers["heddle-log-lines"]]).toEqual([200, "41", "3"]);
  const etag = head.headers["etag"] ?? "";
  expect((await rig.ask(path, { headers: { "if-none-match": etag } })).status).toBe(304);
  expect((await part("bytes=0-1", { "if-range": etag })).status).toBe(206);
  expect(await part("bytes=0-1", { "if-range": '"other"' })).toMatchObject({ status: 200 });
  appendFileSync(file, "four\n");
  const grown = await rig.ask(path, { headers: { "if-none-match": etag } });
  expect([grown.status, grown.headers["heddle-log-lines"]]).toEqual([200, "4"]);
  // It is the same file, which has only grown.
  expect(grown.headers["etag"]?.split("-")[0]).toBe(etag.split("-")[0]);
  writeFileSync(file, TEXT);
});

test("the client asks for bytes, and of a long log gets at most 4 MiB at a time", async () => {
  const { logs } = connect({ url: rig.server.url, token: rig.server.tokens.read }).project("demo");
  const found = await logs.bytes(run, "a", 1, { from: 1, to: 7 });
  expect([Buffer.from(found.bytes).toString(), found.from, found.size]).toEqual(["script", 1, Buffer.byteLength(TEXT)]);
  await expect(logs.bytes(run, "a", 1, { from: 999, to: 1000 })).rejects.toMatchObject({
    code: "range-not-satisfiable",
    status: 416,
  });
  writeFileSync(file, Buffer.alloc(5 * 1024 * 1024, "x"));
  const long = await logs.bytes(run, "a", 1, { from: 10, to: 5 * 1024 * 1024 });
  expect([long.bytes.length, long.size]).toEqual([4 * 1024 * 1024, 5 * 1024 * 1024]);
  expect((await rig.ask(`${path}?raw=true`)).text.length).toBe(5 * 1024 * 1024);
  writeFileSync(file, TEXT);
});

test("what has no log has no bytes either", async () => {
  const other = path.replace("attempts/1", "attempts/2");
  expect((await rig.ask(other, { headers: { range: "bytes=0-" } })).json["code"]).toBe("no-log");
  expect((await rig.ask(`${other}?raw=true`)).status).toBe(404);
});
