/**
 * The composition root: with `host/engine.ts`, its other half, the only file that picks implementations. Imported by the faces,
 * `index.ts` and tests alone.
 *
 * What only running takes is loaded when the first run starts: looking at a project must not wait for the code of an engine.
 */
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import type { AgentKeeping, Landing } from "../agent/port.ts";
import { systemClock } from "../base/clock.ts";
import { messageOf, systemCode, type Problem } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { systemRandom } from "../base/random.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { LoadedPlan, Project, RecordedRun, ResumeOptions, RunHandle, StartOptions } from "../engine/api.ts";
import type { ControlRequest } from "../run/control.ts";
import type { PlanCode } from "../engine/executor.ts";
import type { LocalEngine } from "./engine.ts";
import { diskFull } from "../journal/failures.ts";
import type { Journal } from "../journal/port.ts";
import { memoryJournal } from "../journal/memory.ts";
import { openSqliteJournal } from "../journal/sqlite.ts";
import { NO_FUNCTIONS } from "../plan/plan.ts";
import { checkEvent } from "../run/event-schema.ts";
import { VERSION } from "../version.ts";
import { directoryWorkspaces } from "../workspace/directory.ts";
import { memoryWorkspaces } from "../workspace/memory.ts";
import type { Workspaces } from "../workspace/port.ts";

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

/** What agents left in the repository of a folder, journal or not. */
export async function openAgentKeeping(dir: string): Promise<AgentKeeping> {
  const agents = await import("./agents.ts");
  return agents.openAgentKeeping(dir);
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
  #engine: Promise<LocalEngine> | undefined;

  constructor(dir: string, parts: Parts) {
    this.dir = dir;
    this.heddleDir = join(dir, ".heddle");
    this.journal = parts.journal;
    this.#workspaces = parts.workspaces;
    this.#title = parts.title;
    this.#pollMs = parts.pollMs;
    this.#forgets = parts.forgets;
  }

  async loadPlan(file: string, params: JsonObject): ReturnType<Project["loadPlan"]> {
    const { loadPlanFile } = await import("../project/load-plan.ts");
    return loadPlanFile(file, params);
  }

  expectedDurations(plan: string): Promise<ReadonlyMap<string, number>> {
    return this.journal.expectedDurations(plan);
  }

  async start(plan: LoadedPlan, options: StartOptions): Promise<Result<RunHandle, Problem>> {
    const planFile = plan.file === undefined ? {} : { planFile: relative(this.dir, plan.file) };
    const maxConcurrency = options.maxConcurrency ?? plan.plan.maxConcurrency ?? availableParallelism();
    const beginning = options.reuse?.beginning;
    const run = beginning?.run ?? options.run ?? randomId(systemRandom);
    this.#register(run, plan);
    if (beginning !== undefined) {
      // Before the run is: what is recorded to be there is.
      const begun = await (await this.agents()).begin(beginning);
      if (!begun.ok) return begun;
    }
    return (await this.#running()).start(plan, { ...planFile, ...options, run, maxConcurrency });
  }

  async resume(run: string, options: ResumeOptions): Promise<Result<RunHandle, Problem>> {
    const planFile = options.current?.file === undefined ? await this.#planFileOf(run) : undefined;
    this.#register(run, options.current, planFile);
    return (await this.#running()).resume(run, options);
  }

  async rollback(run: string): Promise<Result<RunHandle, Problem>> {
    this.#register(run, undefined, await this.#planFileOf(run));
    return (await this.#running()).rollback(run);
  }

  async read(run: string): Promise<Result<RecordedRun, Problem>> {
    const [{ recover }, { runStatus }] = await Promise.all([
      import("../engine/recovery.ts"),
      import("../run/status.ts"),
    ]);
    const record = await this.journal.get(run);
    const recovered = await recover(this.journal, run);
    if (!recovered.ok) return recovered;
    const live = record?.holder !== null && record?.holder !== undefined;
    const { state } = recovered.value;
    return ok({ state, live, status: runStatus(state, live) });
  }

  async control(run: string, request: ControlRequest): Promise<Result<"sent" | "done", Problem>> {
    const record = await this.journal.get(run);
    if (record === undefined)
      return err({ code: "UnknownRun", message: `there is no run ${run}`, hint: "`heddle runs` lists the runs." });
    const [{ checkControlRequest }, { invalidRequest }] = await Promise.all([
      import("../run/control.ts"),
      import("../engine/problems.ts"),
    ]);
    const checked = checkControlRequest(request);
    if (!checked.ok) return err(invalidRequest(checked.error));
    if (record.holder !== null) {
      await this.journal.request(run, systemClock().now(), request as unknown as Json);
      return ok("sent");
    }
    if (request.kind === "answer") return (await this.#running()).answer(run, request);
    return err({
      code: "RunNotLive",
      message: `no process is working on run ${run}, so there is nothing to ${request.kind}`,
      hint: `See it with \`heddle show ${run}\`; go on with \`heddle resume ${run}\`.`,
    });
  }

  logFile(run: string, step: string, attempt: number): string {
    return this.#workspaces.logFile(run, step, attempt) ?? "";
  }

  async landed(run: string, landing: Landing): Promise<void> {
    await (await this.#running()).landed(run, landing);
  }

  agents(): Promise<AgentKeeping> {
    return openAgentKeeping(this.dir);
  }

  async remove(run: string): Promise<boolean> {
    const removed = await this.journal.remove(run);
    if (removed) await this.#workspaces.removeRun(run);
    return removed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#engine)?.[Symbol.asyncDispose]();
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
  #running(): Promise<LocalEngine> {
    this.#engine ??= import("./engine.ts").then(({ openEngine }) =>
      openEngine({
        dir: this.dir,
        journal: this.journal,
        workspaces: this.#workspaces,
        title: this.#title,
        pollMs: this.#pollMs,
        codeOf: (run) => this.#codeOf(run),
      }),
    );
    return this.#engine;
  }
}
