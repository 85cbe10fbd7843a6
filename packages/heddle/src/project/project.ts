/**
 * Project on this machine: puts the use cases together over the parts that it is handed. Picks no implementation, reads no
 * clock, and has no rule of its own.
 *
 * Invariant: what only some commands take is loaded when it is asked for, and the engine with the first run: looking at a
 * project waits for neither.
 */
import { basename } from "node:path";
import { defined } from "../base/defined.ts";
import { ok, type Result } from "../base/result.ts";
import { readPlainEnd } from "../files/plain-file.ts";
import type { PlanCode } from "../engine/executor.ts";
import { NO_FUNCTIONS } from "../plan/plan.ts";
import { promptFileOf } from "../workspace/port.ts";
import type { AttentionReader } from "./attention.ts";
import { findRun, findRunAndStep } from "./find-run.ts";
import type { CostReaders } from "./run-costs.ts";
import type { MarkReaders } from "./run-marks.ts";
import type { ReplayCursors } from "./replay-cursors.ts";
import type { RunOverviews } from "./run-overviews.ts";
import type { RunSnapshots } from "./run-snapshots.ts";
import type { LogIndex, LogIndexes } from "./log-index.ts";
import type { KnownSteps } from "./known-steps.ts";
import { LiveRuns } from "./live-runs.ts";
import type { Engine } from "../engine/open.ts";
import type { AskedPlanRefusal } from "./asked-plan.ts";
import type { PlanTask } from "./plan-ask.ts";
import type { NoticeCourier } from "../notify/port.ts";
import type { CourierParts, EngineOptions, PlanThreads, ProjectParts } from "./parts.ts";
import type {
  AttemptLog,
  Project,
  ProjectMaintenance,
  ProjectPlans,
  ProjectRuns,
  ProjectWorktrees,
  RecordedRuns,
  RunControl,
  RunLogs,
  RunStarter,
} from "./port.ts";
import { agentsProblem, cancelRecorded, resumeRecorded, rollBackRecorded, startNew } from "./start-run.ts";

/** How long the last notices may take when the project is closed. */
const LAST_NOTICES_MS = 5000;

/** Of all prompts of one attempt, the last. */
const MOST_PROMPT_BYTES = 64 * 1024 * 1024;

/** What the use cases share. */
interface Shared extends ProjectParts {
  readonly dir: string;
  readonly log: ProjectParts["journal"];
  readonly live: LiveRuns;
  readonly engine: () => Promise<Engine>;
  readonly agents: ProjectParts["openAgents"];
  readonly threads: () => Promise<PlanThreads>;
}

export function createProject(parts: ProjectParts): Project {
  const { journal, workspaces, layout } = parts;
  const live = new LiveRuns(async (run) => {
    if (parts.deleteRunFiles) await workspaces.removeRun(run);
  });
  const courier = lazyCourier(parts);
  const onNotices = (): void => void courier.get().then((made) => made?.wake());
  let opened: Promise<Engine> | undefined;
  let threads: Promise<PlanThreads> | undefined;
  const shared: Shared = {
    ...parts,
    dir: layout.dir,
    log: journal,
    live,
    engine: () => (opened ??= parts.openEngine(engineOptions(parts, live, onNotices))),
    agents: parts.openAgents,
    threads: () => (threads ??= parts.openPlanThreads()),
  };
  return {
    dir: layout.dir,
    plans: plansOf(shared),
    runs: runsOf(shared),
    logs: logsOf(shared),
    control: controlOf(shared),
    worktrees: worktreesOf(shared),
    maintenance: maintenanceOf(shared),
    requests: {
      once: async (request, carryOut) => (await import("./keyed-requests.ts")).carryOutOnce(shared, request, carryOut),
    },
    notices: {
      deliver: async () => (await courier.get())?.keepLooking(),
      list: (options) => journal.notices(options),
    },
    async [Symbol.asyncDispose]() {
      await (await threads)?.[Symbol.asyncDispose]();
      await (await opened)?.[Symbol.asyncDispose]();
      await live.close();
      await (await courier.made())?.drain(LAST_NOTICES_MS);
      await journal.close();
    },
  };
}

interface LazyCourier {
  readonly get: () => Promise<NoticeCourier | undefined>;
  readonly made: () => Promise<NoticeCourier | undefined>;
}

/** A project without notices does not load what sends them. */
function lazyCourier({ openCourier, journal, layout, title, onWarning }: ProjectParts): LazyCourier {
  let making: Promise<NoticeCourier> | undefined;
  const options = defined<CourierParts>({ outbox: journal, project: basename(layout.dir), title, onWarning });
  return { get: async () => await (making ??= openCourier?.(options)), made: async () => await making };
}

