/**
 * Workspace of runs that leave nothing behind: no logs. Exchange files, which commands need, are in a temporary folder
 * that is created when first needed and removed with the run.
 */
import { mkdtempSync, promises } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ok } from "../base/result.ts";
import { fileNameOf } from "./names.ts";
import type { Workspace, WorkspaceRequest, Workspaces } from "./port.ts";

export function memoryWorkspaces(options: { readonly projectDir: string }): Workspaces {
  const folders = new Map<string, string>();
  function exchangeBase({ run, step, attempt }: WorkspaceRequest): string {
    let folder = folders.get(run);
    if (folder === undefined) folders.set(run, (folder = mkdtempSync(join(tmpdir(), "heddle-"))));
    return join(folder, `${fileNameOf(step)}.${attempt}`);
  }
  return {
    async take(request) {
      const cwd = request.cwd === undefined ? options.projectDir : resolve(options.projectDir, request.cwd);
      return ok(new MemoryWorkspace(cwd, request, exchangeBase));
    },
    logFile: () => null,
    async removeRun(run) {
      const folder = folders.get(run);
      folders.delete(run);
      if (folder !== undefined) await promises.rm(folder, { recursive: true, force: true });
    },
  };
}

class MemoryWorkspace implements Workspace {
  readonly logFile = null;
  readonly cwd: string;
  readonly #request: WorkspaceRequest;
  readonly #exchangeBase: (request: WorkspaceRequest) => string;

  constructor(cwd: string, request: WorkspaceRequest, exchangeBase: (request: WorkspaceRequest) => string) {
    this.cwd = cwd;
    this.#request = request;
    this.#exchangeBase = exchangeBase;
  }

  get exchangeBase(): string {
    return this.#exchangeBase(this.#request);
  }

  async release(): Promise<void> {}
}
