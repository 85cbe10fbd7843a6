/** Projects for programs: what the command line does with recorded runs, each a thin layer over a use case. Knows no rule of them. */
import { defined } from "../base/defined.ts";
import { orThrow } from "../base/errors.ts";
import type { Project } from "../project/port.ts";
import type { RunLine } from "../view/list.ts";
import { handleClosed, invalidOption } from "./errors.ts";
import { openFolder } from "./folder.ts";
import type { OpenedRun } from "./opened-run.ts";
import {
  countProblem,
  type FindRunsOptions,
  type GcRunsOptions,
  type ListRunsOptions,
  type OpenOptions,
} from "./settings.ts";

/** A project folder with recorded runs, open for as long as a program needs it. */
export interface OpenedProject extends AsyncDisposable {
  /** Absolute. */
  readonly dir: string;
  /** The recorded runs, the newest first. */
  runs(options?: FindRunsOptions): Promise<readonly RunLine[]>;
  /** As {@link open}; closed with the project. */
  open(run: string): Promise<OpenedRun>;
  /** Removes old runs with their logs, and with heddle's branches and refs of them. */
  gc(options?: GcRunsOptions): Promise<CollectedRuns>;
  /** Closes the journal and what was opened here. Also called by `await using`. */
  close(): Promise<void>;
}

export interface CollectedRuns {
  /** Runs that were removed. */
  readonly removed: readonly {
    /** The run's id. */
    readonly run: string;
    /** How many of heddle's branches and refs went with it. */
    readonly refs: number;
  }[];
  /** Old runs that stay. */
  readonly kept: readonly {
    /** The run's id. */
    readonly run: string;
    /** Why, in one sentence. */
    readonly reason: string;
  }[];
}

/**
 * The recorded runs of a project folder, the newest first; none where there is no journal. For one look:
 * `openProject` keeps the folder open.
 *
 * @throws {HeddleError} `ProjectNotFound`, or why its journal cannot be read.
 */
export async function runs({ projectDir, ...options }: ListRunsOptions = {}): Promise<readonly RunLine[]> {
  const opened = await openFolder({ projectDir, access: "read" });
  if (!opened.ok && opened.error.code === "NoRuns") return [];
  if (!opened.ok) throw opened.error;
  await using project = opened.value;
  return await listRuns(project, options);
}

/**
 * Opens a recorded run by its id, or by the beginning of it that no other run has, to follow it and to act on it, in whichever
 * process it runs.
 *
 * ```ts
 * await using release = await open("k3x9");
 * for await (const { status, counts } of release.watch()) console.log(status, counts.succeeded);
 * ```
 *
 * @throws {HeddleError} `ProjectNotFound`, `NoRuns`, `UnknownRun`, `AmbiguousRun`, or why the journal cannot be opened.
 */
export async function open(run: string, { projectDir }: OpenOptions = {}): Promise<OpenedRun> {
  const opened = await openFolder({ projectDir, access: "change" });
  if (!opened.ok) throw opened.error;
  const project = opened.value;
  const close = async (): Promise<void> => project[Symbol.asyncDispose]();
  try {
    // Loaded with the first run that is opened: who only defines a plan does not wait for what reads histories.
    const { openedRun } = await import("./opened-run.ts");
    return openedRun(project, orThrow(await project.runs.find(String(run))), close);
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/**
 * Opens a project folder that has recorded runs, for programs that look again and again. Nothing of it is run.
 *
 * ```ts
 * await using project = await openProject();
 * const [latest] = await project.runs({ limit: 1 });
 * ```
 *
 * @throws {HeddleError} `ProjectNotFound`, `NoRuns`, or why its journal cannot be opened.
 */
export async function openProgramProject({ projectDir }: OpenOptions = {}): Promise<OpenedProject> {
  const opened = await openFolder({ projectDir, access: "change" });
  if (!opened.ok) throw opened.error;
  const project = opened.value;
  const open = new Set<OpenedRun>();
  let isClosed = false;
  const use = (): Project => {
    if (isClosed) throw handleClosed(`project ${project.dir}`);
    return project;
  };
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    for (const one of open) await one.close();
    await project[Symbol.asyncDispose]();
  };
  return {
    dir: project.dir,
    runs: async (options = {}) => await listRuns(use(), options),
    async open(run) {
      const id = orThrow(await use().runs.find(String(run)));
      const { openedRun } = await import("./opened-run.ts");
      const one: OpenedRun = openedRun(project, id, async () => void open.delete(one));
      open.add(one);
      return one;
    },
    gc: async (options = {}) => await collect(use(), options),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function listRuns(project: Project, { limit, plan }: FindRunsOptions): Promise<readonly RunLine[]> {
  const problem = countProblem("limit", limit);
  if (problem !== undefined) throw problem;
  return await project.runs.list(defined({ limit, plan }));
}

async function collect(
  project: Project,
  { keepDays, unlanded = false, dryRun = false }: GcRunsOptions,
): Promise<CollectedRuns> {
  if (keepDays !== undefined && !(Number.isFinite(keepDays) && keepDays >= 0))
    throw invalidOption("keepDays", "a number of days from 0", keepDays);
  const removed: { readonly run: string; readonly refs: number }[] = [];
  const kept: { readonly run: string; readonly reason: string }[] = [];
  for await (const one of project.maintenance.collectGarbage({ keepDays, unlanded, dryRun })) {
    const { run } = one.run;
    if (one.kind === "removed") removed.push({ run, refs: one.refs });
    else kept.push({ run, reason: one.reason });
  }
  return { removed, kept };
}
