/**
 * Plan type: a plan as the rest of heddle uses it: validated, with defaults merged into each step, plain data that
 * survives JSON. Missing values are absent (no `undefined`, no empty list), so that a million steps stay small and equal
 * plans have equal text.
 */
import type { Json, JsonObject } from "../base/json.ts";
import type { AgentsConfig, AgentStepConfig, ReadOnlyWorkspace } from "./agents-config.ts";
import type { NotifyTarget } from "./notify-config.ts";

export type Schedule = "ready" | "layers";
export type FailureMode = "fail-fast" | "continue";
export type RollbackMode = "none" | "dependents" | "all";

export interface Plan {
  /** As written, else the file's name. */
  readonly name: string;
  /** Absent: none. */
  readonly description?: string;
  /** Values of the parameters for this run: declared defaults with what the caller gave. */
  readonly params?: JsonObject;
  /** The declarations behind {@link params}; kept so that the canonical form can be printed. */
  readonly paramSpecs?: { readonly [name: string]: ParamSpec };
  /** Steps at once; absent: the number of cores. */
  readonly maxConcurrency?: number;
  /** Coding agents at once; absent: 3. */
  readonly maxAgents?: number;
  /** Absent: `ready`. */
  readonly schedule?: Schedule;
  /** Absent: `fail-fast`. */
  readonly failure?: FailureMode;
  /** Absent: `none`. */
  readonly rollback?: RollbackMode;
  /** Milliseconds of the whole run; absent: no limit. */
  readonly timeoutMs?: number;
  /** Milliseconds between SIGTERM and SIGKILL; absent: {@link DEFAULT_GRACE_MS}. */
  readonly graceMs?: number;
  /** Counted pools: name to capacity; absent: none. */
  readonly resources?: { readonly [pool: string]: number };
  /** Of the machine: above them no further step starts. Absent: none. */
  readonly limits?: {
    /** Megabytes in use; absent: no limit. */
    readonly maxMemoryMb?: number;
    /** Percent of the processor time in use; absent: no limit. */
    readonly maxCpuPercent?: number;
  };
  /** What coding agents may spend; absent: no limit. */
  readonly budget?: {
    /** US dollars. */
    readonly usd: number;
    /** What happens when it is spent. */
    readonly onReached: "pause" | "stop";
  };
  /** In the keys of plan files, every name checked. */
  readonly agents?: AgentsConfig;
  /** Who is told of ends and questions of the run; absent: nobody. */
  readonly notify?: readonly NotifyTarget[];
  /** What steps say that say nothing else, in the keys of plan files. It is in {@link steps}; kept for those added on the way. Absent: nothing. */
  readonly defaults?: JsonObject;
  /** At least one; in the order of the text. */
  readonly steps: readonly Step[];
}

export const DEFAULT_GRACE_MS = 5000;
export const DEFAULT_MAX_AGENTS = 3;

export interface ParamSpec {
  /** What a value has to be; texts from the command line are converted to it. */
  readonly type: "string" | "number" | "boolean" | "json";
  /** The values that are accepted; absent: all of the type. */
  readonly enum?: readonly Json[];
  /** The value where none is given; absent: one has to be given. */
  readonly default?: Json;
  /** For people; absent: none. */
  readonly description?: string;
}

