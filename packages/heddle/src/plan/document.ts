/**
 * Document types: a plan as it is written, after its shapes were checked and before anything is merged or converted.
 */
import type { WrittenDuration } from "../base/duration.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { AgentsConfig, AgentStepConfig } from "./agents-config.ts";
import type { NotifyTarget } from "./notify-config.ts";
import type { FailureClass, FailureMode, ParamSpec, RollbackMode, Schedule } from "./plan.ts";

export type WrittenId = string | number;

export interface WrittenRetry {
  /** Attempts in all, the first included; default: 1. */
  readonly attempts?: number;
  /** Wait before the second attempt, as in `"30s"`, or a number of seconds; default: 1s. */
  readonly delay?: WrittenDuration;
  /** Multiplies the wait for each further attempt; default: 2. */
  readonly factor?: number;
  /** Longest wait, as in `"30s"`, or a number of seconds; default: 30s, or `delay` if that is longer. */
  readonly maxDelay?: WrittenDuration;
  /** Share of the wait that chance adds or takes away, 0 to 1; default: 0.1. */
  readonly jitter?: number;
  /** Retry only failures of these classes; default: all. */
  readonly on?: readonly FailureClass[];
}

/** Keys that `defaults` and steps have in common. */
export interface WrittenShared {
  /** Words for people; default: none. */
  readonly labels?: readonly string[];
  /** Environment variables of the step; values may contain `${{ }}`; default: none. */
  readonly env?: { readonly [name: string]: string | number | boolean };
  /** All of the caller's environment, or only PATH, HOME and the like, `env` and `passEnv`; default: `inherit`, for agents `strict`. */
  readonly envMode?: "inherit" | "strict";
  /** Names of the caller's variables that are passed in `strict` mode, to agents, and to expressions; default: none. */
  readonly passEnv?: readonly string[];
  /** Names of variables whose values are masked in logs, outputs and errors; default: none. */
  readonly secrets?: readonly string[];
  /** Working folder, relative to the project folder; default: the project folder. */
  readonly cwd?: string;
  /** The shell of `run`, with options if need be, as in `"bash -e"`; default: `sh`. */
  readonly shell?: string;
  /** Checked, but of no effect in this version; default: none. */
  readonly cache?: boolean;
  /** Limit of one attempt, as in `"10m"`, or a number of seconds; 0 removes a default; default: none. */
  readonly timeout?: WrittenDuration;
  /** Limit of all attempts together, waits included, as in `"10m"`, or a number of seconds; default: none. */
  readonly totalTimeout?: WrittenDuration;
  /** Time from SIGTERM to SIGKILL, as in `"5s"`, or a number of seconds; default: the plan's. */
  readonly grace?: WrittenDuration;
  /** A number: further attempts after the first; default: 0. */
  readonly retry?: number | WrittenRetry;
  /** Units that the step takes from the plan's pools; default: none. */
  readonly resources?: { readonly [pool: string]: number };
  /** Named locks over all runs in the project folder, shared to read or alone to write; default: none. */
  readonly locks?: {
    /** Names of locks that several steps may hold to read; default: none. */
    readonly read?: readonly string[];
    /** Names of locks that one step holds alone; default: none. */
    readonly write?: readonly string[];
  };
  /** Each member has a default of its own. */
  readonly limits?: {
    /** Megabytes of memory above which the attempt is ended and fails as `memory`; default: none. */
    readonly maxMemoryMb?: number;
  };
  /** Labels of the workers that may run the step: each worker that has all of them; no effect without workers; default: any. */
  readonly runsOn?: string | readonly string[];
  /** May fail without failing the run: what depends on it is skipped, and the run succeeds (exit code 0); default: false. */
  readonly optional?: boolean;
  /** What a resume does with the step if it was running when the process died; default: `rerun`. */
  readonly onInterrupt?: "rerun" | "fail" | "ask";
  /** Commands that must pass before the step counts as succeeded; default: none. */
  readonly verify?: string | readonly string[];
  /** Steps with a higher one start first; default: 0. */
  readonly priority?: number;
}

/** A step's `agent:` as a mapping. */
export interface WrittenAgent extends AgentStepConfig {
  /** What the agent is asked; default: the step's `description` and `acceptance`. */
  readonly prompt?: string;
}

