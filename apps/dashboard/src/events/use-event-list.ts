/** Hook of events: the events of the run that is shown, for as long as something shows them. */
import { useEffect, useState } from "react";
import { useShownRun } from "../run/shown-run.tsx";
import { useHeddle } from "../store/heddle.tsx";
import { EventList, type EventSource } from "./event-list.ts";

function after(delayMs: number, fire: () => void): () => void {
  const timer = setTimeout(fire, delayMs);
  return () => clearTimeout(timer);
}

/** `undefined`: not yet. Of a run that is shown as it was, no later events. */
export function useEventList(): EventList | undefined {
  const { client, live } = useHeddle();
  const { project, run, seq } = useShownRun();
  const { run: id } = run.head;
  // Where it is at first: what comes then is told by the stream.
  const last = seq ?? run.seq;
  const follows = seq === undefined;
  const from = follows ? undefined : last;
  const [list, setList] = useState<EventList>();
  useEffect(() => {
    const { runs } = client.project(project);
    const source: EventSource = {
      page: (behind, limit, signal) => runs.events(id, { after: behind, limit, signal }),
      follow: (behind, onEvents) =>
        live.events(
          { project, run: id, after: behind },
          { onEvents, onRest: () => undefined, onProblem: () => undefined },
        ),
    };
    const made = new EventList({ source, last, follows, after });
    setList(made);
    return () => {
      made.close();
      setList(undefined);
    };
    // Not with each event that comes.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [client, live, project, id, follows, from]);
  return list;
}
