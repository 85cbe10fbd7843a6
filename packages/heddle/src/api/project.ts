/**
 * Projects for programs: what the command line does with recorded runs, each a thin layer over a use case. Knows no rule of
 * them.
 */
import { defined } from "../base/defined.ts";
import { HeddleError, orThrow } from "../base/errors.ts";
import { ok } from "../base/result.ts";
import { isPlanDefinition } from "../plan/define.ts";
import type { AnswerDecision, Event, LoadedPlan, Project } from "../project/port.ts";
import type { RerunRefusal } from "../project/rerun.ts";
import type { RunLine } from "../view/list.ts";
import { invalidOption, PlanError } from "./errors.ts";
import { openFolder } from "./folder.ts";
import type { AnswerOptions, Run } from "./handle.ts";
import { LocalRun } from "./local-run.ts";
import { loadedPlan } from "./plan.ts";
import {
  countProblem,
  sharedOptions,
  type EventsOptions,
  type GcRunsOptions,
  type ListRunsOptions,
  type MergeRunOptions,
  type OpenOptions,
  type RerunRunOptions,
} from "./settings.ts";

/** A project folder with recorded runs. A run is named by its id, or by the beginning of it that no other run has. */
export interface OpenedProject extends AsyncDisposable {
  /** Absolute. */
  readonly dir: string;
  /** The recorded runs, the newest first. */
  runs(options?: ListRunsOptions): Promise<readonly RunLine[]>;
  /** The events of a run, recorded ones and those to come, in order, until no process works on it any more. */
  events(run: string, options?: EventsOptions): AsyncIterable<Event>;
  /**
   * Runs a step and everything that depends on it in a new run, and reuses the other results of an earlier one.
   *
   * @throws {PlanError} where the plan's file has errors now. @throws {HeddleError} where the results cannot be reused.
   */
  rerun(run: string, options: RerunRunOptions): Promise<Run>;
  /**
   * Answers a question of a run with yes, whichever process works on the run. Gives `sent`: the answer is left for that process;
   * `done`: none works on it, the answer is recorded, resume the run.
   */
  approve(run: string, step: string, answer?: AnswerOptions): Promise<"sent" | "done">;
  /** As {@link approve}, with no. The step fails. */
  reject(run: string, step: string, answer?: AnswerOptions): Promise<"sent" | "done">;
  /**
   * Decides a conflict. `ours`: where they conflict, what was merged stays; `theirs`: the step's work counts; `continue`: the
   * step's worktree as it is now.
   */
  resolve(
    run: string,
    step: string,
    choice: "ours" | "theirs" | "continue",
    answer?: AnswerOptions,
  ): Promise<"sent" | "done">;
  /** Brings what agents of a run merged to the user's branch. Nothing is pushed. */
  merge(run: string, options?: MergeRunOptions): Promise<MergedWork>;
  /** Removes old runs with their logs, and with heddle's branches and refs of them. */
  gc(options?: GcRunsOptions): Promise<CollectedRuns>;
  /** Closes the journal, and ends what {@link rerun} started and has not ended. Also called by `await using`. */
  close(): Promise<void>;
}

