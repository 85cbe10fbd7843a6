/** Every member of the public types says what it is; what may be left out says what then holds, and amounts say their unit. */
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type Member, publicDeclarations } from "./declarations.ts";

const SRC = path.resolve(import.meta.dirname, "../../src");
const declarations = ["index.ts", "testing/index.ts"].flatMap((entry) => publicDeclarations(SRC, entry));

/** Not looked at: files whose members are told of elsewhere. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "run/event.ts": "docs/reference/events.md has every event, member by member",
  "plan/param-values.ts": "types of types: callers write and read what `ParamSpec` describes",
  "plan/step-keys.ts": "a table of names: which keys the options of each kind of step have",
  "plan/standard-schema.ts": "the interface is standardschema.dev's, and described there",
};

/** Which of the types are options: what callers write. */
const OPTIONS = /(?:Options|Config|Entry|^Written\w+|^LandingBranch|^ParamSpec)$/;

/** Left out, another of them is there: none is a default. */
const ONE_OF: ReadonlySet<string> = new Set([
  ...["id", "run", "call", "agent", "approve", "plan", "sleep", "signal", "function"].map(
    (key) => `WrittenStep.${key}`,
  ),
  ...["allow", "deny", "ask"].map((key) => `PermissionRuleConfig.${key}`),
]);

const looked = declarations.filter(({ file }) => ELSEWHERE[file] === undefined);

function membersOf(wanted: (name: string) => boolean): readonly Member[] {
  return looked.filter(({ name }) => wanted(name)).flatMap(({ members }) => members);
}

test("finds the types, and what is in them", () => {
  const names = declarations.map(({ name }) => name);
  for (const name of ["AgentOptions", "WrittenStep", "AgentsConfig", "RunPlanOptions", "Step", "RunResult"])
    expect(names).toContain(name);
  const members = membersOf(() => true).map(({ name }) => name);
  expect(members.length).toBeGreaterThan(250);
  for (const name of [
    "WrittenPlan.limits.maxCpuPercent",
    "AgentsConfig.mergeQueue.ahead",
    "PermissionsConfig.rules",
    "RunProgress.running.since",
    "Run.unpause",
    "StepContext.log",
    "Action.prompt",
    "TestRunOptions.now",
  ])
    expect(members).toContain(name);
  for (const file of Object.keys(ELSEWHERE)) expect(declarations.map((one) => one.file)).toContain(file);
});

test("every member says what it is", () => {
  const silent = membersOf(() => true).filter(({ name, doc }) => doc === "" && !name.endsWith(".kind"));
  expect(silent.map(({ name }) => name)).toEqual([]);
});

describe("options", () => {
  const options = membersOf((name) => OPTIONS.test(name));

  test("say what holds where they are left out", () => {
    const silent = options.filter(
      ({ name, isOptional, doc }) => isOptional && !ONE_OF.has(name) && !/\b(?:default|absent)\b/i.test(doc),
    );
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  test("say their unit where they are an amount", () => {
    const UNITS: readonly (readonly [of: (member: Member) => boolean, unit: RegExp])[] = [
      [({ type }) => /\bWrittenDuration\b/.test(type), /\bseconds\b/],
      [({ name }) => /\.(?:timeout|totalTimeout)$/.test(name), /\bseconds\b/],
      [({ name }) => name.endsWith("Mb"), /\bmegabytes\b/i],
      [({ name }) => name.endsWith("Percent"), /\bpercent\b/i],
      [({ name }) => name.endsWith("usd"), /\bdollars\b/i],
      [
        ({ name, type }) => /^:? ?number$/.test(type.replace("?", "").trim()) && !/(?:Mb|Percent|usd)$/.test(name),
        /\b(?:steps|items|agents|attempts|times|worktrees|verifications|runs|events|days|share|multiplies|start first|verified together)\b/i,
      ],
    ];
    const silent = options.filter((member) =>
      UNITS.some(([isOf, unit]) => isOf(member) && !unit.test(`${member.doc} ${member.about}`)),
    );
    expect(silent.map(({ name }) => name)).toEqual([]);
    const amounts = options.filter((member) => UNITS.some(([isOf]) => isOf(member)));
    expect(amounts.length).toBeGreaterThan(20);
  });
});

test("milliseconds and megabytes of plans and runs are told as such", () => {
  const amounts = membersOf((name) => !OPTIONS.test(name)).filter(({ name }) => /(?:Ms|Mb)$/.test(name));
  expect(amounts.length).toBeGreaterThan(5);
  const silent = amounts.filter(({ name, doc }) => !(name.endsWith("Ms") ? /millisecond/i : /megabyte/i).test(doc));
  expect(silent.map(({ name }) => name)).toEqual([]);
});
