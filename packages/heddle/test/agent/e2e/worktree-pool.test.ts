/** Worktrees where their number has a bound: steps wait for one another, nothing stays that is done with, refusals are told. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { WorktreePool } from "../../../src/agent/work/worktree-pool.ts";
import { orThrow } from "../../../src/base/errors.ts";
import { LocalWorktrees } from "../../../src/git/worktree.ts";
import { testRepository, namesIn, step } from "../../git/test-repository.ts";
import { AgentRig, ofType, writes, type Step } from "./rig.ts";

/** Where worktrees of the run stand: what an agent counts of them. */
const COUNT = 'ls -d "$PWD"/../*/ | grep -vc @@verify';

const REFUSED = { ok: false, error: { code: "WorktreeLimit" } };

function branches(rig: AgentRig): readonly string[] {
  return rig
    .git(["for-each-ref", "--format=%(refname:short)", "refs/heads/heddle/"])
    .split("\n")
    .map((name) => name.split("/").slice(2).join("/"));
}

test("worktrees: {max}: more steps than that wait for each other, also with setup, and all succeed", async () => {
  using rig = new AgentRig();
  const told = path.join(rig.dir, "told.here");
  const ids = ["a", "b", "c", "d", "e"];
  rig.agents(
    Object.fromEntries(ids.map((id) => [id, [{ run: `${COUNT} >> '${told}'` }, writes(`${id}.ts`, "x\n")]])),
    { steps: ids.map((id) => ({ id })), maxAgents: 5, maxConcurrency: 5 },
    { worktrees: { max: 2 }, setup: ["true"], verify: ["true"] },
  );
  const { finished, events } = await rig.json(["run"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  expect(await rig.log()).toHaveLength(5);
  const most = rig.read("told.here").trim().split("\n").map(Number);
  expect([most.length, Math.max(...most) <= 2]).toEqual([5, true]);
  expect(ofType(events, "step.progress").filter(({ data }) => data["for"] === "worktree").length).toBeGreaterThan(0);
  expect(ofType(events, "worktree.removed")).toHaveLength(5);
  expect(branches(rig)).toEqual(["integration"]);
});

test("a group's worktree goes with its last step, and its branch", async () => {
  using rig = new AgentRig();
  const groups = ["g0", "g1"];
  const chain = groups.flatMap((group): Step[] => [
    { id: `${group}a`, group, ...(group === "g0" ? {} : { deps: [`g${Number(group[1]) - 1}b`] }) },
    { id: `${group}b`, group, deps: [`${group}a`] },
  ]);
  rig.agents(
    Object.fromEntries(chain.map(({ id }) => [id, [writes(`${id}.ts`, "x\n")]])),
    { steps: chain },
    { worktrees: { max: 1 } },
  );
  const { finished, events } = await rig.json(["run"]);
  expect([finished.code, finished.stderr]).toEqual([0, ""]);
  expect(ofType(events, "worktree.removed").map(({ step: id, data }) => [id, data["tree"]])).toEqual(
    groups.map((group) => [`${group}b`, `@${group}`]),
  );
  expect(branches(rig)).toEqual(["integration"]);
});

test("a bound that others' worktrees have reached is told at once", async () => {
  using rig = new AgentRig();
  rig.agents(
    { a: [writes("a.ts", "x\n")], b: [writes("b.ts", "x\n")] },
    {
      steps: [
        { id: "a", optional: true, agent: { prompt: "do a", expect: { files: ["no.ts"] } } },
        { id: "b", after: ["a"] },
      ],
    },
    { worktrees: { max: 1 } },
  );
  const { finished, events } = await rig.json(["run"]);
  expect(finished.code).toBe(1);
  const [failed] = ofType(events, "step.failed", "b");
  expect(JSON.stringify(failed?.data)).toContain("the limit of 1 worktrees of this repository is reached");
});

test("one that somebody works in is tried again before anybody is refused; one that is taken anew is not removed", async () => {
  using at = testRepository();
  const { repository, base } = await at.open();
  const trees = new LocalWorktrees({ repository, limits: { maxTrees: 1, maxBytes: 2 ** 40 } });
  const pool = new WorktreePool(trees);
  const [one, two] = [new AbortController(), new AbortController()];
  const request = (id: string): Parameters<WorktreePool["acquire"]>[1] => ({ run: "r1", owner: step(id), base });
  const refuse = (): void => expect.unreachable();
  const tree = orThrow(await pool.acquire(one, request("a"), refuse));
  mkdirSync(path.join(tree.path, "ignored"));
  const person = spawn("sleep", ["1000"], { cwd: path.join(tree.path, "ignored") });
  await once(person, "spawn");
  expect(await pool.remove(tree)).toBe(false);
  pool.release(one);
  expect(await pool.acquire(two, request("b"), refuse)).toMatchObject(REFUSED);
  person.kill("SIGKILL");
  await once(person, "close");
  expect(await pool.acquire(two, request("b"), refuse)).toMatchObject({ ok: true, value: { fresh: true } });
  expect(namesIn(path.dirname(tree.path)).filter((name) => !name.startsWith("."))).toEqual(["b"]);
});

test("who waits for a worktree and is to end, ends; the last that could give one back wakes all", async () => {
  using at = testRepository();
  const { repository, base } = await at.open();
  const pool = new WorktreePool(new LocalWorktrees({ repository, limits: { maxTrees: 1, maxBytes: 2 ** 40 } }));
  const [one, two, three] = [new AbortController(), new AbortController(), new AbortController()];
  const waits = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  orThrow(await pool.acquire(one, { run: "r1", owner: step("a"), base }, () => expect.unreachable()));
  const [second, third] = [two, three].map((holder, at) =>
    pool.acquire(holder, { run: "r1", owner: step(`b${at}`), base }, () => waits[at]?.resolve()),
  );
  await Promise.all(waits.map(({ promise }) => promise));
  two.abort();
  expect(await second).toMatchObject(REFUSED);
  pool.release(one);
  expect(await third).toMatchObject(REFUSED);
});
