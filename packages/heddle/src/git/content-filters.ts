/**
 * Content filters: which files the attributes of a checkout give to a filter, that converts them when they are stored. Asks git, and
 * runs no filter.
 */
import { defined } from "../base/defined.ts";
import { type RepositoryAccess, items } from "./repository-access.ts";

/** Said of a file that has no filter, or one without a name. */
const NONE: ReadonlySet<string> = new Set(["unspecified", "unset", "set"]);

/** Names of filters by the paths that have one. `gitDir`: of the worktree; absent: the one that all share. */
export async function filtersOfPaths(
  repository: RepositoryAccess,
  {
    workTree,
    names,
    gitDir,
  }: { readonly workTree: string; readonly names: readonly string[]; readonly gitDir?: string },
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  if (names.length === 0) return found;
  const input = names.map((name) => `${name}\0`).join("");
  const env = { GIT_WORK_TREE: workTree };
  const asked = await repository.git(["check-attr", "-z", "--stdin", "filter"], defined({ gitDir, env, input }));
  // Three for each: path, attribute, value.
  const answers = items(asked.output);
  for (let at = 0; at + 2 < answers.length; at += 3) {
    const filter = answers[at + 2] ?? "";
    if (!NONE.has(filter)) found.set(answers[at] ?? "", filter);
  }
  return found;
}

/** Those whose filter is configured. */
export async function filteredNames(
  repository: RepositoryAccess,
  { workTree, names }: { readonly workTree: string; readonly names: readonly string[] },
): Promise<readonly string[]> {
  const { filters } = repository.facts;
  if (filters.size === 0) return [];
  const found = await filtersOfPaths(repository, { workTree, names });
  return [...found].flatMap(([name, filter]) => (filters.has(filter) ? [name] : []));
}
