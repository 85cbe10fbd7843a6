/** Options of `run` and `resume`: their meaning, and their check for callers without types. */
import { defined } from "../base/defined.ts";
import { parseDuration } from "../base/duration.ts";
import type { HeddleError } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { ParamsInput, ParamSpecs } from "../plan/param-values.ts";
import type { FailureMode, RollbackMode, Schedule } from "../plan/plan.ts";
import type { Event, StartOptions } from "../project/port.ts";
import { invalidOption } from "./errors.ts";

/** What `run`, `resume` and `rerun` have in common. */
export interface SharedOptions {
  /** The folder where commands run and `.heddle` is; it must exist; default: the current folder. */
  readonly projectDir?: string;
  /** Steps at the same time; default: what the plan says, else the number of cores. */
  readonly maxConcurrency?: number;
  /** Go on waiting where only people's answers are left, instead of ending as `waiting`; default: false. */
  readonly wait?: boolean;
  /** Cancels the run when it is aborted; default: none. */
  readonly signal?: AbortSignal;
  /** Called with every event from now on, in order, once it is on disk; what it throws is reported as uncaught; default: none. */
  readonly onEvent?: (event: Event) => void;
}

export interface RunPlanOptions<P extends ParamSpecs = ParamSpecs> extends SharedOptions {
  /** Values of the plan's parameters; only for definitions, as a loaded plan has its own; default: those of the plan. */
  readonly params?: ParamsInput<P>;
  /** Coding agents at the same time; default: what the plan says, else 3. */
  readonly maxAgents?: number;
  /** When steps start: `ready` or `layers`; default: what the plan says, else `ready`. */
  readonly schedule?: Schedule;
  /** What a failure means for the other steps: `fail-fast` or `continue`; default: what the plan says, else `fail-fast`. */
  readonly failure?: FailureMode;
  /** Whose `undo` commands run after a failed run: `none`, `dependents` or `all`; default: what the plan says, else `none`. */
  readonly rollback?: RollbackMode;
  /** One step at a time, in the order of the plan; default: false. */
  readonly sequential?: boolean;
  /** Limit of the whole run, as in `"10m"`, or a number of seconds; default: what the plan says, else none. */
  readonly timeout?: string | number;
  /** Keep the journal in memory: nothing is written to the project folder, and nothing outlives the process; default: false. */
  readonly memory?: boolean;
}

export interface ResumeRunOptions<P extends ParamSpecs = ParamSpecs> extends SharedOptions {
  /** Values of the plan's parameters, all of them; only for definitions; default: the recorded ones. */
  readonly params?: ParamsInput<P>;
  /** Run again what succeeded and has another definition now, and what depends on it; default: false, the run is refused. */
  readonly acceptChanges?: boolean;
  /** Ids of steps that run again whatever came of them; what did not succeed does so anyway; default: none. */
  readonly again?: readonly string[];
  /** Whether what depends on {@link again} and has succeeded runs again too; default: true. */
  readonly downstream?: boolean;
}

export interface OpenOptions {
  /** The folder where `.heddle` is; default: the current folder. */
  readonly projectDir?: string;
}

export interface ListRunsOptions extends OpenOptions, FindRunsOptions {}

export interface FindRunsOptions {
  /** Runs at most; default: all. */
  readonly limit?: number;
  /** Only runs of plans of this name; default: of all plans. */
  readonly plan?: string;
}

export interface FollowOptions {
  /** Ends the iteration when it is aborted, also while it waits; default: none. */
  readonly signal?: AbortSignal;
}

export interface EventsOptions extends FollowOptions {
  /** Only events with a greater `seq`; default: 0, all events. */
  readonly after?: number;
}

export interface LogOptions extends FollowOptions {
  /** The number of the attempt, from 1, among the step's attempts; default: the latest. */
  readonly attempt?: number;
  /** Wait for further lines until the step has ended, or no process works on the run any more; default: false. */
  readonly follow?: boolean;
}

export interface RerunRunOptions<P extends ParamSpecs = ParamSpecs> extends SharedOptions {
  /** Id of the step to start from. */
  readonly from: string;
  /** Values of the plan's parameters, all of them; only for definitions; default: the recorded ones. */
  readonly params?: ParamsInput<P>;
}

export interface MergeRunOptions {
  /** Only by moving the user's branch forward; default: false, with a merge commit where that is needed. */
  readonly ff?: boolean;
  /** As a branch of this name, the checkout is not touched; default: into the branch that the run began on. */
  readonly branch?: string;
  /** Take what has been merged so far of a run that has not ended; default: false, such a run is refused. */
  readonly partial?: boolean;
}

export interface GcRunsOptions {
  /** Keep runs that ended less than so many days ago; default: 30. */
  readonly keepDays?: number;
  /** Also remove runs whose agents' work has not landed: that work is lost; default: false. */
  readonly unlanded?: boolean;
  /** Say what would be removed, remove nothing; default: false. */
  readonly dryRun?: boolean;
}

const SCHEDULES: readonly unknown[] = ["ready", "layers"] satisfies Schedule[];
const FAILURES: readonly unknown[] = ["fail-fast", "continue"] satisfies FailureMode[];
const ROLLBACKS: readonly unknown[] = ["none", "dependents", "all"] satisfies RollbackMode[];

/** The engine's options, or the first of the caller's that cannot be used. */
export function toStartOptions(options: RunPlanOptions): Result<StartOptions, HeddleError> {
  const { maxConcurrency, maxAgents, schedule, failure, rollback, sequential, timeout } = options;
  const problem =
    countProblem("maxConcurrency", maxConcurrency) ??
    countProblem("maxAgents", maxAgents) ??
    choiceProblem("schedule", SCHEDULES, schedule) ??
    choiceProblem("failure", FAILURES, failure) ??
    choiceProblem("rollback", ROLLBACKS, rollback);
  if (problem !== undefined) return err(problem);
  const timeoutMs = timeout === undefined ? undefined : parseDuration(timeout);
  if (timeout !== undefined && (timeoutMs === undefined || timeoutMs === 0))
    return err(invalidOption("timeout", 'a duration such as "10m"', timeout));
  return ok(defined({ ...sharedOptions(options), maxAgents, schedule, failure, rollback, sequential, timeoutMs }));
}

/** Those that a start and a resume have in common. */
export function sharedOptions(options: SharedOptions): Pick<StartOptions, "wait" | "onEvent" | "maxConcurrency"> {
  const { maxConcurrency, wait, onEvent } = options;
  return defined({ maxConcurrency, wait, onEvent: onEvent === undefined ? undefined : shielded(onEvent) });
}

/** A listener's error is the listener's: it must not end the engine, nor be lost. */
function shielded(listener: (event: Event) => void): (event: Event) => void {
  return (event) => {
    try {
      listener(event);
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown;
      });
    }
  };
}

export function countProblem(name: string, value: unknown): HeddleError | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 1)) return undefined;
  return invalidOption(name, "a whole number from 1", value);
}

function choiceProblem(name: string, known: readonly unknown[], value: unknown): HeddleError | undefined {
  if (value === undefined || known.includes(value)) return undefined;
  return invalidOption(name, `one of ${known.join(", ")}`, value);
}
