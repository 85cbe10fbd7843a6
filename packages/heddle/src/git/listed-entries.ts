/**
 * Listed entries: reads what git lists of an index (`ls-files -s`), a tree (`ls-tree`) or a conflict (`merge-tree`), asked for with
 * `-z`. Starts nothing.
 */
import { items } from "./repository-access.ts";

export interface IndexEntry {
  readonly mode: string;
  readonly id: string;
}

export interface ListedEntry extends IndexEntry {
  /** As git has it: a byte that is not UTF-8 is a lone surrogate. */
  readonly path: string;
  /** 0 for what does not conflict. */
  readonly stage: number;
  /** Of `ls-files -t`; else absent. */
  readonly tag: string | undefined;
}

/** The mode of a pointer to a commit of a submodule. */
export const GITLINK = "160000";

const ENTRY = /^(?:(\S) )?(\d{6}) (?:(?:blob|tree|commit) )?([0-9a-f]+)(?: ([0-3]))?\t([^]+)$/;

/** What is no entry is left out: `merge-tree` has the id of a tree before them. */
export function listedEntries(output: Buffer): readonly ListedEntry[] {
  return items(output).flatMap((item) => {
    const [, tag, mode, id, stage = "0", path] = ENTRY.exec(item) ?? [];
    return mode === undefined || id === undefined || path === undefined
      ? []
      : [{ tag, mode, id, stage: Number(stage), path }];
  });
}

/** Plain files that say what attributes others have. */
export function attributeFiles(output: Buffer): readonly ListedEntry[] {
  return listedEntries(output).filter(
    ({ mode, path }) => mode.startsWith("100") && /(?:^|\/)\.gitattributes$/.test(path),
  );
}

/** By path, without what conflicts. */
export function entriesByPath(output: Buffer): ReadonlyMap<string, IndexEntry> {
  const settled = listedEntries(output).filter(({ stage }) => stage === 0);
  return new Map(settled.map(({ path, mode, id }) => [path, { mode, id }]));
}
