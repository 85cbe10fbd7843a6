/** Strip above the graph: its controls, in a line of their own, so that they cover no node. */
import type { ReactNode, Ref } from "react";
import { useSaid } from "../app/announce.tsx";
import { Button } from "../ui/button.tsx";
import { countOf, countText } from "../ui/format.ts";
import type { Colouring, GraphChoices } from "./choices.ts";

export interface GraphStripProps {
  /** Where a text is looked for. */
  readonly field: Ref<HTMLInputElement>;
  readonly choices: GraphChoices;
  readonly onChoose: (choices: Partial<GraphChoices>) => void;
  readonly colourings: readonly Colouring[];
  /** How many nodes match; absent: nothing is looked for. */
  readonly found: number | undefined;
  readonly onFound: (forward: boolean) => void;
  /** How many nodes failed or need somebody. */
  readonly wrong: number;
  readonly onWrong: () => void;
  readonly onFit: () => void;
  readonly zoom: number;
  readonly onZoom: (factor: number) => void;
  /** So many nodes are shown as bars alone; absent: they are not. */
  readonly notice: number | undefined;
  /** What else can be done with the graph. */
  readonly children?: ReactNode;
}

export function GraphStrip(props: GraphStripProps): ReactNode {
  const { choices, onChoose, found, onFound, wrong, zoom, notice } = props;
  // Told of what somebody has typed, and not with each change of the run.
  const saidFound = useSaid(found === undefined ? "" : `${countText(found)} found`, [
    choices.text,
    found === undefined,
  ]);
  const heatMap =
    notice === undefined
      ? ""
      : `A heat map of ${countOf(notice, "node")}: zoom in, find a step, or go to the next failure to read them.`;
  const saidHeatMap = useSaid(heatMap, [notice === undefined]);
  return (
    <div className="graph-strip">
      <Button onClick={props.onFit}>
        Fit <kbd>f</kbd>
      </Button>
      <Button aria-pressed={choices.showsPath} onClick={() => onChoose({ showsPath: !choices.showsPath })}>
        Critical path <kbd>x</kbd>
      </Button>
      <label className="graph-colouring">
        <span>Colour by</span>
        <select value={choices.colouring} onChange={({ target }) => onChoose({ colouring: target.value as Colouring })}>
          {props.colourings.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
      <Button unusable={wrong === 0 ? "Nothing failed, and nothing waits for you" : undefined} onClick={props.onWrong}>
        Next failure <kbd>n</kbd>
        {wrong === 0 ? null : <span className="dim">{countText(wrong)}</span>}
      </Button>
      <div className="graph-find">
        <input
          ref={props.field}
          type="search"
          aria-label="Find a step"
          placeholder="Find a step"
          value={choices.text}
          onChange={({ target }) => onChoose({ text: target.value })}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            onFound(!event.shiftKey);
          }}
        />
        {found === undefined ? null : <span className="dim">{countText(found)} found</span>}
        <span className="visually-hidden" role="status">
          {saidFound}
        </span>
      </div>
      <span className="graph-notice">{heatMap}</span>
      <span className="visually-hidden" role="status">
        {saidHeatMap}
      </span>
      {props.children}
      <div className="graph-zoom" role="group" aria-label="Zoom">
        <Button aria-label="Smaller" onClick={() => props.onZoom(0.8)}>
          −
        </Button>
        <span className="num">{zoom < 0.1 ? (zoom * 100).toFixed(1) : Math.round(zoom * 100)} %</span>
        <Button aria-label="Larger" onClick={() => props.onZoom(1.25)}>
          +
        </Button>
      </div>
    </div>
  );
}
