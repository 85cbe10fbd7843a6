/** Signals to a run: checks that a step waits for one, or will, and sends it. Knows no terminal; `control-run.ts` sends it. */
import type { Clock } from "../base/clock.ts";
import type { Problem } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import type { Json } from "../base/json.ts";
import type { Random } from "../base/random.ts";
import { err, type Result } from "../base/result.ts";
import type { EventLog } from "../journal/port.ts";
import type { ControlRequest } from "../run/control.ts";
import { invalidSignal, schemasOfSignal, signalProblem } from "../run/signal-problem.ts";
import type { RunSnapshot } from "../view/history.ts";
import type { ProjectParts } from "./parts.ts";
import { readRun } from "./read-run.ts";

export interface SignalPorts {
  readonly log: Pick<EventLog, "get" | "read">;
  readonly clock: Clock;
  readonly random: Random;
  readonly checkOutput: ProjectParts["checkOutput"];
  readonly send: (run: string, request: ControlRequest) => Promise<Result<"sent" | "done", Problem>>;
}

export interface SentSignal {
  readonly signal: string;
  readonly value: Json;
  readonly by: string;
}

/** `sent`: it is left for the run's engine. `done`: it is recorded, and a resume goes on with it. */
export async function sendSignal(
  { log, clock, random, checkOutput, send }: SignalPorts,
  run: string,
  signal: SentSignal,
): Promise<Result<"sent" | "done", Problem>> {
  const read = await readRun(log, run);
  if (!read.ok) return read;
  const problem =
    signalProblem(read.value.state, signal.signal, { now: clock.now() }) ??
    (await valueProblem(read.value.state, signal, checkOutput));
  if (problem !== undefined) return err(problem);
  return await send(run, { kind: "signal", ...signal, id: randomId(random, 16) });
}

/** The value becomes the output of a step: what the plan says of that holds already for who sends it. */
async function valueProblem(
  state: RunSnapshot,
  { signal, value }: SentSignal,
  checkOutput: SignalPorts["checkOutput"],
): Promise<Problem | undefined> {
  for (const { step, schema } of schemasOfSignal(state, signal)) {
    const wrong = await checkOutput(schema, value);
    if (wrong !== undefined) return invalidSignal(state.run, signal, step, wrong);
  }
  return undefined;
}
