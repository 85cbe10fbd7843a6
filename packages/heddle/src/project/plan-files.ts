/**
 * Plan files of a project: those that are called as plan files are, in its folder and below, and those that its latest runs were started
 * from. Reads no plan.
 *
 * Invariants:
 *  1. The search is bounded: so many folders, so deep. What it did not look at, it says.
 *  2. No link is followed, and hidden folders and `node_modules` are not looked into.
 */
import { lstatSync, readdirSync, type Dirent } from "node:fs";
import { join, posix } from "node:path";
import { defined } from "../base/defined.ts";
import type { RunLine } from "../view/list.ts";
import type { PlanFileLine, PlanFileList } from "../view/plan-document.ts";
import { isPlanModule, PLAN_FILES } from "./find-plan.ts";
import type { Project } from "./port.ts";

const MOST_FOLDERS = 1000;
const MOST_DEPTH = 6;
const MOST_FILES = 200;
/** Latest runs whose plan files are asked for. */
const MOST_RUNS = 50;

/** `project`: absent where nothing was recorded yet. */
export async function planFiles(dir: string, project?: Pick<Project, "runs" | "plans">): Promise<PlanFileList> {
  const found = searched(dir);
  const runs = project === undefined ? new Map<string, RunLine>() : await lastRuns(project);
  const known = new Set(found.files);
  const started = [...runs.keys()].filter((file) => !known.has(file) && isFileIn(dir, file));
  const all = [...found.files, ...started.sort()];
  const items = all.slice(0, MOST_FILES).map((file) => {
    const line = runs.get(file);
    const lastRun = line && { run: line.run, plan: line.plan, status: line.status, startedAt: line.startedAt };
    return defined<PlanFileLine>({ file, isProgram: isPlanModule(file), lastRun });
  });
  return { items, isPartial: found.isPartial || all.length > MOST_FILES };
}

/** The project's own plan first, then folder by folder, those that are least deep first. */
function searched(dir: string): { readonly files: readonly string[]; readonly isPartial: boolean } {
  const files: string[] = [];
  const folders: (readonly [way: string, depth: number])[] = [["", 0]];
  let isPartial = false;
  for (let at = 0; at < folders.length; at++) {
    const [way, depth] = folders[at] as (typeof folders)[number];
    const entries = entriesOf(join(dir, way));
    const names = new Set(entries.filter((one) => one.isFile()).map(({ name }) => name));
    files.push(...PLAN_FILES.filter((name) => names.has(name)).map((name) => posix.join(way, name)));
    const below = entries.filter((one) => one.isDirectory() && !/^\.|^node_modules$/.test(one.name));
    if (below.length === 0) continue;
    const room = depth >= MOST_DEPTH ? 0 : MOST_FOLDERS - folders.length;
    isPartial ||= below.length > room;
    const folderNames = below.map(({ name }) => name).sort();
    folders.push(...folderNames.slice(0, Math.max(0, room)).map((name) => [posix.join(way, name), depth + 1] as const));
  }
  return { files, isPartial };
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    // Not to be read, or gone meanwhile.
    return [];
  }
}

/** The newest run of each file that runs were started from. */
async function lastRuns({ runs, plans }: Pick<Project, "runs" | "plans">): Promise<ReadonlyMap<string, RunLine>> {
  const found = new Map<string, RunLine>();
  for (const line of await runs.list({ limit: MOST_RUNS })) {
    const file = (await plans.recorded(line.run))?.file;
    if (file !== undefined && !found.has(file)) found.set(file, line);
  }
  return found;
}

function isFileIn(dir: string, file: string): boolean {
  if (file.startsWith("..") || posix.isAbsolute(file)) return false;
  try {
    return lstatSync(join(dir, file)).isFile();
  } catch {
    return false;
  }
}
