/**
 * Repository access: two ways to run git on one repository. Knows which part of it each command may see, not what the
 * commands are for.
 *
 *  - `refs`: the repository as it is, for refs, worktrees and reading settings. Never for commands that read or write
 *    file contents.
 *  - `objects`: only the repository's objects, through an isolated git folder of heddle's that has no filters, no merge
 *    or diff drivers, no remotes and no refs. For everything that converts files to objects and back.
 *
 * Invariants:
 *  1. No command that converts, compares or merges content sees the repository's configuration, so none of its filters
 *     or drivers can run (S11). Settings without code ({@link PLAIN_SETTINGS}) are passed by value.
 *  2. Through `objects` a commit is always named by its id: there are no refs.
 */
import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { invariant } from "../base/assert.ts";
import { defined } from "../base/defined.ts";
import { bytesOf, textOf } from "./path-bytes.ts";
import {
  DEFAULT_OUTPUT_BYTES,
  type GitEnd,
  type GitEnvironment,
  type GitRun,
  gitEnvironment,
  gitFailure,
} from "./git.ts";

export interface GitAnswer {
  readonly code: number;
  readonly output: Buffer;
  readonly said: string;
  /** It wrote more than {@link GitOptions.cutAtBytes}, and was ended. */
  readonly isCut?: true;
}

export interface GitOptions {
  readonly input?: string | Uint8Array;
  /** Exit codes that are answers; others throw a `HeddleError`. Absent: 0. */
  readonly codes?: readonly number[];
  readonly timeoutMs?: number;
  /** More output than this is not a failure, and not read. */
  readonly cutAtBytes?: number;
  readonly env?: GitEnvironment;
}

export interface ObjectGitOptions extends GitOptions {
  readonly workTree?: string;
  /** Absolute; absent: none. */
  readonly index?: string;
}

/** What was found out about a repository once. */
export interface RepositoryFacts {
  /** Absolute, real: the git folder that all worktrees share. */
  readonly commonDir: string;
  /** Absolute, real: the git folder of the user's checkout. */
  readonly gitDir: string;
  /** Absolute, real: the user's checkout. */
  readonly topLevel: string;
  readonly objectFormat: string;
  /** `key=value`, settings without code. */
  readonly settings: readonly string[];
  /** Names of filters that convert files when they are stored, as configured then: what an agent configures does not count. */
  readonly filters: ReadonlySet<string>;
}

export interface RepositoryOptions {
  readonly run: GitRun;
  readonly clock: Clock;
  /** The environment of this process. */
  readonly env: { readonly [name: string]: string | undefined };
  /** Absolute: heddle's folder of worktrees, for all repositories. */
  readonly stateDir: string;
}

/** Settings that say how files and objects correspond, and start nothing. */
export const PLAIN_SETTINGS: readonly string[] = [
  "core.autocrlf",
  "core.eol",
  "core.filemode",
  "core.symlinks",
  "core.ignorecase",
  "core.precomposeunicode",
  "core.protecthfs",
  "core.protectntfs",
  "core.trustctime",
  "core.checkstat",
  "core.excludesfile",
  "core.sharedrepository",
  "core.bigfilethreshold",
];

const ISOLATED_NAMES: ReadonlySet<string> = new Set(["HEAD", "config", "info", "refs", "objects", "empty"]);
const ISOLATED_INFO: ReadonlySet<string> = new Set(["attributes", "exclude"]);

/** `undefined`: there is no file. */
function readPlainText(file: string): string | undefined {
  try {
    return lstatSync(file).isFile() ? readFileSync(file, "utf8") : undefined;
  } catch {
    return undefined;
  }
}

export class RepositoryAccess {
  readonly facts: RepositoryFacts;
  readonly clock: Clock;
  /** Absolute: heddle's folder for this repository; worktrees, locks and what is remembered about them lie in it. */
  readonly home: string;
  readonly #run: GitRun;
  readonly #env: GitEnvironment;
  readonly #userEnv: GitEnvironment;
  readonly #isolatedGitDir: string;
  #made: Promise<void> | undefined;
  #caseless: boolean | undefined;
  /** What this process set refs to, `undefined` where it deleted them; also what it tried to. */
  readonly #written = new Map<string, Set<string | undefined>>();

