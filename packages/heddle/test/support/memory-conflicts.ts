/** Conflicts of memory git: what a worktree holds, file by file, and what was decided about it. Knows text files alone, each of which is one conflict as a whole. */
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { err, ok } from "../../src/base/result.ts";
import type { Conflicts } from "../../src/git/port.ts";
import type { ConflictedFile, ConflictSide, FileResolution, HeldWork, Worktree } from "../../src/git/types.ts";
import { differing, type MemoryHistory, readFiles, writeFiles } from "./memory-history.ts";

interface Stored {
  readonly resolution: FileResolution;
  readonly over: string | undefined;
  readonly held: HeldWork;
}

export function memoryConflicts(history: MemoryHistory): Conflicts {
  const stored = new Map<string, Stored>();
  const keyOf = ({ path }: Worktree, file: string): string => `${path}\n${file}`;
  const storedAt = (tree: Worktree, file: string): Stored | undefined => {
    const found = stored.get(keyOf(tree, file));
    return JSON.stringify(found?.held) === JSON.stringify(tree.holds) ? found : undefined;
  };
  const mergeOf = ({ head, captured }: HeldWork) => {
    const merged = history.merge(head, captured);
    return { files: merged.files, paths: merged.kind === "conflict" ? merged.paths : [] };
  };
  const find = (tree: Worktree, file: string): ConflictedFile | undefined => {
    const { holds } = tree;
    if (holds === undefined) return undefined;
    const merged = mergeOf(holds);
    if (!merged.paths.includes(file)) return undefined;
    const marked = merged.files[file] ?? "";
    const now = readFiles(tree.path)[file];
    const decided = storedAt(tree, file);
    const [ours, theirs] = [holds.head, holds.captured].map((id) => sideOf(history.commitOf(id).files[file]));
    const isOpen = now === marked || now?.includes(`<<<<<<< ${holds.head}`) === true;
    const told = JSON.stringify([holds, file, now, decided?.resolution]);
    const region = { marked: { from: 1, to: marked.split("\n").length }, base: NONE, ours: NONE, theirs: NONE };
    const worktree = now === undefined ? {} : { result: { from: "worktree" as const, text: now } };
    return {
      file,
      kind: "text",
      base: null,
      ours: ours ?? null,
      theirs: theirs ?? null,
      state: decided !== undefined ? "stored" : isOpen ? "open" : "settled",
      revision: createHash("sha1").update(told).digest("hex"),
      marked,
      regions: [region],
      ...(decided === undefined ? worktree : { result: { from: "stored" as const, ...decided.resolution } }),
    };
  };
  return {
    async overview(tree) {
      const { holds } = tree;
      if (holds === undefined) return undefined;
      const { head, captured } = holds;
      const { files, paths } = mergeOf(holds);
      const clean = differing(history.commitOf(head).files, files).filter((path) => !paths.includes(path));
      return {
        head,
        captured,
        files: paths.flatMap((path) => {
          const { marked: _, result: __, regions = [], ...found } = find(tree, path) ?? ({} as ConflictedFile);
          return [{ ...found, regions: regions.length }];
        }),
        clean: clean.map((path) => ({ path, status: "modified", added: 1, removed: 1 })),
      };
    },
    file: async (tree, file) => find(tree, file),
    async store(tree, { file, resolution, seen }) {
      const before = find(tree, file);
      if (before === undefined) return err({ code: "UnknownFile", message: `${file} does not conflict` });
      if (before.revision !== seen) return err({ code: "ResolutionMoved", message: `${file} moved` });
      const text = resolution !== undefined && "text" in resolution ? resolution.text : "";
      if (/^<{7}/m.test(text)) return err({ code: "InvalidResolution", message: "line 1 is a marker" });
      if (resolution === undefined) stored.delete(keyOf(tree, file));
      else {
        const over = readFiles(tree.path)[file];
        stored.set(keyOf(tree, file), { resolution, over, held: tree.holds as HeldWork });
      }
      return ok(find(tree, file) as ConflictedFile);
    },
    async apply(tree, seen) {
      const { holds } = tree;
      const paths = holds === undefined ? [] : mergeOf(holds).paths;
      if (seen !== undefined) {
        const meant = [...seen.keys(), ...paths.filter((path) => storedAt(tree, path) !== undefined)];
        const moved = meant.find((path) => find(tree, path)?.revision !== seen.get(path));
        if (moved !== undefined) return err({ code: "ResolutionMoved", message: `${moved} moved` });
      }
      const now = readFiles(tree.path);
      const decided = paths.filter((path) => storedAt(tree, path) !== undefined);
      const left = paths.filter((path) => !decided.includes(path) && find(tree, path)?.state === "open");
      for (const path of decided) {
        const { resolution, over } = storedAt(tree, path) as Stored;
        const wanted = textOf(history, tree.holds as HeldWork, path, resolution);
        if (now[path] !== wanted && now[path] !== over)
          return err({ code: "WorktreeMoved", message: `${path} was changed` });
      }
      if (left.length > 0) return err({ code: "ConflictOpen", message: `not decided: ${left.join(", ")}` });
      for (const path of decided) {
        const wanted = textOf(history, tree.holds as HeldWork, path, (storedAt(tree, path) as Stored).resolution);
        if (wanted === undefined) rmSync(join(tree.path, path), { force: true });
        else writeFiles(tree.path, { [path]: wanted });
      }
      return ok(decided);
    },
  };
}

const NONE = { from: 1, to: 1 } as const;

function sideOf(text: string | undefined): ConflictSide | null {
  return text === undefined ? null : { kind: "file", id: text, bytes: text.length, text };
}

function textOf(
  history: MemoryHistory,
  { head, captured }: HeldWork,
  path: string,
  resolution: FileResolution,
): string | undefined {
  if ("text" in resolution) return resolution.text;
  if (resolution.take === "none") return undefined;
  return history.commitOf(resolution.take === "ours" ? head : captured).files[path];
}
