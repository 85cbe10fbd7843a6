/** What an agent finds in its environment beside the allow-list: the way past proxies, and the end of git's search. */
import { expect, test } from "vitest";
import { agentEnvironment } from "../../../src/agent/adapters/environment.ts";
import { baseEnvironments } from "../../../src/process/environment.ts";

const spec = {
  run: "r",
  step: "s",
  attempt: 1,
  cwd: "/tmp",
  mode: "strict" as const,
  env: {},
  passEnv: ["NO_PROXY", "no_proxy"],
};

function exceptions(caller: Readonly<Record<string, string>>, more: object = {}): readonly (string | undefined)[] {
  const made = agentEnvironment(baseEnvironments(caller), { ...spec, direct: ["127.0.0.1"], ...more });
  return [made["NO_PROXY"], made["no_proxy"]];
}

test.each<[string, Readonly<Record<string, string>>, object, readonly (string | undefined)[]]>([
  ["none of the user's", {}, {}, ["127.0.0.1", "127.0.0.1"]],
  ["one name", { NO_PROXY: "a, b" }, {}, ["a,b,127.0.0.1", "a,b,127.0.0.1"]],
  ["each name its own", { NO_PROXY: "a", no_proxy: "b" }, {}, ["a,127.0.0.1", "b,127.0.0.1"]],
  ["there already", { NO_PROXY: "127.0.0.1,a" }, {}, ["127.0.0.1,a", "127.0.0.1,a"]],
  ["all of them", { NO_PROXY: "*" }, {}, ["*", "*"]],
  ["of the plan", { NO_PROXY: "a" }, { env: { NO_PROXY: "p" } }, ["p,127.0.0.1", "p,127.0.0.1"]],
  ["not passed on", { NO_PROXY: "a" }, { passEnv: [] }, ["127.0.0.1", "127.0.0.1"]],
  ["inherited", { no_proxy: "a" }, { passEnv: [], mode: "inherit" }, ["a,127.0.0.1", "a,127.0.0.1"]],
  ["without tools of heddle's", { NO_PROXY: "a" }, { direct: [] }, ["a", undefined]],
])("hosts that no proxy stands before: %s", (_, caller, more, expected) => {
  expect(exceptions(caller, more)).toEqual(expected);
});

test("git looks for its repository up to the worktree, and not above it", () => {
  const bases = baseEnvironments({});
  const ceiling = (more: object): string | undefined =>
    agentEnvironment(bases, { ...spec, ...more })["GIT_CEILING_DIRECTORIES"];
  expect(ceiling({ cwd: "/nowhere/tree/sub/deep", tree: "/nowhere/tree" })).toBe("/nowhere");
  expect(ceiling({ cwd: "/nowhere/tree" })).toBe("/nowhere");
});
