/** Plan drawings: Mermaid, DOT, tree and layers of a plan. Knows no run. */
import { dot, mermaid, tree } from "../graph/draw.ts";
import type { Graph } from "../graph/graph.ts";
import { layersOf } from "../graph/paths.ts";

/** `mermaid`: a flowchart. `dot`: a Graphviz graph. `tree`: of dependencies, as text. */
export type DrawingForm = "mermaid" | "dot" | "tree";

export interface DrawnPlan {
  readonly name: string;
  readonly graph: Graph;
  /** What a step is called in a `tree`; default: its id. */
  readonly labelOf?: (id: string) => string;
}

/** Line by line. */
export function planDrawing(form: DrawingForm, { name, graph, labelOf = (id) => id }: DrawnPlan): Iterable<string> {
  switch (form) {
    case "mermaid":
      return mermaid(graph);
    case "dot":
      return dot(graph, { name });
    case "tree":
      return tree(graph, { labelOf: (step) => labelOf(graph.ids[step] ?? "") });
  }
}

/** Ids of the steps by longest distance from a root: what could run at the same time. */
export function planLayers(graph: Graph): readonly (readonly string[])[] {
  return layersOf(graph).map((layer) => layer.map((step) => graph.ids[step] ?? ""));
}
