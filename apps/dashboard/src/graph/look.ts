/** Look: what nodes and edges look like: by status, by how long they took, by what they cost, or by group. */
import { STEP_STATUSES, type RunGraph, type StepStatus } from "heddle/view";
import { costText, countText, durationText, runningText } from "../ui/format.ts";
import type { Colouring } from "./choices.ts";
import type { BoxLook } from "./boxes.ts";
import type { FoldedGraph } from "./fold.ts";
import type { NodeState } from "./node-state.ts";
import type { StepModels } from "./use-models.ts";
import type { BarLook } from "./paint.ts";
import type { SceneLook } from "./scene.ts";

/** Colours of a theme, as a canvas takes them. */
export interface GraphPalette {
  readonly bars: Readonly<Record<StepStatus, string>>;
  /** From little to much. */
  readonly scale: readonly string[];
  readonly groups: readonly string[];
  readonly edge: string;
  readonly ink: string;
  readonly page: string;
  readonly frame: string;
}

export const SCALE_STEPS = 5;
export const GROUP_COLOURS = 8;

export function graphPaletteOf(element: Element): GraphPalette {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const many = (name: string, count: number): readonly string[] =>
    Array.from({ length: count }, (_, at) => colour(`--graph-${name}-${at + 1}`));
  return {
    bars: Object.fromEntries(
      STEP_STATUSES.map((status) => [status, colour(`--bar-${status}`)]),
    ) as GraphPalette["bars"],
    scale: many("scale", SCALE_STEPS),
    groups: many("group", GROUP_COLOURS),
    edge: colour("--edge"),
    ink: colour("--fg"),
    page: colour("--bg"),
    frame: colour("--line-strong"),
  };
}

/** Whose bars are drawn last and larger. */
const STANDS_OUT: ReadonlySet<StepStatus> = new Set<StepStatus>([
  "failed",
  "needs-approval",
  "needs-resolution",
  "interrupted",
]);

export function standsOut({ status }: Pick<NodeState, "status">): boolean {
  return STANDS_OUT.has(status);
}

export interface LookInput {
  readonly graph: RunGraph;
  readonly folded: FoldedGraph;
  /** As they are when something is drawn. */
  readonly states: () => readonly (NodeState | undefined)[];
  readonly now: () => number;
  readonly palette: GraphPalette;
  readonly colouring: Colouring;
  /** Absent: nothing is known of models here. */
  readonly models?: StepModels | undefined;
  readonly showsPath: boolean;
  readonly lit: ReadonlySet<number> | undefined;
  /** Nodes that are found when something is drawn; absent: nothing is looked for. */
  readonly found: () => ReadonlySet<number> | undefined;
}

const UNKNOWN: NodeState = { status: "waiting", durationMs: null, runsSince: null, cost: null, note: null };

export function sceneLook(input: LookInput): SceneLook {
  const { graph, folded, palette, lit, found } = input;
  const { nodes, nodeOf } = folded;
  const state = (node: number): NodeState => input.states()[node] ?? UNKNOWN;
  const colourOf = colourings(input)[input.colouring];
  const isDimmed = (node: number): boolean => lit?.has(node) === false || found()?.has(node) === false;
  const path = new Map<number, number>();
  if (input.showsPath)
    for (const [at, step] of graph.criticalPath.entries()) {
      const next = graph.criticalPath[at + 1];
      if (next !== undefined) path.set(nodeOf[step] ?? -1, nodeOf[next] ?? -1);
    }
  const onPath = new Set([...path.keys(), ...path.values()]);
  return {
    bar: (node): BarLook => {
      const own = state(node);
      const fill = colourOf?.(node, own) ?? palette.bars[own.status];
      const isHeavy = onPath.has(node);
      return {
        fill,
        frame: isHeavy ? palette.ink : palette.frame,
        isHeavy,
        standsOut: standsOut(own),
        isDimmed: isDimmed(node),
      };
    },
    box: (node): BoxLook => {
      const own = state(node);
      const { label, size, fold } = nodes[node] ?? { label: "", size: 0 };
      const stripe = colourOf?.(node, own);
      return {
        id: label,
        status: own.status,
        meta: metaOf(own, size, input),
        share: (own.durationMs ?? 0) / totalMs(input.states()),
        note: own.note ?? "",
        isDimmed: isDimmed(node),
        isHeavy: onPath.has(node),
        ...(fold === undefined ? {} : { fold }),
        ...(own.counts === undefined ? {} : { ring: { size, counts: own.counts } }),
        ...(stripe === undefined ? {} : { stripe }),
      };
    },
    isHeavy: (from, to) => path.get(from) === to,
    lit,
    colours: { plain: palette.edge, heavy: palette.ink },
    background: palette.page,
    labels: nodes.flatMap(({ kind, fold, label, size }, at) =>
      fold === "closed"
        ? [{ text: `${label} · ${countText(size)}`, at }]
        : kind === "step"
          ? []
          : [{ text: label, at }],
    ),
  };
}

