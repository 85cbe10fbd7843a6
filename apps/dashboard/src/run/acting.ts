/** Acting: whether actions on the run that is shown make sense for this session, and how the run was seen. */
import { useReadOnlyReason } from "../store/heddle.tsx";
import { useShownRun } from "./shown-run.tsx";

export interface Acting {
  /** Why nothing can be done here; absent: it can. */
  readonly unusable: string | undefined;
  /** For answers: what they are answers to. */
  readonly seen: { readonly run: string; readonly seq: number };
}

export function useActing(): Acting {
  const readOnly = useReadOnlyReason();
  const { run, seq } = useShownRun();
  const past = seq === undefined ? undefined : `The run is shown as it was at event ${seq}: go back to live to act`;
  return { unusable: readOnly ?? past, seen: { run: run.head.run, seq: run.seq } };
}
