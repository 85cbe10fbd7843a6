/**
 * Acceptance rows of the server over its whole table: authority that is over, spellings and names at the door of WebSockets, files outside, damaged
 * and changed plans, and what each operation says of requests that are wrong. The other rows are named where they are tested.
 */
import { rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SESSION_MS } from "../../src/server/authority.ts";
import { API_ROUTES, STREAM_ROUTES } from "../../src/server/table.ts";
import type { ApiRoute } from "../../src/server/route.ts";
import type { Json } from "../../src/base/json.ts";
import { until } from "../support/until.ts";
import { pass, ServerRig, type Answer } from "./rig.ts";

const RUNS = "/api/projects/demo/runs";

let rig: ServerRig;
beforeAll(async () => {
  rig = await ServerRig.start();
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

function addressOf(path: string): string {
  return path.replaceAll(":project", "demo").replaceAll(/:\w+/g, "x");
}

/** The status with which the head of an upgrade is answered; 101: it is let in. */
async function upgraded(path: string, more: readonly string[], hosts?: readonly string[]): Promise<number> {
  const lines = [
    `GET ${path} HTTP/1.1`,
    ...(hosts ?? [`127.0.0.1:${rig.server.port}`]).map((host) => `Host: ${host}`),
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ...more,
  ];
  return (await rig.raw(lines)).status;
}

describe("T1: authority that is over", () => {
  test("a session after its twelve hours opens no route, and no WebSocket", async () => {
    const { json } = await rig.ask("/api/login-codes", { body: { authority: "act" } });
    const session = await rig.ask("/api/login", { token: null, body: { code: json["code"] ?? "" } });
    const token = String(session.json["token"]);
    expect((await rig.ask("/api/projects", { token })).status).toBe(200);
    pass(rig.clock, SESSION_MS);
    for (const { method, path, authority } of API_ROUTES) {
      if (authority === "none") continue;
      const { status, headers } = await rig.ask(addressOf(path), { method, token, key: null });
      expect([method, path, status, headers["content-type"]]).toEqual([method, path, 401, "application/problem+json"]);
      pass(rig.clock, 61_000);
    }
    for (const { path } of STREAM_ROUTES)
      expect(await upgraded(addressOf(path), [`Authorization: Bearer ${token}`])).toBe(401);
  });

  test("a ticket after its half minute opens no WebSocket", async () => {
    for (const { path } of STREAM_ROUTES) {
      const { json } = await rig.ask("/api/tickets", { body: {} });
      pass(rig.clock, 30_000);
      const offered = `Sec-WebSocket-Protocol: heddle.v1, ticket.${String(json["ticket"])}`;
      expect(await upgraded(addressOf(path), [offered])).toBe(401);
    }
    pass(rig.clock, 61_000);
  });
});

describe.each(STREAM_ROUTES.map(({ path }) => path))("at the door of %s", (pattern) => {
  const path = addressOf(pattern);
  const token = (): string => `Authorization: Bearer ${rig.server.tokens.act}`;

  test("T2: other spellings open nothing, with authority or without", async () => {
    const spelt = [
      `${path}/`,
      `/${path}`,
      path.replace("/api", "/api/"),
      path.replace("api", "%61pi"),
      path.toUpperCase(),
      `${path};x`,
      `${path}/health`,
      `${path}%2fhealth`,
      `${path}.js`,
      `/api/health/..${path}`,
    ];
    for (const one of spelt) {
      expect([one, await upgraded(one, [])]).toEqual([one, 401]);
      expect([one, await upgraded(one, [token()])]).toEqual([one, 404]);
    }
  });

  test("T3: names that are not the server's, two of them, or none (CVE-2025-24010, CVE-2025-66414)", async () => {
    const { port } = rig.server;
    const own = `127.0.0.1:${port}`;
    const wrong = [
      ["evil.test"],
      [""],
      [own, own],
      [own, "evil.test"],
      [`localhost.:${port}`],
      [`user@${own}`],
      [`127.0.0.1:${port + 1}`],
      ["127.0.0.1"],
      [`127.0.0.1.evil.test:${port}`],
      [`2130706433:${port}`],
    ];
    for (const hosts of wrong) {
      const status = await upgraded(path, [token()], hosts);
      // Node itself refuses what is no host at all.
      expect([400, 421], hosts.join(" and ")).toContain(status);
    }
  });
});

async function runOf(body: Json): Promise<string> {
  const { json, text } = await rig.ask(RUNS, { body });
  expect(json["run"], text).toEqual(expect.any(String));
  return String(json["run"]);
}

async function until1(path: string, isSo: (answer: Answer) => boolean): Promise<void> {
  await until(async () => isSo(await rig.ask(path)));
}

describe("T6: nothing outside is read", () => {
  test("by ids of runs that are paths, zeros, or long (CVE-2026-31886)", async () => {
    const ids = [
      "..",
      "%2e%2e",
      "%2e%2e%2fstate",
      "%00",
      "a%00b",
      "a".repeat(10_240),
      "..%2f..%2fetc%2fpasswd",
      "-",
      "%F0%9F",
    ];
    for (const id of ids)
      for (const path of [`${RUNS}/${id}`, `${RUNS}/${id}/events`, `${RUNS}/${id}/steps/a/attempts/1/log`]) {
        const { status, text } = await rig.ask(path);
        expect([404, 414, 422], path.slice(0, 60)).toContain(status);
        expect(text).not.toContain(rig.dir);
      }
  });

  test("where a log was made a link", async () => {
    const run = await runOf({ plan: { steps: [{ id: "a", run: "echo inside" }] } });
    await until1(`${RUNS}/${run}`, ({ json }) => json["status"] === "succeeded");
    const outside = join(rig.dir, "outside.txt");
    writeFileSync(outside, "secret of somebody\n");
    const file = join(rig.dir, "demo/.heddle/runs", run, "logs/a.1.log");
    rmSync(file);
    symlinkSync(outside, file);
    const log = `${RUNS}/${run}/steps/a/attempts/1/log`;
    for (const path of [log, `${log}?tail=5`, `${log}/search?q=secret`]) {
      const { status, text } = await rig.ask(path);
      expect([404, 409, 422, 503], path).toContain(status);
      expect(text).not.toContain("secret of somebody");
    }
    expect(rig.faults).toEqual([]);
  });
});

describe("T7: what is recorded", () => {
  test("and damaged is unreadable by itself; the server and other runs go on (CVE-2026-40886)", async () => {
    const [bad, good] = [
      await runOf({ plan: { steps: [{ id: "a", run: "true" }] } }),
      await runOf({ plan: { steps: [{ id: "b", run: "true" }] } }),
    ];
    for (const run of [bad, good]) await until1(`${RUNS}/${run}`, ({ json }) => json["status"] === "succeeded");
    const driver = new DatabaseSync(join(rig.dir, "demo/.heddle/state.db"));
    const changed = driver
      .prepare("UPDATE events SET data = data || ' ' WHERE seq = 3 AND run = (SELECT id FROM runs WHERE name = ?)")
      .run(bad);
    driver.close();
    expect(changed.changes).toBe(1);
    const broken = await rig.ask(`${RUNS}/${bad}`);
    expect([broken.status, broken.json["code"]]).toEqual([503, "journal-damaged"]);
    expect((await rig.ask(`${RUNS}/${bad}/events`)).status).toBe(503);
    expect((await rig.ask(`${RUNS}/${good}`)).json["status"]).toBe("succeeded");
    expect((await rig.ask(RUNS)).status).toBe(200);
    expect((await rig.ask("/api/health")).status).toBe(200);
    expect(rig.faults).toEqual([]);
  });

  test("is not changed by who goes on with it (CVE-2026-31892)", async () => {
    const plan = {
      name: "kept",
      steps: [
        { id: "a", run: "echo first" },
        { id: "w", signal: "go", deps: ["a"] },
      ],
    };
    const file = join(rig.dir, "demo/kept.json");
    writeFileSync(file, JSON.stringify(plan));
    const run = await runOf({ plan: "kept.json" });
    await until1(`${RUNS}/${run}/steps/w`, ({ text }) => text.includes('"signal":"go"'));
    await rig.ask(`${RUNS}/${run}/cancel`, { body: {} });
    await until1(`${RUNS}/${run}`, ({ json }) => json["status"] === "cancelled");
    const other = {
      name: "kept",
      steps: [
        { id: "a", run: "touch taken-over" },
        { id: "w", signal: "go", deps: ["a"] },
      ],
    };
    for (const more of [{ plan: other }, { document: "x" }, { steps: ["a"], plan: "x.json" }]) {
      const { status, json } = await rig.ask(`${RUNS}/${run}/resume`, { body: more });
      expect([status, json["code"]]).toEqual([422, "invalid-request"]);
    }
    writeFileSync(file, JSON.stringify(other));
    const refused = await rig.ask(`${RUNS}/${run}/resume`, { body: {} });
    expect([refused.status, refused.json["code"]]).toEqual([409, "plan-changed"]);
    expect((await rig.ask(`${RUNS}/${run}`)).json["status"]).toBe("cancelled");
  });
});

type Properties = Readonly<Record<string, { readonly type?: string; readonly anyOf?: unknown }>>;

function propertiesOf(schema: z.ZodType | undefined): Properties {
  if (schema === undefined) return {};
  return (z.toJSONSchema(schema, { io: "input", unrepresentable: "any" })["properties"] ?? {}) as Properties;
}

describe.each(API_ROUTES.map((route) => [route.operation.id, route] as const))("T11: %s", (_, route: ApiRoute) => {
  const { method, path, operation } = route;
  const address = addressOf(path);
  const token = (): string | null => (route.authority === "none" ? null : rig.server.tokens.act);
  const ask = (query: string, body?: Json): Promise<Answer> =>
    rig.ask(`${address}${query}`, body === undefined ? { method, token: token() } : { method, token: token(), body });

  test("refuses what it does not know, and values of other types, and says where", async () => {
    const empty = method === "GET" ? undefined : {};
    const pointersOf = ({ json }: Answer): readonly string[] =>
      ((json["errors"] ?? []) as { readonly pointer: string }[]).map(({ pointer }) => pointer);
    const unknown = await ask("?what-is-this=1", empty);
    expect(unknown.status).toBe(422);
    // Where others are needed, they are named too.
    expect(pointersOf(unknown).some((pointer) => pointer === "" || pointer === "/what-is-this")).toBe(true);
    for (const [name, { type }] of Object.entries(propertiesOf(operation.query))) {
      if (type !== "integer" && type !== "number") continue;
      const answer = await ask(`?${name}=many`, empty);
      expect([name, answer.status, pointersOf(answer).includes(`/${name}`)]).toEqual([name, 422, true]);
    }
    if (method === "GET") return;
    const strange = await ask("", { "what-is-this": 1 });
    expect([strange.status, strange.json["code"]]).toEqual([422, "invalid-request"]);
    for (const [name, { type }] of Object.entries(propertiesOf(operation.body))) {
      if (type === undefined) continue;
      const wrong: Json = type === "object" ? [] : type === "array" ? "x" : { of: "another type" };
      const answer = await ask("", { [name]: wrong });
      const isNamed = pointersOf(answer).some((pointer) => pointer.startsWith(`/${name}`));
      expect([name, answer.status, isNamed]).toEqual([name, 422, true]);
    }
  });

  test("has examples of its body and its answer that are as its schemas say", () => {
    const { body, answer } = operation.example ?? {};
    expect([body !== undefined, answer !== undefined]).toEqual([
      operation.body !== undefined,
      operation.answer.schema !== undefined,
    ]);
    expect([operation.body?.safeParse(body).error, operation.answer.schema?.safeParse(answer).error]).toEqual([
      undefined,
      undefined,
    ]);
  });
});
