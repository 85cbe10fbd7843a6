import { expect, test } from "vitest";
import { PERMISSION_PRESETS } from "../../../src/agent/adapters/permissions.ts";
import { policyOf, readOnlyPolicy } from "../../../src/agent/adapters/policy.ts";

test.each(["read-only", "worktree", "full", "ask"] as const)("%s is a preset", (name) => {
  expect(policyOf(name)).toBe(PERMISSION_PRESETS[name]);
  expect(policyOf({ preset: name })).toEqual(PERMISSION_PRESETS[name]);
});

test("rules come before their preset", () => {
  const rules = [
    { deny: "edit", path: "infra/**" },
    { ask: ["execute"], command: "npm publish*" },
    { allow: "all" },
  ] as const;
  const read = [
    { decision: "deny", kind: ["edit"], path: "infra/**" },
    { decision: "ask", kind: ["execute"], command: "npm publish*" },
    { decision: "allow" },
  ];
  expect(policyOf({ rules, preset: "read-only" })).toEqual({
    rules: [...read, ...PERMISSION_PRESETS["read-only"].rules],
    otherwise: "deny",
  });
  const { worktree } = PERMISSION_PRESETS;
  expect(policyOf({ rules })).toEqual({ ...worktree, rules: [...read, ...worktree.rules] });
});

test("a turn that may only read: what a plan permits is not, what it refuses stays so", () => {
  const rules = [{ allow: "all" }, { ask: "execute" }, { deny: "read", path: "secrets/**" }] as const;
  expect(readOnlyPolicy(policyOf({ rules, preset: "full" }))).toEqual({
    rules: [{ decision: "deny", kind: ["read"], path: "secrets/**" }, ...PERMISSION_PRESETS["read-only"].rules],
    otherwise: "deny",
  });
});
