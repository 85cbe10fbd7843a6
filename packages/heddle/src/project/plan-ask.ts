/** Plan asks: what is asked of plans in threads of their own, as data that can be sent there, and what is answered. Types only. */
import type { JsonObject } from "../base/json.ts";
import type { Result } from "../base/result.ts";
import type { RunForecast } from "../view/forecast.ts";
import type { PlanDocument, PlanFileList, PlanValidation } from "../view/plan-document.ts";
import type { WhatIf } from "../view/what-if.ts";
import type { AskedPlan, AskedPlanRefusal } from "./asked-plan.ts";

export interface PlanAsk {
  readonly asked: AskedPlan;
  readonly params?: JsonObject;
}

export interface SimulatePlanAsk extends PlanAsk {
  /** The plan is that of what is left of this run. */
  readonly run?: string;
  /** Absent: twelve numbers, up to 64. */
  readonly workers?: readonly number[];
  /** Milliseconds by step id, before what is recorded. */
  readonly durations?: Readonly<Record<string, number>>;
}

/** What each task is asked with, and answers. */
export interface PlanTasks {
  readonly files: { readonly ask: Readonly<Record<string, never>>; readonly answer: PlanFileList };
  readonly document: { readonly ask: PlanAsk & { readonly maxConcurrency?: number }; readonly answer: PlanDocument };
  readonly validate: { readonly ask: PlanAsk; readonly answer: PlanValidation };
  readonly simulate: { readonly ask: SimulatePlanAsk; readonly answer: WhatIf };
  readonly forecast: { readonly ask: { readonly run: string }; readonly answer: RunForecast };
}

export type PlanTaskKind = keyof PlanTasks;

/** As it is sent to the thread. */
export type PlanTask = {
  [Kind in PlanTaskKind]: {
    readonly kind: Kind;
    readonly dir: string;
    readonly now: number;
    readonly ask: PlanTasks[Kind]["ask"];
  };
}[PlanTaskKind];

export type PlanTaskAnswer = Result<PlanTasks[PlanTaskKind]["answer"], AskedPlanRefusal>;
