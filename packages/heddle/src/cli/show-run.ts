/**
 * Run view: shows a run of this process from its handle to the exit code, passes signals on, and prints what to type
 * next.
 */
import type { RunEvent, RunSnapshot } from "../view/history.ts";
import { safeJson, safeLine } from "../base/safe-text.ts";
import { questionAt } from "../view/question.ts";
import { Timeline } from "../view/timeline.ts";
import { EXIT, type Context, exitCodeOf } from "./context.ts";
import type { LiveView } from "./live-view.ts";
import { LineView } from "./line-view.ts";
import { outputModeOf } from "./output-mode.ts";
import { watchSignals } from "./signals.ts";
import type { Flags } from "./spec.ts";
import { WorkflowCommands } from "./workflow-commands.ts";
import { PrintQueue, type Sink } from "./print-queue.ts";
import { isFlagOn } from "./flag-values.ts";
import type { OpenQuestion, Project, RunHandle, RunOutcome } from "../project/port.ts";

/** How often the logs of running steps are looked at in `stream` mode. */
const POLL_MS = 100;

export interface ShowRunOptions {
  readonly flags: Flags;
  /** First line, for people. */
  readonly opening: string;
  /** Questions before each layer are a person's to answer: the run is paused there. */
  readonly interactive?: boolean;
}

export async function showRun(
  context: Context,
  project: Project,
  handle: RunHandle,
  options: ShowRunOptions,
): Promise<number> {
  const result = context.json
    ? await asJson(context, project, handle)
    : await forPeople(context, project, handle, options);
  if (result.stopped !== undefined) context.out.problem(result.stopped);
  return result.stopped === undefined ? exitCodeOf(result.status) : EXIT.failed;
}

/** One event a line, as they happen; where nothing happens, the event that ended the run. */
async function asJson(context: Context, project: Project, handle: RunHandle): Promise<RunOutcome> {
  const { out } = context;
  const queue = new PrintQueue(out);
  let isSilent = true;
  handle.subscribe((event) => {
    isSilent = false;
    queue.line(safeJson(event));
  });
  const signals = watchSignals({ handle, say: (said) => out.note(said), hasTerminal: out.hasTerminal });
  out.onClosed(() => void (handle.stopWaiting() || handle.cancel()));
  const result = await handle.result;
  signals.stop();
  if (isSilent) await printLastEvent(queue, project, handle);
  await queue.idle();
  return result;
}

/** For programs that read how a run ended, where this process had nothing to do. */
export async function printLastEvent(queue: PrintQueue, project: Project, handle: RunHandle): Promise<void> {
  const after = handle.state().seq - 1;
  for await (const batch of project.runs.events(handle.run, { after }))
    for (const event of batch) queue.line(safeJson(event));
}

