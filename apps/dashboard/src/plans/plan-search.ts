/** Search parameters of a plan's page: what is chosen in its graph. */
import { COLOURINGS, type Colouring } from "../graph/choices.ts";
import { oneOf, textOf } from "../app/search-params.ts";

export interface PlanSearch {
  /** Id of the step that is looked at. */
  readonly step?: string | undefined;
  /** Text that is looked for. */
  readonly q?: string | undefined;
  /** What the graph's colours mean; absent: the status. */
  readonly colour?: Colouring | undefined;
  /** `off`: the graph does not show the critical path. */
  readonly path?: "off" | undefined;
  /** Folds of the graph that were opened or closed, with line breaks between. */
  readonly folds?: string | undefined;
}

export function planSearch(search: Readonly<Record<string, unknown>>): PlanSearch {
  return {
    step: textOf(search["step"]),
    q: textOf(search["q"]),
    colour: oneOf(COLOURINGS, search["colour"]),
    path: oneOf(["off"] as const, search["path"]),
    folds: textOf(search["folds"]),
  };
}
