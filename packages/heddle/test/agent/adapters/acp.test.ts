/** The protocol in its fine points: the scripted agent where it is honest, one that speaks by hand where it is not. */
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { acpAdapter } from "../../../src/agent/adapters/acp.ts";
import type { AcpQuirks } from "../../../src/agent/adapters/acp-agent.ts";
import { PERMISSION_PRESETS } from "../../../src/agent/adapters/permissions.ts";
import { type AgentAdapter, type AgentOutcome, DEFAULT_AGENT_LIMITS } from "../../../src/agent/adapters/port.ts";
import type { PermissionPreset } from "../../../src/plan/agents-config.ts";
import { PRESETS } from "../../../src/agent/adapters/presets.ts";
import { fixture } from "../../support/built.ts";
import { living, place, type Place } from "./rig.ts";

const AGENT = fixture("acp-agent");
const FAST = { ...DEFAULT_AGENT_LIMITS, cancelMs: 300, exitMs: 300, graceMs: 200 };

function byHandAdapter(here: Place, behaviour: string, quirks: Partial<AcpQuirks> = {}): AgentAdapter {
  return acpAdapter(here.world, {
    id: "hand",
    provider: "p",
    program: { command: process.execPath, args: [AGENT, behaviour] },
    quirks,
  });
}

async function byHand(
  here: Place,
  behaviour: string,
  quirks: Partial<AcpQuirks> = {},
  model?: string,
): Promise<AgentOutcome> {
  const adapter = byHandAdapter(here, behaviour, quirks);
  return await adapter.start(here.context({ limits: FAST, ...(model === undefined ? {} : { model }) })).outcome;
}

describe("a whole attempt", () => {
  test("edits, tells, counts, ends", async () => {
    using here = place();
    const adapter = here.scripted(`
do:
  - think: hm
  - say: "I begin.\\n"
  - write: {path: a/b.txt, text: hello}
  - replace: {path: a/b.txt, find: ll, with: LL}
  - usage: {input: 100, cachedRead: 20, output: 7, usd: 0.5}
  - usage: {output: 3, usd: 0.25}
  - run: echo from the shell > c.txt
  - say: All done.
`);
    const outcome = await adapter.start(here.context()).outcome;
    expect(outcome).toEqual({
      status: "ok",
      text: "All done.",
      usage: { input: 100, cachedRead: 20, output: 10 },
      cost: 0.75,
      rawUsage: expect.anything(),
      totals: { usd: 0.75, usage: { input: 100, cachedRead: 20, output: 10 } },
      sessionId: `scripted-${here.run}-s-1-1`,
    });
    expect(here.read("a/b.txt")).toBe("heLLo");
    expect(here.read("c.txt")).toBe("from the shell\n");
    expect(living(here.run)).toBe(0);
    expect(here.log).toContain("I begin.");
    expect(here.events.filter((event) => event.type === "usage").length).toBeGreaterThan(0);
  });

  test("goes on in a session, and counts only what is new", async () => {
    using here = place();
    const adapter = here.scripted("do: [{say: hi}, {usage: {input: 10, usd: 1}}]");
    const first = await adapter.start(here.context()).outcome;
    const totals = first.totals ?? {};
    const resume = { sessionId: first.sessionId ?? "", totals };
    const second = await adapter.start(here.context({ resume })).outcome;
    expect(second).toMatchObject({ status: "ok", sessionId: first.sessionId, usage: { input: 10 }, cost: 1 });
    expect(second.totals?.usage).toEqual({ input: 20 });
    expect(here.events.filter((event) => event.type === "session")).toMatchObject([
      { resumed: false },
      { resumed: true },
    ]);
  });

  test("what is sent is what the schemas of the protocol's own library allow", async () => {
    using here = place();
    const program = { command: process.execPath, args: [fixture("checked-agent")] };
    const adapter = acpAdapter(here.world, { id: "checked", provider: "p", program, quirks: {} });
    const mcp = [{ type: "http" as const, name: "h", url: "http://127.0.0.1:9/", headers: { a: "b" } }];
    const first = await adapter.start(here.context({ mcp })).outcome;
    expect(first).toMatchObject({ status: "ok", text: "selected" });
    const resume = { sessionId: first.sessionId ?? "", totals: {} };
    expect(await adapter.start(here.context({ mcp, resume })).outcome).toMatchObject({ status: "ok", sessionId: "s1" });
    expect(here.events.filter((event) => event.type === "session")).toMatchObject([
      { resumed: false },
      { resumed: true },
    ]);
  });

  test("a session that is not there any more is begun anew", async () => {
    using here = place();
    const adapter = here.scripted("resumes: false\ndo: [{say: hi}]");
    const outcome = await adapter.start(here.context({ resume: { sessionId: "gone" } })).outcome;
    expect(outcome).toMatchObject({ status: "ok", sessionId: `scripted-${here.run}-s-1-1` });
  });

  test("two prompts never share a process; cases tell attempts apart", async () => {
    using here = place();
    const script = `
cases:
  - {attempt: 1, do: [rate-limit]}
  - {step: "s*", prompt: "Do", do: [{say: second}]}
`;
    const adapter = here.scripted(script);
    expect(await adapter.start(here.context()).outcome).toMatchObject({ class: "rate-limit" });
    const context = here.context();
    const env = { ...context.env, HEDDLE_ATTEMPT: "2" };
    expect(await adapter.start({ ...context, env }).outcome).toMatchObject({ status: "ok", text: "second" });
  });
});

