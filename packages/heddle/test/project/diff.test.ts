/** What a run and its steps changed: which commits are meant, by history and git, and what is said where there are none. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { agentMaintenance } from "../../src/agent/work/maintenance.ts";
import { orThrow } from "../../src/base/errors.ts";
import type { Repository } from "../../src/git/port.ts";
import { memoryJournal } from "../../src/journal/memory.ts";
import type { Journal } from "../../src/journal/port.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { diffOf } from "../../src/project/diff.ts";
import type { EventBody } from "../../src/run/event.ts";
import { MemoryGit } from "../support/memory-git.ts";
import { writeFiles } from "../support/memory-history.ts";
import { IN_MEMORY, temporaryFolder } from "../support/temporary.ts";
import { RecordedRun } from "./runs.ts";

const PLAN: Plan = {
  name: "work",
  steps: [
    { id: "api", action: { kind: "agent", prompt: "do api" } },
    { id: "web", action: { kind: "agent", prompt: "do web" }, group: "front" },
    { id: "look", action: { kind: "agent", prompt: "look", workspace: "project" } },
    { id: "build", action: { kind: "run", command: "true" } },
  ],
};

let folder: string;
let git: MemoryGit;
let repository: Repository;
let base: string;
let log: Journal;
let run: RecordedRun;
beforeEach(async () => {
  folder = temporaryFolder("diff", IN_MEMORY);
  git = new MemoryGit(folder);
  base = git.commitAsUser({ "a.txt": "a\n" });
  ({ repository } = orThrow(await git.open()));
  log = memoryJournal();
  run = await new RecordedRun(log, "r1", PLAN).begin(1000, { gitHead: base });
});
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));

const WHOLE = 1_000_000;

async function diff(step?: string, patchBytes?: number) {
  const agents = agentMaintenance({
    projectDir: git.topLevel,
    repositories: git,
    agents: async () => [],
    newRun: () => "r2",
  });
  const options = { ...(step === undefined ? {} : { step }), ...(patchBytes === undefined ? {} : { patchBytes }) };
  return await diffOf({ log, agents: async () => agents }, "r1", options);
}

/** The step's agent writes files in its worktree, which are captured. */
async function works(
  step: string,
  files: Readonly<Record<string, string>>,
  { attempt = 1, at = base }: { readonly attempt?: number; readonly at?: string } = {},
): Promise<string> {
  const owner = step === "web" ? ({ kind: "group", id: "front" } as const) : ({ kind: "step", id: step } as const);
  const tree = orThrow(await repository.worktrees.ensure({ run: "r1", owner, base: at }));
  await happens(step, attempt, { type: "step.started", data: { input: null, resources: [] } });
  await happens(step, attempt, {
    type: "worktree.created",
    data: { tree: tree.name, path: tree.path, base: tree.base, fresh: true },
  });
  writeFiles(tree.path, files);
  const { commit, ref } = await repository.captures.capture({ tree, step, attempt });
  await happens(step, attempt, { type: "usage.recorded", data: { agent: "scripted", captured: commit, ref } });
  return commit;
}

async function happens(step: string, attempt: number, body: object): Promise<void> {
  await run.record([{ step, attempt, ...body } as unknown as EventBody]);
}

async function merges(step: string, commit: string): Promise<string> {
  const queue = repository.openQueue({ run: "r1", base, verify: async () => ({ ok: true }) });
  const onto = await queue.head();
  const merged = await queue.submit({ step, attempt: 1, commit, order: 0 });
  await queue.close();
  if (merged.kind !== "merged") throw new Error(merged.kind);
  const data = { branch: queue.branch, commit: merged.commit, onto, captured: commit, ref: "refs/x", files: [] };
  await happens(step, 1, { type: "worktree.merged", data });
  return merged.commit;
}

const added = (path: string, lines = 1) => ({ path, status: "added", added: lines, removed: 0 });

