/** The composition root: the only file that picks implementations. Imported by the faces, `index.ts` and tests alone. */
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, freemem, totalmem } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { localBackend } from "./backend/local.ts";
import { systemClock } from "./base/clock.ts";
import { messageOf, systemCode, type Problem } from "./base/errors.ts";
import { randomId } from "./base/ids.ts";
import type { Json, JsonObject } from "./base/json.ts";
import { systemRandom } from "./base/random.ts";
import { err, ok, type Result } from "./base/result.ts";
import type {
  ControlRequest,
  LoadedPlan,
  Project,
  RecordedRun,
  ResumeOptions,
  RunHandle,
  StartOptions,
} from "./engine/api.ts";
import { executor, type PlanCode } from "./engine/attempt.ts";
import { answerRecorded } from "./engine/answer.ts";
import { resumeRun, rollbackRun, startRun } from "./engine/engine.ts";
import type { EnginePorts, Probe } from "./engine/ports.ts";
import { recover } from "./engine/recovery.ts";
import { statusOf } from "./engine/summary.ts";
import { diskFull } from "./journal/failures.ts";
import type { Journal } from "./journal/port.ts";
import { thisProcess } from "./journal/liveness.ts";
import { memoryJournal } from "./journal/memory.ts";
import { openSqliteJournal } from "./journal/sqlite.ts";
import { loadPlanFile, loadSubplanFile } from "./load-plan.ts";
import { NO_FUNCTIONS } from "./plan/plan.ts";
import { checkEvent } from "./run/event-schema.ts";
import { localRunners } from "./runner/local.ts";
import { VERSION } from "./version.ts";
import { directoryWorkspaces } from "./workspace/directory.ts";
import { headCommit } from "./workspace/git-head.ts";
import { memoryWorkspaces } from "./workspace/memory.ts";
import type { Workspaces } from "./workspace/port.ts";

export interface OpenOptions {
  /** What a person calls this process: shown to those who find a run held. */
  readonly title: string;
  /** Opens an existing journal for reading only; a project without one is a problem. */
  readonly readOnly?: boolean;
}

/** How often the engine looks for words from other processes. */
const POLL_MS = 100;

/** Opens the project in `dir`: its journal, and all that runs need. Nothing of the folder is executed. */
export async function openProject(dir: string, options: OpenOptions): Promise<Result<Project, Problem>> {
  const root = resolve(dir);
  const heddleDir = join(root, ".heddle");
  if (options.readOnly !== true) {
    const made = makeHeddleDir(heddleDir);
    if (!made.ok) return made;
  }
  const journal = await openSqliteJournal(join(heddleDir, "state.db"), {
    validate: checkEvent,
    writer: `heddle ${VERSION}`,
    ...(options.readOnly === true ? { readOnly: true } : {}),
  });
  if (!journal.ok) return journal;
  const workspaces = directoryWorkspaces({ projectDir: root, heddleDir });
  return ok(
    new LocalProject(root, {
      journal: journal.value,
      workspaces,
      title: options.title,
      pollMs: POLL_MS,
      forgets: false,
    }),
  );
}

/** A project in `dir` that writes nothing there: journal in memory, no logs. Its runs are gone when it is disposed. */
export function openMemoryProject(dir: string, options: Pick<OpenOptions, "title">): Project {
  const root = resolve(dir);
  const journal = memoryJournal({ validate: checkEvent });
  // Nobody else can leave a word in this journal: no need to look for one.
  return new LocalProject(root, {
    journal,
    workspaces: memoryWorkspaces({ projectDir: root }),
    title: options.title,
    pollMs: 0,
    forgets: true,
  });
}

