/** The files that the steps of a run changed: each step's own, by where its work is, and who else changed them. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { agentMaintenance } from "../../src/agent/work/maintenance.ts";
import { orThrow } from "../../src/base/errors.ts";
import type { Repository } from "../../src/git/port.ts";
import { memoryJournal } from "../../src/journal/memory.ts";
import type { Journal } from "../../src/journal/port.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { changesOf, fileDiffOf, type ChangesOptions } from "../../src/project/changes.ts";
import type { EventBody } from "../../src/run/event.ts";
import { MemoryGit } from "../support/memory-git.ts";
import { writeFiles } from "../support/memory-history.ts";
import { IN_MEMORY, temporaryFolder } from "../support/temporary.ts";
import { RecordedRun } from "./runs.ts";

const PLAN: Plan = {
  name: "work",
  steps: [
    { id: "api", action: { kind: "agent", prompt: "do api" } },
    { id: "build", action: { kind: "run", command: "true" } },
    { id: "web", action: { kind: "agent", prompt: "do web" } },
    { id: "docs", action: { kind: "agent", prompt: "do docs" } },
    { id: "idle", action: { kind: "agent", prompt: "nothing yet" } },
  ],
};

let folder: string;
let git: MemoryGit;
let repository: Repository;
let base: string;
let log: Journal;
let run: RecordedRun;
beforeEach(async () => {
  folder = temporaryFolder("changes", IN_MEMORY);
  git = new MemoryGit(folder);
  base = git.commitAsUser({ "a.txt": "a\n", "b.txt": "b\n" });
  ({ repository } = orThrow(await git.open()));
  log = memoryJournal();
  run = await new RecordedRun(log, "r1", PLAN).begin(1000, { gitHead: base });
});
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));

const agents = async () =>
  agentMaintenance({ projectDir: git.topLevel, repositories: git, agents: async () => [], newRun: () => "r2" });

async function changes(options: ChangesOptions = { limit: 50 }) {
  return orThrow(await changesOf({ log, agents }, "r1", options));
}

async function happens(step: string, body: object): Promise<void> {
  await run.record([{ step, attempt: 1, ...body } as unknown as EventBody]);
}

async function works(step: string, files: Readonly<Record<string, string>>): Promise<string> {
  const tree = orThrow(await repository.worktrees.ensure({ run: "r1", owner: { kind: "step", id: step }, base }));
  await happens(step, { type: "step.started", data: { input: null, resources: [] } });
  await happens(step, {
    type: "worktree.created",
    data: { tree: tree.name, path: tree.path, base: tree.base, fresh: true },
  });
  writeFiles(tree.path, files);
  return (await repository.captures.capture({ tree, step, attempt: 1 })).commit;
}

async function merges(step: string, commit: string): Promise<void> {
  const queue = repository.openQueue({ run: "r1", base, verify: async () => ({ ok: true }) });
  const onto = await queue.head();
  const merged = await queue.submit({ step, attempt: 1, commit, order: 0 });
  await queue.close();
  if (merged.kind !== "merged") throw new Error(merged.kind);
  const files = await repository.commits.changedFiles(onto, merged.commit);
  const data = { branch: queue.branch, commit: merged.commit, onto, captured: commit, ref: "refs/x", files };
  await happens(step, { type: "worktree.merged", data });
  await happens(step, { type: "step.succeeded", data: { output: null } });
}

/** `api` is merged, `web` failed, `docs` works now. */
async function threeSteps(): Promise<void> {
  await merges("api", await works("api", { "a.txt": "api\n", "api.txt": "1\n2\n" }));
  const commit = await works("web", { "a.txt": "web\n", "b.txt": "web\n" });
  await happens("web", { type: "usage.recorded", data: { agent: "scripted", captured: commit, ref: "refs/y" } });
  const error = { code: "error", message: "no", attempt: 1 };
  await happens("web", { type: "step.failed", data: { error } });
  await works("docs", { "a.txt": "docs\n" });
}

const named = (files: readonly { readonly file: string; readonly others: readonly string[] }[]) =>
  files.map(({ file, others }) => [file, others]);

