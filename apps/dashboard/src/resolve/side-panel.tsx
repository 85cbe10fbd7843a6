/** One side of a conflict: its text, the places that conflict marked, the one that is looked at in view. */
import { useEffect, useMemo, useRef, type ReactNode } from "react";
import { useVirtualizer } from "@tanstack/react-virtual";
import type { FileSideDocument, LinesDocument } from "heddle/client";
import { CodeText } from "../ui/code-text.tsx";
import { bytesText } from "../ui/format.ts";

export interface SidePanelProps {
  readonly title: string;
  readonly family: "ours" | "theirs";
  /** `null`: this side has no such file. */
  readonly side: FileSideDocument | null;
  readonly ranges: readonly LinesDocument[];
  /** Which of them is looked at, from 0. */
  readonly shown: number;
  /** The button that takes this side. */
  readonly action: ReactNode;
}

const ROW_HEIGHT = 18;

export function SidePanel({ title, family, side, ranges, shown, action }: SidePanelProps): ReactNode {
  return (
    <section className={`panel side side-${family}`} aria-label={title}>
      <div className="side-head">
        <h2 className="ellipsis">{title}</h2>
        {action}
      </div>
      {side?.text !== undefined && side.kind !== "link" ? (
        <SideText label={`${title}, text`} text={side.text} ranges={ranges} shown={shown} />
      ) : (
        <p className="side-about">{aboutOf(side)}</p>
      )}
    </section>
  );
}

function aboutOf(side: FileSideDocument | null): ReactNode {
  if (side === null) return "This side has no such file.";
  switch (side.kind) {
    case "link":
      return (
        <>
          A link to{" "}
          <code>
            <CodeText text={side.text ?? ""} />
          </code>
        </>
      );
    case "submodule":
      return "A pointer to a commit of a submodule.";
    case "folder":
      return "A folder.";
    default:
      return side.bytes > 1 << 20
        ? `${bytesText(side.bytes)}: too long to be shown here.`
        : `${bytesText(side.bytes)} that are no text.`;
  }
}

function SideText({
  label,
  text,
  ranges,
  shown,
}: Pick<SidePanelProps, "ranges" | "shown"> & { readonly label: string; readonly text: string }): ReactNode {
  const scroller = useRef<HTMLDivElement>(null);
  const lines = useMemo(() => {
    const all = text.split("\n");
    return all.at(-1) === "" ? all.slice(0, -1) : all;
  }, [text]);
  const list = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 30,
  });
  const range = ranges[shown];
  useEffect(() => {
    if (range !== undefined) list.scrollToIndex(Math.max(0, range.from - 1), { align: "center" });
  }, [range, list]);
  const placeOf = (line: number): number => ranges.findIndex(({ from, to }) => line >= from && line < to);
  const isGap = (line: number): boolean => ranges.some(({ from, to }) => from === to && from === line);
  return (
    <div ref={scroller} className="side-text mono" role="region" aria-label={label} tabIndex={0}>
      <div className="side-rows" style={{ height: list.getTotalSize() }}>
        {list.getVirtualItems().map(({ index, key, start }) => {
          const at = placeOf(index + 1);
          const classes = ["side-row", at < 0 ? "" : "in", at === shown ? "shown" : "", isGap(index + 1) ? "gap" : ""];
          return (
            <div
              key={key}
              ref={list.measureElement}
              data-index={index}
              className={classes.filter(Boolean).join(" ")}
              style={{ transform: `translateY(${start}px)` }}
            >
              <span className="side-number">{index + 1}</span>
              <span className="side-line">
                <CodeText text={lines[index] ?? ""} />
              </span>
            </div>
          );
        })}
      </div>
    </div>
  );
}
