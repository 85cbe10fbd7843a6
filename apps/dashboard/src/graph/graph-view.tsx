/** Graph view: the strip of controls, the drawing, and what its colours mean. What is chosen it is told, and tells. */
import {
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode,
} from "react";
import type { LiveStep, RunGraph } from "heddle/view";
import { useSaid } from "../app/announce.tsx";
import { useKeys } from "../app/keys.ts";
import { useNow } from "../store/now.ts";
import { Waiting } from "../ui/waiting.tsx";
import { COLOURINGS, type GraphChoices } from "./choices.ts";
import { foldedGraph, reachedFrom } from "./fold.ts";
import { useFoundNodes } from "./found-nodes.ts";
import { listenForGestures } from "./gestures.ts";
import { GraphLegend } from "./graph-legend.tsx";
import { GraphStrip } from "./graph-strip.tsx";
import { nodeText, sceneLook, standsOut } from "./look.ts";
import type { StepModels } from "./use-models.ts";
import { useGraphScene, useNodeStates, usePalette, usePlacedGraph, type PlacedGraph } from "./use-scene.ts";
import { nextNode, type Direction } from "./walk.ts";
import "./graph.css";

export interface GraphViewProps {
  /** What is drawn, for screen readers. */
  readonly label: string;
  readonly graph: RunGraph;
  /** By number, as in the graph. */
  readonly steps: readonly LiveStep[];
  /** Id of the step that is open. */
  readonly selected: string | undefined;
  readonly onSelect: (id: string) => void;
  readonly choices: GraphChoices;
  readonly onChoose: (choices: Partial<GraphChoices>) => void;
  /** Which steps are looked for besides those with the text; absent: all. */
  readonly isWanted?: ((step: LiveStep) => boolean) | undefined;
  /** Where what goes on has come to; absent: the present. */
  readonly now?: number | undefined;
  /** Absent: colours do not tell models here. */
  readonly models?: StepModels | undefined;
  /** What else can be done with the graph, in its strip. */
  readonly children?: ReactNode;
}

/** What a small graph is shown at, where the whole would be too small to be read. */
const READABLE = 0.8;
const SMALL = 60;
/** Pixels that a key moves the view. */
const PAN = 80;
const ZOOM = 1.25;
const HOVER_MS = 90;
/** Bars of so many nodes say little alone. */
const HEAT_MAP_FROM = 250;

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};
const SHIFTS: Readonly<Record<Direction, readonly [number, number]>> = {
  left: [-PAN, 0],
  right: [PAN, 0],
  up: [0, -PAN],
  down: [0, PAN],
};