test("a cancelled turn is ended by the agent itself, which tells what it used", async () => {
  using here = place();
  const adapter = here.scripted("do: [{usage: {input: 5, usd: 1}}, {say: up}, {wait: 1h}]");
  const up = Promise.withResolvers<void>();
  const emit = (event: { readonly type: string }): void => void (event.type === "text" && up.resolve());
  const running = adapter.start(here.context({ emit }));
  await up.promise;
  running.stop("cancel");
  expect(await running.outcome).toMatchObject({ status: "cancelled", usage: { input: 5 }, cost: 1 });
});

describe("permissions", () => {
  const asks = (path: string): string => `
do:
  - ask: {kind: edit, title: Write it, path: "${path}", allowed: [{write: {path: ok.txt, text: y}}, {say: allowed}], denied: [{say: denied}]}
`;
  test("are answered by the rules, for this once", async () => {
    using here = place();
    expect(await here.scripted(asks("ok.txt")).start(here.context()).outcome).toMatchObject({ text: "allowed" });
    expect(here.read("ok.txt")).toBe("y");
    expect(await here.scripted(asks("../no.txt")).start(here.context()).outcome).toMatchObject({ text: "denied" });
    expect(here.events.filter((event) => event.type === "permission")).toMatchObject([
      { decision: "allow", by: "rule" },
      { decision: "deny", by: "rule", request: { kind: "edit", paths: [join(here.folder, "../no.txt")] } },
    ]);
  });

  test("are always given to heddle's own tools, and to nothing that takes their name", async () => {
    using here = place();
    const mcp = [{ type: "http" as const, name: "heddle", url: "http://127.0.0.1:1/mcp", headers: {} }];
    const ask = (more: string): string =>
      `do: [{ask: {kind: other, title: mcp__heddle__task_complete, ${more} allowed: [{say: allowed}], denied: [{say: denied}]}}]`;
    const policy = PERMISSION_PRESETS["read-only"];
    expect(await here.scripted(ask("")).start(here.context({ policy, mcp })).outcome).toMatchObject({
      text: "allowed",
    });
    expect(await here.scripted(ask("")).start(here.context({ policy })).outcome).toMatchObject({ text: "denied" });
    const shell = here.scripted(ask("command: rm -rf x,"));
    expect(await shell.start(here.context({ policy, mcp })).outcome).toMatchObject({ text: "denied" });
  });

  test("follow links out of the worktree", async () => {
    using here = place();
    mkdirSync(join(here.folder, "../elsewhere"));
    symlinkSync("../elsewhere", join(here.folder, "link"));
    expect(await here.scripted(asks("link/new/file.txt")).start(here.context()).outcome).toMatchObject({
      text: "denied",
    });
  });

  test("may be a person's; the idle clock stands still meanwhile", async () => {
    using here = place();
    let ask: ((answer: "allow") => void) | undefined;
    const running = here.scripted(asks("x")).start(
      here.context({
        policy: PERMISSION_PRESETS.ask,
        limits: { ...FAST, idleMs: 150 },
        ask: async (request) => {
          expect(request).toMatchObject({ kind: "edit", title: "Write it" });
          // Longer than the agent may be silent.
          here.world.clock.after(400, () => ask?.("allow"));
          return await new Promise((resolve) => (ask = resolve));
        },
      }),
    );
    expect(await running.outcome).toMatchObject({ status: "ok", text: "allowed" });
  });

  test("that nobody gives in time, or that nobody can give, are not given", async () => {
    using here = place();
    const policy = PERMISSION_PRESETS.ask;
    const late = here.context({ policy, limits: { ...FAST, askMs: 50 }, ask: () => new Promise(() => {}) });
    expect(await here.scripted(asks("x")).start(late).outcome).toMatchObject({ status: "ok", text: "denied" });
    expect(await here.scripted(asks("x")).start(here.context({ policy })).outcome).toMatchObject({ text: "denied" });
    const by = here.events.flatMap((event) => (event.type === "permission" ? [event.by] : []));
    expect(by).toEqual(["deadline", "rule"]);
  });

  test("do not hold up a cancel", async () => {
    using here = place();
    const asked = Promise.withResolvers<void>();
    const context = here.context({
      policy: PERMISSION_PRESETS.ask,
      limits: FAST,
      ask: () => {
        asked.resolve();
        return new Promise(() => {});
      },
    });
    const running = here.scripted(asks("x")).start(context);
    await asked.promise;
    running.stop("cancel");
    expect(await running.outcome).toMatchObject({ status: "cancelled" });
    expect(living(here.run)).toBe(0);
  });
});