test("are told by step, merged, captured and as a worktree is now, each with who changed them too", async () => {
  await threeSteps();
  const found = await changes();
  expect(found).toMatchObject({ run: "r1", live: true, unreadable: [] });
  expect(found.items.map(({ step, of, to, count, added, removed }) => [step, of, to === null, count, added, removed])) //
    .toEqual([
      ["api", "merged", false, 2, 3, 1],
      ["web", "captured", false, 2, 2, 2],
      ["docs", "worktree", true, 1, 1, 1],
    ]);
  expect(found.items.map(({ files }) => named(files))).toEqual([
    [
      ["a.txt", ["web", "docs"]],
      ["api.txt", []],
    ],
    [
      ["a.txt", ["api", "docs"]],
      ["b.txt", []],
    ],
    [["a.txt", ["api", "web"]]],
  ]);
  expect(found.items[1]).toMatchObject({ attempt: 1 });
  expect(found.integration).toMatchObject({ of: "integration", from: base, count: 2 });
  expect(named(found.integration?.files ?? [])[0]).toEqual(["a.txt", ["api", "web", "docs"]]);
  // The agent goes on: nothing is recorded of it, and it is seen.
  writeFiles(join(folder, "state", "r1", "docs"), { "new.txt": "new\n" });
  expect((await changes()).items[2]?.files.map(({ file }) => file)).toEqual(["a.txt", "new.txt"]);
});

test("of a step whose conflict waits for a person are what its agent left, not the markers in its worktree", async () => {
  await threeSteps();
  const commit = await works("idle", { "a.txt": "idle\n" });
  const conflict = { reason: "conflict", files: ["a.txt"], head: base, captured: commit, ref: "refs/z", time: 1 };
  await happens("idle", { type: "worktree.conflicted", data: conflict });
  writeFiles(join(folder, "state", "r1", "idle"), { "a.txt": "<<<<<<< both\n" });
  await happens("idle", { type: "approval.requested", data: { about: "conflict", question: "which?" } });
  const found = (await changes()).items.find(({ step }) => step === "idle");
  expect(found).toMatchObject({ of: "captured", to: commit, count: 1, added: 1, removed: 1 });
});

test("come in pages, none twice and none missing, what would land on the first", async () => {
  await threeSteps();
  const seen: string[] = [];
  let cursor: number | undefined;
  for (let pages = 0; pages < 5; pages++) {
    const page = await changes(cursor === undefined ? { limit: 1 } : { limit: 1, cursor });
    expect(page.integration === undefined).toBe(cursor !== undefined);
    seen.push(...page.items.map(({ step }) => step));
    if (page.next === undefined) break;
    cursor = Number(page.next);
  }
  expect(seen).toEqual(["api", "web", "docs"]);
});

test("of a run without agents, or with none that did anything, are none", async () => {
  expect(await changes()).toEqual({ run: "r1", seq: 2, live: true, items: [], unreadable: [] });
  await new RecordedRun(log, "r3", { name: "p", steps: PLAN.steps.slice(1, 2) }).begin();
  const none = { log, agents: () => Promise.reject(new Error("git is not asked")) };
  expect(orThrow(await changesOf(none, "r3", { limit: 5 })).items).toEqual([]);
});

test("a step whose worktree cannot be read is named, and the others are told", async () => {
  await threeSteps();
  const whole = await agents();
  const broken = async () => ({
    ...whole,
    changes: async (...[id, of, options]: Parameters<typeof whole.changes>) =>
      of.kind === "worktree"
        ? ({ ok: false, error: { code: "GitFailed", message: "no space" } } as const)
        : await whole.changes(id, of, options),
  });
  const found = orThrow(await changesOf({ log, agents: broken }, "r1", { limit: 50 }));
  expect(found.items.map(({ step }) => step)).toEqual(["api", "web"]);
  expect(found.unreadable).toEqual([{ step: "docs", problem: "no space" }]);
});

test("the diff of a file says what is missing of it, and that a file was not changed", async () => {
  await threeSteps();
  const of = async (file: string, step?: string) =>
    await fileDiffOf({ log, agents }, "r1", step === undefined ? { file } : { file, step });
  expect(orThrow(await of("a.txt", "docs"))).toMatchObject({
    run: "r1",
    step: "docs",
    of: "worktree",
    file: "a.txt",
    status: "modified",
    added: 1,
    removed: 1,
    before: base,
    after: null,
    isBinary: false,
    patch: expect.stringContaining("-a\n+docs\n"),
  });
  expect(orThrow(await of("a.txt", "docs")).cut).toBe(undefined);
  expect(orThrow(await of("a.txt")).patch).toContain("+api\n");
  expect(await of("b.txt", "docs")).toMatchObject({ ok: false, error: { code: "UnknownFile" } });
  expect(await of("a.txt", "none")).toMatchObject({ ok: false, error: { code: "UnknownStep" } });
  writeFiles(join(folder, "state", "r1", "docs"), { "large.txt": "a line of some length\n".repeat(40_000) });
  const large = orThrow(await of("large.txt", "docs"));
  const shown = large.patch.match(/^\+a line/gm)?.length ?? 0;
  expect(large.cut).toEqual({ added: 40_000 - shown, removed: 0 });
  expect(shown).toBeGreaterThan(20_000);
  expect(large.patch.length).toBeLessThanOrEqual(512 * 1024);
});
