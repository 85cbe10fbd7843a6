/**
 * A repository with what git keeps beside plain files: a submodule, a filter, names that are not UTF-8, a program; and what an agent
 * may do to them.
 */
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Random } from "../../src/base/random.ts";
import { copyOfTemplate } from "../support/template.ts";
import { userGit } from "../support/user-git.ts";
import { type TestRepository, lines } from "./test-repository.ts";

/** What the tests say of a repository's settings and attributes. */
export interface Style {
  readonly settings?: Readonly<Record<string, string>>;
  /** Lines of `.gitattributes`. */
  readonly attributes?: readonly string[];
  /** Whether text of a file is stored without carriage returns before line ends. */
  readonly isNormalized?: (path: string) => boolean;
  /** The user's checkout has a part of the files. */
  readonly isSparse?: true;
}

export const STYLES: Readonly<Record<string, Style>> = {
  plain: {},
  "core.autocrlf": { settings: { "core.autocrlf": "true" }, isNormalized: () => true },
  "line ends by attributes": {
    attributes: ["*.txt text eol=crlf", "keep-* -text"],
    isNormalized: (path) => path.endsWith(".txt") && !/(?:^|\/)keep-[^/]*$/.test(path),
  },
  "no modes": { settings: { "core.fileMode": "false" } },
  "sparse checkout": { isSparse: true },
  "letters of any case": { settings: { "core.ignoreCase": "true" } },
};

/** As bytes, a character each. */
export const RESUME = "r\xe9sum\xe9.txt";

/** A file whose name is bytes. */
export function at8(folder: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, "latin1")]);
}

/** What the filter stores for a text. */
export function filtered(bytes: Buffer): Buffer {
  const rotated = (byte: number): number => (byte >= 97 && byte <= 122 ? ((byte - 97 + 13) % 26) + 97 : byte);
  return Buffer.from(bytes.map(rotated));
}

export interface Submodule {
  /** Commits that its remote has, each with its files. */
  readonly known: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly first: string;
  readonly second: string;
  /** Fills a folder with it, checked out at one of them. */
  fill(folder: string, commit: string): void;
}

/** A repository of its own, of two commits, that no other has. */
export function submodule(at: TestRepository): Submodule {
  const make = (folder: string): void => {
    const git = (...args: readonly string[]): string => userGit(args, folder);
    git("init", "-q", "-b", "main", "--template=");
    for (const text of ["one\n", "two\n"]) {
      writeFileSync(join(folder, "s.txt"), text);
      git("add", "-A");
      git("commit", "-q", "-m", text.trim());
      copyFileSync(join(folder, ".git/index"), join(folder, `.git/index-${text.trim()}`));
    }
    git("update-ref", "refs/remotes/origin/main", "HEAD");
    git("checkout", "-q", "--detach");
    rmSync(join(folder, ".git/logs"), { recursive: true });
    git("update-ref", "-d", "refs/heads/main");
    writeFileSync(join(folder, ".git/first"), git("rev-parse", "HEAD~1"));
  };
  const template = join(at.folder, "lib");
  copyOfTemplate("submodule of two commits", make, template);
  const second = readFileSync(join(template, ".git/HEAD"), "utf8").trim();
  const first = readFileSync(join(template, ".git/first"), "utf8").trim();
  const known = { [first]: { "s.txt": "one\n" }, [second]: { "s.txt": "two\n" } };
  return {
    known,
    first,
    second,
    fill(folder, commit) {
      cpSync(template, folder, { recursive: true });
      writeFileSync(join(folder, ".git/HEAD"), `${commit}\n`);
      copyFileSync(join(folder, `.git/index-${commit === first ? "one" : "two"}`), join(folder, ".git/index"));
      for (const [name, text] of Object.entries(known[commit] ?? {})) writeFileSync(join(folder, name), text);
    },
  };
}