describe("an end of turn is no success", () => {
  test.each([
    ["tells of a failed session", { class: "quota" }],
    ["tells of a broken thread", { class: "crash" }],
    ["declines", { class: "refusal" }],
    ["runs out of tokens", { class: "context" }],
    ["runs out of turns", { class: "budget" }],
    ["cancels by itself", { class: "crash" }],
    ["makes up a reason", { class: "protocol" }],
    ["gives no reason", { class: "protocol" }],
    ["answers nothing", { class: "protocol" }],
    ["has a bug", { class: "crash" }],
    ["ends where it is refused", { class: "permission", message: expect.stringContaining("/outside") }],
    ["fails by status", { class: "overloaded", rateLimit: { provider: "p" } }],
    ["wants a login", { class: "auth" }],
    ["speaks version 9", { class: "protocol" }],
    ["has no session", { class: "protocol" }],
  ])("%s", async (behaviour, expected) => {
    using here = place();
    expect(await byHand(here, behaviour)).toMatchObject({ status: "failed", ...expected });
  });

  test("after a refusal is one where the agent went on", async () => {
    using here = place();
    for (const behaviour of ["says a word on a refusal", "does something else after a refusal"])
      expect(await byHand(here, behaviour)).toMatchObject({ status: "ok" });
  });

  test("an error that codex swallows", async () => {
    using here = place();
    const quirks = PRESETS["codex"]?.acp?.quirks;
    expect(await byHand(here, "swallows an error", quirks)).toMatchObject({
      status: "failed",
      class: "rate-limit",
      rateLimit: { provider: "p", retryAfterMs: 3000 },
    });
    expect(await byHand(here, "well", quirks)).toMatchObject({ status: "ok", text: "done" });
  });
});

describe("a hostile line ends the attempt as such", () => {
  test.each([
    "answers twice",
    "answers what nobody asked",
    "answers with both",
    "answers with an error that is none",
    "sends a list",
    "sends a number",
    "sends bytes",
    "sends another version",
    "sends an empty update",
    "asks without an id",
    "asks twice under one id",
    "asks without end",
  ])("%s", async (behaviour) => {
    using here = place();
    const printed = vi.spyOn(console, "error");
    const outcome = await byHand(here, behaviour);
    expect(outcome).toMatchObject({ status: "failed", class: "protocol" });
    expect(outcome.message).toContain("broke its protocol");
    expect(printed).not.toHaveBeenCalled();
    printed.mockRestore();
    expect(living(here.run)).toBe(0);
  });

  test("what is only strange is passed over", async () => {
    using here = place();
    const outcome = await byHand(here, "sends strange updates", { noise: /^\[MODE_UPDATE\]/ });
    expect(outcome).toMatchObject({ status: "ok", text: "still done" });
    expect(({} as { a?: number }).a).toBeUndefined();
    expect(await byHand(here, "has a banner")).toMatchObject({ status: "ok", text: "done" });
  });

  test("what is not offered is refused", async () => {
    using here = place();
    expect(await byHand(here, "asks for what is not offered")).toMatchObject({ status: "ok", text: "was refused it" });
  });

  test("an output that closes is silence", async () => {
    using here = place();
    const adapter = acpAdapter(here.world, {
      id: "hand",
      provider: "p",
      program: { command: process.execPath, args: [AGENT, "closes its output"] },
    });
    const outcome = await adapter.start(here.context({ limits: { ...FAST, idleMs: 300 } })).outcome;
    expect(outcome).toMatchObject({ status: "timeout", timeout: "idle" });
  });
});