function engineOptions(
  { layout, journal, workspaces, title, pollMs, colour, trace, onWarning }: ProjectParts,
  live: LiveRuns,
  onNotices: () => void,
): EngineOptions {
  const none: PlanCode = { functions: NO_FUNCTIONS, folder: layout.dir };
  const codeFor = (run: string): PlanCode => live.codeFor(run) ?? none;
  return defined({ dir: layout.dir, journal, workspaces, title, pollMs, colour, codeFor, trace, onWarning, onNotices });
}

function plansOf({ log, journal, dir, agents, threads, clock }: Shared): ProjectPlans {
  return {
    async look(kind, ask, signal) {
      // The task and its answer are of one kind.
      const task = { kind, dir, now: clock.now(), ask } as unknown as PlanTask;
      return (await (await threads()).carryOut(task, signal)) as Result<never, AskedPlanRefusal>;
    },
    expectedDurations: (plan) => journal.expectedDurations(plan),
    recorded: async (run) => (await import("./recorded-plan.ts")).recordedPlan(log, run),
    latestRun: async (of) => (await import("./latest-run.ts")).latestRunOf(log, of),
    current: async (run, params) => (await import("./recorded-plan.ts")).currentPlan(log, dir, run, params),
    agentsProblem: (plan) => agentsProblem(plan, agents),
  };
}

function runsOf(shared: Shared): ProjectRuns {
  return { ...recordedRunsOf(shared), ...starterOf(shared) };
}

function recordedRunsOf({ log, journal, clock, live }: Shared): RecordedRuns {
  let snapshots: Promise<RunSnapshots> | undefined;
  let attention: Promise<AttentionReader> | undefined;
  let overviews: Promise<RunOverviews> | undefined;
  let known: Promise<KnownSteps> | undefined;
  let marks: Promise<MarkReaders> | undefined;
  let costs: Promise<CostReaders> | undefined;
  let replaying: Promise<ReplayCursors> | undefined;
  const kept = (): Promise<RunSnapshots> =>
    (snapshots ??= import("./run-snapshots.ts").then((loaded) => new loaded.RunSnapshots()));
  const cursors = (): Promise<ReplayCursors> =>
    (replaying ??= Promise.all([import("./replay-cursors.ts"), kept()]).then(
      ([loaded, shared]) => new loaded.ReplayCursors(log, shared),
    ));
  return {
    async list(options) {
      const { runLine } = await import("../view/list.ts");
      return (await log.runs(options)).map(runLine);
    },
    page: async (options) => (await import("./list-runs.ts")).listPage(log, options),
    find: (word) => findRun(log, word),
    findWithStep: (words) => findRunAndStep(log, words),
    async findStep(run, id) {
      known ??= import("./known-steps.ts").then((loaded) => new loaded.KnownSteps(log));
      return (await known).find(run, id);
    },
    watch: () => log.watch(),
    isLive: async (run) => ((await log.get(run))?.holder ?? null) !== null,
    read: async (run) => (await import("./read-run.ts")).readRun(log, run, await kept()),
    at: async (run, seq) => (await import("./read-run.ts")).readRunAt(log, await kept(), run, seq),
    liveAt: async (run, seq) => (await cursors()).at(run, seq),
    livePatch: async (run, from, to) => (await cursors()).patch(run, from, to),
    async marks(run) {
      marks ??= import("./run-marks.ts").then((loaded) => new loaded.MarkReaders());
      return (await marks).marks(log, run);
    },
    async costs(filter) {
      costs ??= import("./run-costs.ts").then((loaded) => new loaded.CostReaders());
      return (await costs).costs(log, filter);
    },
    replay: async (run, options) => (await import("./replay-run.ts")).replayRun(log, run, options),
    events: (run, options) => log.read(run, options),
    async *tail(run, options) {
      const { tailRun } = await import("./tail.ts");
      yield* tailRun({ log, clock, liveRun: (id) => live.handleOf(id) }, run, options);
    },
    async overviews(runs) {
      overviews ??= import("./run-overviews.ts").then((loaded) => new loaded.RunOverviews(log));
      return (await overviews).of(runs);
    },
    async attention() {
      attention ??= import("./attention.ts").then((loaded) => new loaded.AttentionReader(journal));
      return (await attention).look();
    },
    meter: async (sink) => (await import("./run-meter.ts")).runMeter(log, sink),
    stepNotes: async (of) => (await import("./step-notes.ts")).readStepNotes(log, of),
  };
}

function starterOf(shared: Shared): RunStarter {
  const { log, agents, dir } = shared;
  const start: RunStarter["start"] = (plan, options) => startNew(shared, plan, options);
  return {
    start,
    select: async (plan, selection) => (await import("./reuse.ts")).reuseFor({ log, agents, dir }, plan, selection),
    resume: (run, options) => resumeRecorded(shared, run, options),
    rerun: async (run, options) => (await import("./rerun.ts")).rerunFrom({ log, agents, dir, start }, run, options),
    rollback: (run) => rollBackRecorded(shared, run),
  };
}

