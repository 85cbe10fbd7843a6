import { expect, test } from "vitest";
import { PERMISSION_PRESETS } from "../../../src/agent/adapters/permissions.ts";
import { policyOf } from "../../../src/agent/adapters/policy.ts";

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
