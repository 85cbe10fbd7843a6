import { describe, expect, test } from "vitest";
import { decidePermission, PERMISSION_PRESETS, reachOf } from "../../../src/agent/adapters/permissions.ts";
import { type PermissionAnswer, permissionAnswerer, toolOf } from "../../../src/agent/adapters/permission-requests.ts";
import { policyOf } from "../../../src/agent/adapters/policy.ts";
import type { AgentContext, PermissionPolicy, PermissionRequest } from "../../../src/agent/adapters/port.ts";
import { systemClock } from "../../../src/base/clock.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { TOOL_KINDS, type ToolKind } from "../../../src/plan/agents-config.ts";

const CWD = "/project/tree";

function request(kind: ToolKind, paths: readonly string[] = [], command?: string, tool?: string): PermissionRequest {
  return {
    kind,
    title: "t",
    paths,
    ...(command === undefined ? {} : { command }),
    ...(tool === undefined ? {} : { tool }),
  };
}

describe("presets", () => {
  test.each([
    ["read-only", request("read", ["/etc/passwd"]), "allow"],
    ["read-only", request("edit", ["/project/tree/a"]), "deny"],
    ["read-only", request("execute", [], "ls"), "deny"],
    ["worktree", request("edit", ["/project/tree/a/b"]), "allow"],
    ["worktree", request("edit", ["a/b"]), "allow"],
    ["worktree", request("edit", ["/project/tree/a", "/project/other"]), "deny"],
    ["worktree", request("edit", ["/project/tree/../other"]), "deny"],
    ["worktree", request("edit", ["/project/tree-not"]), "deny"],
    ["worktree", request("edit", []), "deny"],
    ["worktree", request("delete", ["/project/tree/.git/config"]), "deny"],
    ["worktree", request("delete", ["/project/tree/.git"]), "deny"],
    ["worktree", request("edit", ["/project/tree/.gitignore"]), "allow"],
    ["worktree", request("execute", [], "npm test"), "allow"],
    ["full", request("edit", ["/etc/passwd"]), "allow"],
    ["ask", request("edit", ["/project/tree/a"]), "ask"],
    ["ask", request("read"), "allow"],
    ["ask", request("other", [], undefined, "heddle/task_complete"), "allow"],
    ["read-only", request("other", [], undefined, "heddle/task_complete"), "allow"],
    ["read-only", request("other", [], undefined, "elsewhere/heddle"), "deny"],
  ] as const)("%s: %j is %s", (preset, asked, expected) => {
    expect(decidePermission(PERMISSION_PRESETS[preset], asked, CWD)).toBe(expected);
  });

  test("what each amounts to", () => {
    const reach = (policy: PermissionPolicy): string => reachOf(policy, CWD);
    expect(Object.values(PERMISSION_PRESETS).map(reach)).toEqual(["read-only", "worktree", "full", "read-only"]);
  });
});

test("tools of servers, in every way that agents write them, and nothing that only looks like one", () => {
  const servers = ["heddle"];
  for (const name of [
    "mcp__heddle__task_get",
    "mcp__heddle/task_get",
    "heddle_task_get",
    "mcp_heddle_task_get",
    "Tool: heddle/task_get",
    "task_get (heddle MCP Server)",
  ])
    expect(toolOf(name, servers)).toBe("heddle/task_get");
  for (const name of [
    "rm -rf heddle_x",
    "heddle_x; rm",
    "nheddle_x",
    "heddle",
    "heddle_",
    "mcp__other__x",
    "x y (heddle MCP Server)",
  ])
    expect(toolOf(name, servers)).toBeUndefined();
});

describe("the kind of what is asked for", () => {
  /** What the request counts as, and what the preset `worktree` says to it. */
  async function judged(call: JsonObject, known?: ToolKind): Promise<readonly [ToolKind, boolean]> {
    const kinds: ToolKind[] = [];
    const context = {
      mcp: [],
      cwd: CWD,
      policy: PERMISSION_PRESETS.worktree,
      emit: (event) => void (event.type === "permission" && kinds.push(event.request.kind)),
      log: () => undefined,
    } satisfies Partial<AgentContext>;
    const answer = permissionAnswerer(systemClock(), context as unknown as AgentContext, { asking: () => undefined });
    const chosen = await answer({
      call,
      known: known && { title: "t", kind: known, paths: [] },
      options: [
        { optionId: "yes", kind: "allow_once" },
        { optionId: "no", kind: "reject_once" },
      ],
      signal: new AbortController().signal,
    });
    return [kinds[0] ?? "other", chosen.optionId === "yes"];
  }
  const OUTSIDE = { locations: [{ path: "/etc/passwd" }] };
  const INSIDE = { locations: [{ path: `${CWD}/a` }] };

  test.each(TOOL_KINDS)("%s is what it says", async (kind) => {
    expect((await judged({ kind, ...INSIDE }, "other"))[0]).toBe(kind);
  });

  test.each(["write", "", "EDIT", "__proto__", "constructor"])(
    "an unknown one (%j) is judged by what it touches",
    async (kind) => {
      expect(await judged({ kind, ...OUTSIDE }, "read")).toEqual(["edit", false]);
      expect(await judged({ kind, ...INSIDE }, "read")).toEqual(["edit", true]);
      expect(await judged({ kind, rawInput: { command: "ls" }, ...OUTSIDE }, "read")).toEqual(["execute", true]);
      expect(await judged({ kind })).toEqual(["other", true]);
    },
  );

  test.each([undefined, null, 3, ["edit"]])("none (%j) is what earlier updates said", async (kind) => {
    const call = { ...(kind !== undefined && { kind }), ...INSIDE } as JsonObject;
    expect(await judged(call, "read")).toEqual(["read", true]);
    expect((await judged(call))[0]).toBe("other");
  });
});

