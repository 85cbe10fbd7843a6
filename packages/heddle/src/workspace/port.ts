/** Workspace port: where an attempt works and where its files are. */
import type { Problem } from "../base/errors.ts";
import type { Result } from "../base/result.ts";

export interface Workspace {
  /** Absolute; the attempt's current folder. */
  readonly cwd: string;
  /** Absolute, or `null` if nothing is kept (a run in memory). Its folder exists. */
  readonly logFile: string | null;
  /** Base name of the attempt's exchange files, its folder exists; `null` if nothing is kept. */
  readonly exchangeBase: string | null;
  /** Called when the attempt's outcome was taken: exchange files may go. */
  release(): Promise<void>;
}

export interface WorkspaceRequest {
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  /** As the step says, relative to the project folder. */
  readonly cwd?: string | undefined;
}

export interface Workspaces {
  /** The problem says why the folder cannot be made, or that `cwd` leaves the project or does not exist. */
  take(request: WorkspaceRequest): Promise<Result<Workspace, Problem>>;
  /** The log of an attempt, whether it exists or not; `null` if nothing is kept. */
  logFile(run: string, step: string, attempt: number): string | null;
  /** Removes all files of a run. */
  removeRun(run: string): Promise<void>;
}

/**
 * Where a step works: the folder that its `cwd` names, real and absolute, inside `project`, which is so too. Else the problem is
 * `WorkspaceMissing` (with `hint`), `WorkspaceOutside` or `WorkspaceUnusable`.
 */
export type FolderResolver = (project: string, cwd: string, step: string, hint?: string) => Result<string, Problem>;

/** Where the prompts of an agent's attempt are kept: next to its log. */
export function promptFileOf(logFile: string): string {
  return `${logFile.replace(/\.log$/, "")}.prompt.md`;
}
