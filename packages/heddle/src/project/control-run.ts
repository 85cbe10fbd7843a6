/**
 * Run control: sends a request to the engine that holds a run, and records an answer, a signal or a cancel directly if none does. Knows which
 * request is possible, not what it causes.
 *
 * Invariant: an answer or a signal that the engine did not take is told to its sender, unless the engine does not respond.
 */
import type { Clock } from "../base/clock.ts";
import type { Problem } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { err, type Result, ok } from "../base/result.ts";
import type { EventLog, Mailbox } from "../journal/port.ts";
import { checkControlRequest, invalidRequest, type ControlRequest } from "../run/control.ts";
import type { Event } from "../run/event.ts";
import { signalProblem } from "../run/signal-problem.ts";
import type { Engine } from "../engine/open.ts";

export interface ControlPorts {
  readonly journal: Pick<EventLog, "get" | "read"> & Pick<Mailbox, "request" | "requests">;
  readonly clock: Clock;
  readonly engine: () => Promise<Engine>;
  /** Ends a run that nobody works on. */
  readonly cancel: (run: string) => Promise<Result<"done", Problem>>;
}

/** What an event says about. */
type RecordedRequest = Extract<ControlRequest, { readonly kind: "answer" | "signal" }>;

/** How long the engine may take for an answer or a signal before it counts as left for it, and how often that is looked at. */
const PATIENCE_MS = 5000;
const LOOK_MS = 30;

/** `sent`: the run's engine has it, or it is left for it. `done`: no engine works on the run, and its consequence is recorded. */
export async function requestOf(
  ports: ControlPorts,
  run: string,
  request: ControlRequest,
): Promise<Result<"sent" | "done", Problem>> {
  const { journal, clock, engine, cancel } = ports;
  const record = await journal.get(run);
  if (record === undefined) return err(unknownRun(run));
  const problem = requestProblem(request);
  if (problem !== undefined) return err(problem);
  if (record.holder !== null) {
    const id = await journal.request(run, clock.now(), request as unknown as Json);
    // It may have been removed meanwhile.
    if (id === undefined) return err(unknownRun(run));
    const isRecorded = request.kind === "answer" || request.kind === "signal";
    return isRecorded ? await whatBecame(ports, request, { run, id, after: record.lastSeq }) : ok("sent");
  }
  if (request.kind === "answer" || request.kind === "signal") return (await engine()).record(run, request);
  if (request.kind === "cancel") return await cancel(run);
  return err({
    code: "RunNotLive",
    message: `no process is working on run ${run}, so it cannot take the request: ${request.kind}`,
    hint: `\`heddle show ${run}\` shows it; \`heddle resume ${run}${flagsOf(request)}\` continues it.`,
  });
}

/** With what a resume does what was asked for. */
function flagsOf(request: ControlRequest): string {
  return request.kind === "set-concurrency" ? ` --max-concurrency ${request.maxConcurrency}` : "";
}

interface Sending {
  readonly run: string;
  /** Of the request in the mailbox. */
  readonly id: number;
  /** The run's last event before it. */
  readonly after: number;
}

/** Waits until the engine has dealt with the request. */
async function whatBecame(
  ports: ControlPorts,
  request: RecordedRequest,
  sending: Sending,
): Promise<Result<"sent" | "done", Problem>> {
  const { journal, clock, engine } = ports;
  const { run, id } = sending;
  for (const end = clock.now() + PATIENCE_MS; clock.now() < end;) {
    const record = await journal.get(run);
    if (record === undefined) return err(unknownRun(run));
    const left = await journal.requests(run, id - 1);
    if (!left.some((each) => each.id === id))
      return (await isTaken(ports, request, sending)) ? ok("sent") : err(await refusal(ports, run, request));
    if (record.holder === null) {
      // It went before it looked. Whoever takes the run up now finds it in the mailbox, and counts none twice.
      const recorded = await (await engine()).record(run, request);
      return !recorded.ok && recorded.error.code === "RunHeld" ? ok("sent") : recorded;
    }
    await new Promise<void>((resolve) => void clock.after(LOOK_MS, resolve));
  }
  return ok("sent");
}

async function isTaken({ journal }: ControlPorts, request: RecordedRequest, { run, after }: Sending): Promise<boolean> {
  for await (const batch of journal.read(run, { after }))
    for (const event of batch) if (saysSo(event, request)) return true;
  return false;
}

function saysSo(event: Event, request: RecordedRequest): boolean {
  if (request.kind === "signal") return event.type === "signal.received" && event.data.id === request.id;
  if (event.type !== "approval.given" || event.step !== request.step) return false;
  const { decision, by, comment, choice } = event.data;
  const isSame = decision === request.decision && by === request.by;
  return isSame && comment === request.comment && choice === request.choice;
}

async function refusal({ journal, clock }: ControlPorts, run: string, request: RecordedRequest): Promise<Problem> {
  if (request.kind === "answer") {
    return {
      code: "NotAsked",
      message: `the answer to ${request.step} of run ${run} was not taken: another one came first, or the question was over`,
      hint: `\`heddle show ${run}\` shows what became of it.`,
    };
  }
  const { readRun } = await import("./read-run.ts");
  const read = await readRun(journal, run);
  const problem = read.ok ? signalProblem(read.value.state, request.signal, { now: clock.now() }) : read.error;
  return (
    problem ?? {
      code: "SignalNotAwaited",
      message: `run ${run} did not take the signal ${request.signal}: no step needed it when it came`,
      hint: `\`heddle show ${run}\` shows its steps. Send it again if one does now.`,
    }
  );
}

/** Why nothing of the kind can be asked of a run, if so. */
export function requestProblem(request: ControlRequest): Problem | undefined {
  const checked = checkControlRequest(request);
  return checked.ok ? undefined : invalidRequest(checked.error);
}

function unknownRun(run: string): Problem {
  return { code: "UnknownRun", message: `there is no run ${run}`, hint: "`heddle runs` lists the runs." };
}
