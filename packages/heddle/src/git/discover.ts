/**
 * Repository discovery: finds the repository of a folder and checks it before anything is done to it (G7). What cannot
 * work is refused with a reason; what works differently is reported. Changes nothing.
 */
import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { join, sep } from "node:path";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import { type Result, err, ok } from "../base/result.ts";
import { searchedFolders } from "./ceilings.ts";
import { adoptMoved } from "./moved-repository.ts";
import { checkoutState } from "./index-status.ts";
import { attributeFiles, GITLINK, type ListedEntry, listedEntries } from "./listed-entries.ts";
import { type RepositoryOptions, PLAIN_SETTINGS, RepositoryAccess, items, line } from "./repository-access.ts";
import { type GitEnd, type GitRun, gitEnvironment, gitFailure } from "./git.ts";
import { headIn } from "./git-head.ts";

/** A repository that was found, and where a run would begin: as the port hands it out, with the access to it. */
export interface FoundRepository {
  readonly repository: RepositoryAccess;
  /** The commit that a run begins at: the id of `base`, or of HEAD. */
  readonly base: string;
  /** Short name of the branch that is checked out; `null`: HEAD is detached. */
  readonly branch: string | null;
  /** What works, but differently from what one may expect: looked at when asked. Codes: see docs/guide/worktrees.md. */
  readonly notes: () => Promise<readonly Problem[]>;
}

export interface DiscoverOptions extends RepositoryOptions {
  /** Any folder of the checkout. */
  readonly folder: string;
  /** A commit, branch or tag; absent: HEAD. */
  readonly base?: string;
}

const OLDEST = [2, 38] as const;
/** Where each that has told its version to this process was found: `PATH` then. */
const NEW_ENOUGH = new WeakMap<GitRun, string>();

export async function openRepository(options: DiscoverOptions): Promise<Result<FoundRepository, Problem>> {
  const searched = options.env["PATH"] ?? "";
  if (NEW_ENOUGH.get(options.run) !== searched) {
    const version = await ask(options, ["--version"], options.folder);
    if (version.kind === "broken") return err(gitFailure(["--version"], version));
    const old = tooOld(version.output.toString("utf8"));
    if (old !== undefined) return err(old);
    NEW_ENOUGH.set(options.run, searched);
  }
  const places = await ask(options, PLACES, options.folder);
  if (places.kind === "broken") return err(gitFailure(PLACES, places));
  const answers = places.output.toString("utf8").trimEnd().split("\n");
  const [bare, inside] = answers;
  if (bare === "") return err(notFound(options, places.said));
  if (inside !== "true") return err(bare === "true" ? isBare(options.folder) : isGitFolder(options.folder));
  // Whatever it has answered before, it ends so where it has not answered all.
  if (places.code !== 0) throw gitFailure(PLACES, places);
  const repository = await readFacts(options, answers.slice(2));
  const { topLevel } = repository.facts;
  if (repository.home.startsWith(topLevel + sep)) return err(stateInside(topLevel));
  const { gitDir } = repository.facts;
  await adoptMoved(repository);
  const commits = ["HEAD", options.base ?? "HEAD"].map((name) => `${name}^{commit}`);
  const [head, base, ...taken] = await idsOf(repository, gitDir, [...commits, ...RESERVED]);
  const inTheWay = RESERVED.find((_, at) => taken[at] !== undefined);
  if (inTheWay !== undefined) return err(isInTheWay(inTheWay));
  if (head === undefined && options.base === undefined) return err(isEmpty(repository.facts.topLevel));
  const busy = options.base === undefined ? inProgress(gitDir) : undefined;
  if (busy !== undefined) return err(busy);
  if (base === undefined) return err(noSuchCommit(options.base ?? "HEAD"));
  const branch = headIn(gitDir)?.branch ?? (await branchOf(repository, gitDir));
  return ok({ repository, base, branch, notes: async () => await notesOf(repository, base, head, branch) });
}

