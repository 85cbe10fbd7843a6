/**
 * G7: strange repositories, one by one and several strangenesses at once, each under a whole run of two agents through the command
 * line. Either it works (the work is right, the user's checkout the same to the byte, `git fsck` has nothing to say) or it is
 * refused with a code before anything was executed.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { AgentRig, ofType, writes } from "../agent/e2e/rig.ts";
import { report, scaled } from "./scale.ts";
import { temporaryFolder } from "../support/temporary.ts";

const COMBINATIONS = 60;

/** Changes the rig's repository. */
type Strangeness = (rig: AgentRig) => void;

/** Git that may fail: conflicts on purpose. */
function tries(rig: AgentRig, args: readonly string[]): void {
  try {
    rig.git(args);
  } catch {
    // As wanted.
  }
}

/** The checkout becomes a clone of itself. */
function cloned(rig: AgentRig, options: readonly string[]): void {
  const whole = temporaryFolder("origin");
  kept.push(whole);
  const origin = path.join(whole, "origin");
  renameSync(path.join(rig.dir, ".git"), origin);
  rig.git(["config", "core.bare", "true"], origin);
  const fresh = path.join(whole, "clone");
  rig.git(["clone", "-q", "--no-checkout", ...options, `file://${origin}`, fresh], whole);
  renameSync(path.join(fresh, ".git"), path.join(rig.dir, ".git"));
  rig.git(["reset", "-q"]);
}

const kept: string[] = [];

const COMBINE: Readonly<Record<string, Strangeness>> = {
  shallow(rig) {
    rig.write("a.txt", "second commit\n");
    rig.commit("second");
    cloned(rig, ["--depth", "1"]);
  },
  "borrowed objects": (rig) => {
    const lender = temporaryFolder("lender");
    kept.push(lender);
    rig.git(["clone", "-q", "--bare", rig.dir, path.join(lender, "l")], lender);
    rig.write(".git/objects/info/alternates", `${path.join(lender, "l", "objects")}\n`);
    rig.git(["repack", "-q", "-a", "-d", "-l"]);
  },
  submodule(rig) {
    const other = temporaryFolder("sub");
    kept.push(other);
    rig.git(["init", "-q", "-b", "main"], other);
    rig.git(["commit", "-q", "--allow-empty", "-m", "sub"], other);
    rig.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other, "lib"]);
    rig.git(["commit", "-q", "-m", "submodule"]);
  },
  "LFS pointers": (rig) => {
    rig.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n");
    rig.write("big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n");
    rig.commit("lfs");
    for (const [key, value] of Object.entries({ smudge: "false", clean: "cat", required: "true" }))
      rig.git(["config", `filter.lfs.${key}`, value]);
  },
  sparse(rig) {
    rig.write("kept/x.txt", "x\n");
    rig.write("hidden/deep/y.txt", "y\n");
    rig.git(["add", "kept", "hidden"]);
    rig.git(["commit", "-q", "-m", "folders"]);
    rig.git(["sparse-checkout", "set", "kept"]);
  },
  detached: (rig) => void rig.git(["checkout", "-q", "--detach"]),
  "odd branch": (rig) => void rig.git(["checkout", "-q", "-b", "feat/ünï#1@x$(id)'\"`y"]),
  "odd names": (rig) => {
    for (const name of ["-rf", "sp ace", "new\nline", "tab\tq\"uote'", "ünï/çödé.txt", "--help", "$(touch canary)"])
      rig.write(name, `${name}\n`);
    rig.git(["add", "-A", "--sparse"]);
    rig.git(["commit", "-q", "-m", "--amend"]);
  },
  "symbolic links": (rig) => {
    symlinkSync("/etc", path.join(rig.dir, "out"));
    symlinkSync("a.txt", path.join(rig.dir, "in"));
    symlinkSync("nowhere", path.join(rig.dir, "dangling"));
    symlinkSync(".", path.join(rig.dir, "loop"));
    rig.git(["add", "--sparse", "out", "in", "dangling", "loop"]);
    rig.git(["commit", "-q", "-m", "links"]);
  },
  "hooks that refuse": (rig) => {
    for (const hook of ["pre-commit", "post-checkout", "reference-transaction", "post-merge", "prepare-commit-msg"]) {
      rig.write(`.git/hooks/${hook}`, `#!/bin/sh\ntouch "${rig.dir}/canary"\nexit 1\n`);
      mode(rig, `.git/hooks/${hook}`);
    }
  },
  "hostile settings": (rig) => {
    const settings = {
      "core.autocrlf": "true",
      "core.fsmonitor": `touch ${rig.dir}/canary`,
      "commit.gpgsign": "true",
      "gpg.program": "false",
      "merge.ff": "only",
      "user.useConfigOnly": "true",
      "core.quotePath": "false",
      "diff.noprefix": "true",
      "status.showUntrackedFiles": "no",
      "core.logAllRefUpdates": "false",
      "gc.auto": "1",
      "color.ui": "always",
      "alias.update-ref": `!touch ${rig.dir}/canary`,
    };
    for (const [key, value] of Object.entries(settings)) rig.git(["config", key, value]);
  },
  "packed refs": (rig) => {
    for (const name of ["v1", "v2", "deep/er"]) rig.git(["tag", name]);
    rig.git(["pack-refs", "--all"]);
    rig.git(["-c", "gc.auto=0", "gc", "-q"]);
  },
  dirty(rig) {
    rig.write("a.txt", "changed by the user\n");
    rig.write("staged.txt", "staged\n");
    rig.git(["add", "--sparse", "--", "staged.txt"]);
    rig.write("untracked.txt", "untracked\n");
  },
  stashed(rig) {
    rig.write("a.txt", "stashed\n");
    rig.git(["stash", "-q"]);
  },
  "a repository inside": (rig) => {
    mkdirSync(path.join(rig.dir, "inner"));
    rig.git(["init", "-q"], path.join(rig.dir, "inner"));
    rig.write("inner/x.txt", "x\n");
    rig.git(["add", "-A"], path.join(rig.dir, "inner"));
    rig.git(["commit", "-q", "-m", "inner"], path.join(rig.dir, "inner"));
  },
  "replaced objects": (rig) => {
    rig.write("a.txt", "later\n");
    rig.git(["commit", "-q", "-am", "later"]);
    rig.git(["replace", "--graft", "HEAD"]);
  },
  "a linked worktree of the user's": (rig) => {
    const place = temporaryFolder("linked");
    kept.push(place);
    rig.git(["worktree", "add", "-q", "--no-checkout", "-b", "linked", path.join(place, "w")]);
  },
};

