/** Acting: whether actions on the run that is shown make sense for this session. */
import { useCannotAct } from "../store/heddle.tsx";
import { useShownRun } from "./shown-run.tsx";

/** Why nothing can be done here; `undefined`: it can. */
export function useUnusable(): string | undefined {
  const readOnly = useCannotAct();
  const { seq } = useShownRun();
  const past = seq === undefined ? undefined : `The run is shown as it was at event ${seq}: go back to live to act`;
  return readOnly ?? past;
}