describe("a run", () => {
  test("changed what is on its branch, since it began", async () => {
    await merges("api", await works("api", { "api.txt": "api\n" }));
    const onto = git.branch("heddle/r1/integration") ?? "";
    const to = await merges("web", await works("web", { "a.txt": "b\n" }, { at: onto }));
    git.commitAsUser({ "user.txt": "not of the run\n" });
    const files = [{ path: "a.txt", status: "modified", added: 1, removed: 1 }, added("api.txt")];
    expect(await diff()).toEqual({ ok: true, value: { run: "r1", of: "integration", from: base, to, files } });
    const whole = orThrow(await diff(undefined, WHOLE)).patch;
    expect(Buffer.from(whole?.bytes ?? []).toString()).toContain("-a\n+b\n");
    expect(orThrow(await diff(undefined, 20)).patch?.isCut).toBe(true);
  });

  test("with nothing merged yet says so, and without agents as well", async () => {
    await works("api", { "api.txt": "api\n" });
    expect(await diff()).toMatchObject({
      error: { code: "NoAgentWork", hint: expect.stringContaining("diff r1 STEP") },
    });
    run = await new RecordedRun(log, "r1b", { name: "p", steps: PLAN.steps.slice(3) }).begin();
    const agents = () => Promise.reject(new Error("git is not asked"));
    expect(await diffOf({ log, agents }, "r1b")).toMatchObject({ error: { code: "NoAgentWork" } });
    expect(await diffOf({ log, agents }, "none")).toMatchObject({ ok: false });
  });

  test("whose branch is gone is read by its history, and nothing is put back", async () => {
    const to = await merges("api", await works("api", { "api.txt": "api\n" }));
    await run.leave();
    git.branches.delete("heddle/r1/integration");
    expect(await diff()).toMatchObject({ ok: true, value: { of: "integration", from: base, to } });
    expect(await diff("api")).toMatchObject({ ok: true, value: { of: "merged", from: base, to } });
    expect(git.branch("heddle/r1/integration")).toBe(undefined);
  });
});

describe("a step", () => {
  test("that is merged changed what its merge brought, whatever came before and after", async () => {
    const first = await merges("web", await works("web", { "web.txt": "web\n" }));
    const to = await merges("api", await works("api", { "api.txt": "1\n2\n" }));
    await run.leave();
    const value = { run: "r1", step: "api", of: "merged", from: first, to, files: [added("api.txt", 2)] };
    expect(await diff("api")).toEqual({ ok: true, value });
  });

  test("that is not merged is told by its last capture, without what others merged below it", async () => {
    await works("api", { "api.txt": "first\n" });
    const head = await merges("web", await works("web", { "web.txt": "web\n" }));
    const tree = orThrow(await repository.worktrees.ensure({ run: "r1", owner: { kind: "step", id: "api" }, base }));
    const before = (await repository.captures.capture({ tree, step: "api", attempt: 1 })).commit;
    const onto = orThrow(
      await repository.worktrees.applyOnto(tree, { step: "api", attempt: 1, head, captured: before }),
    );
    writeFiles(onto.path, { "more.txt": "more\n" });
    const { commit, ref } = await repository.captures.capture({ tree: onto, step: "api", attempt: 1 });
    await happens("api", 1, { type: "usage.recorded", data: { agent: "scripted", captured: commit, ref } });
    await run.leave();
    const files = [added("api.txt"), added("more.txt")];
    const value = { run: "r1", step: "api", of: "captured", attempt: 1, from: head, to: commit, files };
    expect(await diff("api")).toEqual({ ok: true, value });
  });

  test.each(["api", "web"])("%s that is worked on is told by its worktree, in which nothing changes", async (step) => {
    await works(step, { "one.txt": "1\n" });
    const path = join(folder, "state", "r1", step === "web" ? "@front" : step);
    writeFiles(path, { "two.txt": "2\n" });
    const refs = await repository.refs.find("r1");
    const files = [added("one.txt"), added("two.txt")];
    expect(await diff(step)).toEqual({
      ok: true,
      value: { run: "r1", step, of: "worktree", from: base, to: null, files },
    });
    expect(await repository.refs.find("r1")).toEqual(refs);
    await run.leave();
    // Nobody works there any more: what was captured counts.
    expect(await diff(step)).toMatchObject({ ok: true, value: { of: "captured", files: [added("one.txt")] } });
  });

  test.each([
    ["that has not begun", "api", "NoAgentWork"],
    ["that reads alone", "look", "NoAgentWork"],
    ["that is a command", "build", "NoAgentWork"],
    ["that is not there", "nothing", "UnknownStep"],
  ])("%s has nothing to show, which is said", async (_, step, code) => {
    expect(await diff(step)).toMatchObject({ ok: false, error: { code } });
  });

  test("that was reused names the run that has its work", async () => {
    await run.record([
      { step: "api", type: "step.cached", data: { from: "r0", output: null } } as unknown as EventBody,
    ]);
    expect(await diff("api")).toMatchObject({ error: { hint: expect.stringContaining("heddle diff r0 api") } });
  });
});