/** Where the work of a run's agents is. */
export interface MergedWork {
  /** The run's own branch, which has all that was merged in it. */
  readonly integration: string;
  /** Merged steps on it. */
  readonly commits: number;
  /** Where they landed; absent: there was nothing to land. */
  readonly branch?: string;
  /** The commit that this branch is at; absent: there was nothing to land. */
  readonly commit?: string;
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
 * Opens a project folder that has recorded runs, to list them and to act on them. Nothing of it is run.
 *
 * ```ts
 * await using project = await open();
 * const [latest] = await project.runs({ limit: 1 });
 * ```
 *
 * @throws {HeddleError} `ProjectNotFound`, `NoRuns`, or why its journal cannot be opened.
 */
export async function open({ projectDir }: OpenOptions = {}): Promise<OpenedProject> {
  const opened = await openFolder({ projectDir, access: "change" });
  if (!opened.ok) throw opened.error;
  return openedProject(opened.value);
}

function openedProject(project: Project): OpenedProject {
  const idOf = async (word: string): Promise<string> => orThrow(await project.runs.find(String(word)));
  const answer = async (
    decision: AnswerDecision,
    run: string,
    step: string,
    { by = "api", comment }: AnswerOptions = {},
  ): Promise<"sent" | "done"> =>
    orThrow(await project.control.answer(await idOf(run), decision, { step, by, comment })).result;
  const close = async (): Promise<void> => project[Symbol.asyncDispose]();
  return {
    dir: project.dir,
    async runs({ limit, plan } = {}) {
      refuse(countProblem("limit", limit));
      return await project.runs.list(defined({ limit, plan }));
    },
    async *events(run, options) {
      for await (const item of project.runs.tail(await idOf(run), options))
        if (item.kind === "events") yield* item.events;
    },
    rerun: async (run, options) => rerunIn(project, await idOf(run), options),
    approve: (run, step, given) => answer("approve", run, step, given),
    reject: (run, step, given) => answer("reject", run, step, given),
    async resolve(run, step, choice, { by = "api", comment } = {}) {
      return orThrow(await project.control.resolve(await idOf(run), choice, { step, by, comment })).result;
    },
    async merge(run, { ff = false, branch: name, partial = false } = {}) {
      if (ff && name !== undefined) refuse(invalidOption("branch", "not combined with `ff`", name));
      const kind = name !== undefined ? "branch" : ff ? "ff" : "merge";
      const landed = orThrow(await project.worktrees.land(await idOf(run), { kind, name, partial }));
      const { integration, commits, branch, commit } = landed;
      return defined<MergedWork>({ integration, commits, branch, commit });
    },
    async gc({ keepDays, unlanded = false, dryRun = false } = {}) {
      if (keepDays !== undefined && !(Number.isFinite(keepDays) && keepDays >= 0))
        refuse(invalidOption("keepDays", "a number of days from 0", keepDays));
      const removed: { readonly run: string; readonly refs: number }[] = [];
      const kept: { readonly run: string; readonly reason: string }[] = [];
      for await (const one of project.maintenance.collectGarbage({ keepDays, unlanded, dryRun })) {
        const { run } = one.run;
        if (one.kind === "removed") removed.push({ run, refs: one.refs });
        else kept.push({ run, reason: one.reason });
      }
      return { removed, kept };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function refuse(problem: HeddleError | undefined): void {
  if (problem !== undefined) throw problem;
}

async function rerunIn(project: Project, run: string, options: RerunRunOptions): Promise<Run> {
  const { from, signal } = options;
  refuse(countProblem("maxConcurrency", options.maxConcurrency));
  const plan = options.plan === undefined ? undefined : await planFor(project, run, options);
  const begun = await project.runs.rerun(run, defined({ ...sharedOptions(options), from, plan }));
  if (!begun.ok) throw refusalError(begun.error);
  const { handle } = begun.value;
  // The project stays open when the run has ended: it is the caller's.
  const shared: Project = { ...project, [Symbol.asyncDispose]: async () => undefined };
  return new LocalRun(handle.run, defined({ projectDir: project.dir, signal }), async (held) => {
    held(shared);
    return ok(handle);
  });
}

async function planFor(project: Project, run: string, { plan, params }: RerunRunOptions): Promise<LoadedPlan> {
  const recorded = isPlanDefinition(plan) ? (await project.plans.recorded(run))?.params : undefined;
  const loaded = await loadedPlan(plan, params ?? recorded);
  if (!loaded.ok) throw loaded.error;
  return loaded.value;
}

function refusalError(refusal: RerunRefusal): HeddleError {
  return refusal.kind === "plan" ? new PlanError(refusal.diagnostics) : new HeddleError(refusal.problem);
}