interface Refusal {
  readonly code: string;
  readonly make: Strangeness;
}

const REFUSED: Readonly<Record<string, Refusal>> = {
  "no repository": { code: "NotARepository", make: (rig) => rmSync(path.join(rig.dir, ".git"), { recursive: true }) },
  "a .git that is none": {
    code: "RepositoryUnreadable",
    make(rig) {
      rmSync(path.join(rig.dir, ".git"), { recursive: true });
      mkdirSync(path.join(rig.dir, ".git"));
    },
  },
  bare: { code: "RepositoryBare", make: (rig) => void rig.git(["config", "core.bare", "true"]) },
  empty: {
    code: "RepositoryEmpty",
    make(rig) {
      rmSync(path.join(rig.dir, ".git"), { recursive: true });
      rig.git(["init", "-q", "-b", "main"]);
    },
  },
  "a branch in the way": { code: "BranchInTheWay", make: (rig) => void rig.git(["branch", "heddle"]) },
  ...Object.fromEntries(
    ["rebase", "merge", "cherry-pick"].map((what) => [
      `a ${what} in progress`,
      {
        code: "RepositoryBusy",
        make(rig: AgentRig) {
          rig.git(["stash", "-q", "-u"]);
          rig.git(["branch", "-f", "one"]);
          rig.write("clash.txt", "one\n");
          rig.git(["add", "--sparse", "--", "clash.txt"]);
          rig.git(["commit", "-q", "-m", "one"]);
          rig.git(["branch", "-f", "two"]);
          rig.git(["checkout", "-q", "one"]);
          rig.write("clash.txt", "other\n");
          rig.git(["add", "--sparse", "--", "clash.txt"]);
          rig.git(["commit", "-q", "-m", "other"]);
          tries(rig, [what, "two"]);
        },
      },
    ]),
  ),
};

function mode(rig: AgentRig, file: string): void {
  rig.git(["-c", "alias.x=!chmod +x", "x", path.join(rig.dir, file)], "/");
}

function agents(rig: AgentRig): void {
  rig.agents(
    { a: [writes("made/a.txt", "a\n"), { run: "test -e a.txt" }] },
    {
      steps: [
        { id: "first", run: `touch '${rig.dir}/executed.here'` },
        { id: "a" },
        { id: "b", deps: ["a"], agent: { prompt: "b", use: "shell" } },
        { id: "end", deps: ["b"], run: "true" },
      ],
    },
    {
      use: {
        scripted: { script: "agents.yaml" },
        shell: { protocol: "exec", command: ["sh", "-c", "cat > /dev/null; cp made/a.txt made/b.txt"], sandbox: "off" },
      },
    },
  );
}

