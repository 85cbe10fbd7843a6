/**
 * Generated endings of agents' work, many in one repository, each a run of its own: what an agent wrote is reachable afterwards or
 * named as left out, and what is merged is the three-way merge that an oracle independent of git computes.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { orThrow } from "../../src/base/errors.ts";
import type { Integration } from "../../src/git/integration.ts";
import { land } from "../../src/git/landing.ts";
import { seededRandom } from "../../src/base/random.ts";
import { textOf, shownName } from "../../src/git/path-bytes.ts";
import type { Capture, MergeMode, MergeOutcome } from "../../src/git/types.ts";
import { prepareWorld, strangeActs, STYLES, type Style, type Submodule, submodule } from "./conservation-world.ts";
import { workAtRandom } from "./endings.ts";
import { type FolderTree, rawGit, readFolder, treeOfCommit } from "./folder-oracle.ts";
import { type MergeSetting, mergeSetting } from "./merge-setting.ts";
import { captured, lines, namesIn, step, type TestRepository } from "./test-repository.ts";
import { mergeTreesByOracle, type OracleTree } from "./tree-oracle.ts";

export interface Conserved {
  readonly seed: number;
  /** What the agent did, for a message. */
  readonly done: readonly string[];
  /** Contents that it wrote and that nothing leads to, less those that were named as left out. */
  readonly lost: readonly string[];
  /** What else is not as it should be. */
  readonly wrong: readonly string[];
  /** What became of it, or why it was not to be merged. */
  readonly outcome: MergeOutcome["kind"] | "unfinished" | "left out";
  /** Whether the oracle could say what is right. */
  readonly isDecided: boolean;
}

const MODES: readonly MergeMode[] = ["squash", "merge", "rebase"];

/** What others merged meanwhile: commits on the base. */
function otherWork(at: TestRepository, lib: Submodule): readonly string[] {
  const edited = (text: string, line: string): string => text.replace(line, `others' ${line}`);
  const on = (files: { readonly [path: string]: string | null }): string => at.commitOnto("main", files);
  const pointer = rawGit(["mktree", "-z", "--missing"], join(at.user, ".git"), { input: raisedTree(at, lib) }).trim();
  const raised = at.git(["commit-tree", "-m", "raised", "-p", "main", pointer]);
  const shown = { "a.txt": edited(lines("A", 20), "A 3\n"), "other.txt": "others' own\n" };
  return [
    on(shown),
    on({ ...shown, "b.txt": null }),
    on({ "b.txt": edited(lines("b", 20), "b 12\n"), "README.md": edited(lines("readme", 12), "readme 6\n") }),
    on({ "src/deep/c.txt": null, "big.bin": "others' stored\n" }),
    raised,
  ];
}

function raisedTree(at: TestRepository, lib: Submodule): string {
  return rawGit(["ls-tree", "-z", "main"], join(at.user, ".git")).replace(lib.first, lib.second);
}

interface World extends Disposable {
  readonly setting: MergeSetting;
  readonly style: Style;
  readonly lib: Submodule;
  readonly base: OracleTree;
  readonly others: readonly string[];
  /** Of what is in the base and in others' work. */
  readonly contents: ReadonlyMap<string, Buffer>;
  readonly trees: Map<string, OracleTree>;
}

async function openWorld(style: Style): Promise<World> {
  let lib: Submodule | undefined;
  let others: readonly string[] = [];
  const setting = await mergeSetting((at) => {
    lib = submodule(at);
    prepareWorld(at, style, lib);
    others = otherWork(at, lib);
    at.git(["update-ref", "refs/made-beside", at.commitOnto("main", { "b.txt": `${lines("b", 20)}beside\n` })]);
    if (style.isSparse === true) at.git(["sparse-checkout", "set", "--no-cone", "/src", "/.gitattributes"]);
  });
  if (lib === undefined) throw new Error("the world is not prepared");
  const gitDir = join(setting.repository.user, ".git");
  const base = treeOfCommit(gitDir, setting.base);
  const trees = new Map(others.map((commit) => [commit, treeOfCommit(gitDir, commit)]));
  const ids = [base, ...trees.values()].flatMap((tree) => [...tree.values()]).filter(({ mode }) => mode !== "160000");
  const contents = new Map(
    [...new Set(ids.map(({ id }) => id))].map((id) => [
      id,
      Buffer.from(rawGit(["cat-file", "blob", id], gitDir), "latin1"),
    ]),
  );
  return { setting, style, lib, base, others, contents, trees, [Symbol.dispose]: () => setting[Symbol.dispose]() };
}

