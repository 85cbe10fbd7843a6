/** Step of the panel: its row, which is live, and its document, asked for again when the row says that it is another. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { StepDocument } from "heddle/client";
import type { LiveStep } from "heddle/view";
import { useShownRun } from "../run/shown-run.tsx";
import { useHeddle } from "../store/heddle.tsx";

/** How often the reasons of a step that waits are looked at again: what it waits for is no change of its own. */
const WAITS_MS = 3000;

export interface ShownStep {
  /** `undefined`: the run has no such step (yet). */
  readonly row: LiveStep | undefined;
  readonly document: StepDocument | undefined;
  /** Why there is no document. */
  readonly error: unknown;
}

export function useStep(id: string): ShownStep {
  const { project, run, seq } = useShownRun();
  const { client } = useHeddle();
  const row = run.steps.find((step) => step.id === id);
  const version =
    row === undefined ? "" : [row.status, row.attempts, row.waits, row.endedAt, row.files, row.until].join();
  const isWaiting = row !== undefined && row.waits !== null;
  const { data, error } = useQuery({
    queryKey: ["step", project, run.head.run, id, seq, version, run.head.live],
    queryFn: ({ signal }) =>
      client.project(project).steps.get(run.head.run, id, { signal, ...(seq === undefined ? {} : { at: seq }) }),
    enabled: row !== undefined,
    placeholderData: keepPreviousData,
    refetchInterval: isWaiting && run.head.live && seq === undefined ? WAITS_MS : false,
  });
  const document = data?.run === run.head.run && data.step.id === id ? data : undefined;
  return { row, document, error: document === undefined ? error : null };
}
