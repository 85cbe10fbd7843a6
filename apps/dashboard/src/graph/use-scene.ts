/** Hooks of the graph: a scene for an element, places for nodes, states for nodes, colours of the theme. */
import { useEffect, useMemo, useRef, useState, type RefObject } from "react";
import type { GraphLayout, LiveStep } from "heddle/view";
import type { FoldedGraph } from "./fold.ts";
import { slicedLayout } from "./layout-slices.ts";
import { graphPaletteOf, type GraphPalette } from "./look.ts";
import { nodeState, type NodeState } from "./node-state.ts";
import { GraphScene, type ShownView } from "./scene.ts";

export interface PlacedGraph {
  readonly folded: FoldedGraph;
  readonly layout: GraphLayout;
}

/** The last one stays until the next is ready; `undefined`: the first is not. */
export function usePlacedGraph(folded: FoldedGraph): PlacedGraph | undefined {
  const [placed, setPlaced] = useState<PlacedGraph>();
  useEffect(() => {
    const given = new AbortController();
    const made = slicedLayout(folded.edges, given.signal);
    if (!(made instanceof Promise)) setPlaced({ folded, layout: made });
    else void made.then((layout) => (layout === undefined ? undefined : setPlaced({ folded, layout })));
    return () => given.abort();
  }, [folded]);
  return placed;
}

/** `onDrawn`: after each time that all was drawn. */
export function useGraphScene(
  host: RefObject<HTMLElement | null>,
  prefix: string,
  onDrawn: (view: ShownView) => void,
): GraphScene | undefined {
  const [scene, setScene] = useState<GraphScene>();
  const drawn = useRef(onDrawn);
  drawn.current = onDrawn;
  useEffect(() => {
    const element = host.current;
    if (element === null) return undefined;
    const made = new GraphScene(element, prefix, (view) => drawn.current(view));
    const observer = new ResizeObserver(() => made.resize());
    observer.observe(element);
    setScene(made);
    return () => {
      observer.disconnect();
      made[Symbol.dispose]();
      setScene(undefined);
    };
  }, [host, prefix]);
  return scene;
}

/** `undefined` until the element is there. */
export function usePalette(host: RefObject<HTMLElement | null>): GraphPalette | undefined {
  const [palette, setPalette] = useState<GraphPalette>();
  useEffect(() => {
    const read = (): void => setPalette(host.current === null ? undefined : graphPaletteOf(host.current));
    read();
    const observer = new MutationObserver(read);
    observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => observer.disconnect();
  }, [host]);
  return palette;
}

export interface NodeStates {
  readonly states: readonly (NodeState | undefined)[];
  /** Those that are not as they were. */
  readonly changed: readonly number[];
}

/** By node. Costs what has changed, beside a look at each step. */
export function useNodeStates(placed: PlacedGraph | undefined, steps: readonly LiveStep[]): NodeStates {
  const before = useRef<{ placed: PlacedGraph; steps: readonly LiveStep[]; known: NodeStates } | undefined>(undefined);
  return useMemo(() => {
    if (placed === undefined) return { states: [], changed: [] };
    const { nodes, nodeOf } = placed.folded;
    const last = before.current?.placed === placed ? before.current : undefined;
    const changed = new Set<number>();
    for (const [step, node] of nodeOf.entries())
      if (last === undefined || last.steps[step] !== steps[step]) changed.add(node);
    const states =
      last === undefined ? Array.from(nodes, () => undefined as NodeState | undefined) : [...last.known.states];
    for (const at of changed) {
      const node = nodes[at];
      if (node !== undefined) states[at] = nodeState(node, steps);
    }
    const known = { states, changed: [...changed] };
    before.current = { placed, steps, known };
    return known;
  }, [placed, steps]);
}
