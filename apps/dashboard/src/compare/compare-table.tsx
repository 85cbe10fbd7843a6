/** Table of a comparison: a step in both runs, what it moved, and its bars in both, the first run's above the second's. */
import { useRef, type ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import type { ComparedRun, ComparedSide, ComparedStep } from "heddle/client";
import { FAMILY_OF } from "heddle/view";
import { costText, durationText } from "../ui/format.ts";
import { Status } from "../ui/glyph.tsx";
import type { WorkSpan } from "./compare-axis.ts";
import "./compare-table.css";

export interface Timelines {
  readonly a: ReadonlyMap<string, readonly WorkSpan[]>;
  readonly b: ReadonlyMap<string, readonly WorkSpan[]>;
  /** Where the axis ends, in milliseconds. */
  readonly last: number;
}

export interface CompareTableProps {
  readonly project: string;
  readonly runs: readonly [ComparedRun, ComparedRun];
  readonly steps: readonly ComparedStep[];
  /** Absent: they are not there yet. */
  readonly timelines: Timelines | undefined;
}

const ROW_HEIGHT = 44;

export function CompareTable({ project, runs, steps, timelines }: CompareTableProps): ReactNode {
  const scroll = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: steps.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 10,
  });
  const items = virtual.getVirtualItems();
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  const most = steps.reduce((found, { effectMs }) => Math.max(found, Math.abs(effectMs)), 1);
  return (
    <div className="panel compare-scroll" ref={scroll} tabIndex={0} role="region" aria-label="Steps of both runs">
      <table className="compare-table" aria-rowcount={steps.length + 1}>
        <thead>
          <tr>
            <th>Step</th>
            <th>First run</th>
            <th>Second run</th>
            <th className="num">Moved the makespan</th>
            <th className="compare-effect">
              <span className="visually-hidden">Less to the left, more to the right</span>
            </th>
            <th className="num compare-wide">Queued</th>
            <th className="num compare-wide">Attempts</th>
            <th className="num compare-wide">Cost</th>
            <th className="compare-lines">On one axis, to {durationText(timelines?.last ?? 0)}</th>
          </tr>
        </thead>
        <tbody>
          {before > 0 ? <Filler height={before} /> : null}
          {items.map(({ index }) => {
            const step = steps[index];
            return step === undefined ? null : (
              <tr key={step.step} aria-rowindex={index + 2}>
                <td className="compare-step">
                  <Link
                    className="link"
                    to="/p/$project/runs/$run"
                    params={{ project, run: (step.b === undefined ? runs[0] : runs[1]).run }}
                    search={{ view: "steps", step: step.step }}
                  >
                    {step.step}
                  </Link>
                  <Definition step={step} />
                </td>
                <td>
                  <Side side={step.a} />
                </td>
                <td>
                  <Side side={step.b} />
                </td>
                <td className="num">{effectText(step.effectMs)}</td>
                <td className="compare-effect">
                  <Effect ms={step.effectMs} most={most} />
                </td>
                <td className="num compare-wide">{both(step, ({ queuedMs }) => msText(queuedMs))}</td>
                <td className="num compare-wide">{both(step, ({ attempts }) => String(attempts))}</td>
                <td className="num compare-wide">{both(step, ({ cost }) => costText(cost))}</td>
                <td className="compare-lines">
                  {timelines === undefined ? null : <Lines step={step.step} timelines={timelines} />}
                </td>
              </tr>
            );
          })}
          {after > 0 ? <Filler height={after} /> : null}
        </tbody>
      </table>
      {steps.length === 0 ? <p className="dim compare-none">No step is like that.</p> : null}
    </div>
  );
}

function Filler({ height }: { readonly height: number }): ReactNode {
  return (
    <tr aria-hidden="true">
      <td colSpan={9} style={{ height, padding: 0, border: 0 }} />
    </tr>
  );
}

function Definition({ step: { definition, changed = [] } }: { readonly step: ComparedStep }): ReactNode {
  if (definition !== "changed") return null;
  return (
    <span className="dim compare-changed ellipsis" title={changed.join(", ")}>
      definition changed: {changed.join(", ")}
    </span>
  );
}

function Side({ side }: { readonly side: ComparedSide | undefined }): ReactNode {
  if (side === undefined) return <span className="dim">not in it</span>;
  return (
    <span className="compare-side">
      <Status name={side.status} />
      <span className="dim">{msText(side.tookMs)}</span>
    </span>
  );
}

function both({ a, b }: ComparedStep, textOf: (side: ComparedSide) => string): string {
  const [before, after] = [a && textOf(a), b && textOf(b)];
  if (before === after || after === undefined) return before ?? "–";
  return before === undefined ? after : `${before} → ${after}`;
}

function msText(ms: number | null): string {
  return ms === null ? "–" : durationText(ms);
}

function effectText(ms: number): string {
  if (Math.abs(ms) < 1) return "–";
  return `${ms > 0 ? "+" : "−"}${durationText(Math.abs(ms))}`;
}

/** To the right: longer; to the left: shorter. */
function Effect({ ms, most }: { readonly ms: number; readonly most: number }): ReactNode {
  const share = (Math.abs(ms) / most) * 50;
  if (share < 0.5) return <div className="compare-middle" />;
  return (
    <div className="compare-middle">
      <div
        className={ms > 0 ? "compare-more" : "compare-less"}
        style={{ left: `${ms > 0 ? 50 : 50 - share}%`, width: `${share}%` }}
      />
    </div>
  );
}

function Lines({ step, timelines }: { readonly step: string; readonly timelines: Timelines }): ReactNode {
  const { last } = timelines;
  return (
    <svg className="compare-svg" viewBox="0 0 1000 28" preserveAspectRatio="none" aria-hidden="true">
      {(["a", "b"] as const).map((of, line) =>
        (timelines[of].get(step) ?? []).map(({ from, to, queuedFrom, status }) => (
          <g key={`${of} ${from}`} className={`family-${FAMILY_OF[status === "interrupted" ? "interrupted" : status]}`}>
            <rect
              className="compare-lead"
              x={(queuedFrom / last) * 1000}
              y={4 + line * 13}
              width={((from - queuedFrom) / last) * 1000}
              height={3}
            />
            <rect
              className="compare-bar"
              x={(from / last) * 1000}
              y={1 + line * 13}
              width={Math.max(4, ((to - from) / last) * 1000)}
              height={9}
            />
          </g>
        )),
      )}
    </svg>
  );
}
