/** Workspace files: reads the files beside an imported one from the disk: packages, and what says their order. */
import { access, glob, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemCode } from "../base/errors.ts";
import type { WorkspaceFiles } from "../plan/import/packages.ts";

/** The files in the folder of `file`. */
export function workspaceFiles(file: string): WorkspaceFiles {
  const folder = dirname(file);
  return {
    read: async (path) => {
      try {
        return await readFile(join(folder, path), "utf8");
      } catch (thrown) {
        if (isAbsent(thrown)) return undefined;
        throw thrown;
      }
    },
    has: (path) =>
      access(join(folder, path)).then(
        () => true,
        () => false,
      ),
    folders: async (patterns) => {
      const taken = patterns.filter((pattern) => !pattern.startsWith("!"));
      const excluded = patterns.filter((pattern) => pattern.startsWith("!")).map((pattern) => pattern.slice(1));
      const found = new Set<string>();
      const exclude = ["**/node_modules/**", ...excluded.map(packageFile)];
      for await (const path of glob(taken.map(packageFile), { cwd: folder, exclude })) {
        found.add(dirname(path).replaceAll("\\", "/"));
      }
      return [...found].filter((path) => path !== ".").toSorted();
    },
  };
}

function packageFile(pattern: string): string {
  return `${pattern.replace(/^\.\//, "").replace(/\/+$/, "")}/package.json`;
}

function isAbsent(thrown: unknown): boolean {
  const code = systemCode(thrown);
  return code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR";
}
