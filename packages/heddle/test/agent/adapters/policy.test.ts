import { expect, test } from "vitest";
import { PERMISSION_PRESETS } from "../../../src/agent/adapters/permissions.ts";
import { readPolicy } from "../../../src/agent/adapters/policy.ts";

test.each(["read-only", "worktree", "full", "ask"] as const)("%s is a preset", (name) => {
  expect(readPolicy(name)).toBe(PERMISSION_PRESETS[name]);
  expect(readPolicy({ preset: name })).toEqual(PERMISSION_PRESETS[name]);
});

test("rules come before their preset", () => {
  const rules = [{ deny: "edit", path: "infra/**" }, { ask: ["execute"], command: "npm publish*" }, { allow: "all" }];
  const read = [
    { decision: "deny", kind: ["edit"], path: "infra/**" },
    { decision: "ask", kind: ["execute"], command: "npm publish*" },
    { decision: "allow" },
  ];
  expect(readPolicy({ rules, preset: "read-only" })).toEqual({
    rules: [...read, ...PERMISSION_PRESETS["read-only"].rules],
    otherwise: "deny",
  });
  const { worktree } = PERMISSION_PRESETS;
  expect(readPolicy({ rules })).toEqual({ ...worktree, rules: [...read, ...worktree.rules] });
});

test.each([
  ["all", "is not a known preset; known are"],
  [{ rules: [], preset: "all" }, "is not a known preset; known are"],
  [{ rules: [], preset: 3 }, "has a preset that is not a name"],
  [{ rules: "edit" }, "is neither a preset nor {rules: [...], preset: name}"],
  [3, "is neither a preset nor {rules: [...], preset: name}"],
  [{ rules: [{ allow: "edit", deny: "edit" }] }, "has rules[0], which needs one of allow, deny, ask"],
  [{ rules: [{ allow: "edit" }, "x"] }, "has rules[1], which is not a mapping"],
  [{ rules: [{ allow: "fly" }] }, "has rules[0], which has an unknown kind"],
  [{ rules: [{ allow: "edit", paths: "x" }] }, "has rules[0], which has the unknown key paths"],
  [{ rules: [{ allow: "edit", path: "" }] }, "has rules[0], which has a path that is not a pattern"],
  [{ rules: [], otherwise: "deny" }, "has the unknown key otherwise"],
])("%j: %s", (permissions, message) => {
  const read = readPolicy(permissions);
  expect(typeof read === "string" ? read : "").toContain(message);
});
