/**
 * Plan type: a plan as the rest of heddle uses it: validated, with defaults merged into each step, plain data that
 * survives JSON. Missing values are absent (no `undefined`, no empty list), so that a million steps stay small and equal
 * plans have equal text.
 */
import type { Json, JsonObject } from "../base/json.ts";
import type { AgentsConfig, AgentStepConfig } from "./agents-config.ts";

export type Schedule = "ready" | "layers";
export type FailureMode = "fail-fast" | "continue";
export type RollbackMode = "none" | "dependents" | "all";

export interface Plan {
  readonly name: string;
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
  /** Of the whole run. */
  readonly timeoutMs?: number;
  /** Between SIGTERM and SIGKILL; absent: {@link DEFAULT_GRACE_MS}. */
  readonly graceMs?: number;
  /** Counted pools: name to capacity. */
  readonly resources?: { readonly [pool: string]: number };
  readonly limits?: { readonly maxMemoryMb?: number; readonly maxCpuPercent?: number };
  readonly budget?: { readonly usd: number; readonly onReached: "pause" | "stop" };
  /** In the words of plan files, every name checked. */
  readonly agents?: AgentsConfig;
  readonly steps: readonly Step[];
}

export const DEFAULT_GRACE_MS = 5000;
export const DEFAULT_MAX_AGENTS = 3;

export interface ParamSpec {
  readonly type: "string" | "number" | "boolean" | "json";
  readonly enum?: readonly Json[];
  readonly default?: Json;
  readonly description?: string;
}

/** What a step does: exactly one of these. */
export type Action =
  /** A shell command. */
  | { readonly kind: "run"; readonly command: string }
  /** An exported function of a module; `module` is relative to the plan's folder. */
  | { readonly kind: "call"; readonly module: string; readonly export: string; readonly with?: JsonObject }
  /**
   * A function of a TypeScript plan, found by step id in the {@link Functions} loaded beside the plan. `source` is a hash of
   * its text, for drift. `needs` maps the function's input names to dep ids: it needs their outputs. `schema` tells that a
   * Standard Schema checks its output.
   */
  | {
      readonly kind: "function";
      readonly source: string;
      readonly needs?: { readonly [name: string]: string };
      readonly schema?: true;
    }
  /** A coding agent. */
  | { readonly kind: "agent"; readonly prompt: string; readonly options?: AgentStepConfig }
  /** A person's yes or no. */
  | { readonly kind: "approve"; readonly question: string; readonly onTimeout?: "reject" | "approve" }
  /** Another plan as one step: a file relative to the plan's folder, or the plan itself. `params` may hold templates. */
  | { readonly kind: "plan"; readonly file?: string; readonly plan?: Plan; readonly params?: JsonObject };

/** Classes of failed attempts that `retry.on` may name. */
export const FAILURE_CLASSES = ["error", "exit", "timeout", "memory", "lost", "output", "spawn"] as const;
export type FailureClass = (typeof FAILURE_CLASSES)[number];

export interface Retry {
  /** Attempts in all, the first included. */
  readonly attempts: number;
  readonly delayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
  /** Share of the delay that chance may add or take, 0 to 1. */
  readonly jitter: number;
  /** Retry only these; absent: all. */
  readonly on?: readonly FailureClass[];
}

export const DEFAULT_RETRY: Retry = { attempts: 1, delayMs: 1000, factor: 2, maxDelayMs: 30_000, jitter: 0.1 };

export interface Step {
  readonly id: string;
  readonly description?: string;
  readonly labels?: readonly string[];
  readonly acceptance?: readonly string[];
  readonly action: Action;
  /** Hard: this step starts only when each of them succeeded. */
  readonly deps?: readonly string[];
  /** Order only. */
  readonly after?: readonly string[];
  /** A CEL condition; if false, the step is skipped. */
  readonly if?: string;
  /** Steps whose output its expressions read (deps, or deps of deps), derived by validation: without it the step cannot run. */
  readonly reads?: readonly string[];
  /** Expands to one step per item: CEL text that gives a list, or the list. `maxConcurrency` bounds the items at once. */
  readonly forEach?: { readonly items: string | readonly Json[]; readonly maxConcurrency?: number };
  readonly group?: string;
  /** Values may hold templates `${{ }}`. */
  readonly env?: { readonly [name: string]: string };
  /** Absent: `inherit` for `run`, `call` and functions, `strict` for agents. */
  readonly envMode?: "inherit" | "strict";
  readonly passEnv?: readonly string[];
  /** Names of environment variables whose values are masked wherever they come up. */
  readonly secrets?: readonly string[];
  /** Relative to the project folder; absent: the project folder. */
  readonly cwd?: string;
  /** Absent: `sh`. */
  readonly shell?: string;
  /** A function runs in a worker thread that can be killed. */
  readonly isolate?: boolean;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly cache?: boolean;
  readonly writes?: readonly string[];
  /** Per attempt. */
  readonly timeoutMs?: number;
  /** Over all attempts, waits included. */
  readonly totalTimeoutMs?: number;
  readonly graceMs?: number;
  readonly retry?: Retry;
  readonly resources?: { readonly [pool: string]: number };
  readonly locks?: { readonly read?: readonly string[]; readonly write?: readonly string[] };
  readonly limits?: { readonly maxMemoryMb?: number };
  /** Only workers that have all of these labels may carry it out; absent: any. Of no effect where there are no workers. */
  readonly runsOn?: readonly string[];
  readonly optional?: boolean;
  /** Absent: `rerun`. */
  readonly onInterrupt?: "rerun" | "fail" | "ask";
  readonly undo?: string;
  readonly verify?: readonly string[];
  /** Higher goes first, before the longest remaining path; absent: 0. */
  readonly priority?: number;
  /** Expected duration, until recorded ones take over. */
  readonly estimateMs?: number;
  /** JSON Schema that the output must match. */
  readonly output?: JsonObject;
}

/** What a function of a TypeScript plan is given beside its inputs. */
export interface StepContext {
  readonly run: string;
  readonly step: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** Aborted on timeout, cancel and fail-fast; a function that ignores it is abandoned after the plan's grace. */
  readonly signal: AbortSignal;
  readonly params: JsonObject;
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

/** A function step's code, by step id, beside the plan that names it. Inputs are keyed as in `needs`. */
export interface StepFunction {
  readonly run: (inputs: Record<string, unknown>, context: StepContext) => unknown;
  /** Checks and converts the output: a Standard Schema's `~standard.validate`, resolved to a value or to a text of what is wrong. */
  readonly check?: (output: unknown) => Promise<{ readonly value: unknown } | { readonly problem: string }>;
}

export type Functions = ReadonlyMap<string, StepFunction>;
export const NO_FUNCTIONS: Functions = new Map();
