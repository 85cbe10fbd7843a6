/** Operations on plans: those of a project, one as it would run, what is wrong with one, and what more workers would bring. They run nothing. */
import type { JsonObject } from "../base/json.ts";
import type { PlanDocument, PlanFileList, PlanValidation } from "../view/plan-document.ts";
import type { WhatIf } from "../view/what-if.ts";
import type { Ask, CallOptions } from "./call.ts";

/** Which plan is meant; neither: the project's own. */
export interface PlanRequest {
  /** Path of a plan file in the project, or the plan itself. */
  readonly plan?: string | JsonObject;
  /** The text of a plan file, instead. */
  readonly text?: string;
  /** Values of the plan's parameters. */
  readonly params?: JsonObject;
}

export interface SimulateRequest extends PlanRequest {
  /** What is left of this run, instead of a plan. */
  readonly run?: string;
  /** Numbers of steps at once, from 1 to 64. Absent: twelve of them. */
  readonly workers?: readonly number[];
  /** Milliseconds by step id, before what earlier runs recorded. */
  readonly durations?: { readonly [step: string]: number };
}

export interface PlanCalls {
  /** The plan files of the project, its own first. */
  list(options?: CallOptions): Promise<PlanFileList>;
  /** A plan file as it would run. One that is a program is refused: it would have to be run. `workers`: steps at once. */
  get(file: string, options?: CallOptions & { readonly workers?: number }): Promise<PlanDocument>;
  /** What is wrong with a plan, with line and column. */
  validate(request: PlanRequest, options?: CallOptions): Promise<PlanValidation>;
  /** How long it would take with other numbers of workers, by the rules of real runs. */
  simulate(request?: SimulateRequest, options?: CallOptions): Promise<WhatIf>;
}

export function planCalls(ask: Ask): PlanCalls {
  return {
    list: ({ signal } = {}) => ask({ method: "GET", path: ["plans"], signal }),
    get: (file, { signal, workers } = {}) => ask({ method: "GET", path: ["plans", file], query: { workers }, signal }),
    validate: (request, { signal } = {}) =>
      ask({ method: "POST", path: ["plans", "validate"], body: { ...request }, signal }),
    simulate: (request = {}, { signal } = {}) =>
      ask({ method: "POST", path: ["plans", "simulate"], body: { ...request }, signal }),
  };
}
