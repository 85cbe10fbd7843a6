/** The composition root: the only file that picks implementations. Imported by the faces, `index.ts` and tests alone. */
import type { Problem } from "./base/errors.ts";
import type { Result } from "./base/result.ts";
import type { Project } from "./engine/api.ts";

export interface OpenOptions {
  /** What a person calls this process: shown to those who find a run held. */
  readonly title: string;
  /** Opens an existing journal for reading only; a project without one is a problem. */
  readonly readOnly?: boolean;
}

export declare function openProject(dir: string, options: OpenOptions): Promise<Result<Project, Problem>>;
