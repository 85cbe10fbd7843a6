/**
 * Run control: sends a request to the engine that holds a run, and records an answer, a signal or a cancel directly if none does. Knows which
 * request is possible, not what it causes.
 */
import type { Clock } from "../base/clock.ts";
import type { Problem } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { err, type Result, ok } from "../base/result.ts";
import type { EventLog, Mailbox } from "../journal/port.ts";
import { checkControlRequest, invalidRequest, type ControlRequest } from "../run/control.ts";
import type { Engine } from "../engine/open.ts";

export interface ControlPorts {
  readonly journal: Pick<EventLog, "get"> & Pick<Mailbox, "request">;
  readonly clock: Clock;
  readonly engine: () => Promise<Engine>;
  /** Ends a run that nobody works on. */
  readonly cancel: (run: string) => Promise<Result<"done", Problem>>;
}

/** `sent`: it is left for the run's engine. `done`: its consequence is recorded. */
export async function requestOf(
  { journal, clock, engine, cancel }: ControlPorts,
  run: string,
  request: ControlRequest,
): Promise<Result<"sent" | "done", Problem>> {
  const record = await journal.get(run);
  if (record === undefined) return err(unknownRun(run));
  const problem = requestProblem(request);
  if (problem !== undefined) return err(problem);
  if (record.holder !== null) {
    const id = await journal.request(run, clock.now(), request as unknown as Json);
    // It may have been removed meanwhile.
    return id === undefined ? err(unknownRun(run)) : ok("sent");
  }
  if (request.kind === "answer" || request.kind === "signal") return (await engine()).record(run, request);
  if (request.kind === "cancel") return await cancel(run);
  return err({
    code: "RunNotLive",
    message: `no process is working on run ${run}, so it cannot take the request: ${request.kind}`,
    hint: `\`heddle show ${run}\` shows it; \`heddle resume ${run}\` continues it.`,
  });
}

/** Why nothing of the kind can be asked of a run, if so. */
export function requestProblem(request: ControlRequest): Problem | undefined {
  const checked = checkControlRequest(request);
  return checked.ok ? undefined : invalidRequest(checked.error);
}

function unknownRun(run: string): Problem {
  return { code: "UnknownRun", message: `there is no run ${run}`, hint: "`heddle runs` lists the runs." };
}
