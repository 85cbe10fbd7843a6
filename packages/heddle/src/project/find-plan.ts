/** Plan file lookup: the names that a plan file may have, and the one that a folder has. Reads no file. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Problem } from "../base/errors.ts";

/** Looked for in this order. */
export const PLAN_FILES = ["heddle.yaml", "heddle.yml", "heddle.json", "heddle.ts", "heddle.mts"] as const;

/** The plan file of a folder, relative to it. */
export function findPlanFile(dir: string): string | undefined {
  return PLAN_FILES.find((name) => existsSync(join(dir, name)));
}

/** Whether a plan file is a module: a program, which is run to know its plan. */
export function isPlanModule(file: string): boolean {
  return /\.[cm]?[jt]s$/.test(file);
}

/** The nearest folder above `dir` that `isIt` is true of, relative to `dir`: `..`, `../..`. */
export function folderAbove(dir: string, isIt: (folder: string) => boolean): string | undefined {
  let way = "..";
  for (let at = dirname(dir), below = dir; at !== below; below = at, at = dirname(at), way += "/..")
    if (isIt(at)) return way;
  return undefined;
}

/** `dir`: where it was looked for; a plan above it is named, and not taken: it may be anybody's. */
export function noPlan(dir?: string, hint = "`heddle init` writes an example. Or name a plan file."): Problem {
  const above = dir === undefined ? undefined : folderAbove(dir, (folder) => findPlanFile(folder) !== undefined);
  return {
    code: "PlanNotFound",
    message: `there is no ${PLAN_FILES[0]} in this folder`,
    hint:
      above === undefined
        ? hint
        : `There is one above: \`heddle -C ${above} run\` runs it. \`heddle init\` writes an example here.`,
  };
}
