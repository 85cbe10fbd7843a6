/** The page of a run by the beginning of its id, over several projects: which one is meant, or which problem is the most telling. */
import { expect, test } from "vitest";
import type { Problem } from "../../src/base/errors.ts";
import { err, ok, type Result } from "../../src/base/result.ts";
import { runPathIn } from "../../src/project/run-path.ts";

const UNKNOWN: Problem = {
  code: "UnknownRun",
  message: "no run id begins with this",
  hint: "`heddle runs` lists them.",
};
const NEAR: Problem = { ...UNKNOWN, hint: "Did you mean abcd?" };
const AMBIGUOUS: Problem = { code: "AmbiguousRun", message: "several", hint: "Type more of the id." };
const CLOSED: Problem = { code: "JournalDamaged", message: "it cannot be read" };

test.each<readonly [string, readonly (string | Problem)[], string]>([
  ["one has it", [UNKNOWN, "abcd", UNKNOWN], "/p/p1/runs/abcd"],
  ["another one cannot be read", [CLOSED, "abcd"], "/p/p1/runs/abcd"],
  ["two have one each", ["abcd", "abef"], "AmbiguousRun"],
  ["one has it whole", ["abef", "ab"], "/p/p1/runs/ab"],
  ["one has several", [UNKNOWN, AMBIGUOUS, UNKNOWN], "AmbiguousRun"],
  ["one has several, another one", ["abcd", AMBIGUOUS], "AmbiguousRun"],
  ["one has it whole, another several", ["ab", AMBIGUOUS], "/p/p0/runs/ab"],
  ["none has it", [UNKNOWN, UNKNOWN], "UnknownRun"],
  ["none has it, one has a similar one", [NEAR, UNKNOWN], "UnknownRun Did you mean abcd?"],
  ["none has it, as far as they can be read", [UNKNOWN, CLOSED, UNKNOWN], "JournalDamaged"],
  ["there is no project", [], "UnknownRun"],
])("%s", async (_, projects, wanted) => {
  const answers = new Map(projects.map((one, at) => [`p${at}`, one]));
  const find = async (project: string): Promise<Result<string, Problem>> => {
    const answer = answers.get(project) ?? UNKNOWN;
    return typeof answer === "string" ? ok(answer) : err(answer);
  };
  const found = await runPathIn([...answers.keys()], "ab", find);
  expect(found.ok ? found.value : `${found.error.code} ${found.error.hint ?? ""}`).toContain(wanted);
});
