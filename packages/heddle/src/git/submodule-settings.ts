/**
 * Submodule settings: finds what `.gitmodules` of a commit says that would have git run a command, or work outside of its folders,
 * for whoever fetches its submodules. Reads text, and fetches nothing.
 */
import { entriesByPath } from "./listed-entries.ts";
import { type RepositoryAccess, items, line } from "./repository-access.ts";
import { SUBMODULE_SETTINGS, type SubmoduleFinding } from "./types.ts";

/** Commits between two that are looked into, the newest. */
const MOST_COMMITS = 200;

/** What `to` says and `from` does not; `each`: or a commit between them. */
export async function submoduleFindings(
  repository: RepositoryAccess,
  from: string,
  to: string,
  each?: { readonly without: readonly string[] },
): Promise<readonly SubmoduleFinding[]> {
  const between = each === undefined ? [] : await changedBetween(repository, { from, to, without: each.without });
  const known = await findingsIn(repository, from);
  const found = new Map<string, SubmoduleFinding>();
  for (const commit of new Set([to, ...between]))
    for (const one of await findingsIn(repository, commit)) found.set(one.text, one);
  for (const { text } of known) found.delete(text);
  return [...found.values()];
}

/** Commits that change such a file. */
async function changedBetween(
  repository: RepositoryAccess,
  { from, to, without }: { readonly from: string; readonly to: string; readonly without: readonly string[] },
): Promise<readonly string[]> {
  const wanted = [to, ...[from, ...without].map((id) => `^${id}`)];
  const args = ["rev-list", `--max-count=${MOST_COMMITS}`, "--full-history", ...wanted];
  const listed = await repository.objectGit([...args, "--", `:(icase,top)${SUBMODULE_SETTINGS}`]);
  return line(listed).split("\n").filter(Boolean);
}

async function findingsIn(repository: RepositoryAccess, commit: string): Promise<readonly SubmoduleFinding[]> {
  const listed = entriesByPath((await repository.objectGit(["ls-tree", "-z", "--full-tree", commit])).output);
  const found: SubmoduleFinding[] = [];
  for (const [path, { mode, id }] of listed) {
    // On many disks it is the same file in letters of any case.
    if (path.toLowerCase() !== SUBMODULE_SETTINGS) continue;
    if (!mode.startsWith("100")) {
      found.push({ text: `${path} is no file`, isDangerous: true });
      continue;
    }
    const asked = await repository.objectGit(["config", "-z", "--no-includes", "--blob", id, "--list"], {
      codes: [0, 1, 128],
    });
    if (asked.code !== 0) found.push({ text: `${path} cannot be read by git`, isDangerous: true });
    else for (const setting of items(asked.output)) found.push(...findingsOf(setting));
  }
  // What is wrong with a name is so of each of its settings.
  return [...new Map(found.map((one) => [one.text, one])).values()];
}

/** `KEY`, a line's end and the value; no value: none. */
function findingsOf(setting: string): readonly SubmoduleFinding[] {
  const at = setting.indexOf("\n");
  const [key, value] = at < 0 ? [setting, ""] : [setting.slice(0, at), setting.slice(at + 1)];
  const [, name, variable] = /^submodule\.([^]*)\.([^.]*)$/.exec(key) ?? [];
  if (name === undefined || variable === undefined) return [];
  const shown = `${variable} ${JSON.stringify(value)} of the submodule ${JSON.stringify(name)}`;
  const dangerous = [
    ...(leadsOut(name) ? [`the name ${JSON.stringify(name)} leads out of git's folder`] : []),
    ...(variable === "url" && /^-|[\n\r]|%0[ad]/i.test(value) ? [`${shown} would be an option of git's`] : []),
    ...(variable === "url" && /^[a-z0-9][a-z0-9+.-]*::/i.test(value) ? [`${shown} names a program`] : []),
    ...(variable === "update" && value.startsWith("!") ? [`${shown} is a command`] : []),
    ...(variable === "path" && (value.startsWith("-") || value.startsWith("/") || leadsOut(value))
      ? [`${shown} leads out of the checkout`]
      : []),
  ];
  if (dangerous.length > 0) return dangerous.map((text) => ({ text, isDangerous: true }));
  const isLocal = variable === "url" && /^(?:file:|\/|[a-z]:[\\/])/i.test(value);
  return isLocal ? [{ text: `${shown} is a folder of this machine`, isDangerous: false }] : [];
}

function leadsOut(path: string): boolean {
  return path.split(/[\\/]/).some((part) => part === ".." || part.toLowerCase() === ".git");
}
