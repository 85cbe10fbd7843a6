/** Plan file lookup: the names that a plan file may have, and the one that a folder has. Reads no file. */
import { existsSync } from "node:fs";
import { join } from "node:path";
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

export function noPlan(): Problem {
  return {
    code: "PlanNotFound",
    message: `there is no ${PLAN_FILES[0]} in this folder`,
    hint: "`heddle init` writes an example. Or name a plan file.",
  };
}
