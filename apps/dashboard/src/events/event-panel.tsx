/** Event panel: one event whole, as JSON. */
import type { ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { useShownRun } from "../run/shown-run.tsx";
import { useHeddle } from "../store/heddle.tsx";
import { Button } from "../ui/button.tsx";
import { CopyButton } from "../ui/copy-button.tsx";
import { Cross } from "../ui/cross.tsx";
import { countText, timeText } from "../ui/format.ts";
import { InlineProblem } from "../ui/problem.tsx";
import { eventJson } from "./event-text.ts";

/** Characters that are shown; all are copied. */
const MOST_SHOWN = 100_000;

export function EventPanel({ seq, onClose }: { readonly seq: number; readonly onClose: () => void }): ReactNode {
  const { client } = useHeddle();
  const { project, run } = useShownRun();
  const id = run.head.run;
  const { data, error } = useQuery({
    queryKey: ["event", project, id, seq],
    queryFn: async ({ signal }) =>
      (await client.project(project).runs.events(id, { after: seq - 1, limit: 1, signal })).items[0] ?? null,
    // An event stays as it is.
    staleTime: Infinity,
  });
  const text = data === undefined || data === null ? "" : eventJson(data, 2);
  return (
    <aside className="event-panel" aria-label={`Event ${seq}`}>
      <div className="event-panel-head">
        <h2>Event {countText(seq)}</h2>
        <span className="dim">{data === undefined || data === null ? "" : timeText(data.time)}</span>
        <span className="event-panel-space" />
        {text === "" ? null : <CopyButton text={text} what="as JSON" />}
        <Button kind="quiet" aria-label="Close the event" onClick={onClose}>
          <Cross />
        </Button>
      </div>
      {error === null ? null : <InlineProblem thrown={error} />}
      {data === null ? <p className="dim">There is no event {countText(seq)} in this run.</p> : null}
      {text === "" ? null : (
        <pre className="event-json" tabIndex={0} role="region" aria-label="The event as JSON">
          {text.length > MOST_SHOWN
            ? `${text.slice(0, MOST_SHOWN)}\n… ${countText(text.length - MOST_SHOWN)} more characters`
            : text}
        </pre>
      )}
    </aside>
  );
}
