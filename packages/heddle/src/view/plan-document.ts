/** Plan documents of the HTTP API: the plan files of a project, a plan as it would run, and what is wrong with one. */
import type { Json } from "../base/json.ts";
import type { RunStatus } from "./status.ts";
import type { PlanView } from "./plan-view.ts";
import type { DiagnosticLine } from "./protocol.ts";

export interface PlanFileLine {
  /** Relative to the project's folder, with forward slashes. */
  readonly file: string;
  /** It is a program: to know its plan, it is run, which no request that only looks does. */
  readonly isProgram: boolean;
  /** Its newest run; absent: none is known. */
  readonly lastRun?: {
    readonly run: string;
    readonly plan: string;
    readonly status: RunStatus;
    readonly startedAt: number;
  };
}

/** `GET .../plans`: the project's own plan first. */
export interface PlanFileList {
  readonly items: readonly PlanFileLine[];
  /** There may be more: not all folders were looked at. */
  readonly isPartial: boolean;
}

interface Diagnosed {
  /** Errors, or the warnings of a valid plan: at most 200. */
  readonly diagnostics: readonly DiagnosticLine[];
  readonly diagnosticsInAll: number;
}

/** A parameter of a plan. */
export interface PlanParam {
  readonly name: string;
  readonly type: "string" | "number" | "boolean" | "json";
  /** Absent: all values of the type are accepted. */
  readonly enum?: readonly Json[];
  /** Absent: a value has to be given. */
  readonly default?: Json;
  readonly description?: string;
}

/** `GET .../plans/{plan}`. */
export interface PlanDocument extends Diagnosed {
  readonly valid: boolean;
  /** What a start may give values to. */
  readonly params: readonly PlanParam[];
  /** As `heddle plan --json` has it; `null`: it is not valid. */
  readonly plan: PlanView | null;
}

/** `POST .../plans/validate`. */
export interface PlanValidation extends Diagnosed {
  readonly valid: boolean;
  /** Absent: it is not valid. */
  readonly name?: string;
  /** How many it has. */
  readonly steps?: number;
}