export interface ConservedWorld {
  readonly ended: readonly Conserved[];
  /** What is wrong with the user's checkout when the last work that was merged has landed in it. */
  readonly landing: readonly string[];
}

/** An ending, before it is known what is reachable when the worktrees are gone. */
interface Ended extends Omit<Conserved, "lost"> {
  readonly wrote: ReadonlyMap<string, string>;
  readonly named: ReadonlySet<string>;
  readonly integration: Integration;
}

/** Endings of these seeds in one repository. */
export async function conserve(styleName: string, seeds: readonly number[]): Promise<ConservedWorld> {
  using world = await openWorld(STYLES[styleName] ?? {});
  const ended: Ended[] = [];
  for (const seed of seeds) ended.push(await end(world, seed));
  const { repository: at } = world.setting;
  const reachable = new Set(at.git(["rev-list", "--objects", "--no-object-names", "--all"]).split("\n"));
  const last = ended.findLast(({ outcome }) => outcome === "merged");
  return {
    ended: ended.map(({ wrote, named, integration: _integration, ...one }) => ({
      ...one,
      lost: [...wrote].filter(([id, path]) => !reachable.has(id) && !named.has(path)).map(([, path]) => path),
    })),
    landing: last === undefined ? [] : await landWrongly(world, last.integration),
  };
}

async function landWrongly({ setting, style, lib, base }: World, integration: Integration): Promise<readonly string[]> {
  const { repository: at, trees } = setting;
  const gitDir = join(at.user, ".git");
  const head = await integration.head();
  const landed = await land({ integration, lock: trees.lock, mode: { kind: "ff" } });
  if (landed.kind !== "landed" && !(landed.kind === "refused" && landed.problem.code === "LandNeedsFilter"))
    return [JSON.stringify(landed)];
  const expected = landed.kind === "landed" ? treeOfCommit(gitDir, head) : base;
  const index = join(gitDir, "index");
  const found = readFolder({ folder: at.user, base: expected, style, lib, index, gitDir });
  const status = at.git(["status", "--porcelain"]);
  return [...difference(expected, found.tree), ...(status === "" ? [] : [status])];
}

/** What an agent stashed is in the user's stash: kept aside, so that no other agent takes it out. */
function keepStash(at: TestRepository, seed: number): void {
  const log = join(at.user, ".git/logs/refs/stash");
  if (!existsSync(join(at.user, ".git/refs/stash")) || !existsSync(log)) return;
  const commits = [...readFileSync(log, "utf8").matchAll(/^[0-9a-f]+ ([0-9a-f]+) /gm)].map(([, id = ""]) => id);
  for (const [index, id] of commits.entries()) at.git(["update-ref", `refs/stashed/${seed}/${index}`, id]);
  at.git(["stash", "clear"]);
}

