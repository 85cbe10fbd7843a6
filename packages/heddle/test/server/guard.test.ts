/** The guard over every route of the table: where a request comes from, what it may do, its form. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SECURITY_HEADERS } from "../../src/server/app.ts";
import type { RouteHead } from "../../src/server/route.ts";
import { API_ROUTES } from "../../src/server/table.ts";
import { pass, ServerRig, type RawAnswer } from "./rig.ts";

let rig: ServerRig;
beforeAll(async () => {
  rig = await ServerRig.start();
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

/** The path with something in the place of each name. */
function addressOf({ path }: RouteHead): string {
  return path.replaceAll(/:\w+/g, "x");
}

interface Line {
  readonly host?: readonly string[];
  readonly token?: string;
  readonly more?: readonly string[];
  readonly path?: string;
  readonly body?: string;
}

function send(route: RouteHead, { host, token, more = [], path, body = "" }: Line = {}): Promise<RawAnswer> {
  const lines = [
    `${route.method} ${path ?? addressOf(route)} HTTP/1.1`,
    ...(host ?? [`127.0.0.1:${rig.server.port}`]).map((one) => `Host: ${one}`),
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ...more,
    ...(body === "" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
    "Connection: close",
  ];
  return rig.raw(lines, body);
}

const routes = API_ROUTES.map((route) => [`${route.method} ${route.path}`, route] as const);
const routesWhere = (isSo: (route: (typeof API_ROUTES)[number]) => boolean): typeof routes =>
  routes.filter(([, route]) => isSo(route));

test("the table has routes, and each operation a name of its own", () => {
  expect(API_ROUTES.length).toBeGreaterThanOrEqual(50);
  const guarded = API_ROUTES.filter(({ authority }) => authority !== "none").length;
  expect(API_ROUTES.length - guarded).toBe(2);
  expect(new Set(API_ROUTES.map(({ operation }) => operation.id)).size).toBe(API_ROUTES.length);
});

describe.each(routesWhere(({ authority }) => authority !== "none"))("%s", (_, route) => {
  test("without authority nothing is answered (CVE-2026-31882, CVE-2026-7723, CVE-2026-28229)", async () => {
    const wrong: readonly Line[] = [
      {},
      { token: "nothing" },
      { token: rig.server.tokens.act.slice(1) },
      { token: `${rig.server.tokens.act}x` },
      { path: `${addressOf(route)}?token=${rig.server.tokens.act}` },
      { more: [`Cookie: token=${rig.server.tokens.act}`] },
      { more: [`Sec-WebSocket-Protocol: heddle.v1, ticket.${rig.server.tokens.act}`] },
      { more: [`Authorization: Basic ${rig.server.tokens.act}`] },
      { more: ["Authorization: Bearer a", `Authorization: Bearer ${rig.server.tokens.act}`] },
    ];
    for (const line of wrong) {
      const { status, headers, text } = await send(route, line);
      expect([status, headers["content-type"]]).toEqual([
        line.more?.length === 2 ? 400 : 401,
        "application/problem+json",
      ]);
      expect(text).not.toContain(rig.server.tokens.act);
      pass(rig.clock, 61_000);
    }
  });

  test("other spellings of its path open nothing (CVE-2026-3514, CVE-2025-30208)", async () => {
    const plain = addressOf(route);
    const spelt = [
      `${plain}/`,
      `/${plain}`,
      plain.replace("/api", "/api/"),
      plain.replace("api", "%61pi"),
      plain.toUpperCase(),
      `${plain};x`,
      `${plain}??`,
      `${plain}/health`,
      `${plain}/x.js`,
      `${plain}%2fhealth`,
      `/api/health/..${plain}`,
      `/api/health%2f..%2f${plain.slice(1)}`,
    ];
    for (const path of spelt) {
      const { status, text } = await send(route, { path });
      expect([401, 404], path).toContain(status);
      expect(text, path).toContain("urn:heddle:problem");
    }
  });
});

describe.each(routesWhere(({ authority }) => authority === "act"))("%s", (_, route) => {
  test("a read-only token does not act (GHSA-h3jj-5f3v-3685, CVE-2026-22683)", async () => {
    expect((await send(route, { token: rig.server.tokens.read })).status).toBe(403);
  });
});

describe.each(routes)("%s", (_, route) => {
  test("a wrong name of the server is refused (CVE-2025-24010, CVE-2025-66414)", async () => {
    const own = `127.0.0.1:${rig.server.port}`;
    const wrong: readonly (readonly string[])[] = [
      ["evil.test"],
      [""],
      [own, own],
      [own, "evil.test"],
      [`localhost.:${rig.server.port}`],
      [`user@${own}`],
      [`127.0.0.1:${rig.server.port + 1}`],
      ["127.0.0.1"],
      [`127.0.0.1.evil.test:${rig.server.port}`],
      [`2130706433:${rig.server.port}`],
    ];
    for (const host of wrong) {
      const { status } = await send(route, { host, token: rig.server.tokens.act });
      // Node itself refuses what is no host at all.
      expect([400, 421], host.join(" and ")).toContain(status);
    }
    for (const host of [`LOCALHOST:${rig.server.port}`, `[::1]:${rig.server.port}`])
      expect((await send(route, { host: [host], token: rig.server.tokens.act })).status).not.toBe(421);
  });

  test("pages of other origins are refused", async () => {
    const port = rig.server.port;
    const wrong = [
      ["Origin: http://evil.test"],
      ["Origin: null"],
      [`Origin: http://127.0.0.1:${port + 1}`],
      [`Origin: https://127.0.0.1:${port}`],
      [`Origin: http://localhost.evil.test:${port}`],
      [`Origin: http://127.0.0.1:${port}`, "Origin: http://evil.test"],
      ["Sec-Fetch-Site: cross-site"],
      ["Sec-Fetch-Site: same-site"],
      ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"],
    ];
    for (const more of wrong) {
      const { status, headers } = await send(route, { more, token: rig.server.tokens.act });
      expect([400, 403], more.join(", ")).toContain(status);
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    }
    const own = await send(route, { more: [`Origin: http://127.0.0.1:${port}`], token: rig.server.tokens.act });
    expect(own.status).not.toBe(403);
  });

  test("every answer has the security headers, refused or not", async () => {
    for (const line of [{}, { token: rig.server.tokens.act }, { host: ["evil.test"] }]) {
      const { headers } = await send(route, line);
      for (const [name, value] of Object.entries(SECURITY_HEADERS))
        expect([name, headers[name]]).toEqual([name, value]);
      expect(headers["cache-control"]).toBe("no-store");
    }
    pass(rig.clock, 61_000);
  });
});

describe.each(routesWhere(({ method }) => method !== "GET"))("%s", (_, route) => {
  test("a body that is not JSON, or too large, is not read", async () => {
    const { act } = rig.server.tokens;
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
      expect((await send(route, { token: act, more: [`Content-Type: ${type}`], body: "{}" })).status).toBe(415);
    expect((await send(route, { token: act, body: "{}" })).status).toBe(415);
    const large = await send(route, {
      token: act,
      more: ["Content-Type: application/json", "Content-Length: 99999999"],
    });
    expect(large.status).toBe(413);
  });
});

test("an address that guesses is not listened to for the rest of the minute", async () => {
  const path = "/api/openapi.json";
  for (let guess = 0; guess < 20; guess++) expect((await rig.ask(path, { token: "wrong" })).status).toBe(401);
  const silent = await rig.ask(path);
  expect([silent.status, silent.headers["retry-after"]]).toEqual([429, "60"]);
  expect((await rig.ask("/api/login", { token: null, body: { code: "x" } })).status).toBe(429);
  pass(rig.clock, 60_001);
  expect((await rig.ask(path)).status).toBe(200);
});

test("the operator is told of an address that guesses, once, and nothing of what it guessed", async () => {
  const warnings: string[] = [];
  await using own = await ServerRig.start({ onWarning: (text) => warnings.push(text) });
  for (let guess = 0; guess < 25; guess++) await own.ask("/api/openapi.json", { token: `wrong-${guess}` });
  expect(warnings).toEqual([expect.stringMatching(/^20 wrong tokens came from 127\.0\.0\.1 /)]);
  expect(warnings.join()).not.toContain("wrong-");
});

test("an address below /api that is not served says so only to who may read", async () => {
  expect((await rig.ask("/api/nothing", { token: null })).status).toBe(401);
  expect((await rig.ask("/api/nothing")).status).toBe(404);
  expect((await rig.ask("/elsewhere", { token: null })).status).toBe(404);
});

test("another major version of the API is refused", async () => {
  expect((await rig.ask("/api/health", { headers: { "heddle-api": "2" } })).status).toBe(400);
  expect((await rig.ask("/api/health", { headers: { "heddle-api": "1" } })).status).toBe(200);
});