function makeHeddleDir(heddleDir: string): Result<void, Problem> {
  try {
    if (existsSync(join(heddleDir, ".gitignore"))) return ok(undefined);
    makeFolder(heddleDir);
    writeFileSync(join(heddleDir, ".gitignore"), "*\n");
    return ok(undefined);
  } catch (thrown) {
    if (systemCode(thrown) === "ENOSPC") {
      // An empty one would be taken for ours at the next start.
      rmSync(join(heddleDir, ".gitignore"), { force: true });
      return err({ ...diskFull(heddleDir, messageOf(thrown)), cause: thrown });
    }
    if (isFile(heddleDir)) {
      return err({
        code: "ProjectUnwritable",
        message: `${heddleDir} is a file, and heddle needs a folder of this name`,
        hint: "Move the file away.",
        cause: thrown,
      });
    }
    return err({
      code: "ProjectUnwritable",
      message: `the folder ${heddleDir} cannot be made: ${messageOf(thrown)}`,
      hint: "heddle keeps its journal there: make the project folder writable.",
      cause: thrown,
    });
  }
}

/** In one piece where its parent is there: the system then names the reason of a refusal, a read-only disk for one. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  if (existsSync(dirname(path))) mkdirSync(path);
  else mkdirSync(path, { recursive: true });
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === false;
}

interface Parts {
  readonly journal: Journal;
  readonly workspaces: Workspaces;
  readonly title: string;
  readonly pollMs: number;
  /** Whether files of its runs go when it is disposed. */
  readonly forgets: boolean;
}

class LocalProject implements Project {
  readonly dir: string;
  readonly heddleDir: string;
  readonly journal: Journal;
  readonly #workspaces: Workspaces;
  readonly #title: string;
  readonly #pollMs: number;
  /** Files of its runs go when it is disposed. */
  readonly #forgets: boolean;
  readonly #codes = new Map<string, PlanCode>();
  #ports: EnginePorts | undefined;

  constructor(dir: string, parts: Parts) {
    this.dir = dir;
    this.heddleDir = join(dir, ".heddle");
    this.journal = parts.journal;
    this.#workspaces = parts.workspaces;
    this.#title = parts.title;
    this.#pollMs = parts.pollMs;
    this.#forgets = parts.forgets;
  }

  loadPlan(file: string, params: JsonObject): ReturnType<Project["loadPlan"]> {
    return loadPlanFile(file, params);
  }

  expectedDurations(plan: string): Promise<ReadonlyMap<string, number>> {
    return this.journal.expectedDurations(plan);
  }