async function forPeople(
  context: Context,
  project: Project,
  handle: RunHandle,
  options: ShowRunOptions,
): Promise<RunOutcome> {
  const { out, clock } = context;
  const mode = outputModeOf(context, options.flags);
  const logFile = (step: string, attempt: number): string => project.logs.file(handle.run, step, attempt);
  const open = openQuestions(handle.state());
  // From the first event on, also while the live view is being made.
  const early: RunEvent[] = [];
  let take = (event: RunEvent): void => void early.push(event);
  handle.subscribe((event) => take(event));
  const live =
    out.isTerminal && mode !== "quiet" && mode !== "github"
      ? await startLive(context, project, handle, options.flags)
      : undefined;
  const sink: Sink = live ?? out;
  const queue = new PrintQueue(sink, { colour: out.hasColour });
  const commands = mode === "github" ? new WorkflowCommands((text) => queue.line(text)) : undefined;
  commands?.begin();
  const lines = new LineView({
    out,
    queue,
    commands,
    mode: mode ?? (live === undefined ? "grouped" : undefined),
    state: () => handle.state(),
    logFile,
    interactive: options.interactive === true,
  });
  const timeline = new Timeline(handle.state().steps);
  const signals = watchSignals({ handle, say: (said) => queue.line(said), hasTerminal: out.hasTerminal });
  out.onClosed(() => void (handle.stopWaiting() || handle.cancel()));
  if (mode !== "quiet") queue.line(options.opening);
  const worktrees = new WorktreeLines(project, handle.run, mode === "quiet" ? undefined : queue);
  for (const { step, asked } of open) {
    lines.openQuestion(step, asked);
    live?.openQuestion(step, asked);
    worktrees.tell(step, asked);
  }
  take = (event) => {
    timeline.add(event);
    lines.event(event);
    live?.event(event);
    if (event.type === "approval.requested") worktrees.tell(event.step, event.data);
    if (live !== undefined && options.interactive === true && event.type === "run.paused")
      void askForLayer(live, handle);
  };
  for (const event of early.splice(0)) take(event);
  const poll = (): void => {
    lines.poll();
    cancelPoll = clock.after(POLL_MS, poll);
  };
  let cancelPoll = mode === "stream" ? clock.after(POLL_MS, poll) : undefined;
  // Loaded while the first steps run.
  const summary = import("./run-summary.ts");
  const result = await handle.result;
  cancelPoll?.();
  await worktrees.told();
  await queue.idle();
  live?.stop();
  signals.stop();
  // Quiet is no reason to keep from people that they are asked, or that something failed.
  if (mode !== "quiet" || result.status === "failed" || result.status === "waiting") {
    const { runSummaryLines } = await summary;
    const isOutputInView = (step: string): boolean => lines.isOutputInView(step);
    const summed = runSummaryLines({
      out,
      now: clock.now(),
      state: handle.state(),
      timeline,
      result,
      logFile,
      isOutputInView,
    });
    for (const line of summed) queue.line(line);
  }
  commands?.end();
  await queue.idle();
  // Of a run that stopped, the state has what could not be recorded any more.
  if (mode === "github" && result.stopped === undefined) {
    const { writeJobSummary } = await import("./write-job-summary.ts");
    await writeJobSummary(context, { state: handle.state(), timeline, live: false, now: clock.now(), logFile });
  }
  return result;
}

/** Says where a conflict can be resolved, below its question. */
class WorktreeLines {
  readonly #project: Project;
  readonly #run: string;
  readonly #queue: PrintQueue | undefined;
  readonly #looking: Promise<void>[] = [];

  constructor(project: Project, run: string, queue: PrintQueue | undefined) {
    this.#project = project;
    this.#run = run;
    this.#queue = queue;
  }

  tell(step: string, { about }: Pick<OpenQuestion, "about">): void {
    if (about !== "conflict" || this.#queue === undefined) return;
    this.#looking.push(this.#look(step, this.#queue));
  }

  async told(): Promise<void> {
    await Promise.all(this.#looking);
  }

  async #look(step: string, queue: PrintQueue): Promise<void> {
    const tree = await this.#project.worktrees.ofStep(this.#run, step);
    if (tree !== undefined) queue.line(`    worktree: ${safeLine(tree.path)}`);
  }
}

/** What earlier processes asked and nobody answered. */
function openQuestions(state: RunSnapshot): readonly { readonly step: string; readonly asked: OpenQuestion }[] {
  return state.steps.flatMap(({ id }, at) => {
    const asked = state.phases[at]?.tag === "waiting-for-answer" ? questionAt(state, at) : undefined;
    return asked === undefined ? [] : [{ step: id, asked }];
  });
}

/** The run has paused before its next layer: yes continues it, no ends it. */
async function askForLayer(live: LiveView, handle: RunHandle): Promise<void> {
  const state = handle.state();
  const ids = state.steps.filter((_, step) => state.layers[step] === state.index.openLayer).map((step) => step.id);
  const shown = ids.length > 8 ? `${ids.slice(0, 8).join(", ")} and ${ids.length - 8} more` : ids.join(", ");
  const yes = await live.ask(`Start layer ${state.index.openLayer + 1} (${shown})?`).catch(() => undefined);
  if (yes === true) handle.unpause();
  else if (yes === false) handle.cancel();
}

async function startLive(context: Context, project: Project, handle: RunHandle, flags: Flags): Promise<LiveView> {
  const { LiveView } = await import("./live-view.ts");
  const expected = await project.plans.expectedDurations(handle.state().plan.name);
  return new LiveView({
    out: context.out,
    clock: context.clock,
    handle,
    expected,
    logFile: (step, attempt) => project.logs.file(handle.run, step, attempt),
    worktreeOf: async (step) => (await project.worktrees.ofStep(handle.run, step))?.path,
    bell: isFlagOn(flags, "bell"),
  });
}
