/** Rows of the list of changes: what would land, then the steps, each with its files. Pure. */
import type { ChangedPath, ChangesDocument, ChangeSet } from "heddle/client";

/** One source of changes: a step, or with `undefined` the run's branch. */
export type ChangeRow =
  | { readonly kind: "set"; readonly step: string | undefined; readonly set: ChangeSet; readonly shown: number }
  | { readonly kind: "file"; readonly step: string | undefined; readonly file: ChangedPath }
  /** Files that are not listed. */
  | { readonly kind: "more"; readonly step: string | undefined; readonly count: number };

export interface ChangeFilter {
  /** In the name of a file or step, in any case. */
  readonly text: string;
  /** Files alone that several steps changed. */
  readonly isShared: boolean;
}

/** Pages of one answer, in order. */
export function changeRows(pages: readonly ChangesDocument[], { text, isShared }: ChangeFilter): readonly ChangeRow[] {
  const wanted = text.trim().toLowerCase();
  const rows: ChangeRow[] = [];
  const add = (step: string | undefined, set: ChangeSet): void => {
    const isStep = step?.toLowerCase().includes(wanted) === true && wanted !== "";
    const files = set.files.filter(
      (file) =>
        (wanted === "" || isStep || `${file.file}\n${file.from ?? ""}`.toLowerCase().includes(wanted)) &&
        (!isShared || isSharedFile(file, step)),
    );
    if (files.length === 0 && (wanted !== "" || isShared)) return;
    rows.push({ kind: "set", step, set, shown: files.length });
    rows.push(...files.map((file): ChangeRow => ({ kind: "file", step, file })));
    const left = set.count - set.files.length;
    if (left > 0 && wanted === "" && !isShared) rows.push({ kind: "more", step, count: left });
  };
  const [first] = pages;
  if (first?.integration !== undefined) add(undefined, first.integration);
  for (const item of pages.flatMap(({ items }) => items)) add(item.step, item);
  return rows;
}

/** Of the run's branch all who changed it are named, of a step the others. */
function isSharedFile({ others }: ChangedPath, step: string | undefined): boolean {
  return others.length > (step === undefined ? 1 : 0);
}

/** Files that several steps changed, each once, with all of them. */
export function sharedFiles(
  pages: readonly ChangesDocument[],
): readonly (readonly [file: string, steps: readonly string[]])[] {
  const found = new Map<string, Set<string>>();
  for (const { step, files } of pages.flatMap(({ items }) => items))
    for (const { file, others } of files)
      if (others.length > 0) found.set(file, new Set([...(found.get(file) ?? []), step, ...others]));
  return [...found].map(([file, steps]) => [file, [...steps]] as const);
}

/** The next file behind, or before, one of the list; where that is not in it, the first one. */
export function nextFile(
  rows: readonly ChangeRow[],
  at: { readonly file: string | undefined; readonly step: string | undefined },
  by: 1 | -1,
): Extract<ChangeRow, { readonly kind: "file" }> | undefined {
  const files = rows.filter((row) => row.kind === "file");
  const index = files.findIndex((row) => row.file.file === at.file && row.step === at.step);
  return index < 0 ? files[0] : files[index + by];
}