  async start(plan: LoadedPlan, options: StartOptions): Promise<Result<RunHandle, Problem>> {
    const planFile = plan.file === undefined ? {} : { planFile: relative(this.dir, plan.file) };
    const maxConcurrency = options.maxConcurrency ?? plan.plan.maxConcurrency ?? availableParallelism();
    const run = options.run ?? randomId(systemRandom);
    this.#register(run, plan);
    return startRun(this.#engine(), plan, { ...planFile, ...options, run, maxConcurrency });
  }

  async resume(run: string, options: ResumeOptions): Promise<Result<RunHandle, Problem>> {
    this.#register(run, options.current, await this.#planFileOf(run));
    return resumeRun(this.#engine(), run, options);
  }

  async rollback(run: string): Promise<Result<RunHandle, Problem>> {
    this.#register(run, undefined, await this.#planFileOf(run));
    return rollbackRun(this.#engine(), run);
  }

  async read(run: string): Promise<Result<RecordedRun, Problem>> {
    const record = await this.journal.get(run);
    const recovered = await recover(this.journal, run);
    if (!recovered.ok) return recovered;
    const live = record?.holder !== null && record?.holder !== undefined;
    const { state } = recovered.value;
    return ok({ state, live, status: statusOf(state, live) });
  }

  async control(run: string, request: ControlRequest): Promise<Result<"sent" | "done", Problem>> {
    const record = await this.journal.get(run);
    if (record === undefined)
      return err({ code: "UnknownRun", message: `there is no run ${run}`, hint: "`heddle runs` lists the runs." });
    if (record.holder !== null) {
      await this.journal.request(run, systemClock().now(), request as unknown as Json);
      return ok("sent");
    }
    if (request.kind === "answer") return answerRecorded(this.#engine(), run, request);
    return err({
      code: "RunNotLive",
      message: `no process is working on run ${run}, so there is nothing to ${request.kind}`,
      hint: `See it with \`heddle show ${run}\`; go on with \`heddle resume ${run}\`.`,
    });
  }

  logFile(run: string, step: string, attempt: number): string {
    return this.#workspaces.logFile(run, step, attempt) ?? "";
  }

  async remove(run: string): Promise<boolean> {
    const removed = await this.journal.remove(run);
    if (removed) await this.#workspaces.removeRun(run);
    return removed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ports?.backend[Symbol.asyncDispose]();
    if (this.#forgets) for (const run of this.#codes.keys()) await this.#workspaces.removeRun(run);
    await this.journal.close();
  }

  async #planFileOf(run: string): Promise<string | undefined> {
    for await (const [created] of this.journal.read(run, { limit: 1 })) {
      if (created?.type === "run.created") return created.data.options.planFile;
    }
    return undefined;
  }

  #register(run: string, plan: LoadedPlan | undefined, planFile?: string): void {
    const file = plan?.file ?? (planFile === undefined ? undefined : resolve(this.dir, planFile));
    this.#codes.set(run, {
      functions: plan?.functions ?? NO_FUNCTIONS,
      folder: file === undefined ? this.dir : dirname(file),
      ...(file === undefined ? {} : { planModule: file }),
    });
  }

  #codeOf(run: string): PlanCode {
    return this.#codes.get(run) ?? { functions: NO_FUNCTIONS, folder: this.dir };
  }

  /** Made when the first run is: looking at a project starts no helper and opens nothing but the journal. */
  #engine(): EnginePorts {
    if (this.#ports) return this.#ports;
    const clock = systemClock();
    const runners = localRunners({
      clock,
      env: process.env,
      owner: randomId(systemRandom, 16),
      workerEntry: workerEntry(),
    });
    const execute = executor({
      runner: runners.runner,
      workspaces: this.#workspaces,
      codeOf: (run) => this.#codeOf(run),
      environment: process.env,
    });
    this.#ports = {
      journal: this.journal,
      backend: localBackend({
        execute,
        sweeper: runners.sweeper,
        clock,
        loose: runners.loose,
        warm: (width) => runners.runner.warm?.(width),
        dispose: () => runners.runner[Symbol.asyncDispose](),
      }),
      clock,
      random: systemRandom,
      holder: thisProcess(this.#title),
      probe: systemProbe(),
      version: VERSION,
      gitHead: () => headCommit(this.dir),
      loadSubplan: (run, file, params) => loadSubplanFile(this.#codeOf(run).folder, file, params),
      gather: () => new Promise<void>((done) => setImmediate(done)),
      environment: process.env,
      pollMs: this.#pollMs,
    };
    return this.#ports;
  }
}

/** Beside this file: `isolated-worker.ts` among the sources, `isolated-worker.js` in the bundle. */
function workerEntry(): URL {
  return new URL(import.meta.url.endsWith(".ts") ? "./isolated-worker.ts" : "./isolated-worker.js", import.meta.url);
}

function systemProbe(): Probe {
  let last = times();
  return {
    usedMemoryMb: () => (totalmem() - freemem()) / 1_048_576,
    cpuPercent() {
      const now = times();
      const total = now.total - last.total;
      const idle = now.idle - last.idle;
      last = now;
      return total <= 0 ? 0 : (100 * (total - idle)) / total;
    },
  };
}

function times(): { readonly total: number; readonly idle: number } {
  let total = 0;
  let idle = 0;
  for (const { times: spent } of cpus()) {
    total += spent.user + spent.nice + spent.sys + spent.idle + spent.irq;
    idle += spent.idle;
  }
  return { total, idle };
}