  constructor(facts: RepositoryFacts, options: RepositoryOptions) {
    this.facts = facts;
    this.clock = options.clock;
    this.#run = options.run;
    this.#env = gitEnvironment(options.env);
    this.#userEnv = gitEnvironment(options.env, { userConfig: true });
    this.home = join(options.stateDir, repositoryKey(facts.commonDir));
    this.#isolatedGitDir = join(this.home, ".isolated");
  }

  /** `gitDir`: of one worktree; absent: the one that they share. */
  async git(args: readonly string[], call: GitOptions & { readonly gitDir?: string } = {}): Promise<GitAnswer> {
    const gitDir = call.gitDir ?? this.facts.commonDir;
    const env = { ...this.#env, GIT_DIR: gitDir, ...call.env };
    // Before it is so: whoever looks meanwhile knows whose it is.
    if (args[0] === "update-ref") this.#noteWritten(args.slice(1), call.input);
    return await this.#call(args, { ...call, cwd: gitDir, env });
  }

  /** Whether this process put a ref there; `undefined`: deleted it. */
  isWritten(ref: string, id: string | undefined): boolean {
    return this.#written.get(ref)?.has(id) === true;
  }

  #noteWritten(args: readonly string[], input: GitOptions["input"]): void {
    const note = (ref: string, id: string | undefined): void => {
      this.#written.set(ref, (this.#written.get(ref) ?? new Set()).add(id));
    };
    const [ref, id] = args.filter((text, at) => !text.startsWith("-") && args[at - 1] !== "-m");
    if (ref !== undefined) note(ref, args.includes("-d") ? undefined : id);
    const text = input === undefined ? "" : input.toString();
    for (const [, verb, name = "", to] of text.matchAll(/(?:^|\n|\0)(update|delete) ([^ \0\n]+)(?:[ \0]([0-9a-f]*))?/g))
      note(name, verb === "delete" ? undefined : to);
  }

