/** `heddle watch`: follows a run of another process through the journal. */
import { defined } from "../../base/defined.ts";
import { HeddleError } from "../../base/errors.ts";
import { plural } from "../../base/plural.ts";
import { HistoryReader, type RunEvent, type RunSnapshot } from "../../view/history.ts";
import { runStatus, type RunStatus } from "../../view/status.ts";
import { runSummaryLines } from "../run-summary.ts";
import { EXIT, fail, openToRead, type Context, exitCodeOf } from "../context.ts";
import type { LiveView } from "../live-view.ts";
import { LineView } from "../line-view.ts";
import { outputModeOf } from "../output-mode.ts";
import { leaveNow } from "../output.ts";
import { safeLine } from "../../base/safe-text.ts";
import type { Flags } from "../spec.ts";
import { WorkflowCommands } from "../workflow-commands.ts";
import { PrintQueue } from "../print-queue.ts";
import { isFlagOn, textFlag } from "../flag-values.ts";
import { heldBackBy } from "../../view/waits.ts";
import type { Project, RunOutcome } from "../../project/port.ts";
import { emptyRun } from "../../project/read-run.ts";

/** Signals that end the view: the terminal is given back first. */
const LEAVING = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

interface Watcher {
  take(event: RunEvent): void;
  /** Called again and again while the run goes on, when all that is recorded so far was taken. */
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
}

export async function watchCommand(
  context: Context,
  [word]: readonly (string | undefined)[],
  flags: Flags,
): Promise<number> {
  const opened = await openToRead(context);
  if (!opened.ok) return fail(context, opened.error);
  await using project = opened.value;
  const run = await project.runs.find(word);
  if (!run.ok) return fail(context, run.error);
  const reader = new HistoryReader();
  const watcher = context.json ? jsonWatcher(context) : await screenWatcher(context, project, run.value, reader, flags);
  // Leaving the view does not affect the run.
  const leave = (): void => void watcher.stop().then(() => leaveNow(EXIT.cancelled));
  for (const signal of LEAVING) process.once(signal, leave);
  try {
    for await (const item of project.runs.tail(run.value)) {
      if (item.kind === "caught-up") await watcher.caughtUp();
      if (item.kind !== "events") continue;
      for (const event of item.events) {
        reader.add(event);
        watcher.take(event);
      }
    }
  } finally {
    for (const signal of LEAVING) process.off(signal, leave);
    await watcher.stop();
  }
  if (reader.state === undefined) return fail(context, emptyRun(run.value), EXIT.failed);
  const status = runStatus(reader.state, false);
  if (!context.json) close(context, project, reader, status, flags);
  return exitCodeOf(status);
}

function hasEnded({ phase, rollback }: RunSnapshot): boolean {
  return rollback === undefined && (phase.tag === "succeeded" || phase.tag === "failed" || phase.tag === "cancelled");
}

function jsonWatcher({ out }: Context): Watcher {
  const queue = new PrintQueue(out);
  return { take: (event) => queue.line(JSON.stringify(event)), caughtUp: () => queue.idle(), stop: () => queue.idle() };
}

async function screenWatcher(
  context: Context,
  project: Project,
  run: string,
  reader: HistoryReader,
  flags: Flags,
): Promise<Watcher> {
  const { out, clock } = context;
  const mode = outputModeOf(context, flags);
  const logFile = (step: string, attempt: number): string => project.logs.file(run, step, attempt);
  const state = (): RunSnapshot => {
    if (reader.state === undefined) throw new HeddleError(emptyRun(run));
    return reader.state;
  };
  let live: LiveView | undefined;
  const sink = { write: (written: string) => (live ?? out).write(written), drained: () => out.drained() };
  const queue = new PrintQueue(sink, { colour: out.hasColour });
  const commands = mode === "github" ? new WorkflowCommands((text) => queue.line(text)) : undefined;
  commands?.begin();
  const shown = mode ?? (out.isTerminal ? undefined : "grouped");
  const lines = new LineView({ out, queue, mode: shown, commands, state, logFile });
  let isCaughtUp = false;
  const greet = (): void =>
    queue.line(
      `Watching run ${run} of ${safeLine(state().plan.name)}: ${plural(state().steps.length, "step")}. Ctrl-C leaves it running.`,
    );
  return {
    take(event) {
      if (event.type === "run.created" && mode !== "quiet") greet();
      // On a terminal the past is in the live view and the summary; elsewhere it is printed event by event.
      if (!isCaughtUp && out.isTerminal) return;
      lines.event(event);
      live?.event(event);
    },
    async caughtUp() {
      // Held, and its first event is not recorded yet.
      if (reader.state === undefined) return;
      if (!isCaughtUp) {
        isCaughtUp = true;
        if (out.isTerminal && mode !== "quiet" && mode !== "github" && !hasEnded(state())) {
          const { LiveView } = await import("../live-view.ts");
          const expected = await project.plans.expectedDurations(state().plan.name);
          const bell = isFlagOn(flags, "bell");
          live = new LiveView({
            out,
            clock,
            handle: { state, waitingFor: () => heldBackBy(state(), clock.now()) },
            expected,
            logFile,
            bell,
          });
        }
      }
      lines.poll();
      await queue.idle();
    },
    async stop() {
      commands?.end();
      await queue.idle();
      live?.stop();
      live = undefined;
    },
  };
}

function close(
  { out, clock }: Context,
  project: Project,
  { state, timeline }: HistoryReader,
  status: RunStatus,
  flags: Flags,
): void {
  if (state === undefined || textFlag(flags, "output") === "quiet") return;
  if (status === "interrupted" || status === "running" || status === "paused") {
    out.line(
      out.style(
        "yellow",
        `Run ${state.run} was interrupted: its process is gone. Continue: heddle resume ${state.run}`,
      ),
    );
    return;
  }
  const logFile = (step: string, attempt: number): string => project.logs.file(state.run, step, attempt);
  const result: RunOutcome = defined({ run: state.run, status, outputs: {}, landing: state.landing });
  out.lines(runSummaryLines({ out, now: clock.now(), state, timeline, result, logFile }));
}