/** Asked of git: HEAD may name what is no branch, and refs may be stored in other ways than in files. */
async function branchOf(repository: RepositoryAccess, gitDir: string): Promise<string | null> {
  const symbolic = await repository.git(["symbolic-ref", "-q", "HEAD"], { gitDir, codes: [0, 1] });
  return symbolic.code === 0 ? line(symbolic).replace(/^refs\/heads\//, "") : null;
}

/** Under the user's own configuration: whether a repository of another owner is trusted is written there. */
async function ask(options: DiscoverOptions, args: readonly string[], cwd: string): Promise<GitEnd> {
  return await options.run({ args, cwd, env: gitEnvironment(options.env, { userConfig: true }) });
}

/** The last fails where there is no checkout; what stands before it is answered then too. */
const PLACES: readonly string[] = [
  "rev-parse",
  "--path-format=absolute",
  "--is-bare-repository",
  "--is-inside-work-tree",
  "--show-object-format",
  "--git-common-dir",
  "--git-dir",
  "--show-toplevel",
];

async function readFacts(
  options: DiscoverOptions,
  [objectFormat = "", ...places]: readonly string[],
): Promise<RepositoryAccess> {
  const [commonDir = "", gitDir = "", topLevel = ""] = places.map((path) => realpathSync(path));
  const plain = PLAIN_SETTINGS.map((key) => key.replace(".", "\\."));
  const pattern = `^(${[...plain, String.raw`filter\..*\.(clean|process)`].join("|")})$`;
  const found = await ask(options, ["config", "-z", "--get-regexp", pattern], topLevel);
  const configured = found.kind === "exited" && found.code === 0 ? items(found.output).map(asSetting) : [];
  const [settings, filters]: [string[], Set<string>] = [[], new Set()];
  for (const setting of configured) {
    const name = /^filter\.(.*)\.(?:clean|process)=/s.exec(setting)?.[1];
    if (name === undefined) settings.push(setting);
    else filters.add(name);
  }
  // Git notes worktrees by their real paths; so does heddle.
  mkdirSync(options.stateDir, { recursive: true });
  const stateDir = realpathSync(options.stateDir);
  return new RepositoryAccess(
    { commonDir, gitDir, topLevel, objectFormat, settings, filters },
    { ...options, stateDir },
  );
}

/** `key`, a line's end and the value; no value: true. */
function asSetting(item: string): string {
  const at = item.indexOf("\n");
  return at < 0 ? `${item}=true` : `${item.slice(0, at)}=${item.slice(at + 1)}`;
}

/** Of each name the object that it leads to, if any: all by one process. */
async function idsOf(
  repository: RepositoryAccess,
  gitDir: string,
  names: readonly string[],
): Promise<readonly (string | undefined)[]> {
  // A name of several lines would be several names; nothing has such a one.
  const input = names.map((name) => (name.includes("\n") ? "\n" : `${name}\n`)).join("");
  const args = ["cat-file", "--batch-check=%(objectname) %(objecttype)"];
  const answer = await repository.git(args, { gitDir, input, codes: [0, 128] });
  const answers = answer.output.toString("utf8").split("\n");
  return names.map((_, at) => /^([0-9a-f]+) (?:commit|tree|blob|tag)$/.exec(answers[at] ?? "")?.[1]);
}

export async function commitOf(
  repository: RepositoryAccess,
  name: string,
  gitDir?: string,
): Promise<string | undefined> {
  const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`];
  const answer = await repository.git(args, defined({ codes: [0, 1, 128], gitDir }));
  return answer.code === 0 ? line(answer) : undefined;
}

function tooOld(text: string): Problem | undefined {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(text) ?? [];
  const newer = Number(major) > OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) >= OLDEST[1]);
  if (newer) return undefined;
  return {
    code: "GitTooOld",
    message: `this is ${text.trim()}; worktrees need git ${OLDEST.join(".")}`,
    hint: `Install git ${OLDEST.join(".")} or newer.`,
  };
}

function notFound({ folder, env }: DiscoverOptions, said: string): Problem {
  for (const at of searchedFolders(folder, env)) {
    if (existsSync(join(at, ".git")))
      return {
        code: "RepositoryUnreadable",
        message: `git refuses the repository ${at}`,
        hint: `\`git -C ${at} status\` says why. A folder of another user needs \`git config --global --add safe.directory ${at}\`.`,
        cause: said,
      };
  }
  return {
    code: "NotARepository",
    message: `${folder} is not in a git repository, and agents need one`,
    hint: "Run `git init`, add your files and commit them.",
  };
}

function isBare(folder: string): Problem {
  return {
    code: "RepositoryBare",
    message: `${folder} is a bare repository: it has no checkout`,
    hint: "Create one with `git worktree add ../checkout` and run heddle there.",
  };
}

function isGitFolder(folder: string): Problem {
  return {
    code: "NotACheckout",
    message: `${folder} is inside .git, not in a checkout`,
    hint: "Run heddle in the folder that has your files.",
  };
}

function stateInside(folder: string): Problem {
  return {
    code: "StateInsideRepository",
    message: `worktrees would be inside ${folder}, where other tools would treat them as part of the repository`,
    hint: "Set XDG_STATE_HOME to a folder outside the repository.",
  };
}