/** Adds to the repository all that is strange, in one commit on `main`. */
export function prepareWorld(at: TestRepository, { settings = {}, attributes = [] }: Style, lib: Submodule): void {
  const rot = { clean: "tr a-z n-za-m", smudge: "tr a-z n-za-m" };
  const all = { "filter.rot.clean": rot.clean, "filter.rot.smudge": rot.smudge, ...settings };
  const text = Object.entries(all).map(([key, value]) => {
    const [section = "", ...rest] = key.split(".");
    const [name = "", sub] = rest.reverse();
    return `[${section}${sub === undefined ? "" : ` "${sub}"`}]\n\t${name} = ${value}\n`;
  });
  const config = join(at.user, ".git/config");
  writeFileSync(config, readFileSync(config, "utf8") + text.join(""));
  writeFileSync(at8(at.user, RESUME), lines("r\xe9", 20), "latin1");
  at.write("README.md", lines("readme", 12));
  at.write("tool.sh", "echo tool\n");
  chmodSync(join(at.user, "tool.sh"), 0o755);
  at.write("big.bin", "stored\n");
  at.write("keep-crlf.txt", "one\r\ntwo\r\n");
  at.write(".gitattributes", `*.bin filter=rot -text\n${attributes.join("\n")}\n`);
  at.write(".gitmodules", '[submodule "lib"]\n\tpath = lib\n\turl = https://example.org/lib.git\n');
  mkdirSync(join(at.user, "lib"));
  at.git(["add", "-A"]);
  at.git(["update-index", "--chmod=+x", "tool.sh"]);
  at.git(["update-index", "--add", "--cacheinfo", `160000,${lib.first},lib`]);
  at.git(["commit", "-q", "-m", "strange"]);
  // Files as the settings want them.
  for (const name of ["a.txt", "b.txt"]) rmSync(join(at.user, name));
  at.git(["checkout", "-q", "--", "."]);
}

