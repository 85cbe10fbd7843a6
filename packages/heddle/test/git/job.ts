/**
 * The whole way of two steps, to be killed at any point and called again. Run as a program: `job.ts USER STATE RUN LAND`; says
 * `begun` when it begins.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { orThrow } from "../../src/base/errors.ts";
import { capture } from "../../src/git/capture.ts";
import { systemGit } from "../../src/git/git.ts";
import { land } from "../../src/git/landing.ts";
import { LocalMergeQueue } from "../../src/git/merge-queue.ts";
import { commitOf, openRepository } from "../../src/git/discover.ts";
import { ownershipRef } from "../../src/git/ref-names.ts";
import { LocalWorktrees } from "../../src/git/worktree.ts";

export async function job(
  user: string,
  stateDir: string,
  run: string,
  options: { readonly land: boolean; readonly env: NodeJS.ProcessEnv },
): Promise<void> {
  const clock = systemClock();
  const opened = await openRepository({ folder: user, run: systemGit({ clock }), clock, env: options.env, stateDir });
  if (!opened.ok) throw new Error(`${opened.error.code}: ${opened.error.message}`);
  const { repository } = opened.value;
  // A resumed run knows its base from its journal; here it is read from what the run marked.
  const base = (await commitOf(repository, ownershipRef(run, "integration"))) ?? opened.value.base;
  const worktrees = new LocalWorktrees({ repository });
  const queue = new LocalMergeQueue({ worktrees, run, base, verify: async () => ({ ok: true }) });
  await queue.head();
  for (const [order, id] of ["one", "two"].entries()) {
    const owner = { kind: "step", id } as const;
    const tree = orThrow(await worktrees.ensure({ run, owner, base }));
    writeFileSync(join(tree.path, `${run}-${id}.txt`), `${id}\n`);
    if (id === "one") {
      const git = (...args: readonly string[]): unknown =>
        execFileSync("git", [...args], { cwd: tree.path, env: options.env, stdio: "ignore" });
      git("add", "-A");
      git("commit", "-q", "--allow-empty", "-m", "the agent's own");
    }
    const { commit } = await capture(repository, { tree, step: id, attempt: 1 });
    const outcome = await queue.submit({ step: id, attempt: 1, commit, order, checks: [{ commands: ["true"] }] });
    if (!["merged", "nothing"].includes(outcome.kind)) throw new Error(JSON.stringify(outcome));
  }
  if (options.land) {
    const landed = await land({ integration: queue.integration, lock: worktrees.lock, mode: { kind: "ff" } });
    if (landed.kind !== "landed") throw new Error(JSON.stringify(landed));
  }
  await queue.close();
  for (const id of ["one", "two"]) {
    const tree = await worktrees.find(run, { kind: "step", id });
    if (tree !== undefined) orThrow(await worktrees.remove(tree, { branch: "delete" }));
  }
  await worktrees.deleteDeferred();
}

const [, program, user, stateDir, run, landing] = process.argv;
if (program?.endsWith("job.ts") === true && user !== undefined && stateDir !== undefined && run !== undefined) {
  process.stdout.write("begun\n");
  await job(user, stateDir, run, { land: landing === "land", env: process.env });
  process.stdout.write("done\n");
}
