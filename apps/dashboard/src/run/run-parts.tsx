/** Parts of the run page: a tab, a key and a component each. */
import type { ComponentType } from "react";
import { StepsPart } from "../steps/steps-part.tsx";
import { CostPart } from "../costs/cost-part.tsx";
import { PlanPart } from "../plan/plan-part.tsx";
import type { RunViewName } from "./run-search.ts";

export interface RunPart {
  readonly view: RunViewName;
  readonly label: string;
  /** The key that shows it. */
  readonly key: string;
  readonly Part: ComponentType;
}

/** In the order of the tabs. */
export const PARTS: readonly [RunPart, ...RunPart[]] = [
  { view: "steps", label: "Steps", key: "s", Part: StepsPart },
  { view: "cost", label: "Cost", key: "o", Part: CostPart },
  { view: "plan", label: "Plan", key: "p", Part: PlanPart },
];

/** The one that the address names, else the first. */
export function partOf(view: RunViewName | undefined): RunPart {
  return PARTS.find((part) => part.view === view) ?? PARTS[0];
}
