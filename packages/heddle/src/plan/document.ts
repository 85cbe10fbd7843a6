/**
 * Document types: a plan as it is written, after its shapes were checked and before anything is merged or converted.
 */
import type { WrittenDuration } from "../base/duration.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { AgentsConfig, AgentStepConfig } from "./agents-config.ts";
import type { FailureClass, FailureMode, ParamSpec, RollbackMode, Schedule } from "./plan.ts";

export type WrittenId = string | number;

export interface WrittenRetry {
  readonly attempts?: number;
  readonly delay?: WrittenDuration;
  readonly factor?: number;
  readonly maxDelay?: WrittenDuration;
  readonly jitter?: number;
  readonly on?: readonly FailureClass[];
}

/** Keys that `defaults` and steps have in common. */
export interface WrittenShared {
  readonly labels?: readonly string[];
  readonly env?: { readonly [name: string]: string | number | boolean };
  readonly envMode?: "inherit" | "strict";
  readonly passEnv?: readonly string[];
  readonly secrets?: readonly string[];
  readonly cwd?: string;
  readonly shell?: string;
  readonly cache?: boolean;
  readonly timeout?: WrittenDuration;
  readonly totalTimeout?: WrittenDuration;
  readonly grace?: WrittenDuration;
  /** A number: further attempts after the first. */
  readonly retry?: number | WrittenRetry;
  readonly resources?: { readonly [pool: string]: number };
  readonly locks?: { readonly read?: readonly string[]; readonly write?: readonly string[] };
  readonly limits?: { readonly maxMemoryMb?: number };
  readonly optional?: boolean;
  readonly onInterrupt?: "rerun" | "fail" | "ask";
  readonly verify?: string | readonly string[];
  readonly runsOn?: string | readonly string[];
  readonly priority?: number;
}

/** A step's `agent:` as a mapping. */
export interface WrittenAgent extends AgentStepConfig {
  /** What the agent is asked; default: the step's `description` and `acceptance`. */
  readonly prompt?: string;
}

export interface WrittenStep extends WrittenShared {
  readonly id?: WrittenId;
  readonly description?: string;
  readonly acceptance?: readonly string[];
  readonly run?: string;
  readonly call?: string;
  readonly with?: JsonObject;
  readonly agent?: string | WrittenAgent;
  readonly approve?: string;
  readonly onTimeout?: "reject" | "approve";
  readonly plan?: string | JsonObject;
  readonly params?: JsonObject;
  /** Only from TypeScript plans. */
  readonly function?: {
    readonly source: string;
    readonly needs?: { readonly [name: string]: string };
    readonly schema?: true;
  };
  readonly deps?: WrittenId | readonly WrittenId[];
  readonly after?: WrittenId | readonly WrittenId[];
  readonly if?: string | boolean;
  readonly forEach?: string | readonly Json[];
  readonly maxConcurrency?: number;
  readonly group?: string;
  readonly isolate?: boolean;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly writes?: readonly string[];
  readonly undo?: string;
  readonly estimate?: WrittenDuration;
  readonly output?: JsonObject;
}

export interface WrittenPlan {
  readonly name?: string;
  readonly description?: string;
  readonly params?: { readonly [name: string]: ParamSpec };
  readonly maxConcurrency?: number;
  readonly maxAgents?: number;
  readonly schedule?: Schedule;
  readonly failure?: FailureMode;
  readonly rollback?: RollbackMode;
  readonly timeout?: WrittenDuration;
  readonly grace?: WrittenDuration;
  readonly resources?: { readonly [pool: string]: number };
  readonly limits?: { readonly maxMemoryMb?: number; readonly maxCpuPercent?: number };
  readonly budget?: { readonly usd: number; readonly onReached?: "pause" | "stop" };
  readonly agents?: AgentsConfig;
  readonly defaults?: WrittenShared;
}