/** `succeeded · 2:05`. */
function metaOf(own: NodeState, size: number, { now }: LookInput): string {
  const { status, durationMs, runsSince, counts } = own;
  if (counts !== undefined) {
    const done = (counts.get("succeeded") ?? 0) + (counts.get("cached") ?? 0) + (counts.get("skipped") ?? 0);
    const failed = counts.get("failed") ?? 0;
    return `${countText(done)} of ${countText(size)}${failed > 0 ? ` · ${countText(failed)} failed` : ""}`;
  }
  if (runsSince !== null) return `${status} · ${runningText(now() - runsSince)}`;
  return durationMs === null ? status : `${status} · ${durationText(durationMs)}`;
}

const totals = new WeakMap<object, number>();

/** Known while the same states are shown. */
function totalMs(states: readonly (NodeState | undefined)[]): number {
  let total = totals.get(states);
  if (total === undefined) {
    total = states.reduce((sum, state) => sum + (state?.durationMs ?? 0), 0);
    totals.set(states, total);
  }
  return Math.max(1, total);
}

type NodeColour = (node: number, state: NodeState) => string | undefined;

/** `undefined`: that of its status. */
function colourings({
  graph,
  folded,
  palette,
  states,
  models,
}: LookInput): Readonly<Record<Colouring, NodeColour | undefined>> {
  const scaled = (amount: (state: NodeState) => number | null): NodeColour => {
    const most = states().reduce((max, state) => Math.max(max, (state === undefined ? null : amount(state)) ?? 0), 0);
    return (_node, state) => {
      const part = Math.sqrt((amount(state) ?? 0) / Math.max(most, Number.MIN_VALUE));
      return part === 0 ? undefined : palette.scale[Math.min(SCALE_STEPS - 1, Math.floor(part * SCALE_STEPS))];
    };
  };
  const groupOf = new Map<number, number>();
  for (const [at, { steps }] of graph.groups.entries())
    for (const step of steps) groupOf.set(folded.nodeOf[step] ?? -1, at % GROUP_COLOURS);
  return {
    status: undefined,
    duration: scaled(({ durationMs }) => durationMs),
    cost: scaled(({ cost }) => cost),
    model: (node) => {
      const member = folded.nodes[node]?.members.find((step) => models?.of.has(step));
      const at = models?.of.get(member ?? -1);
      return at === undefined ? undefined : palette.groups[at % GROUP_COLOURS];
    },
    group: (node) => palette.groups[groupOf.get(node) ?? -1],
  };
}

/** What is said of a node where it is too small for a box. */
export function nodeText(label: string, state: NodeState | undefined, now: number): string {
  const { status, durationMs, runsSince, cost, note } = state ?? UNKNOWN;
  const time =
    runsSince === null ? (durationMs === null ? [] : [durationText(durationMs)]) : [runningText(now - runsSince)];
  const money = cost === null ? [] : [costText(cost)];
  return [label, status, ...time, ...money, ...(note === null ? [] : [note])].join(" · ");
}
