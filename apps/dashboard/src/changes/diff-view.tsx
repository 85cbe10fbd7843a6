/** Diff of one file: lines that were removed, added and stayed, one below the other or side by side. Only what is in view is drawn. */
import { useMemo, useRef, type ReactNode } from "react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { CodeText } from "../ui/code-text.tsx";
import { changedPart, partners, patchRows, splitRows, type LineRow, type PatchRow } from "./patch-rows.ts";
import "./diff-view.css";

export interface DiffViewProps {
  readonly patch: string;
  readonly isSplit: boolean;
  /** Of the file, for who cannot see it. */
  readonly label: string;
}

const ROW_HEIGHT = 18;

export function DiffView({ patch, isSplit, label }: DiffViewProps): ReactNode {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => patchRows(patch), [patch]);
  const others = useMemo(() => partners(rows), [rows]);
  const split = useMemo(() => (isSplit ? splitRows(rows) : []), [rows, isSplit]);
  const list = useVirtualizer({
    count: isSplit ? split.length : rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 30,
  });
  const draw = (index: number): ReactNode => {
    if (!isSplit) {
      const row = rows[index];
      return row === undefined ? null : <Unified row={row} partner={others.get(row)} />;
    }
    const row = split[index];
    if (row === undefined) return null;
    if (row.kind === "across") return <Across row={row.row} />;
    return (
      <div className="diff-pair">
        <Side row={row.left} side="before" partner={row.left && others.get(row.left)} />
        <Side row={row.right} side="after" partner={row.right && others.get(row.right)} />
      </div>
    );
  };
  return (
    <div ref={scroller} className="diff mono" role="region" aria-label={label} tabIndex={0}>
      <div className="diff-rows" style={{ height: list.getTotalSize() }}>
        {list.getVirtualItems().map(({ index, key, start }) => (
          <div
            key={key}
            ref={list.measureElement}
            data-index={index}
            className="diff-row"
            style={{ transform: `translateY(${start}px)` }}
          >
            {draw(index)}
          </div>
        ))}
      </div>
    </div>
  );
}

const SIGNS = { same: " ", removed: "−", added: "+" } as const;

function Unified({ row, partner }: { readonly row: PatchRow; readonly partner: string | undefined }): ReactNode {
  if (row.kind === "place" || row.kind === "note") return <Across row={row} />;
  return (
    <div className={`diff-line ${row.kind}`}>
      <span className="diff-number">{"before" in row ? row.before : ""}</span>
      <span className="diff-number">{"after" in row ? row.after : ""}</span>
      <Line row={row} partner={partner} />
    </div>
  );
}

function Side({
  row,
  side,
  partner,
}: {
  readonly row: LineRow | undefined;
  readonly side: "before" | "after";
  readonly partner: string | undefined;
}): ReactNode {
  if (row === undefined) return <div className="diff-line none" />;
  const number = side === "before" && "before" in row ? row.before : "after" in row ? row.after : "";
  return (
    <div className={`diff-line ${row.kind}`}>
      <span className="diff-number">{number}</span>
      <Line row={row} partner={partner} />
    </div>
  );
}

function Line({ row, partner }: { readonly row: LineRow; readonly partner: string | undefined }): ReactNode {
  return (
    <>
      <span className="diff-sign">{SIGNS[row.kind]}</span>
      <span className="diff-text">
        <CodeText text={row.text} mark={partner === undefined ? undefined : changedPart(row.text, partner)} />
      </span>
    </>
  );
}

function Across({ row }: { readonly row: Extract<PatchRow, { readonly kind: "place" | "note" }> }): ReactNode {
  return (
    <div className={`diff-across ${row.kind}`}>
      {row.kind === "place" ? "⋯ " : ""}
      <CodeText text={row.text} />
    </div>
  );
}
