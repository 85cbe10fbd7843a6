/** Change reader: what a run or an attempt changed, as files and as a patch. Reads git alone; knows no history of the run. */
import { defined } from "../../base/defined.ts";
import type { Repository } from "../../git/port.ts";
import type { Changes, ChangesOf } from "../port.ts";

export interface WantedChanges {
  readonly run: string;
  readonly of: ChangesOf;
  /** Absent: no patch. */
  readonly patchBytes?: number;
  /** Absent: all. */
  readonly file?: string;
}

export async function readChanges(
  repository: Repository,
  { run, of, patchBytes, file }: WantedChanges,
): Promise<Changes | undefined> {
  const ends = await endsOf(repository, run, of);
  if (ends === undefined) return undefined;
  const { from, to } = ends;
  if (file !== undefined) {
    const found = await repository.commits.filePatch(from, to, { file, maxBytes: patchBytes ?? 0 });
    if (found === undefined) return { from, to, files: [] };
    return defined({ from, to, files: [found.change], patch: patchBytes === undefined ? undefined : found.patch });
  }
  const files = await repository.commits.fileChanges(from, to);
  const patch = patchBytes === undefined ? undefined : await repository.commits.patch(from, to, patchBytes);
  return defined({ from, to, files, patch });
}

interface Ends {
  readonly from: string;
  readonly to: string;
}

async function endsOf(repository: Repository, run: string, of: ChangesOf): Promise<Ends | undefined> {
  switch (of.kind) {
    case "integration": {
      // Without the recorded merge: a branch that is gone is put back by who works on it, not by who looks.
      const found = await repository.integrations.find(run);
      if (found !== undefined) return { from: found.base, to: found.head };
      const { base, recorded } = of;
      return base === undefined || recorded === undefined ? undefined : { from: base, to: recorded };
    }
    case "merged":
      return { from: of.from, to: of.to };
    case "captured": {
      const { base, commit } = of;
      const head = (await repository.integrations.find(run))?.head;
      const fork = head === undefined ? undefined : await repository.commits.forkPoint(commit, head);
      return { from: fork ?? base, to: commit };
    }
    case "worktree": {
      const { step, group } = of;
      const owner =
        group === undefined ? ({ kind: "step", id: step } as const) : ({ kind: "group", id: group } as const);
      const tree = await repository.worktrees.find(run, owner);
      return tree === undefined ? undefined : { from: tree.base, to: await repository.captures.look(tree) };
    }
  }
}
