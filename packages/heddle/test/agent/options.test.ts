import { expect, test } from "vitest";
import { readAgentOptions } from "../../src/runner/agent/options.ts";
import { PERMISSION_PRESETS } from "../../src/runner/agent/permissions.ts";

test("a step's word before the plan's", () => {
  const plan = {
    default: "codex",
    model: "auto",
    permissions: "ask",
    limits: { idle: "5m", start: 30 },
    use: {},
    sandbox: "require",
  };
  expect(readAgentOptions(plan, undefined)).toEqual({
    ok: true,
    value: {
      agent: "codex",
      model: "auto",
      policy: PERMISSION_PRESETS.ask,
      limits: { idleMs: 300_000, startMs: 30_000 },
      sandbox: "require",
    },
  });
  const step = {
    prompt: "x",
    use: "claude",
    limits: { idle: "1m" },
    sandbox: false,
    expect: { files: ["a"] },
    writable: ["/data"],
  };
  expect(readAgentOptions(plan, step)).toMatchObject({
    ok: true,
    value: {
      agent: "claude",
      limits: { idleMs: 60_000, startMs: 30_000 },
      sandbox: "off",
      expect: { files: ["a"] },
      writable: ["/data"],
    },
  });
  expect(readAgentOptions(undefined, undefined)).toEqual({ ok: true, value: { agent: "claude" } });
});

test("rules come before their preset", () => {
  const permissions = {
    rules: [{ deny: "edit", path: "infra/**" }, { ask: ["execute"], command: "npm publish*" }, { allow: "all" }],
    preset: "read-only",
  };
  expect(readAgentOptions({ permissions }, {})).toMatchObject({
    value: {
      policy: {
        rules: [
          { decision: "deny", kind: ["edit"], path: "infra/**" },
          { decision: "ask", kind: ["execute"], command: "npm publish*" },
          { decision: "allow" },
          ...PERMISSION_PRESETS["read-only"].rules,
        ],
        otherwise: "deny",
      },
    },
  });
});

test.each([
  [{ defualt: "x" }, {}, "agents.defualt is not known"],
  [{ agent: "x" }, {}, "agents.agent is not known; say default"],
  [{ default: 1 }, {}, "agents.default is no name"],
  [{}, { sandbox: "yes" }, "agent.sandbox is none of auto, off, require"],
  [{}, { permissions: "all" }, "agent.permissions names no preset"],
  [
    {},
    { permissions: { rules: [{ allow: "edit", deny: "edit" }] } },
    "agent.permissions has rules[0], which needs one of",
  ],
  [{}, { permissions: { rules: [{ allow: "fly" }] } }, "rules[0], which has a kind that is none of"],
  [{}, { permissions: { rules: [{ allow: "edit", paths: "x" }] } }, "rules[0], which has paths, which is not known"],
  [{}, { permissions: { rules: [], otherwise: "deny" } }, "has otherwise, which is not known"],
  [{}, { limits: { idle: "soon" } }, "agent.limits has idle, which is no duration"],
  [{}, { limits: { idel: "5s" } }, "agent.limits has idel"],
  [{}, { expect: "something" }, "agent.expect is neither"],
  [{}, { writable: ["relative"] }, "agent.writable is no list of absolute paths"],
  [{}, { home: "~" }, "agent.home is no absolute path"],
] as const)("%j %j: %s", (plan, step, message) => {
  const read = readAgentOptions(plan, step);
  expect(read.ok ? "" : read.error).toContain(message);
});