  async objectGit(args: readonly string[], call: ObjectGitOptions = {}): Promise<GitAnswer> {
    await (this.#made ??= this.#make());
    this.#keepIsolated();
    const { commonDir, settings } = this.facts;
    const env: Record<string, string> = {
      ...this.#env,
      GIT_DIR: this.#isolatedGitDir,
      GIT_OBJECT_DIRECTORY: join(commonDir, "objects"),
      GIT_WORK_TREE: call.workTree ?? join(this.#isolatedGitDir, "empty"),
      ...call.env,
    };
    if (call.index !== undefined) env["GIT_INDEX_FILE"] = call.index;
    const shallow = join(commonDir, "shallow");
    if (existsSync(shallow)) env["GIT_SHALLOW_FILE"] = shallow;
    const options = settings.flatMap((setting) => ["-c", setting]);
    if (call.workTree !== this.facts.topLevel) options.push("-c", `core.ignorecase=${this.#isCaseless()}`);
    return this.#call([...options, ...args], { ...call, cwd: call.workTree ?? this.#isolatedGitDir, env });
  }

  /** The checkout's setting says nothing of the disk that worktrees are on, where a file of another case would be overlooked. */
  #isCaseless(): boolean {
    return (this.#caseless ??= existsSync(join(this.#isolatedGitDir, "head")));
  }

  /**
   * As a program that is started in `folder` would see it: found from there, not named, and never in a folder above it. For
   * questions alone (`rev-parse`).
   */
  async seenFrom(folder: string, args: readonly string[], codes: readonly number[] = [0]): Promise<GitAnswer> {
    const env = { ...this.#userEnv, GIT_CEILING_DIRECTORIES: dirname(folder) };
    return this.#call(args, { cwd: folder, env, codes });
  }

  /** Paths that the repository says are to be ignored, as it says now. Before commands that list files. */
  async refreshExcludes(): Promise<void> {
    await (this.#made ??= this.#make());
    const text = await readFile(join(this.facts.commonDir, "info", "exclude"), "utf8").catch(() => "");
    await writeWhole(join(this.#isolatedGitDir, "info", "exclude"), text);
  }

  async #call(
    args: readonly string[],
    call: GitOptions & { readonly cwd: string; readonly env: GitEnvironment },
  ): Promise<GitAnswer> {
    const end: GitEnd = await this.#run(
      defined({
        args,
        cwd: call.cwd,
        env: call.env,
        maxOutputBytes: call.cutAtBytes ?? DEFAULT_OUTPUT_BYTES,
        input: typeof call.input === "string" ? bytesOf(call.input) : call.input,
        timeoutMs: call.timeoutMs,
      }),
    );
    if (end.kind === "exited" && (call.codes ?? [0]).includes(end.code)) return end;
    if (end.kind === "broken" && end.output !== undefined && call.cutAtBytes !== undefined)
      return { code: 0, output: end.output, said: end.message, isCut: true };
    throw gitFailure(withoutOptions(args), end);
  }

  /** Written whole or not at all, by any number of processes at once: all write the same. */
  async #make(): Promise<void> {
    for (const folder of ["info", "refs", "objects", "empty"])
      await mkdir(join(this.#isolatedGitDir, folder), { recursive: true });
    for (const [name, text] of this.#isolatedFiles()) await writeWhole(join(this.#isolatedGitDir, name), text);
  }

  /** What git reads of the isolated folder. */
  #isolatedFiles(): ReadonlyMap<string, string> {
    const { objectFormat } = this.facts;
    invariant(/^[a-z0-9]+$/.test(objectFormat), "an object format is one word");
    const format = objectFormat === "sha1" ? "\trepositoryformatversion = 0\n" : "\trepositoryformatversion = 1\n";
    const extension = objectFormat === "sha1" ? "" : `[extensions]\n\tobjectformat = ${objectFormat}\n`;
    return new Map([
      ["config", `[core]\n${format}\tbare = false\n${extension}`],
      // Above every .gitattributes: no file is converted or merged by a program, whatever it asks for.
      ["info/attributes", "* -filter\n"],
      ["HEAD", "ref: refs/heads/none\n"],
    ]);
  }

  /** Agents run as the same user and can write there: before each call it is as it was made, and holds nothing else. */
  #keepIsolated(): void {
    const dir = this.#isolatedGitDir;
    for (const [folder, known] of [[".", ISOLATED_NAMES] as const, ["info", ISOLATED_INFO] as const])
      for (const name of readdirSync(join(dir, folder)))
        // Drafts of other processes are whole files soon.
        if (!known.has(name) && !name.endsWith(".new"))
          rmSync(join(dir, folder, name), { recursive: true, force: true });
    for (const [name, text] of this.#isolatedFiles()) {
      const file = join(dir, name);
      if (readPlainText(file) === text) continue;
      rmSync(file, { recursive: true, force: true });
      const draft = `${file}.${process.pid}-${written++}.new`;
      writeFileSync(draft, text);
      renameSync(draft, file);
    }
  }
}

function withoutOptions(args: readonly string[]): readonly string[] {
  let at = 0;
  while (args[at] === "-c") at += 2;
  return args.slice(at);
}

/** Readable, and different for different repositories. */
export function repositoryKey(commonDir: string): string {
  const folder = basename(commonDir) === ".git" ? basename(dirname(commonDir)) : basename(commonDir);
  const readable = folder.replaceAll(/[^A-Za-z0-9_-]+/g, "-").slice(0, 40);
  return `${readable}-${createHash("sha256").update(commonDir).digest("hex").slice(0, 12)}`;
}

let written = 0;

/** Readers see the old text or the new one. */
export async function writeWhole(path: string, text: string | Uint8Array): Promise<void> {
  const draft = `${path}.${process.pid}-${written++}.new`;
  await writeFile(draft, text);
  await rename(draft, path);
}

/** Items of output that was asked for with `-z`; names in them as {@link textOf} has them. */
export function items(output: Buffer): readonly string[] {
  if (isUtf8(output))
    return output
      .toString("utf8")
      .split("\0")
      .filter((item) => item !== "");
  const found: string[] = [];
  for (let at = 0, end = 0; at < output.length; at = end + 1) {
    end = output.indexOf(0, at);
    if (end < 0) end = output.length;
    if (end > at) found.push(textOf(output.subarray(at, end)));
  }
  return found;
}

/** The one line of a command's output. */
export function line(answer: GitAnswer): string {
  return answer.output.toString("utf8").trim();
}
