/** Parts of the run page: a tab, a key and a component each. */
import type { ComponentType } from "react";
import { lazyPart } from "../app/lazy-part.ts";
import { GraphPart } from "../graph/graph-part.tsx";
import { StepsPart } from "../steps/steps-part.tsx";
import type { RunViewName } from "./run-search.ts";

export interface RunPart {
  readonly view: RunViewName;
  readonly label: string;
  /** The key that shows it. */
  readonly key: string;
  readonly Part: ComponentType;
  /** The replay bar stands under it, also while the run is shown as it is now. */
  readonly hasReplay?: boolean;
}

/** In the order of the tabs. */
export const PARTS: readonly [RunPart, ...RunPart[]] = [
  { view: "graph", label: "Graph", key: "g", Part: GraphPart, hasReplay: true },
  {
    view: "timeline",
    label: "Timeline",
    key: "t",
    Part: lazyPart(async () => (await import("../timeline/timeline-part.tsx")).TimelinePart),
    hasReplay: true,
  },
  { view: "steps", label: "Steps", key: "s", Part: StepsPart },
  {
    view: "logs",
    label: "Logs",
    key: "l",
    Part: lazyPart(async () => (await import("../logs/logs-part.tsx")).LogsPart),
  },
  {
    view: "changes",
    label: "Changes",
    key: "c",
    Part: lazyPart(async () => (await import("../changes/changes-part.tsx")).ChangesPart),
  },
  {
    view: "cost",
    label: "Cost",
    key: "o",
    Part: lazyPart(async () => (await import("../costs/cost-part.tsx")).CostPart),
  },
  {
    view: "events",
    label: "Events",
    key: "v",
    Part: lazyPart(async () => (await import("../events/events-part.tsx")).EventsPart),
  },
  {
    view: "plan",
    label: "Plan",
    key: "p",
    Part: lazyPart(async () => (await import("../plan/plan-part.tsx")).PlanPart),
  },
];

/** The one that the address names, else the first; on a narrow screen, where a graph is hard to read, the steps. */
export function partOf(view: RunViewName | undefined, isNarrow: boolean): RunPart {
  const wanted = view ?? (isNarrow ? "steps" : undefined);
  return PARTS.find((part) => part.view === wanted) ?? PARTS[0];
}