describe("a tool", () => {
  const limits = { ...FAST, idleMs: 200, toolIdleMs: 3_600_000 };

  test("that the model still writes the call of is not at work: silence ends the attempt", async () => {
    using here = place();
    const outcome = await byHandAdapter(here, "writes the call of a tool").start(here.context({ limits })).outcome;
    expect(outcome).toMatchObject({ status: "timeout", timeout: "idle" });
  });

  test("that was called is", async () => {
    using here = place();
    const context = here.context({ limits: { ...limits, toolIdleMs: 400 } });
    const from = here.world.clock.now();
    const outcome = await byHandAdapter(here, "calls a tool").start(context).outcome;
    expect(outcome).toMatchObject({ status: "timeout", timeout: "idle" });
    expect(here.world.clock.now() - from).toBeGreaterThanOrEqual(400);
  });
});

describe("what an agent may reach", () => {
  const quirks = PRESETS["codex"]?.acp?.quirks ?? {};
  async function inMode(here: Place, behaviour: string, preset: PermissionPreset): Promise<AgentOutcome> {
    const context = here.context({ limits: FAST, policy: PERMISSION_PRESETS[preset] });
    return await byHandAdapter(here, behaviour, quirks).start(context).outcome;
  }

  test.each([
    ["read-only", "mode is read-only."],
    ["ask", "mode is read-only."],
    ["worktree", ""],
    ["full", "mode is full-access."],
  ] as const)("with %s is said to one that takes modes", async (preset, said) => {
    using here = place();
    expect(await inMode(here, "modes", preset)).toMatchObject({ status: "ok" });
    expect(here.log.join("\n").includes("mode is")).toBe(said !== "");
    expect(here.log.join("\n")).toContain(said);
  });

  test("is more than reading only where it can be kept from that", async () => {
    using here = place();
    expect(await inMode(here, "modes refused", "read-only")).toMatchObject({
      status: "failed",
      class: "bad-request",
      message: expect.stringContaining("cannot be kept from writing"),
    });
    expect(await inMode(here, "modes refused", "full")).toMatchObject({ status: "ok" });
  });
});

describe("a login", () => {
  async function withKey(here: Place, behaviour: string, env: Readonly<Record<string, string>>): Promise<AgentOutcome> {
    const adapter = acpAdapter(here.world, {
      id: "hand",
      provider: "p",
      program: { command: process.execPath, args: [AGENT, behaviour] },
      quirks: PRESETS["codex"]?.acp?.quirks ?? {},
      keys: PRESETS["codex"]?.keys ?? [],
    });
    const context = here.context({ limits: FAST });
    return await adapter.start({ ...context, env: { ...context.env, ...env } }).outcome;
  }

  test.each(["login", "login at the prompt"])("is by a key of the environment: %s", async (behaviour) => {
    using here = place();
    expect(await withKey(here, behaviour, { CODEX_API_KEY: "k" })).toMatchObject({ status: "ok", text: "done" });
    expect(here.log).toContain("[login] by api-key");
    expect(await withKey(here, behaviour, {})).toMatchObject({ status: "failed", class: "auth" });
    expect(await withKey(here, behaviour, { CODEX_HOME: "/x" })).toMatchObject({ status: "failed", class: "auth" });
  });
});

test("error output that says nothing is counted", async () => {
  using here = place();
  await byHand(here, "says little on stderr", PRESETS["claude"]?.acp?.quirks);
  expect(here.log.filter((line) => line.startsWith("[stderr]"))).toEqual([
    "[stderr] important",
    "[stderr] (3 lines that say nothing, omitted)",
  ]);
});

describe("the model", () => {
  test("is set where the session has an option for it", async () => {
    using here = place();
    expect(await byHand(here, "model", {}, "cheap")).toMatchObject({ status: "ok", model: "cheap" });
    expect(here.log.join("\n")).toContain("model is cheap");
  });
  test.each(["model resumed", "model loaded"])(
    "is set in a session that is gone on with too: %s",
    async (behaviour) => {
      using here = place();
      const adapter = byHandAdapter(here, behaviour);
      const resume = { sessionId: "s1" };
      const outcome = await adapter.start(here.context({ limits: FAST, model: "cheap", resume })).outcome;
      expect(outcome).toMatchObject({ status: "ok", sessionId: "s1", model: "cheap" });
      expect(here.events).toContainEqual({ type: "session", sessionId: "s1", resumed: true });
      expect(here.log.join("\n")).toContain("model is cheap");
    },
  );
  test("that the agent does not take is an error, not another model", async () => {
    using here = place();
    expect(await byHand(here, "model refused", {}, "cheap")).toMatchObject({ status: "failed", class: "bad-request" });
  });
});
