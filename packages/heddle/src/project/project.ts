/**
 * Project on this machine: starts, resumes, reads and answers runs over its journal. Gets its implementations as
 * arguments; picks none and reads no clock.
 */
import { availableParallelism } from "node:os";
import { dirname, relative, resolve } from "node:path";
import type { AgentMaintenance } from "../agent/port.ts";
import { systemClock } from "../base/clock.ts";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { systemRandom } from "../base/random.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { ResumeOptions, RunHandle, StartOptions } from "../engine/api.ts";
import type { ControlRequest } from "../run/control.ts";
import type { PlanCode } from "../engine/executor.ts";
import type { Journal } from "../journal/port.ts";
import type { EngineOptions, LocalEngine, Project, RecordedRun } from "./port.ts";
import { NO_FUNCTIONS } from "../plan/plan.ts";
import type { Workspaces } from "../workspace/port.ts";
import type { Landing } from "../run/attempt.ts";
import type { LoadedPlan } from "../graph/loaded-plan.ts";

/** What a project is made of on this machine; picked by `host/`. */
export interface ProjectParts {
  readonly journal: Journal;
  readonly workspaces: Workspaces;
  readonly title: string;
  readonly pollMs: number;
  /** Whether files of its runs go when it is disposed. */
  readonly deleteOnDispose: boolean;
  /** Called when the first run starts: looking at a project must not wait for the code of an engine. */
  readonly openEngine: (options: EngineOptions) => Promise<LocalEngine>;
  readonly openAgents: () => Promise<AgentMaintenance>;
}

export class LocalProject implements Project {
  readonly dir: string;
  readonly journal: Journal;
  readonly #workspaces: Workspaces;
  readonly #title: string;
  readonly #pollMs: number;
  /** Files of its runs go when it is disposed. */
  readonly #deleteOnDispose: boolean;
  readonly #openEngine: ProjectParts["openEngine"];
  readonly #openAgents: ProjectParts["openAgents"];
  readonly #codes = new Map<string, PlanCode>();
  #engine: Promise<LocalEngine> | undefined;

  constructor(dir: string, parts: ProjectParts) {
    this.dir = dir;
    this.journal = parts.journal;
    this.#workspaces = parts.workspaces;
    this.#title = parts.title;
    this.#pollMs = parts.pollMs;
    this.#deleteOnDispose = parts.deleteOnDispose;
    this.#openEngine = parts.openEngine;
    this.#openAgents = parts.openAgents;
  }

  async loadPlan(file: string, params: JsonObject): ReturnType<Project["loadPlan"]> {
    const { loadPlanFile } = await import("./load-plan.ts");
    return loadPlanFile(file, params);
  }

  expectedDurations(plan: string): Promise<ReadonlyMap<string, number>> {
    return this.journal.expectedDurations(plan);
  }

  async start(plan: LoadedPlan, options: StartOptions): Promise<Result<RunHandle, Problem>> {
    const planFile = options.planFile ?? (plan.file === undefined ? undefined : relative(this.dir, plan.file));
    const maxConcurrency = options.maxConcurrency ?? plan.plan.maxConcurrency ?? availableParallelism();
    const beginning = options.reuse?.beginning;
    const run = beginning?.run ?? options.run ?? randomId(systemRandom);
    this.#register(run, plan);
    if (beginning !== undefined) {
      // Before the run is: what is recorded to be there is.
      const begun = await (await this.agents()).begin(beginning);
      if (!begun.ok) return begun;
    }
    return (await this.#running()).start(plan, defined({ ...options, planFile, run, maxConcurrency }));
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
    const { checkControlRequest, invalidRequest } = await import("../run/control.ts");
    const checked = checkControlRequest(request);
    if (!checked.ok) return err(invalidRequest(checked.error));
    if (record.holder !== null) {
      await this.journal.request(run, systemClock().now(), request as unknown as Json);
      return ok("sent");
    }
    if (request.kind === "answer") return (await this.#running()).answer(run, request);
    return err({
      code: "RunNotLive",
      message: `no process is working on run ${run}, so it cannot take the request: ${request.kind}`,
      hint: `\`heddle show ${run}\` shows it; \`heddle resume ${run}\` continues it.`,
    });
  }

  logFile(run: string, step: string, attempt: number): string {
    return this.#workspaces.logFile(run, step, attempt) ?? "";
  }

  async recordLanding(run: string, landing: Landing): Promise<void> {
    await (await this.#running()).recordLanding(run, landing);
  }

  agents(): Promise<AgentMaintenance> {
    return this.#openAgents();
  }

  async remove(run: string): Promise<boolean> {
    const removed = await this.journal.remove(run);
    if (removed) await this.#workspaces.removeRun(run);
    return removed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#engine)?.[Symbol.asyncDispose]();
    if (this.#deleteOnDispose) for (const run of this.#codes.keys()) await this.#workspaces.removeRun(run);
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
    this.#codes.set(
      run,
      defined({
        functions: plan?.functions ?? NO_FUNCTIONS,
        folder: file === undefined ? this.dir : dirname(file),
        planModule: file,
      }),
    );
  }

  #codeFor(run: string): PlanCode {
    return this.#codes.get(run) ?? { functions: NO_FUNCTIONS, folder: this.dir };
  }

  /** Made when the first run is: looking at a project starts no helper and opens nothing but the journal. */
  #running(): Promise<LocalEngine> {
    this.#engine ??= this.#openEngine({
      dir: this.dir,
      journal: this.journal,
      workspaces: this.#workspaces,
      title: this.#title,
      pollMs: this.#pollMs,
      codeFor: (run) => this.#codeFor(run),
    });
    return this.#engine;
  }
}
