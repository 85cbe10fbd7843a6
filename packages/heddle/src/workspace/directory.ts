/**
 * Directory workspace: every attempt works in the project folder, or in a folder of it that its step names. Logs and
 * exchange files are beside the journal. Knows folders and names of files, not their content.
 *
 * Invariants:
 *  1. No attempt works outside the project folder, whatever its `cwd` is and wherever symbolic links lead (S8).
 *  2. Different (step, attempt) have different files; every file of a run is under one folder, which is its user's alone.
 */
import { chmodSync, existsSync, mkdirSync, promises, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { HeddleError, messageOf, systemCode, type Problem } from "../base/errors.ts";
import { isRunId } from "../base/ids.ts";
import { err, ok, type Result } from "../base/result.ts";
import { fileNameOf } from "./names.ts";
import type { FolderResolver, Workspace, WorkspaceRequest, Workspaces } from "./port.ts";

export interface DirectoryOptions {
  /** Absolute: the folder that steps work in. */
  readonly projectDir: string;
  /** Absolute: where the folders of runs are. */
  readonly runsDir: string;
}

export function directoryWorkspaces(options: DirectoryOptions): Workspaces {
  const files = runFiles(options.runsDir);
  let project: string | undefined;
  return {
    async take(request) {
      project ??= realpathSync(options.projectDir);
      // Looked at for each attempt: an earlier step may have put a link there.
      const { cwd = ".", step } = request;
      const folder = cwd === "." ? ok(project) : folderOf(project, cwd, step);
      return folder.ok ? files.workspace(request, folder.value) : folder;
    },
    logFile: files.logFile,
    removeRun: files.removeRun,
  };
}

const MAKE_IT = "Correct `cwd`, or create the folder in a step that this one depends on.";

export const folderOf: FolderResolver = (project, cwd, step, hint = MAKE_IT) => {
  const wanted = resolve(project, cwd);
  let real: string;
  try {
    real = realpathSync(wanted);
  } catch (thrown) {
    if (!inside(project, wanted)) return err(outside(cwd, step));
    if (systemCode(thrown) === "ENOENT" || systemCode(thrown) === "ENOTDIR") return err(missing(cwd, step, hint));
    return err({
      code: "WorkspaceUnusable",
      message: `step ${step}: cannot use the folder ${cwd}: ${messageOf(thrown)}`,
      cause: thrown,
    });
  }
  if (!inside(project, real)) return err(outside(cwd, step));
  return isFolder(real) ? ok(real) : err(missing(cwd, step, hint));
};

function inside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function missing(cwd: string, step: string, hint: string): Problem {
  return { code: "WorkspaceMissing", message: `step ${step}: the folder ${cwd} does not exist`, hint };
}

function outside(cwd: string, step: string): Problem {
  return {
    code: "WorkspaceOutside",
    message: `step ${step}: the folder ${cwd} is outside the project folder`,
    hint: "`cwd` must be inside the project folder; write it relative to that folder.",
  };
}

/** Of one run. */
interface RunFolders {
  readonly logs: string;
  readonly io: string;
}

/** Logs and exchange files of runs under `runsDir`. */
export function runFiles(runsDir: string): {
  readonly workspace: (request: WorkspaceRequest, cwd: string) => Result<Workspace, Problem>;
  readonly logFile: Workspaces["logFile"];
  readonly removeRun: Workspaces["removeRun"];
} {
  /** Folders of logs and of exchange files, by run. */
  const made = new Map<string, RunFolders>();
  /** Runs whose folders were looked at in this turn of the event loop. */
  const seen = new Set<string>();
  const release = async (): Promise<void> => {};
  function runDir(run: string): string {
    if (!isRunId(run))
      throw new HeddleError({ code: "InvalidRunId", message: `${JSON.stringify(run)} is not a run id` });
    return join(runsDir, run);
  }
  function makeFolders(run: string): Result<RunFolders, Problem> {
    const folders = { logs: join(runDir(run), "logs"), io: join(runDir(run), "io") };
    try {
      mkdirSync(folders.logs, { recursive: true, mode: 0o700 });
      mkdirSync(folders.io, { recursive: true, mode: 0o700 });
      // An earlier build, or a copy, may have made them for everybody.
      chmodSync(runDir(run), 0o700);
    } catch (thrown) {
      return err({
        code: "WorkspaceUnusable",
        message: `cannot create the folder for the run's logs: ${messageOf(thrown)}`,
        hint: `Make ${dirname(runsDir)} writable, or free space on its disk.`,
        cause: thrown,
      });
    }
    made.set(run, folders);
    return ok(folders);
  }
  /** Somebody may have cleaned up: looked at for all attempts that start together. */
  function isThere(run: string, folder: string): boolean {
    if (seen.has(run)) return true;
    if (seen.size === 0) setImmediate(() => seen.clear());
    seen.add(run);
    return existsSync(folder);
  }
  return {
    workspace({ run, step, attempt }, cwd) {
      const known = made.get(run);
      const folders = known !== undefined && isThere(run, known.logs) ? ok(known) : makeFolders(run);
      if (!folders.ok) return folders;
      const { logs, io } = folders.value;
      const name = `${fileNameOf(step)}.${attempt}`;
      return ok({
        cwd,
        logFile: `${logs}${sep}${name}.log`,
        exchangeBase: `${io}${sep}${name}`,
        release,
      });
    },
    logFile: (run, step, attempt) => join(runDir(run), "logs", `${fileNameOf(step)}.${attempt}.log`),
    async removeRun(run) {
      made.delete(run);
      seen.delete(run);
      await promises.rm(runDir(run), { recursive: true, force: true });
    },
  };
}