/** What a step does: exactly one of these. */
export type Action =
  | {
      readonly kind: "run";
      /** A shell command. */
      readonly command: string;
    }
  | {
      readonly kind: "call";
      /** Relative to the plan's folder. */
      readonly module: string;
      /** Name of the function that the module exports. */
      readonly export: string;
      /** The function's argument; strings may hold templates. Absent: an empty object. */
      readonly with?: JsonObject;
    }
  /** A function of a TypeScript plan, found by step id in the {@link Functions} loaded beside the plan. */
  | {
      readonly kind: "function";
      /** Hash of its text, to see that it changed. */
      readonly source: string;
      /** Names of its inputs with the ids of the steps whose outputs they are. Absent: it has none. */
      readonly needs?: { readonly [name: string]: string };
      /** A Standard Schema checks its output. Absent: none does. */
      readonly schema?: true;
    }
  | {
      readonly kind: "agent";
      /** What a coding agent is asked; may hold templates. */
      readonly prompt: string;
      /** What the step says of its agent, in the words of plan files. Absent: nothing. */
      readonly options?: AgentStepConfig;
      /** Where it works to read only; set by heddle's own plans. Absent: in a worktree, whose changes are merged. */
      readonly workspace?: ReadOnlyWorkspace;
    }
  | {
      readonly kind: "approve";
      /** What a person says yes or no to; may hold templates. */
      readonly question: string;
      /** The answer when the step's timeout has passed. Absent: `reject`. */
      readonly onTimeout?: "reject" | "approve";
    }
  /** A wait for a time. It takes no slot, and goes on while no process works on the run. */
  | {
      readonly kind: "sleep";
      /** A duration, or a point in time with its zone; may hold templates. */
      readonly time: string;
    }
  /** A wait for a word from outside the run, whose value is the step's output. It takes no slot. */
  | {
      readonly kind: "signal";
      /** What it waits for; may hold templates. */
      readonly name: string;
      /** What comes of it when the step's timeout has passed: it fails, or succeeds with `null`. Absent: `fail`. */
      readonly onTimeout?: "fail" | "continue";
    }
  /** Another plan as one step: `file` or `plan`. */
  | {
      readonly kind: "plan";
      /** Relative to the plan's folder. */
      readonly file?: string;
      /** The plan itself. */
      readonly plan?: Plan;
      /** Values of the other plan's parameters; may hold templates. Absent: none. */
      readonly params?: JsonObject;
    };

/** Whether what the step changes is captured in a worktree, and merged. */
export function worksInWorktree({ action }: Pick<Step, "action">): boolean {
  return action.kind === "agent" && action.workspace === undefined;
}

/** Whether the step only waits: for a time, or for a word from outside. */
export function isWait({ action }: Pick<Step, "action">): boolean {
  return action.kind === "sleep" || action.kind === "signal";
}

/** Classes of failed attempts that `retry.on` may name. */
export const FAILURE_CLASSES = ["error", "exit", "timeout", "memory", "lost", "output", "spawn"] as const;
export type FailureClass = (typeof FAILURE_CLASSES)[number];

export interface Retry {
  /** Attempts in all, the first included. */
  readonly attempts: number;
  /** Milliseconds before the second attempt. */
  readonly delayMs: number;
  /** Multiplies the delay for each further attempt. */
  readonly factor: number;
  /** Milliseconds: no delay is longer, chance apart. */
  readonly maxDelayMs: number;
  /** Share of the delay that chance may add or take, 0 to 1. */
  readonly jitter: number;
  /** Retry only these; absent: all. */
  readonly on?: readonly FailureClass[];
}

export const DEFAULT_RETRY: Retry = { attempts: 1, delayMs: 1000, factor: 2, maxDelayMs: 30_000, jitter: 0.1 };

