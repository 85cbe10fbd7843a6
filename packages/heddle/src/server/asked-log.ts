/** Asked log: the attempt that a request names, of which the log is meant. */
import { HeddleError, orThrow } from "../base/errors.ts";
import type { AttemptLog } from "../project/port.ts";
import { askedRun, type AskedRun } from "./asked-run.ts";
import type { Call } from "./route.ts";

/** Of a step of the run, whose name never becomes a path by itself. Throws a `HeddleError`. */
export async function askedLog(call: Pick<Call, "world" | "params">): Promise<AttemptLog & Pick<AskedRun, "project">> {
  const { project, run } = await askedRun(call);
  const step = orThrow(await project.runs.findStep(run, call.params["step"] ?? ""));
  const { attempt = "" } = call.params;
  if (!/^[1-9]\d{0,5}$/.test(attempt))
    throw new HeddleError({ code: "InvalidAttempt", message: "attempts are numbers from 1" });
  return { project, run, step, attempt: Number(attempt) };
}

/** `wasThere`: while somebody looked at it. */
export function noAttemptLog({ run, step, attempt }: AttemptLog, wasThere = false): HeddleError {
  const one = `attempt ${attempt} of step ${step} in run ${run}`;
  if (wasThere)
    return new HeddleError({ code: "NoLog", message: `the log of ${one} was removed`, hint: "The run is as it was." });
  return new HeddleError({ code: "NoLog", message: `${one} has no log`, hint: "It has not begun, or it writes none." });
}
