/**
 * Runs that released versions recorded (`golden/runs/README.md` tells how) read as what they were, are judged by the rules of
 * today, and go on where that is safe. Their journals are never made again; what they are folded to is, by
 * `scripts/golden-runs.ts`.
 */
import { describe, expect, test } from "vitest";
import type { Problem } from "../../src/base/errors.ts";
import { ok, type Result } from "../../src/base/result.ts";
import type { Project } from "../../src/project/port.ts";
import type { RunOutcome } from "../../src/run/control.ts";
import { phaseOf, questionOf } from "../../src/run/state.ts";
import { Command } from "../support/in-process.ts";
import { CEILINGS } from "../support/temporary.ts";
import {
  copyOf,
  eventsOf,
  expectedRuns,
  foldedRun,
  foldedRuns,
  goldenNames,
  openCopy,
  results,
  startedIn,
  stateOf,
  type GoldenRun,
  type Resume,
} from "./golden-runs.ts";

const names = goldenNames();

test("there are golden runs of every kind", () => {
  expect(names.toSorted()).toEqual(["agents", "cut-short", "interrupted", "reused", "undone", "waiting"]);
});

describe.each(names)("%s", (name) => {
  const expected = expectedRuns(name);

  test("folds to what was recorded, and reading leaves the file as it is", async () => {
    using copy = copyOf(name);
    {
      await using project = await openCopy(copy, { access: "read" });
      expect(await project.maintenance.examine({ fix: false })).toContainEqual(
        expect.objectContaining({ check: "journal", level: "ok" }),
      );
      expect(await foldedRuns(project)).toEqual(expected.map(({ resume: _resume, ...folded }) => folded));
    }
    const [read, golden] = copy.bytes();
    expect(read.equals(golden)).toBe(true);
  });

  test("doctor names the runs that break a rule, and no other", async () => {
    using copy = copyOf(name);
    const env = { PATH: process.env["PATH"] ?? "", HOME: copy.dir, GIT_CEILING_DIRECTORIES: CEILINGS };
    const { code, stdout } = await new Command(["doctor", "--json"], { dir: copy.dir, env }).done;
    const { checks } = JSON.parse(stdout) as { checks: readonly { check: string; level: string; message: string }[] };
    const told = checks.filter(({ check, level }) => check === "history" && level === "error");
    const broken = expected.filter(({ violations }) => violations.length > 0).toReversed();
    expect(told).toHaveLength(broken.length);
    for (const [at, { run, violations }] of broken.entries()) {
      const [rule = ""] = violations[0]?.split(" ") ?? [];
      expect(told[at]?.message).toContain(run);
      expect(told[at]?.message).toContain(rule);
    }
    if (broken.length > 0) expect(code).toBe(1);
  });

  test.each(expected.map((one) => [one.run, one.plan, one] as const))(
    "a resume of %s (%s) does what it should",
    async (_run, _plan, golden) => {
      using copy = copyOf(name);
      await using project = await openCopy(copy);
      expect(await resumed(project, golden)).toEqual(golden.resume);
    },
  );
});

/** What a resume of the run does; whoever is asked then says yes, and it is resumed once more. */
async function resumed(project: Project, { run, resume, violations }: GoldenRun): Promise<Resume> {
  if (resume.says === "needs agents") return resume;
  const before = await eventsOf(project, run);
  const kept = results(await stateOf(project, run));
  const first = await resumeOnce(project, run);
  const went = (await eventsOf(project, run)).slice(before.length);
  if (!first.ok) {
    expect(went).toEqual([]);
    const { code, message } = first.error;
    const isNamed = resume.says === "refused" && message.includes(`${resume.step} `);
    return { says: "refused", code, step: isNamed ? resume.step : message };
  }
  if (went.length === 0) {
    expect(first.value.status).toBe("succeeded");
    return { says: "done" };
  }
  const asks = await asked(project, run);
  for (const step of asks) {
    const answer = { kind: "answer", step, decision: "approve", by: "grace" } as const;
    expect(await project.control.send(run, answer)).toEqual(ok("done"));
  }
  const last = asks.length === 0 ? first : await resumeOnce(project, run);
  const events = await eventsOf(project, run);
  const now = results(await stateOf(project, run));
  expect(Object.fromEntries([...kept.keys()].map((id) => [id, now.get(id)]))).toEqual(Object.fromEntries(kept));
  expect(foldedRun(events).violations).toEqual(violations);
  return {
    says: "goes on",
    starts: startedIn(went),
    ...(asks.length === 0 ? {} : { asks, afterwards: startedIn(events.slice(before.length + went.length)) }),
    status: last.ok ? last.value.status : last.error.code,
  };
}

async function resumeOnce(project: Project, run: string): Promise<Result<RunOutcome, Problem>> {
  const handle = await project.runs.resume(run, {});
  return handle.ok ? ok(await handle.value.result) : handle;
}

async function asked(project: Project, run: string): Promise<readonly string[]> {
  const state = await stateOf(project, run);
  return state.steps.flatMap(({ id }, at) => (questionOf(phaseOf(state, at)) === undefined ? [] : [id]));
}
