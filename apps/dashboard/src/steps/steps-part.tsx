/** Steps of the run as a table: filtered, sorted, selected, and opened beside it. What is chosen stands in the address. */
import { useCallback, useMemo, useState, type ReactNode } from "react";
import { getRouteApi } from "@tanstack/react-router";
import { useKeys } from "../app/keys.ts";
import { statusesOf, type RunSearch } from "../run/run-search.ts";
import { useShownRun } from "../run/shown-run.tsx";
import { Button } from "../ui/button.tsx";
import { countOf, countText } from "../ui/format.ts";
import { RetryDialog, useRetryReason } from "./retry-dialog.tsx";
import { sortIn, sortText, toggledStatus, type StepSort } from "./step-order.ts";
import { StepsFilter } from "./steps-filter.tsx";
import { StepsTable } from "./steps-table.tsx";
import { useStepOrder } from "./use-step-order.ts";
import "./steps-part.css";

const route = getRouteApi("/p/$project/runs/$run");

const NONE: ReadonlySet<string> = new Set();

export function StepsPart(): ReactNode {
  const { run } = useShownRun();
  const { status, q = "", sort: sorted } = route.useSearch();
  const navigate = route.useNavigate();
  const filter = useMemo(() => ({ statuses: statusesOf(status), text: q.toLowerCase() }), [status, q]);
  const sort = sortIn(sorted);
  const { order, changes, update } = useStepOrder(run, filter, sort);
  const [selected, setSelected] = useState(NONE);
  const [retried, setRetried] = useState<readonly string[]>([]);
  const unusable = useRetryReason();
  const choose = useCallback(
    (next: Partial<RunSearch>) => void navigate({ search: (before) => ({ ...before, ...next }), replace: true }),
    [navigate],
  );
  const ids = (): readonly string[] => order.flatMap((at) => run.steps[at]?.id ?? []);
  const chosen = selected.size === 0 ? [] : run.steps.flatMap(({ id }) => (selected.has(id) ? [id] : []));
  const retry = (): void | false => {
    if (chosen.length === 0 || unusable !== undefined) return false;
    setRetried(chosen);
  };
  useKeys([
    { key: "r", what: "Run the selected steps again", run: retry },
    { key: "u", what: "Bring the list up to date", run: () => update() },
  ]);
  const isAll = selected.size > 0 && order.every((at) => selected.has(run.steps[at]?.id ?? ""));
  return (
    <div className="steps">
      <StepsFilter
        counts={run.head.byStatus}
        total={run.steps.length}
        statuses={filter.statuses}
        text={q}
        onStatus={(one) =>
          choose({ status: one === "all" ? undefined : toggledStatus(filter.statuses, one).join(",") || undefined })
        }
        onText={(text) => choose({ q: text === "" ? undefined : text })}
      />
      {changes.more + changes.fewer === 0 ? null : (
        <button type="button" className="steps-changed" onClick={update}>
          {changedText(changes.more, changes.fewer)} Bring the list up to date <kbd>u</kbd>
        </button>
      )}
      <StepsTable
        order={order}
        sort={sort}
        onSort={(next: StepSort | undefined) => choose({ sort: sortText(next) })}
        selected={selected}
        selection={isAll ? "all" : selected.size > 0 ? "some" : "none"}
        onSelected={setSelected}
        onSelectAll={() => setSelected(isAll ? NONE : new Set(ids()))}
        empty={run.steps.length === 0 ? "The run has no steps yet." : "No step is like that."}
      />
      {chosen.length === 0 ? null : (
        <div className="steps-selection" role="group" aria-label="Selected steps">
          <strong>{countText(chosen.length)} selected</strong>
          <Button kind="primary" unusable={unusable} onClick={retry}>
            Run {countOf(chosen.length, "step")} again <kbd>r</kbd>
          </Button>
          <Button onClick={() => setSelected(NONE)}>Select none</Button>
          {unusable === undefined ? null : <span className="dim">{unusable}</span>}
        </div>
      )}
      <RetryDialog steps={retried} onClose={() => setRetried([])} onDone={() => setSelected(NONE)} />
    </div>
  );
}

function changedText(more: number, fewer: number): string {
  const said = [
    more === 0 ? undefined : `${countOf(more, "step")} more ${more === 1 ? "fits" : "fit"} now`,
    fewer === 0 ? undefined : `${countText(fewer)} shown ${fewer === 1 ? "does" : "do"} no longer`,
  ];
  return `${said.filter((one) => one !== undefined).join(", ")}.`;
}