describe("a command that only the title names", () => {
  const deny = policyOf({ rules: [{ deny: "execute", command: "echo secret*" }] });

  async function asked(call: JsonObject, policy: PermissionPolicy): Promise<PermissionAnswer> {
    const context = { mcp: [], cwd: CWD, policy, emit: () => undefined, log: () => undefined };
    const answer = permissionAnswerer(systemClock(), context as unknown as AgentContext, { asking: () => undefined });
    const options = [
      { optionId: "yes", kind: "allow_once" },
      { optionId: "no", kind: "reject_once" },
    ];
    return await answer({ call, known: undefined, options, signal: new AbortController().signal });
  }

  test.each([
    "echo secret > g.txt",
    "`echo secret > g.txt`",
    "```\necho secret\n```",
    "cd src && echo secret",
    "echo secret > g.txt [current working directory /w] (Writes the secret)",
  ])("%j is refused", async (title) => {
    expect(await asked({ kind: "execute", title }, deny)).toMatchObject({ optionId: "no", verdict: "deny" });
  });

  test.each(["rm -rf build (Removes the build)", "rm -rf build [in /w]", "rm -rf build"])(
    "%j is refused by its whole command",
    async (title) => {
      const policy = policyOf({ rules: [{ deny: "execute", command: "rm -rf build" }] });
      expect((await asked({ kind: "execute", title }, policy)).verdict).toBe("deny");
    },
  );

  test("is none where the command is given, or the kind is another", async () => {
    const call = { title: "echo secret", rawInput: { command: "ls" } };
    expect((await asked({ kind: "execute", ...call }, deny)).verdict).toBe("allow");
    expect((await asked({ kind: "other", title: "echo secret" }, deny)).verdict).toBe("allow");
  });

  test("that is allowed is allowed as a whole", async () => {
    const policy = policyOf({ rules: [{ allow: "execute", command: "npm test*" }], preset: "read-only" });
    expect((await asked({ kind: "execute", title: "npm test" }, policy)).verdict).toBe("allow");
    expect((await asked({ kind: "execute", title: "npm test; rm -rf ~" }, policy)).verdict).toBe("deny");
  });
});

describe("rules", () => {
  const rules = (...all: PermissionPolicy["rules"]): PermissionPolicy => ({ rules: all, otherwise: "ask" });

  test("an allowed command is the whole command", () => {
    const policy = rules({ command: "npm test*", decision: "allow" });
    const of = (command: string): string => decidePermission(policy, request("execute", [], command), CWD);
    expect(of("npm test")).toBe("allow");
    expect(of("npm test -- --grep 'a b'")).toBe("allow");
    for (const more of ["; rm -rf ~", " && x", " | sh", " $(x)", " `x`", " > /etc/x", " < x", "\nrm x", " & x"])
      expect(of(`npm test${more}`)).toBe("ask");
  });

  test("a denied command is found among others", () => {
    const policy = rules({ command: "rm *", decision: "deny" }, { decision: "allow" });
    const of = (command: string): string => decidePermission(policy, request("execute", [], command), CWD);
    for (const command of ["rm -rf x", "cd a && rm -rf x", "true; rm x", "echo $(rm x)", "a | rm x"])
      expect(of(command)).toBe("deny");
    expect(of("ls rm")).toBe("allow");
  });

  test("the first that matches decides", () => {
    const policy = rules(
      { kind: ["edit"], path: "src/gen/**", decision: "deny" },
      { kind: ["edit"], path: "src/**", decision: "allow" },
    );
    const of = (path: string): string => decidePermission(policy, request("edit", [path]), CWD);
    expect(of("src/gen/a.ts")).toBe("deny");
    expect(of("src/a/b.ts")).toBe("allow");
    expect(of("src")).toBe("ask");
    expect(of("test/a.ts")).toBe("ask");
  });

  test("globs", () => {
    const matches = (path: string, file: string): boolean =>
      decidePermission(rules({ path, decision: "allow" }), request("edit", [file]), CWD) === "allow";
    expect(matches("*.md", "README.md")).toBe(true);
    expect(matches("*.md", "docs/README.md")).toBe(false);
    expect(matches("**/*.md", "docs/a/README.md")).toBe(true);
    expect(matches("**/*.md", "README.md")).toBe(true);
    expect(matches("a?c", "abc")).toBe(true);
    expect(matches("a(b)+.[x]", "a(b)+.[x]")).toBe(true);
    expect(matches("/abs/**", "/abs/x/y")).toBe(true);
    expect(matches("a/**/b", "a/b")).toBe(true);
  });

  // Tried one way after the other, its stars fit in more ways than can be counted.
  test("a pattern with many stars is decided", () => {
    const policy = rules({ command: "*a*a*a*a*a*a*a*a*a*a*b", decision: "deny" });
    expect(decidePermission(policy, request("execute", [], "a".repeat(200)), CWD)).not.toBe("deny");
  });
});