function isEmpty(folder: string): Problem {
  return {
    code: "RepositoryEmpty",
    message: `the repository in ${folder} has no commit yet`,
    hint: "Make a first commit: `git commit --allow-empty -m start`.",
  };
}

function noSuchCommit(name: string): Problem {
  return {
    code: "UnknownCommit",
    message: `${JSON.stringify(name)} is not a commit, branch or tag of the repository`,
    hint: "See `git branch --all`.",
  };
}

const UNFINISHED: readonly (readonly [file: string, what: string, abort: string])[] = [
  ["rebase-merge", "rebase", "git rebase --abort"],
  ["rebase-apply", "rebase or `git am`", "git rebase --abort"],
  ["MERGE_HEAD", "merge", "git merge --abort"],
  ["CHERRY_PICK_HEAD", "cherry-pick", "git cherry-pick --abort"],
  ["REVERT_HEAD", "revert", "git revert --abort"],
];

function inProgress(gitDir: string): Problem | undefined {
  const found = UNFINISHED.find(([file]) => existsSync(join(gitDir, file)));
  if (found === undefined) return undefined;
  return {
    code: "RepositoryBusy",
    message: `a ${found[1]} is in progress, so HEAD is not a commit to begin at`,
    hint: `Finish it or \`${found[2]}\`, or name the commit to begin at.`,
  };
}

/** A branch or ref named like our folder of branches prevents them. */
const RESERVED: readonly string[] = ["refs/heads/heddle", "refs/heddle"];

function isInTheWay(ref: string): Problem {
  return {
    code: "BranchInTheWay",
    message: `the repository has ${ref}, so git cannot create branches in heddle/`,
    hint: "Rename it: `git branch -m heddle another-name`.",
  };
}

const MAX_ATTRIBUTE_FILES = 200;

async function notesOf(
  repository: RepositoryAccess,
  base: string,
  head: string | undefined,
  branch: string | null,
): Promise<readonly Problem[]> {
  const { commonDir, gitDir, topLevel } = repository.facts;
  const notes: Problem[] = [];
  const note = (code: string, message: string, hint?: string): void => {
    notes.push(defined({ code, message, hint }));
  };
  if (branch === null) note("DetachedHead", "HEAD is detached: results cannot land automatically");
  if (existsSync(join(commonDir, "shallow")))
    note(
      "ShallowRepository",
      "the clone is shallow: merges see only the fetched history",
      "`git fetch --unshallow` fetches the rest.",
    );
  const { output } = await repository.objectGit(["ls-tree", "-r", "-z", "--full-tree", base]);
  if (listedEntries(output).some(({ mode }) => mode === GITLINK))
    note(
      "Submodules",
      "submodules are empty in worktrees",
      "Fill them with a `setup` command: `git submodule update --init`.",
    );
  const filters = await filtersOf(repository, attributeFiles(output));
  if (filters.length > 0)
    note(
      "FiltersOff",
      `the filters ${filters.join(", ")} do not run: worktrees have the stored files (pointers, for LFS), and changed files count as the agent staged them`,
      "Fetch what steps need with a `setup` command, and let agents stage such files with `git add`.",
    );
  const sparse = await repository.git(["config", "--type=bool", "--get", "core.sparseCheckout"], {
    gitDir,
    codes: [0, 1],
  });
  if (sparse.code === 0 && line(sparse) === "true")
    note("SparseCheckout", "worktrees have all files, not only those of the sparse checkout");
  const partial = await repository.git(["config", "--get", "extensions.partialClone"], { codes: [0, 1] });
  if (partial.code === 0)
    note(
      "PartialClone",
      "the clone is partial: missing objects are not fetched",
      "Check the base commit out once, so that its files are fetched.",
    );
  if (head !== undefined) {
    const state = await checkoutState(repository, { workTree: topLevel, index: join(gitDir, "index"), commit: head });
    const changed = new Set([...state.unstaged, ...state.staged, ...state.untracked]).size;
    if (changed > 0)
      note("UncommittedChanges", `${changed} uncommitted ${changed === 1 ? "file" : "files"}: agents do not see them`);
  }
  return notes;
}

/** Names of the filters that `.gitattributes` of a commit ask for. */
async function filtersOf(
  repository: RepositoryAccess,
  files: readonly Pick<ListedEntry, "id">[],
): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const { id } of files.slice(0, MAX_ATTRIBUTE_FILES)) {
    const text = (await repository.objectGit(["cat-file", "blob", id])).output.toString("utf8");
    for (const match of text.matchAll(/(?:^|\s)filter=([^\s]+)/g)) names.add(match[1] ?? "");
  }
  return [...names].sort();
}
