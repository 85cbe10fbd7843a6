/** Project folders as the library's callers name them: opened, or the `HeddleError` that says why not. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { HeddleError, type Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { ProjectAccess } from "../project/folder.ts";
import type { Project } from "../project/port.ts";

/** What others read who find the run held by this process. */
const TITLE = "a program that uses heddle";

export interface FolderOptions {
  /** As a caller gave it; absent: the current folder. */
  readonly projectDir?: string | undefined;
  readonly memory?: boolean | undefined;
  /** Default: `create`. */
  readonly access?: ProjectAccess;
}

export async function openFolder({
  projectDir = ".",
  memory,
  access = "create",
}: FolderOptions): Promise<Result<Project, HeddleError>> {
  const dir = resolve(projectDir);
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return err(
      new HeddleError({
        code: "ProjectNotFound",
        message: `there is no folder ${dir}`,
        hint: "Create it, or correct `projectDir`.",
      }),
    );
  }
  // Loaded by the first run: a module that only defines a plan does not wait for an engine.
  const { openMemoryProject, openProject } = await import("../host/open.ts");
  if (memory === true) return ok(openMemoryProject(dir, { title: TITLE }));
  return refusable(await openProject(dir, { title: TITLE, access }));
}

export function refusable<T>(result: Result<T, Problem>): Result<T, HeddleError> {
  return result.ok ? result : err(new HeddleError(result.error));
}