/** What agents do with all of that. `path`: the worktree. */
export function strangeActs(
  at: TestRepository,
  path: string,
  { random, lib }: { readonly random: Random; readonly lib: Submodule },
): { readonly [act: string]: () => unknown } {
  const number = (below: number): number => Math.floor(random() * below);
  const git = (...args: readonly string[]): boolean => at.tries(args, path);
  const quietly = (act: () => void) => (): void => {
    try {
      act();
    } catch {
      // Something else is there: an agent would fail there too.
    }
  };
  const odd = (): string => `caf\xe9${number(3)}.txt`;
  const write = (name: string, text: string): void => writeFileSync(at8(path, name), text, "latin1");
  const editLine = (name: string): void => {
    const file = at8(path, name);
    const all = readFileSync(file, "latin1").split("\n");
    all[number(all.length - 1)] = `edited ${random()}`;
    writeFileSync(file, all.join("\n"), "latin1");
  };
  const inside = (name: string): string => join(path, "lib", name);
  const fill = (commit: string): void => {
    if (existsSync(inside(".git"))) rmSync(join(path, "lib"), { recursive: true });
    lib.fill(join(path, "lib"), commit);
  };
  const nest = (): string => join(path, `nest${number(2)}`);
  return {
    "write an odd name": quietly(() => write(odd(), String(random()))),
    "write in an odd folder": quietly(() => {
      mkdirSync(at8(path, "d\xff"), { recursive: true });
      write("d\xff/x", String(random()));
    }),
    "edit an odd name": quietly(() => editLine(RESUME)),
    "remove an odd name": quietly(() => rmSync(at8(path, RESUME))),
    "rename to an odd name": quietly(() => renameSync(join(path, "README.md"), at8(path, `README\xe9${number(3)}`))),
    "edit a line": quietly(() => editLine(["a.txt", "b.txt", "README.md"][number(3)] ?? "")),
    "append carriage returns": quietly(() =>
      writeFileSync(join(path, "b.txt"), `${readFileSync(join(path, "b.txt"), "latin1")}last ${random()}\r\n`),
    ),
    "write carriage returns": quietly(() => at.write(`w${number(2)}.txt`, `one ${random()}\r\ntwo\r\n`, path)),
    "rename by case": quietly(() => renameSync(join(path, "README.md"), join(path, "readme.md"))),
    "rename by case, with git": () => git("mv", "README.md", "Readme.md"),
    "fill the submodule": quietly(() => fill(lib.first)),
    "raise the submodule": quietly(() => fill(lib.second)),
    "stage the submodule": () => git("add", "lib"),
    "raise the pointer alone": () => git("update-index", "--cacheinfo", `160000,${lib.second},lib`),
    "write in the submodule": quietly(() => {
      if (!existsSync(inside(".git"))) fill(lib.first);
      writeFileSync(inside("s.txt"), String(random()));
    }),
    "add in the submodule": quietly(() => writeFileSync(inside("new.txt"), String(random()))),
    "commit in the submodule": quietly(() => {
      if (!existsSync(inside(".git"))) fill(lib.second);
      writeFileSync(inside("s.txt"), String(random()));
      at.tries(["commit", "-q", "-am", "own"], join(path, "lib"));
    }),
    "remove the submodule": () => rmSync(join(path, "lib"), { recursive: true, force: true }),
    "make the submodule files": quietly(() => {
      if (!existsSync(inside(".git"))) fill(lib.second);
      rmSync(inside(".git"), { recursive: true });
    }),
    "add a submodule": quietly(() => {
      if (existsSync(join(path, "more"))) return;
      lib.fill(join(path, "more"), lib.second);
      const known = readFileSync(join(path, ".gitmodules"), "utf8");
      at.write(".gitmodules", `${known}[submodule "more"]\n\tpath = more\n\turl = https://example.org/m.git\n`, path);
      git("add", "more", ".gitmodules");
    }),
    "write for the filter": quietly(() => at.write(`f${number(2)}.bin`, `text ${random()}`, path)),
    "change for the filter": quietly(() => at.write("big.bin", `changed ${random()}`, path)),
    "stage for the filter": () => git("add", "*.bin"),
    "make a repository inside": quietly(() => {
      const folder = nest();
      if (existsSync(folder)) return;
      lib.fill(folder, lib.second);
      writeFileSync(join(folder, "own.txt"), String(random()));
    }),
    "make one inside that": quietly(() => {
      if (!existsSync(join(path, "nest0")) || existsSync(join(path, "nest0/deeper"))) return;
      lib.fill(join(path, "nest0/deeper"), lib.first);
      writeFileSync(join(path, "nest0/deeper/own.txt"), String(random()));
    }),
    "commit in a repository inside": quietly(() => {
      const folder = nest();
      if (!existsSync(folder)) return;
      at.tries(["add", "-A"], folder);
      at.tries(["commit", "-q", "-m", "inside"], folder);
    }),
    "make a repository files": quietly(() => rmSync(join(nest(), ".git"), { recursive: true })),
    "set a mode in the index": () => git("update-index", "--chmod=+x", "b.txt"),
    "set a mode of a new file": quietly(() => {
      at.write("new.sh", String(random()), path);
      git("add", "--chmod=+x", "new.sh");
    }),
    "take a mode": quietly(() => chmodSync(join(path, "tool.sh"), 0o644)),
    "track what is ignored": quietly(() => {
      at.write("x.log", `kept ${random()}`, path);
      git("add", "-f", "x.log");
    }),
    "write a name that git refuses": quietly(() => at.write(".GIT/x", String(random()), path)),
    "keep a part of the files": () => git("sparse-checkout", "set", "--no-cone", "/src", "/.gitattributes"),
    "change what is not kept": quietly(() => {
      if (!existsSync(join(path, "b.txt"))) git("cherry-pick", "refs/heads/made-beside");
    }),
    "add what is not kept": quietly(() => {
      at.write("aside/x.txt", String(random()), path);
      if (git("add", "--sparse", "aside/x.txt")) git("sparse-checkout", "reapply");
    }),
    "adapt in a merge": quietly(() => {
      git("checkout", "-q", "-b", "sideways");
      at.write("m.txt", String(random()), path);
      git("add", "m.txt");
      git("commit", "-q", "-m", "sideways");
      git("checkout", "-q", "-");
      git("merge", "-q", "--no-commit", "--no-ff", "sideways");
      at.write("n0", `adapted ${random()}`, path);
      git("add", "m.txt", "n0");
      git("commit", "-q", "-m", "merge sideways");
      git("branch", "-q", "-D", "sideways");
    }),
    "overlook a file": quietly(() => {
      if (git("update-index", "--skip-worktree", "b.txt")) rmSync(join(path, "b.txt"));
    }),
  };
}