/** Nothing, or what is wrong. */
async function worked(rig: AgentRig): Promise<readonly string[]> {
  agents(rig);
  const base = rig.git(["rev-parse", "HEAD"]);
  const before = rig.checkout();
  const { finished, events } = await rig.json(["run"]);
  const wrong: string[] = [];
  const check = (what: string, is: unknown, should: unknown): void => {
    if (JSON.stringify(is) !== JSON.stringify(should)) wrong.push(`${what}: ${JSON.stringify(is)}`);
  };
  check("exit code", [finished.code, finished.stderr.replaceAll(/^(note|hint|warning).*\n/gm, "")], [0, ""]);
  if (finished.code !== 0) return [...wrong, ...ofType(events, "step.failed").map(({ data }) => JSON.stringify(data))];
  const head = `heddle/${await rig.run()}/integration`;
  check("what was merged", rig.git(["diff-tree", "-r", "--name-status", base, head]).split("\n"), [
    "A\tmade/a.txt",
    "A\tmade/b.txt",
  ]);
  check("its files", [rig.git(["show", `${head}:made/a.txt`]), rig.git(["show", `${head}:made/b.txt`])], ["a", "a"]);
  check("checkout", rig.checkout() === before, true);
  check("canary", existsSync(path.join(rig.dir, "canary")), false);
  check("fsck", fsck(rig), "");
  check("worktrees left", (await rig.heddle(["worktrees"])).stdout.includes("no worktrees"), true);
  return wrong;
}

function fsck(rig: AgentRig): string {
  try {
    return rig.git(["-c", "color.ui=false", "fsck", "--no-dangling", "--no-progress"]);
  } catch (thrown) {
    return String(thrown);
  }
}

/** Folders of runs among the worktrees; what has a dot before its name is heddle's own. */
function made(rig: AgentRig): readonly string[] {
  const home = path.join(rig.state, "heddle", "worktrees");
  if (!existsSync(home)) return [];
  return readdirSync(home)
    .filter((repository) => !repository.startsWith("."))
    .flatMap((repository) => readdirSync(path.join(home, repository)))
    .filter((name) => !name.startsWith("."));
}

async function refused(rig: AgentRig, code: string): Promise<readonly string[]> {
  agents(rig);
  const { code: exit, stdout, stderr } = await rig.heddle(["run"]);
  const wrong: string[] = [];
  if (exit !== 2 && exit !== 1) wrong.push(`exit code ${exit}`);
  if (!stderr.includes(`[${code}]`)) wrong.push(`no ${code}: ${stderr}${stdout}`);
  if (existsSync(path.join(rig.dir, "executed.here"))) wrong.push("something was executed before the refusal");
  if (made(rig).length > 0) wrong.push(`made before the refusal: ${made(rig).join(", ")}`);
  return wrong;
}

function pick<T>(random: Random, from: readonly T[], count: number): readonly T[] {
  const left = [...from];
  return Array.from(
    { length: Math.min(count, left.length) },
    () => left.splice(Math.floor(random() * left.length), 1)[0] as T,
  );
}

/** A clone has no stash; and under hostile settings the user's own git would not do what the others need. */
const ORDER = [...Object.keys(COMBINE).filter((name) => name !== "hostile settings"), "hostile settings"];

async function tried(names: readonly string[], refusal?: string): Promise<readonly string[]> {
  using rig = new AgentRig();
  try {
    for (const name of ORDER) if (names.includes(name)) COMBINE[name]?.(rig);
    if (refusal === undefined) return await worked(rig);
    REFUSED[refusal]?.make(rig);
    return await refused(rig, REFUSED[refusal]?.code ?? "");
  } finally {
    for (const folder of kept.splice(0)) rmSync(folder, { recursive: true, force: true });
  }
}

test.each(ORDER)("G7: works: %s", { timeout: 60_000 }, async (name) => {
  expect(await tried([name])).toEqual([]);
});

test.each(Object.keys(REFUSED))("G7: refused: %s", { timeout: 60_000 }, async (name) => {
  expect(await tried([], name)).toEqual([]);
});

test("G7: several at once", { timeout: 45 * 60_000 }, async () => {
  const rounds = scaled(COMBINATIONS);
  const random = seededRandom(7);
  const wrong: string[] = [];
  let works = 0;
  for (let round = 0; round < rounds; round++) {
    const names = pick(random, ORDER, 2 + Math.floor(random() * 4));
    // Every fourth is one to refuse, strange in other ways too.
    const refusal = round % 4 === 3 ? pick(random, ["no repository", "bare", "a branch in the way"], 1)[0] : undefined;
    const found = await tried(names, refusal);
    if (refusal === undefined) works++;
    if (found.length > 0) wrong.push(`${[...names, refusal ?? ""].join(" + ")}: ${found.join("; ")}`);
  }
  report(
    `G7: ${ORDER.length} strange repositories and ${works} combinations of them worked in, ${Object.keys(REFUSED).length} and ${rounds - works} refused before anything was executed: ${wrong.length} wrong`,
  );
  expect(wrong).toEqual([]);
});
