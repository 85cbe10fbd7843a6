/** Pages of other origins that the user named, and the names that he allowed: browsers let them in, and nobody else. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { sourceProblem, sourceSettings } from "../../src/server/guard.ts";
import { ServerRig } from "./rig.ts";

const DASH = "https://dash.test";
const PROJECTS = "/api/projects";

let rig: ServerRig;
beforeAll(async () => {
  rig = await ServerRig.start({ cors: [DASH] });
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

test("a browser may send what a page of a named origin asks, and read the answer", async () => {
  const asks = {
    origin: DASH,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization",
  };
  const preflight = await rig.ask(`${PROJECTS}/demo/runs`, {
    method: "OPTIONS",
    token: null,
    headers: asks,
    key: null,
  });
  expect(preflight).toMatchObject({
    status: 204,
    headers: {
      "access-control-allow-origin": DASH,
      "access-control-allow-headers": expect.stringContaining("authorization"),
      "access-control-allow-methods": expect.stringContaining("POST"),
      vary: "origin",
    },
  });
  expect(preflight.headers["access-control-allow-credentials"]).toBeUndefined();
  const answer = await rig.ask(PROJECTS, { headers: { origin: DASH } });
  expect([answer.status, answer.headers["access-control-allow-origin"]]).toEqual([200, DASH]);
  // It needs a token like every client, and may read that it does.
  const refused = await rig.ask(PROJECTS, { headers: { origin: DASH }, token: null });
  expect([refused.status, refused.headers["access-control-allow-origin"]]).toEqual([401, DASH]);
});

test.each(["http://dash.test", "https://dash.test.evil.test", "null"])("%s is told nothing", async (origin) => {
  const headers = { origin, "access-control-request-method": "POST" };
  const answer = await rig.ask(PROJECTS, { method: "OPTIONS", headers, key: null });
  expect([answer.status, answer.headers["access-control-allow-origin"]]).toEqual([403, undefined]);
});

test("own pages and programs get no such header, and OPTIONS without a question is not answered", async () => {
  expect((await rig.ask(PROJECTS)).headers["access-control-allow-origin"]).toBeUndefined();
  expect((await rig.ask(PROJECTS, { method: "OPTIONS", headers: { origin: DASH }, key: null })).status).toBe(405);
});

test.each([
  ["box.lan:4747", "http://box.lan:4747"],
  ["box.lan", "https://box.lan"],
])("a page of an allowed name may ask from where it was opened: %s", (host, origin) => {
  const rawHeaders = ["Host", host, "Origin", origin];
  const head = { method: "POST", url: "/", headers: {}, rawHeaders };
  const settings = sourceSettings(4747, { allowHosts: ["Box.lan"] });
  expect(sourceProblem(head, undefined, settings)).toBeUndefined();
  expect(
    sourceProblem({ ...head, rawHeaders: ["Host", host, "Origin", "http://box.lan:1"] }, undefined, settings),
  ).toMatchObject({ slug: "foreign-origin" });
});