async function end(world: World, seed: number): Promise<Ended> {
  const { setting, style, lib, base, others } = world;
  const { repository: at, trees } = setting;
  const random = seededRandom(seed);
  const gitDir = join(at.user, ".git");
  const run = `r${seed}`;
  const other = random() < 0.75 ? others[Math.floor(random() * others.length)] : undefined;
  const queue = setting.queue({
    run,
    mode: MODES[seed % MODES.length] ?? "squash",
    ...(other === undefined ? {} : { begin: other }),
  });
  await queue.head();
  const tree = orThrow(await trees.ensure({ run, owner: step("s"), base: setting.base }));
  const before = namesIn(join(gitDir, "worktrees"));
  const acts = strangeActs(at, tree.path, { random, lib });
  const done = workAtRandom(at, tree.path, { random, hasStash: true, also: acts });
  const admin = join(gitDir, "worktrees", before[0] ?? "s");
  const index = join(admin, "index");
  const folder = readFolder({ folder: tree.path, base, style, lib, index, gitDir });
  const wrote = new Map([...contentsOfCommits(at, setting.base), ...contentsOfFiles(folder)]);
  const capture = await captured(trees.repository, tree, "s");
  const wrong: string[] = [...keptWrongly(folder, capture, admin)];
  const { operation, unmerged } = capture.unfinished;
  let outcome: Conserved["outcome"] = operation !== undefined || unmerged.length > 0 ? "unfinished" : "left out";
  let isDecided = true;
  if (outcome === "left out" && capture.omitted.length === 0) {
    const merged = await queue.submit({ step: "s", attempt: 1, commit: capture.commit, order: 9 });
    outcome = merged.kind;
    const ours = other === undefined ? base : (world.trees.get(other) ?? base);
    const contents = new Map([...world.contents, ...folder.contents]);
    const expected = mergeTreesByOracle({ base, ours, theirs: folder.tree }, contents);
    isDecided = expected.kind !== "undecided";
    const tip = treeOfCommit(gitDir, `heddle/${run}/integration`);
    if (expected.kind === "conflict" && merged.kind !== "conflict")
      wrong.push(`a conflict in ${expected.path}, here: ${merged.kind}`);
    else if (expected.kind === "tree" && merged.kind === "conflict")
      wrong.push(`goes together, here a conflict in ${merged.files.join(", ")}`);
    else if (expected.kind === "tree") wrong.push(...difference(expected.tree, tip));
  }
  await queue.close();
  // A history that only the folder has keeps it.
  if (folder.nested.length > 0 && (await trees.remove(tree)).ok) wrong.push("removed with a repository inside");
  if (existsSync(tree.path)) rmSync(tree.path, { recursive: true, force: true });
  rmSync(admin, { recursive: true, force: true });
  keepStash(at, seed);
  const named = new Set(capture.omitted.map(({ path }) => path));
  return { seed, done, wrong, outcome, isDecided, wrote, named, integration: queue.integration };
}

/** What the capture says of the folder, against what is so. */
function keptWrongly({ unkept, unmerged, nested }: FolderTree, capture: Capture, admin: string): readonly string[] {
  const found: string[] = [];
  const list = (names: Iterable<string>): string => [...new Set(names)].sort().join(", ");
  const shown = [...unkept].map(asShown);
  const named = list(capture.omitted.map(({ path }) => path));
  if (named !== list(shown)) found.push(`left out: ${list(shown)}; told: ${named}`);
  if (list(unmerged.map(asShown)) !== list(capture.unfinished.unmerged)) found.push(`unmerged: ${list(unmerged)}`);
  const isStopped = ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply"].some((name) =>
    existsSync(join(admin, name)),
  );
  if (isStopped !== (capture.unfinished.operation !== undefined))
    found.push(`operation: ${String(isStopped)}, told: ${String(capture.unfinished.operation)}`);
  for (const path of nested)
    if (!capture.nested.some((one) => asShown(path) === one || path.startsWith(`${one}/`)))
      found.push(`not told of the repository in ${path}`);
  return found;
}

function asShown(path: string): string {
  return shownName(textOf(Buffer.from(path, "latin1")));
}

function difference(expected: OracleTree, found: OracleTree): readonly string[] {
  return [...new Set([...expected.keys(), ...found.keys()])].flatMap((path) => {
    const [should, is] = [expected, found].map((tree) => {
      const entry = tree.get(path);
      return entry === undefined ? "nothing" : `${entry.mode} ${entry.id}`;
    });
    return should === is ? [] : [`${asShown(path)}: ${String(is)} and not ${String(should)}`];
  });
}

function contentsOfFiles({ tree }: FolderTree): readonly (readonly [id: string, path: string])[] {
  return [...tree].flatMap(([path, { mode, id }]) => (mode === "160000" ? [] : [[id, asShown(path)] as const]));
}

/** Contents of all commits that HEAD has been at. */
function contentsOfCommits(at: TestRepository, base: string): readonly (readonly [id: string, path: string])[] {
  const listed = at.git(["rev-list", "--objects", "--reflog", `^${base}`]).split("\n");
  return listed.flatMap((text) => {
    const [, id, path] = /^([0-9a-f]+) (.+)$/.exec(text) ?? [];
    return id === undefined || path === undefined ? [] : [[id, path] as const];
  });
}
