/** Project folder: creates `.heddle` with the file that makes git ignore it, or says why there is nothing to open. */
import { existsSync, lstatSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { messageOf, systemCode, type Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import { diskFull } from "../journal/port.ts";
import { folderAbove } from "./find-plan.ts";
import { NO_RUNS } from "./find-run.ts";
import type { ProjectLayout } from "./layout.ts";

/**
 * `create`: to be written, also where nothing was recorded yet. `change`: to be written, where something is. `read`: to be
 * read alone.
 */
export type ProjectAccess = "create" | "change" | "read";

/** What has to be there before the journal is opened. A folder without a journal has no runs, and nothing is made there. */
export function prepareFolder(layout: ProjectLayout, access: ProjectAccess): Result<void, Problem> {
  if (access === "create") return makeHeddleDir(layout);
  try {
    // Where a file stands in its place, the journal says so itself.
    const isThere = isFile(layout.heddleDir) || statSync(layout.journalFile, { throwIfNoEntry: false }) !== undefined;
    return isThere ? ok(undefined) : err(noRunsIn(layout));
  } catch (thrown) {
    // Nobody knows whether there are runs.
    return err({
      code: "JournalUnusable",
      message: `${layout.journalFile} cannot be read: ${messageOf(thrown)}`,
      hint: "Check the permissions of the file and its folder.",
      cause: thrown,
    });
  }
}

/** Runs of a folder above are named, and not taken: what is typed may be meant for this one. */
function noRunsIn({ heddleDir, journalFile }: ProjectLayout): Problem {
  const own = dirname(heddleDir);
  const above = folderAbove(own, (folder) => existsSync(join(folder, relative(own, journalFile))));
  if (above === undefined) return NO_RUNS;
  return {
    ...NO_RUNS,
    hint: `There are some above: \`heddle -C ${above} runs\` lists them. Start one here with \`heddle run\`.`,
  };
}

/**
 * What heddle records, by name: git takes the nearest of these files for the last word, and people may want to put what else
 * is here (expertise, prices) into git by lines in their own.
 */
const IGNORED = ["/.gitignore", "/cache/", "/runs/", "/state.db*", ""].join("\n");

/** Creates the folder if there is none yet. */
function makeHeddleDir({ heddleDir, ignoreFile }: ProjectLayout): Result<void, Problem> {
  try {
    if (existsSync(ignoreFile)) return ok(undefined);
    makeFolder(heddleDir);
    writeFileSync(ignoreFile, IGNORED);
    return ok(undefined);
  } catch (thrown) {
    if (systemCode(thrown) === "ENOSPC") {
      // An empty one would be taken for heddle's at the next start.
      rmSync(ignoreFile, { force: true });
      return err({ ...diskFull(heddleDir, messageOf(thrown)), cause: thrown });
    }
    if (isBrokenLink(heddleDir)) {
      return err({
        code: "ProjectUnwritable",
        message: `${heddleDir} is a link that leads nowhere`,
        hint: "Make the folder that it leads to, or remove the link.",
        cause: thrown,
      });
    }
    if (isFile(heddleDir)) {
      return err({
        code: "ProjectUnwritable",
        message: `${heddleDir} is a file, but heddle needs a folder with this name`,
        hint: "Move the file away.",
        cause: thrown,
      });
    }
    return err({
      code: "ProjectUnwritable",
      message: `cannot create the folder ${heddleDir}: ${messageOf(thrown)}`,
      hint: "heddle keeps its journal there: make the project folder writable.",
      cause: thrown,
    });
  }
}

/** In one piece where its parent is there: the system then names the reason of a refusal, a read-only disk for one. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  if (existsSync(dirname(path))) mkdirSync(path);
  else mkdirSync(path, { recursive: true });
}

function isBrokenLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true && !existsSync(path);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === false;
}