function logsOf({ log, clock, workspaces }: Shared): RunLogs {
  const file: RunLogs["file"] = (run, step, attempt) => workspaces.logFile(run, step, attempt) ?? "";
  let indexes: Promise<LogIndexes> | undefined;
  const indexOf = async ({ run, step, attempt }: AttemptLog): Promise<LogIndex | undefined> => {
    indexes ??= import("./log-index.ts").then((loaded) => new loaded.LogIndexes());
    const path = file(run, step, attempt);
    return path === "" ? undefined : (await indexes).of(path);
  };
  return {
    file,
    async *tail(of, options) {
      const { tailLog } = await import("./tail.ts");
      yield* tailLog({ log, clock }, of, options);
    },
    size: async (of, pieces) => (await indexOf(of))?.size(pieces),
    last: async (of, count, pieces) => (await indexOf(of))?.last(count, pieces),
    lines: async (of, { from, to }) => (await indexOf(of))?.lines(from, to),
    bytes: async ({ run, step, attempt }, range) =>
      (await import("./log-bytes.ts")).logBytes(file(run, step, attempt), range),
    async search(of, query) {
      const index = await indexOf(of);
      return index === undefined ? ok(undefined) : (await import("./log-search.ts")).searchLog({ clock }, index, query);
    },
    async prompt(run, step, attempt) {
      return readPlainEnd(promptFileOf(file(run, step, attempt)), MOST_PROMPT_BYTES)?.end.toString("utf8");
    },
  };
}

function controlOf(shared: Shared): RunControl {
  const { log, clock, random, checkOutput, agents } = shared;
  const send: RunControl["send"] = async (run, request) =>
    (await import("./control-run.ts")).requestOf(
      { ...shared, cancel: (one) => cancelRecorded(shared, one) },
      run,
      request,
    );
  return {
    send,
    asked: async (run, step, about) => (await import("./answers.ts")).askedStep(log, run, step, { about }),
    async answer(run, decision, answer) {
      const { answerStep } = await import("./answers.ts");
      return answerStep({ log, send }, run, decision, answer);
    },
    async resolve(run, choice, answer) {
      const { resolveConflict } = await import("./answers.ts");
      return resolveConflict({ log, send }, run, choice, answer);
    },
    async resolveStored(run, answer) {
      const { resolveWithStored } = await import("./conflict.ts");
      return resolveWithStored({ log, agents, send }, run, answer);
    },
    async signal(run, signal) {
      const { sendSignal } = await import("./signals.ts");
      return sendSignal({ log, clock, random, checkOutput, send }, run, signal);
    },
  };
}

function worktreesOf(shared: Shared): ProjectWorktrees {
  return {
    list: async (run, options) => (await import("./worktrees.ts")).listTrees(shared, run, options),
    clean: async (options) => (await import("./worktrees.ts")).cleanTrees(shared, options),
    find: async (words) => (await import("./worktrees.ts")).findTree(shared, words),
    ofStep: async (run, step) => (await import("./worktrees.ts")).treeOfStep(shared.agents, run, step),
    diff: async (run, options) => (await import("./diff.ts")).diffOf(shared, run, options),
    changes: async (run, options) => (await import("./changes.ts")).changesOf(shared, run, options),
    fileDiff: async (run, of) => (await import("./changes.ts")).fileDiffOf(shared, run, of),
    conflict: async (run, step) => (await import("./conflict.ts")).conflictOf(shared, run, step),
    conflictFile: async (run, of) => (await import("./conflict.ts")).conflictFileOf(shared, run, of),
    decide: async (run, file) => (await import("./conflict.ts")).decideFile(shared, run, file),
    land: async (run, options) => (await import("./merge.ts")).landWork(shared, run, options),
    revert: async (run, step) => (await import("./merge.ts")).takeOut(shared, run, step),
  };
}

function maintenanceOf({ layout, journal, log, clock, agents, workspaces }: Shared): ProjectMaintenance {
  const remove = async (run: string): Promise<boolean> => {
    const removed = await journal.remove(run);
    if (removed) await workspaces.removeRun(run);
    return removed;
  };
  return {
    async *collectGarbage(options) {
      const { collectGarbage } = await import("./gc.ts");
      yield* collectGarbage({ log, clock, agents, remove }, options);
    },
    backUp: async (file) => (await import("./backup.ts")).backUp(journal, file),
    examine: async (options) => (await import("./doctor-project.ts")).examineProject({ layout, journal }, options),
    remove,
  };
}
