/** List of changed files by step. A link each, so that every one has its address; only what is in view is drawn. */
import { useEffect, useRef, type ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import type { ChangedPath } from "heddle/client";
import type { LiveStep } from "heddle/view";
import { ResolveLink } from "../resolve/resolve-link.tsx";
import { useShownRun } from "../run/shown-run.tsx";
import { Button } from "../ui/button.tsx";
import { CodeText } from "../ui/code-text.tsx";
import { countOf, countText } from "../ui/format.ts";
import { Glyph } from "../ui/glyph.tsx";
import type { ChangeRow } from "./change-rows.ts";
import "./change-list.css";

export interface ChangeListProps {
  readonly rows: readonly ChangeRow[];
  readonly file: string | undefined;
  readonly of: string | undefined;
  readonly steps: readonly LiveStep[];
  readonly onMore: (() => void) | undefined;
}

const ROW_HEIGHT = 28;

export function ChangeList({ rows, file, of, steps, onMore }: ChangeListProps): ReactNode {
  const scroller = useRef<HTMLElement>(null);
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 20,
    getItemKey: (index) => keyOf(rows[index]),
  });
  const at = rows.findIndex((row) => row.kind === "file" && row.file.file === file && row.step === of);
  const shown = useRef("");
  useEffect(() => {
    // Once for each choice: what the reader scrolls to stays where it is.
    const chosen = `${of ?? ""}\n${file ?? ""}`;
    if (at < 0 || shown.current === chosen) return;
    shown.current = chosen;
    list.scrollToIndex(at, { align: "auto" });
  }, [at, file, of, list]);
  return (
    <nav ref={scroller} className="change-list" aria-label="Changed files" tabIndex={0}>
      <div className="change-rows" style={{ height: list.getTotalSize() }}>
        {list.getVirtualItems().map(({ index, key, start }) => {
          const row = rows[index];
          return (
            <div
              key={key}
              ref={list.measureElement}
              data-index={index}
              className="change-row"
              style={{ transform: `translateY(${start}px)` }}
            >
              {row === undefined ? null : <Row row={row} isShown={index === at} steps={steps} />}
            </div>
          );
        })}
      </div>
      {rows.length === 0 ? <p className="change-none dim">No file has this in its name.</p> : null}
      {onMore === undefined ? null : (
        <Button className="change-more" onClick={onMore}>
          More steps
        </Button>
      )}
    </nav>
  );
}

function keyOf(row: ChangeRow | undefined): string {
  if (row === undefined) return "";
  return `${row.kind}\n${row.step ?? ""}\n${row.kind === "file" ? row.file.file : ""}`;
}

function Row({
  row,
  isShown,
  steps,
}: {
  readonly row: ChangeRow;
  readonly isShown: boolean;
  readonly steps: readonly LiveStep[];
}): ReactNode {
  switch (row.kind) {
    case "set":
      return <SetRow row={row} status={steps.find(({ id }) => id === row.step)?.status} />;
    case "more":
      return <p className="change-none dim">and {countOf(row.count, "file")} more</p>;
    case "file":
      return <FileRow file={row.file} step={row.step} isShown={isShown} />;
  }
}

const SOURCES = { integration: "", merged: "merged", captured: "not merged", worktree: "in its worktree" } as const;

function SetRow({
  row: { step, set, shown },
  status,
}: {
  readonly row: Extract<ChangeRow, { readonly kind: "set" }>;
  readonly status: LiveStep["status"] | undefined;
}): ReactNode {
  const { project, run } = useShownRun();
  return (
    <h2 className="change-set">
      {status === undefined ? null : <Glyph name={status} label={status} />}
      <span className="ellipsis change-set-name">{step ?? "All that was merged"}</span>
      <span className="change-set-about">
        {shown < set.count ? `${countText(shown)} of ${countText(set.count)}` : countText(set.count)}{" "}
        {set.of === "worktree" && status === "running" ? "working now" : SOURCES[set.of]}
      </span>
      {status === "needs-resolution" && step !== undefined ? (
        <ResolveLink project={project} run={run.head.run} step={step} />
      ) : null}
      <Counts added={set.added} removed={set.removed} />
    </h2>
  );
}

function FileRow({
  file: { file, status, added, removed, others },
  step,
  isShown,
}: {
  readonly file: ChangedPath;
  readonly step: string | undefined;
  readonly isShown: boolean;
}): ReactNode {
  const cut = file.lastIndexOf("/") + 1;
  const shared = others.length > (step === undefined ? 1 : 0);
  return (
    <Link
      className="change-file"
      from="/p/$project/runs/$run"
      search={(before) => ({ ...before, file, of: step })}
      aria-current={isShown ? "true" : undefined}
      title={shared ? `Changed by ${[...(step === undefined ? [] : [step]), ...others].join(", ")}` : undefined}
    >
      <span className={`change-status ${status}`}>
        {LETTERS[status]}
        <span className="visually-hidden">{status}</span>
      </span>
      <span className="change-name">
        <CodeText text={file.slice(cut)} />{" "}
        {cut === 0 ? null : (
          <span className="change-folder">
            <CodeText text={file.slice(0, cut - 1)} />
          </span>
        )}
      </span>
      {shared ? (
        <span className="change-shared">
          {countText(others.length + (step === undefined ? 0 : 1))}
          <span className="visually-hidden"> steps changed it</span>
        </span>
      ) : null}
      <Counts added={added} removed={removed} />
    </Link>
  );
}

const LETTERS = { added: "A", modified: "M", deleted: "D", renamed: "R" } as const;

function Counts({ added, removed }: { readonly added: number | null; readonly removed: number | null }): ReactNode {
  if (added === null || removed === null) return <span className="change-counts dim">binary</span>;
  return (
    <span className="change-counts">
      {added === 0 ? null : (
        <span className="change-added">
          +{countText(added)}
          <span className="visually-hidden"> lines added</span>
        </span>
      )}{" "}
      {removed === 0 ? null : (
        <span className="change-removed">
          −{countText(removed)}
          <span className="visually-hidden"> lines removed</span>
        </span>
      )}
    </span>
  );
}
