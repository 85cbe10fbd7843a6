/** What the groups of the git port's suite share: a repository of one user, and ways to ask and change what is in it. */
import type { OpenRepository, Repositories } from "../../../../src/git/port.ts";
import type { MergeOutcome, TreeOwner, Worktree } from "../../../../src/git/types.ts";
import type { TestTools } from "../test-tools.ts";

export type Texts = Readonly<Record<string, string>>;

/** Git under test. The user's checkout is on `main`, with the files of {@link FIRST} in one commit. */
export interface GitSetting {
  readonly repositories: Repositories;
  /** Writes files in a folder. */
  write(folder: string, files: Texts): void;
  /** A file in a folder; `undefined`: there is none. */
  read(folder: string, path: string): string | undefined;
  /** Writes files in the user's checkout and commits them there. */
  commitAsUser(files: Texts): Promise<string>;
  /** A file of a commit. */
  readIn(commit: string, path: string): Promise<string | undefined>;
  end(): void;
}

export const FIRST: Texts = { "a.txt": "a\n", "b.txt": "b\n", "lib/c.txt": "c\n" };

export const RUN = "r1";

export type Group = (
  tools: TestTools,
  test: (title: string, body: (setting: GitSetting, opened: OpenRepository) => Promise<void>) => void,
) => void;

export function step(id: string): TreeOwner {
  return { kind: "step", id };
}

/** The step's worktree. */
export async function treeOf({ repository, base }: OpenRepository, id: string, at: string = base): Promise<Worktree> {
  const made = await repository.worktrees.ensure({ run: RUN, owner: step(id), base: at });
  if (!made.ok) throw new Error(`${made.error.code}: ${made.error.message}`);
  return made.value;
}

/** What an attempt of the step does, captured; begun at `at`. */
export async function work(
  setting: GitSetting,
  opened: OpenRepository,
  id: string,
  files: Texts,
  at?: string,
): Promise<string> {
  const tree = await treeOf(opened, id, at);
  setting.write(tree.path, files);
  return (await opened.repository.captures.capture({ tree, step: id, attempt: 1 })).commit;
}

export const kinds = (outcomes: readonly MergeOutcome[]): readonly string[] => outcomes.map(({ kind }) => kind);