export interface Step {
  /** Letters, digits, and `. _ - /`; inside of containers also what the engine adds. */
  readonly id: string;
  /** Absent: none. */
  readonly description?: string;
  /** Words for people; absent: none. */
  readonly labels?: readonly string[];
  /** When the step is done, for people and agents; absent: nothing is said. */
  readonly acceptance?: readonly string[];
  /** What it does. */
  readonly action: Action;
  /** Hard: this step starts only when each of them succeeded; absent: none. */
  readonly deps?: readonly string[];
  /** Order only; absent: none. */
  readonly after?: readonly string[];
  /** A CEL condition; if false, the step is skipped. Absent: true. */
  readonly if?: string;
  /** Steps whose output its expressions read (deps, or deps of deps), derived by validation: without it the step cannot run. */
  readonly reads?: readonly string[];
  /** Parameters whose value its expressions read, derived by validation; `*`: all of them. Absent: none. */
  readonly readsParams?: readonly string[];
  /** Expands to one step per item; absent: one step. */
  readonly forEach?: {
    /** CEL text that gives a list, or the list. */
    readonly items: string | readonly Json[];
    /** Items at the same time; absent: no limit. */
    readonly maxConcurrency?: number;
    /** The step's condition, where it reads `item`: asked for each item. Absent: every item runs. */
    readonly if?: string;
  };
  /** Agent steps of one group share a worktree and take turns; absent: none. */
  readonly group?: string;
  /** Environment variables; values may hold templates `${{ }}`. Absent: none. */
  readonly env?: { readonly [name: string]: string };
  /** Absent: `inherit` for `run`, `call` and functions, `strict` for agents. */
  readonly envMode?: "inherit" | "strict";
  /** Names of the caller's variables that are passed on; absent: none. */
  readonly passEnv?: readonly string[];
  /** Names of environment variables whose values are masked wherever they come up; absent: none. */
  readonly secrets?: readonly string[];
  /** Relative to the project folder; absent: the project folder. */
  readonly cwd?: string;
  /** Absent: `sh`. */
  readonly shell?: string;
  /** A function runs in a worker thread that can be killed; absent: it does not. */
  readonly isolate?: boolean;
  /** Globs of files that it reads; absent: unknown. */
  readonly inputs?: readonly string[];
  /** Globs of files that it makes; absent: unknown. */
  readonly outputs?: readonly string[];
  /** Absent: nothing is said. */
  readonly cache?: boolean;
  /** Globs of files that it may change, to predict conflicts; absent: unknown. */
  readonly writes?: readonly string[];
  /** Milliseconds per attempt; absent: no limit. */
  readonly timeoutMs?: number;
  /** Milliseconds over all attempts, waits included; absent: no limit. */
  readonly totalTimeoutMs?: number;
  /** Milliseconds between SIGTERM and SIGKILL; absent: the plan's. */
  readonly graceMs?: number;
  /** Absent: one attempt. */
  readonly retry?: Retry;
  /** Units that it takes from the plan's pools; absent: none. */
  readonly resources?: { readonly [pool: string]: number };
  /** Named locks over all runs of the project; absent: none. */
  readonly locks?: {
    /** Shared with others that read; absent: none. */
    readonly read?: readonly string[];
    /** Held alone; absent: none. */
    readonly write?: readonly string[];
  };
  /** Absent: none. */
  readonly limits?: {
    /** Megabytes above which the attempt is ended; absent: no limit. */
    readonly maxMemoryMb?: number;
  };
  /** Only workers that have all of these labels may carry it out; absent: every worker may. Of no effect where there are no workers. */
  readonly runsOn?: readonly string[];
  /** May fail without failing the run; absent: it may not. */
  readonly optional?: boolean;
  /**
   * Runs once what it comes after has ended, however it ended, also while the run is brought to its end early; absent: only when
   * its deps have succeeded, in a run that goes on.
   */
  readonly always?: boolean;
  /** Absent: `rerun`. */
  readonly onInterrupt?: "rerun" | "fail" | "ask";
  /** A command that reverses it; absent: none. */
  readonly undo?: string;
  /** Commands that must pass before it counts as succeeded; absent: none. */
  readonly verify?: readonly string[];
  /** Higher goes first, before the longest remaining path; absent: 0. */
  readonly priority?: number;
  /** Expected duration in milliseconds, until recorded ones take over; absent: 1. */
  readonly estimateMs?: number;
  /** JSON Schema that the output must match; absent: the output is not checked. */
  readonly output?: JsonObject;
}

/** What a function of a TypeScript plan is given beside its inputs. */
export interface StepContext<Params extends JsonObject = JsonObject> {
  /** The run's id. */
  readonly run: string;
  /** The step's id. */
  readonly step: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** Aborted on timeout, cancel and fail-fast; a function that ignores it is abandoned after the plan's grace. */
  readonly signal: AbortSignal;
  /** Values of the plan's parameters. */
  readonly params: Params;
  /** The item of a `forEach`, else `undefined`. */
  readonly item: Json | undefined;
  /** Writes one line to the step's log. */
  log(line: string): void;
  /** Records progress: a bounded, optional event. */
  progress(data: JsonObject): void;
  /**
   * Adds steps to the run when this attempt succeeds. They must be data (`run`, `call`, `approve`, `plan`): a function could
   * not be found again by a resume in another process.
   */
  addSteps(steps: readonly unknown[]): void;
}

/** What a schema made of an output, or what is wrong with it. */
export type CheckedOutput =
  | {
      /** The output as the schema has it. */
      readonly value: unknown;
    }
  | {
      /** For people. */
      readonly problem: string;
    };

/** A function step's code, by step id, beside the plan that names it. Inputs are keyed as in `needs`. */
export interface StepFunction {
  /** The function. */
  readonly run: (inputs: Record<string, unknown>, context: StepContext) => unknown;
  /** Checks and converts the output: a Standard Schema's `~standard.validate`, resolved to a value or to a text of what is wrong. */
  readonly check?: (output: unknown) => Promise<CheckedOutput>;
}

export type Functions = ReadonlyMap<string, StepFunction>;
export const NO_FUNCTIONS: Functions = new Map();
