/** Login codes, sessions, tickets, and the file that the command line finds the server by. */
import { readFileSync, statSync, existsSync, chmodSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { Authority, MOST_SESSIONS } from "../../src/server/authority.ts";
import { readTokenFile, tokenFileOf } from "../../src/server/token-file.ts";
import { VirtualClock } from "../support/virtual-clock.ts";
import { pass, ServerRig } from "./rig.ts";

describe("login", () => {
  test("a code works once, for a minute, and allows what it was made for", async () => {
    await using rig = await ServerRig.start();
    const link = rig.server.loginLink("read");
    expect(link).toContain(`${rig.server.url}/#login=`);
    const code = link.split("login=")[1] ?? "";
    const session = await rig.ask("/api/login", { token: null, body: { code } });
    expect([session.status, session.json["authority"]]).toEqual([200, "read"]);
    expect((await rig.ask("/api/login", { token: null, body: { code } })).status).toBe(401);
    const token = String(session.json["token"]);
    expect((await rig.ask("/api/openapi.json", { token })).status).toBe(200);
    expect((await rig.ask("/api/login-codes", { token, body: { authority: "act" } })).status).toBe(403);
    const late = rig.server.loginLink("act").split("login=")[1] ?? "";
    pass(rig.clock, 60_000);
    expect((await rig.ask("/api/login", { token: null, body: { code: late } })).status).toBe(401);
  });

  test("a session ends by logout and after twelve hours; the server's own tokens stay", async () => {
    await using rig = await ServerRig.start();
    const login = async (): Promise<string> => {
      const { json } = await rig.ask("/api/login-codes", { body: {} });
      const session = await rig.ask("/api/login", { token: null, body: { code: String(json["code"]) } });
      return String(session.json["token"]);
    };
    const [first, second] = [await login(), await login()];
    expect((await rig.ask("/api/logout", { token: first, body: {} })).status).toBe(200);
    expect((await rig.ask("/api/openapi.json", { token: first })).status).toBe(401);
    pass(rig.clock, 12 * 3_600_000 - 1);
    expect((await rig.ask("/api/openapi.json", { token: second })).status).toBe(200);
    pass(rig.clock, 1);
    expect((await rig.ask("/api/openapi.json", { token: second })).status).toBe(401);
    expect((await rig.ask("/api/logout", { body: {} })).status).toBe(200);
    expect((await rig.ask("/api/openapi.json")).status).toBe(200);
  });

  test("the oldest session goes when there are too many", () => {
    const authority = new Authority(new VirtualClock(0));
    const tokens = Array.from({ length: MOST_SESSIONS + 1 }, () => authority.login(authority.mintCode("read"))?.token);
    expect(tokens.map((token) => authority.grantOf(`Bearer ${token}`))).toEqual([
      undefined,
      ...tokens.slice(1).map(() => "read"),
    ]);
  });

  test("a ticket counts once, for half a minute", () => {
    const clock = new VirtualClock(0);
    const authority = new Authority(clock);
    const ticket = authority.mintTicket({ grant: "read", project: "demo", holder: undefined });
    expect(authority.redeem(ticket)).toMatchObject({ grant: "read", project: "demo" });
    expect(authority.redeem(ticket)).toBeUndefined();
    const late = authority.mintTicket({ grant: "act", project: undefined, holder: undefined });
    pass(clock, 30_000);
    expect(authority.redeem(late)).toBeUndefined();
  });
});

describe("token file", () => {
  test("it is this user's alone, names the server, and goes with it", async () => {
    const rig = await ServerRig.start();
    const file = tokenFileOf({ HOME: rig.dir }, rig.server.port);
    expect([statSync(file).mode & 0o777, statSync(dirname(file)).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(readTokenFile(file)).toEqual({
      pid: process.pid,
      title: "heddle serve",
      url: rig.server.url,
      dirs: [join(rig.dir, "demo")],
      ...rig.server.tokens,
    });
    expect(readFileSync(file, "utf8")).toContain(rig.server.tokens.act);
    await rig[Symbol.asyncDispose]();
    expect(existsSync(file)).toBe(false);
  });

  test("one that others may read is not believed", async () => {
    await using rig = await ServerRig.start();
    const file = tokenFileOf({ HOME: rig.dir }, rig.server.port);
    chmodSync(file, 0o644);
    expect(readTokenFile(file)).toBeUndefined();
  });

  test("a token that the user gave stands for everything", async () => {
    const token = "t".repeat(40);
    await using rig = await ServerRig.start({ given: { act: token } });
    expect(rig.server.tokens.act).toBe(token);
    expect((await rig.ask("/api/openapi.json", { token })).status).toBe(200);
  });
});

test("a port in use is a problem that says what to type", async () => {
  await using rig = await ServerRig.start();
  await expect(ServerRig.start({ port: rig.server.port })).rejects.toThrow(/port \d+ of 127\.0\.0\.1 is in use/);
});
