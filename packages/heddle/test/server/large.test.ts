/** Runs that are too large to be sent whole: pages of steps, some of the members, and less on the wire. */
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Json } from "../../src/base/json.ts";
import type { StepPage } from "../../src/view/protocol.ts";
import { RUN_FIELDS } from "../../src/view/run-view.ts";
import { until } from "../support/until.ts";
import { ServerRig, type Answer } from "./rig.ts";

const RUNS = "/api/projects/demo/runs";
let rig: ServerRig;
let run: string;

beforeAll(async () => {
  rig = await ServerRig.start();
  const steps: Json[] = [{ id: "ask", approve: "Go on?" }];
  for (let at = 0; at < 12; at++)
    steps.push({ id: `s${at}`, run: "true", deps: ["ask"], description: `Part ${at % 3}` });
  run = String((await rig.ask(RUNS, { body: { plan: { steps } } })).json["run"]);
  await until(async () => (await page("?status=needs-approval")).items.length === 1);
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

async function page(query: string): Promise<StepPage> {
  return (await rig.ask(`${RUNS}/${run}/steps${query}`)).json as unknown as StepPage;
}

test("pages of steps have each step once, in the order of the plan, narrowed or not", async () => {
  const ids = async (query: string): Promise<readonly string[]> => {
    const found: string[] = [];
    let cursor = "";
    for (let pages = 0; pages < 20; pages++) {
      const { items, next } = await page(`${query}${cursor}`);
      found.push(...items.map(({ id }) => id));
      if (next === undefined) return found;
      expect(items.length).toBeGreaterThan(0);
      cursor = `&cursor=${next}`;
    }
    throw new Error("no end");
  };
  const all = ["ask", ...Array.from({ length: 12 }, (_, at) => `s${at}`)];
  for (const limit of [1, 4, 13, 200]) expect(await ids(`?limit=${limit}`)).toEqual(all);
  expect(await ids("?limit=2&q=PART%202")).toEqual(["s2", "s5", "s8", "s11"]);
  expect(await ids("?limit=2&status=needs-approval,failed")).toEqual(["ask"]);
  expect(await ids("?limit=3&status=waiting&q=s1")).toEqual(["s1", "s10", "s11"]);
  expect(await ids("?limit=3&q=nothing")).toEqual([]);
  const { headers } = await rig.ask(`${RUNS}/${run}/steps?limit=4&status=waiting`);
  expect(headers["link"]).toBe(`<${RUNS}/${run}/steps?limit=4&status=waiting&cursor=5>; rel="next"`);
});

test("only the members that are asked for are sent, with what names the state", async () => {
  const whole = await rig.ask(`${RUNS}/${run}`);
  expect(Object.keys(whole.json).toSorted()).toEqual(RUN_FIELDS.toSorted());
  const part = await rig.ask(`${RUNS}/${run}?fields=status,counts`);
  expect(Object.keys(part.json).toSorted()).toEqual(["counts", "run", "seq", "status"]);
  expect(part.headers["etag"]).toBe(whole.headers["etag"]);
});

test.each(["?fields=nothing", "?fields=", "?fields=status,__proto__"])("GET run%s is refused", async (query) => {
  expect((await rig.ask(`${RUNS}/${run}${query}`)).status).toBe(422);
});

test.each(["?status=gone", "?status=", "?limit=201", "?cursor=x", "?cursor=-1", "?q="])(
  "GET steps%s is refused",
  async (query) => {
    expect((await rig.ask(`${RUNS}/${run}/steps${query}`)).status).toBe(422);
  },
);

describe("gzip", () => {
  const lines = (path: string, ...more: readonly string[]): readonly string[] => [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${rig.server.port}`,
    `Authorization: Bearer ${rig.server.tokens.read}`,
    ...more,
    "Connection: close",
  ];
  const encodingOf = async (path: string, ...more: readonly string[]): Promise<string | undefined> =>
    (await rig.raw(lines(path, ...more))).headers["content-encoding"];

  test("long JSON is compressed for who takes it, and means the same", async () => {
    const path = `${RUNS}/${run}`;
    const plain: Answer = await rig.ask(path, { headers: { "accept-encoding": "identity" } });
    const { headers, text } = await rig.raw(lines(path, "Accept-Encoding: deflate, gzip;q=0.5"));
    expect([headers["content-encoding"], headers["vary"], headers["etag"]]).toEqual([
      "gzip",
      "Accept-Encoding",
      plain.headers["etag"],
    ]);
    const body = Buffer.from(text, "latin1");
    expect(Number(headers["content-length"])).toBe(body.length);
    expect(JSON.parse(gunzipSync(body).toString("utf8"))).toEqual(plain.json);
    expect(body.length).toBeLessThan(plain.text.length / 2);
    expect(plain.headers["vary"]).toBe("Accept-Encoding");
  });

  test("not where it is not asked for, is short, or is a stream", async () => {
    for (const accepted of [[], ["Accept-Encoding: identity"], ["Accept-Encoding: gzip;q=0"], ["Accept-Encoding: *"]])
      expect(await encodingOf(`${RUNS}/${run}`, ...accepted)).toBeUndefined();
    expect(await encodingOf("/api/health", "Accept-Encoding: gzip")).toBeUndefined();
    const gone = new AbortController();
    const stream = await fetch(`${rig.server.url}${RUNS}/${run}/events/stream`, {
      headers: { authorization: `Bearer ${rig.server.tokens.read}`, "accept-encoding": "gzip" },
      signal: gone.signal,
    });
    expect([stream.status, stream.headers.get("content-encoding")]).toEqual([200, null]);
    gone.abort();
  });
});