export interface WrittenStep extends WrittenShared {
  /** Letters, digits and `. _ - /`, at most 100; a number is taken as text. */
  readonly id?: WrittenId;
  /** What the step does, for people, and for agents without a prompt; default: none. */
  readonly description?: string;
  /** When the step is done, for people, and for agents without a prompt; default: none. */
  readonly acceptance?: readonly string[];
  /** A shell command. */
  readonly run?: string;
  /** A function of a module: `./steps.ts#name`. */
  readonly call?: string;
  /** The argument of the called function; strings may contain `${{ }}`; default: an empty object. */
  readonly with?: JsonObject;
  /** A coding agent's prompt, or its settings. */
  readonly agent?: string | WrittenAgent;
  /** A question to a person. */
  readonly approve?: string;
  /** A wait: a duration, as in `"2h"`, a number of seconds, or a time with its zone; may contain `${{ }}`. */
  readonly sleep?: WrittenDuration;
  /** A wait for the signal of this name, as `heddle signal` sends it; may contain `${{ }}`. */
  readonly signal?: string;
  /**
   * When `timeout` has passed: the answer to a question (`reject`, `approve`), or what comes of the wait for a signal (`fail`,
   * `continue`); default: `reject`, `fail`.
   */
  readonly onTimeout?: "reject" | "approve" | "fail" | "continue";
  /** Another plan as one step, or its file, relative to the plan's folder. */
  readonly plan?: string | JsonObject;
  /** Parameters of the other plan; values may contain `${{ }}`; default: none. */
  readonly params?: JsonObject;
  /** Only from TypeScript plans. */
  readonly function?: {
    /** Hash of its text. */
    readonly source: string;
    /** Its inputs by name: ids of the steps whose outputs they are; default: none. */
    readonly needs?: { readonly [name: string]: string };
    /** A schema checks its output; default: none does. */
    readonly schema?: true;
    /** Parameters that it reads, as the plan must declare them; default: any. */
    readonly params?: { readonly [name: string]: ParamSpec };
  };
  /** Ids of steps that must succeed first; default: none. */
  readonly deps?: WrittenId | readonly WrittenId[];
  /** Ids of steps that must end first, also if they fail; default: none. */
  readonly after?: WrittenId | readonly WrittenId[];
  /** A CEL condition; if it is false, the step is skipped; default: true. */
  readonly if?: string | boolean;
  /** One step per item: a list, or a CEL expression that gives one; default: one step. */
  readonly forEach?: string | readonly Json[];
  /** Items of `forEach` at the same time; default: no limit. */
  readonly maxConcurrency?: number;
  /** Agent steps of one group share a worktree and take turns; a label for others; default: none. */
  readonly group?: string;
  /** Run the function in a worker thread that can be killed; default: false. */
  readonly isolate?: boolean;
  /** Globs of files; checked, but of no effect in this version; default: none. */
  readonly inputs?: readonly string[];
  /** Globs of files; checked, but of no effect in this version; default: none. */
  readonly outputs?: readonly string[];
  /** Run it once its deps and `after` have ended, however they ended, also after a failure and while the run is cancelled; default: false. */
  readonly always?: boolean;
  /** Globs of files that the step may change, to predict conflicts between agents; default: unknown. */
  readonly writes?: readonly string[];
  /** A command that reverses the step; default: none. */
  readonly undo?: string;
  /** Expected duration, as in `"10m"`, or a number of seconds, until durations are recorded; default: 1ms. */
  readonly estimate?: WrittenDuration;
  /** JSON Schema that the step's output must match; default: any output. */
  readonly output?: JsonObject;
}

export interface WrittenPlan {
  /** Default: the file's name. */
  readonly name?: string;
  /** What the plan is for; default: none. */
  readonly description?: string;
  /** Declared parameters by name; default: none. */
  readonly params?: { readonly [name: string]: ParamSpec };
  /** Steps at the same time; default: the number of cores. */
  readonly maxConcurrency?: number;
  /** Coding agents at the same time; default: 3. */
  readonly maxAgents?: number;
  /** Start a step when its own dependencies have succeeded, or when the layer before has ended; default: `ready`. */
  readonly schedule?: Schedule;
  /** End the run at the first failure, or go on with what does not depend on it; default: `fail-fast`. */
  readonly failure?: FailureMode;
  /** Whose `undo` commands run after a failed run; default: `none`. */
  readonly rollback?: RollbackMode;
  /** Limit of the whole run, as in `"2h"`, or a number of seconds; default: none. */
  readonly timeout?: WrittenDuration;
  /** Time from SIGTERM to SIGKILL, as in `"5s"`, or a number of seconds; default: 5s. */
  readonly grace?: WrittenDuration;
  /** Counted pools by name, with how many units each has; default: none. */
  readonly resources?: { readonly [pool: string]: number };
  /** Of the machine; each member has a default of its own. */
  readonly limits?: {
    /** Megabytes of memory in use on the machine above which no further step starts; default: none. */
    readonly maxMemoryMb?: number;
    /** Percent of the machine's processor time above which no further step starts; default: none. */
    readonly maxCpuPercent?: number;
  };
  /** Spending limit of coding agents; checked, but of no effect in this version; default: none. */
  readonly budget?: {
    /** US dollars. */
    readonly usd: number;
    /** What happens when it is spent; default: `pause`. */
    readonly onReached?: "pause" | "stop";
  };
  /** Settings of coding agents and of merging their work; each has a default of its own. */
  readonly agents?: AgentsConfig;
  /** Who is told of ends and questions of the run, at most 10; default: nobody. */
  readonly notify?: NotifyTarget | readonly NotifyTarget[];
  /** Values for all steps that do not say otherwise; default: none. */
  readonly defaults?: WrittenShared;
}