export function GraphView(props: GraphViewProps): ReactNode {
  const { label, graph, steps, selected, onSelect, choices, onChoose, isWanted, now: shownNow, models } = props;
  const prefix = useId();
  const host = useRef<HTMLDivElement>(null);
  const area = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const present = useNow();
  const now = shownNow ?? present;
  const { steps: ids, deps, after, containers, groups } = graph;
  // Another critical path alone places nothing anew.
  const folded = useMemo(
    () => foldedGraph(graph, choices.toggled),
    // oxlint-disable-next-line react-hooks/exhaustive-deps
    [ids, deps, after, containers, groups, choices.toggled],
  );
  const placed = usePlacedGraph(folded);
  const { states, changed } = useNodeStates(placed, steps);
  const palette = usePalette(area);
  const [shown, setShown] = useState<{ readonly zoom: number; readonly shows: "bars" | "boxes" }>({
    zoom: 1,
    shows: "boxes",
  });
  const [currentKey, setCurrentKey] = useState<string>();
  const [hovered, setHovered] = useState<{ readonly node: number; readonly x: number; readonly y: number }>();
  const [lit, setLit] = useState<ReadonlySet<number>>();

  const nodes = placed?.folded.nodes ?? [];
  const current = currentKey === undefined ? -1 : nodes.findIndex(({ key }) => key === currentKey);
  const selectedStep = selected === undefined ? -1 : graph.steps.indexOf(selected);
  const selectedNode = placed?.folded.nodeOf[selectedStep];
  const stateNow = useRef(states);
  stateNow.current = states;
  const nowNow = useRef(now);
  nowNow.current = now;

  const scene = useGraphScene(host, prefix, (view) => {
    setShown((before) => (before.zoom === view.zoom && before.shows === view.shows ? before : view));
    pointAt();
  });
  const pointAt = (): void => {
    const id = current === -1 ? undefined : scene?.elementOf(current);
    if (id === undefined) area.current?.removeAttribute("aria-activedescendant");
    else area.current?.setAttribute("aria-activedescendant", id);
  };

  const { text } = choices;
  const { found, changed: foundChanged } = useFoundNodes({ placed, ids, text, isWanted }, steps);
  const foundNow = useRef(found);
  foundNow.current = found;
  const slowTick = choices.colouring === "status" ? 0 : Math.floor(now / 3000);
  const look = useMemo(
    () =>
      placed === undefined || palette === undefined
        ? undefined
        : sceneLook({
            graph,
            folded: placed.folded,
            states: () => stateNow.current,
            now: () => nowNow.current,
            palette,
            colouring: choices.colouring,
            models,
            showsPath: choices.showsPath,
            lit,
            found: () => foundNow.current,
          }),
    // A colouring by amounts depends on the largest one; another search finds others.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
    [graph, placed, palette, choices.colouring, choices.showsPath, models, lit, text, isWanted, slowTick],
  );

  const drawn = useRef<PlacedGraph>(undefined);
  const toggledStep = useRef<number>(undefined);
  useLayoutEffect(() => {
    if (scene === undefined || placed === undefined) return;
    const before = drawn.current;
    drawn.current = placed;
    const anchor =
      before === undefined
        ? undefined
        : (toggledStep.current ?? middleStep(scene.nodeAt(scene.view.width / 2, scene.view.height / 2), before));
    toggledStep.current = undefined;
    const oldNode = before?.folded.nodeOf[anchor ?? -1];
    const newNode = placed.folded.nodeOf[anchor ?? -1];
    if (oldNode !== undefined && newNode !== undefined) {
      scene.draw(placed.layout, { before: scene.boxOf(oldNode), node: newNode });
      return;
    }
    scene.draw(placed.layout);
    scene.fit();
    if (placed.folded.nodes.length > SMALL || scene.camera.zoom >= READABLE * 0.8) return;
    scene.begin(READABLE);
    const first = stateNow.current.findIndex(
      (state) => state !== undefined && (standsOut(state) || state.status === "running"),
    );
    if (first !== -1) scene.reveal(first);
  }, [scene, placed]);
  useLayoutEffect(() => {
    if (scene !== undefined && look !== undefined) scene.look(look);
  }, [scene, look]);
  useLayoutEffect(() => scene?.change([...changed, ...foundChanged]), [scene, changed, foundChanged]);
  useEffect(() => {
    // Times of what runs go on.
    scene?.change([...states.keys()].filter((node) => typeof states[node]?.runsSince === "number"));
  }, [scene, now]);
  useLayoutEffect(() => {
    scene?.mark(selectedNode, current === -1 ? undefined : current);
    pointAt();
  }, [scene, placed, selectedNode, current]);

  const goTo = (node: number): void => {
    setCurrentKey(nodes[node]?.key);
    scene?.reveal(node);
  };
  const jumpTo = (node: number): void => {
    setCurrentKey(nodes[node]?.key);
    scene?.centre(node, READABLE);
    area.current?.focus({ preventScroll: true });
  };
  const toggle = (node: number): void => {
    const fold = nodes[node];
    if (fold === undefined) return;
    const key = fold.fold === undefined ? fold.inside : fold.key;
    if (key === undefined) return;
    toggledStep.current = fold.members[0];
    const toggled = new Set(choices.toggled);
    if (!toggled.delete(key)) toggled.add(key);
    setCurrentKey(fold.fold === undefined ? key : fold.key);
    onChoose({ toggled });
  };
  const open = (node: number): void => {
    const step = nodes[node]?.step;
    setCurrentKey(nodes[node]?.key);
    if (step === undefined) toggle(node);
    else onSelect(graph.steps[step] ?? "");
  };
  const jumpAmong = (list: readonly number[], forward: boolean): void => {
    if (list.length === 0) return;
    const from = current === -1 ? (selectedNode ?? -1) : current;
    const at = list.indexOf(from);
    const next = at === -1 ? (forward ? 0 : list.length - 1) : (at + (forward ? 1 : list.length - 1)) % list.length;
    jumpTo(list[next] ?? 0);
  };
  const wrong = useMemo(() => inReadingOrder(placed, states, standsOut), [placed, states]);
  const foundInOrder = useMemo(
    () => (found === undefined || placed === undefined ? [] : byPlace(placed, [...found])),
    [found, placed],
  );

  // Gestures are listened to once; they do what is right at the moment.
  const acts = useRef({ open, toggle });
  acts.current = { open, toggle };
  useEffect(() => {
    const element = area.current;
    if (scene === undefined || element === null) return undefined;
    return listenForGestures(element, scene, {
      onClick: (node, part) => (node === undefined ? undefined : acts.current[part](node)),
      onHover: (node, at) => setHovered(node === undefined ? undefined : { node, ...at }),
    });
  }, [scene]);
  const hoveredNode = hovered?.node;
  useEffect(() => {
    if (placed === undefined) return undefined;
    const timer = setTimeout(() => {
      setLit(
        hoveredNode === undefined
          ? undefined
          : new Set([
              ...reachedFrom(placed.folded, hoveredNode, "before"),
              ...reachedFrom(placed.folded, hoveredNode, "behind"),
            ]),
      );
    }, HOVER_MS);
    return () => clearTimeout(timer);
  }, [placed, hoveredNode]);

  const fit = (): void => scene?.fit();
  const showPath = (): void => onChoose({ showsPath: !choices.showsPath });
  useKeys([
    { key: "f", what: "Show the whole graph", run: fit },
    { key: "x", what: "Show or hide the critical path", run: showPath },
    { key: "n", what: "Next failure", run: () => jumpAmong(wrong, true) },
    { key: "N", what: "Previous failure", run: () => jumpAmong(wrong, false) },
    { key: "/", what: "Find a step", run: () => field.current?.focus() },
    { key: "+", what: "Zoom in", run: () => scene?.zoomBy(ZOOM) },
    { key: "-", what: "Zoom out", run: () => scene?.zoomBy(1 / ZOOM) },
  ]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const direction = ARROWS[event.key];
    if (direction !== undefined && event.shiftKey) scene?.moveBy(...SHIFTS[direction]);
    else if (direction !== undefined) {
      const from = current === -1 ? selectedNode : current;
      if (from === undefined || placed === undefined) {
        const first = byPlace(placed, scene?.inView() ?? [])[0];
        if (first !== undefined) goTo(first);
      } else goTo(nextNode(placed.folded, placed.layout, from, direction) ?? from);
    } else if (event.key === "Enter" && current !== -1) open(current);
    else if (event.key === "e" && current !== -1) toggle(current);
    else if (event.key === "+" || event.key === "=") scene?.zoomBy(ZOOM);
    else if (event.key === "-") scene?.zoomBy(1 / ZOOM);
    else return;
    event.preventDefault();
  };

  // Told when somebody has moved to a node, and not with each second that it runs.
  const told = useSaid(
    current !== -1 && shown.shows === "bars" ? nodeText(nodes[current]?.label ?? "", states[current], now) : "",
    [currentKey, shown.shows],
  );
  const isHeatMap = shown.shows === "bars" && nodes.length > HEAT_MAP_FROM;
  const shownHover = shown.shows === "bars" ? hovered : undefined;
  return (
    <div className="graph">
      <GraphStrip
        field={field}
        choices={choices}
        onChoose={onChoose}
        colourings={COLOURINGS.filter(
          (one) =>
            one === choices.colouring ||
            ((one !== "group" || groups.length > 0) && (one !== "model" || models !== undefined)),
        )}
        found={choices.text === "" || placed === undefined ? undefined : foundInOrder.length}
        onFound={(forward) => jumpAmong(foundInOrder, forward)}
        wrong={wrong.length}
        onWrong={() => jumpAmong(wrong, true)}
        onFit={fit}
        zoom={shown.zoom}
        onZoom={(factor) => scene?.zoomBy(factor)}
        notice={isHeatMap ? nodes.length : undefined}
      >
        {props.children}
      </GraphStrip>
      <div
        ref={area}
        className="graph-area"
        role="application"
        aria-roledescription="graph"
        aria-label={label}
        aria-describedby={`${prefix}hint`}
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <div ref={host} className="graph-host" />
        {placed === undefined ? <Waiting what="the graph" /> : null}
        {shownHover === undefined ? null : (
          <div className="graph-tip" style={{ transform: `translate(${shownHover.x + 12}px, ${shownHover.y + 14}px)` }}>
            {nodeText(nodes[shownHover.node]?.label ?? "", states[shownHover.node], now)}
          </div>
        )}
      </div>
      <p id={`${prefix}hint`} hidden>
        Arrow keys walk along edges, Enter opens a step, e opens or closes a fold, Shift with an arrow moves the view,
        plus and minus zoom.
      </p>
      <p className="visually-hidden" role="status">
        {told}
      </p>
      <GraphLegend colouring={choices.colouring} groups={groups.map(({ name }) => name)} models={models?.names ?? []} />
    </div>
  );
}

function middleStep(node: number | undefined, { folded }: PlacedGraph): number | undefined {
  return folded.nodes[node ?? 0]?.members[0];
}

/** From left to right, and down. */
function byPlace(placed: PlacedGraph | undefined, nodes: readonly number[]): readonly number[] {
  const boxes = placed?.layout.boxes ?? [];
  return nodes.toSorted((a, b) => (boxes[a]?.x ?? 0) - (boxes[b]?.x ?? 0) || (boxes[a]?.y ?? 0) - (boxes[b]?.y ?? 0));
}

function inReadingOrder<State>(
  placed: PlacedGraph | undefined,
  states: readonly (State | undefined)[],
  is: (state: State) => boolean,
): readonly number[] {
  return byPlace(
    placed,
    [...states.keys()].filter((node) => {
      const state = states[node];
      return state !== undefined && is(state);
    }),
  );
}
