/**
 * Run of this process, for the library: follows the engine's handle to the result, and closes the project when the run has
 * ended and nobody reads its events. Knows no rule of scheduling, journal or retry.
 *
 * Invariants:
 *  1. `result` never rejects because of a caller, a plan, a step or the machine: those are statuses.
 *  2. The project is open while the engine works or somebody reads; a later reader opens it again.
 */
import { systemClock } from "../base/clock.ts";
import { defined } from "../base/defined.ts";
import { HeddleError } from "../base/errors.ts";
import { randomId } from "../base/ids.ts";
import type { Json } from "../base/json.ts";
import { systemRandom } from "../base/random.ts";
import type { Result } from "../base/result.ts";
import type { StepValue } from "../plan/define.ts";
import { requestProblem } from "../project/control-run.ts";
import type { Answer, Event, Project, RunHandle } from "../project/port.ts";
import { optionOf, questionAt } from "../view/question.ts";
import {
  failuresOf,
  noProgress,
  runProgressOf,
  stepProgressOf,
  type RunProgress,
  type StepProgress,
} from "../view/run-progress.ts";
import { openFolder } from "./folder.ts";
import { notAQuestion } from "./errors.ts";
import type { AnswerOptions, ConflictChoice, Run, RunResult } from "./handle.ts";
import { countProblem, type RunPlanOptions } from "./settings.ts";

/** Begins the run. `held` is told of the project that was opened for it, and that is closed with it. */
export type BeginRun = (held: (project: Project) => void) => Promise<Result<RunHandle, HeddleError>>;

export class LocalRun implements Run {
  readonly run: string;
  readonly result: Promise<RunResult>;
  readonly #options: RunPlanOptions;
  readonly #begun: Promise<Result<RunHandle, HeddleError>>;
  readonly #clock = systemClock();
  #handle: RunHandle | undefined;
  #refused: HeddleError | undefined;
  #project: Project | undefined;
  /** Closed; its journal can be read for as long as this is held. */
  #inMemory: Project | undefined;
  #ended = false;
  #readers = 0;
  #cancelled = false;

  constructor(id: string, options: RunPlanOptions, begin: BeginRun) {
    this.run = id;
    this.#options = options;
    this.#begun = begin((project) => (this.#project = project));
    this.result = this.#follow();
  }

  async #follow(): Promise<RunResult> {
    const cancel = (): void => void this.cancel();
    const { signal } = this.#options;
    try {
      const begun = await this.#begun;
      if (!begun.ok) {
        this.#refused = begun.error;
        return refusedResult(this.run, begun.error);
      }
      this.#handle = begun.value;
      signal?.addEventListener("abort", cancel, { once: true });
      if (this.#cancelled || signal?.aborted === true) begun.value.cancel();
      const { status, outputs, stopped } = await begun.value.result;
      const failures = failuresOf(begun.value.state());
      const about = { run: this.run, outputs, failures, output: outputReader(outputs) };
      if (stopped === undefined) return { ...about, status };
      return { ...about, status: "stopped", error: new HeddleError(stopped) };
    } finally {
      signal?.removeEventListener("abort", cancel);
      this.#ended = true;
      await this.#closeIfUnused();
    }
  }

  status(): RunProgress {
    const handle = this.#handle;
    if (handle === undefined) return noProgress(this.run, this.#refused === undefined ? "starting" : "refused");
    return runProgressOf(handle.state(), !this.#ended, handle.waitingFor());
  }

  step(id: string): StepProgress | undefined {
    const handle = this.#handle;
    return handle === undefined ? undefined : stepProgressOf(handle.state(), id, !this.#ended, this.#clock.now());
  }

  cancel(): number {
    const handle = this.#handle;
    if (handle === undefined || this.#ended) {
      this.#cancelled = true;
      return 0;
    }
    const { running } = handle.state().index.counts;
    handle.cancel();
    return running;
  }

  setConcurrency(maxConcurrency: number): void {
    const problem = countProblem("maxConcurrency", maxConcurrency);
    if (problem !== undefined) throw problem;
    void this.#begun.then((begun) => begun.ok && begun.value.setConcurrency({ maxConcurrency, by: "api" }));
  }

  pause(reason: string = "requested by the program"): void {
    const problem = requestProblem({ kind: "pause", reason });
    if (problem !== undefined) throw new HeddleError(problem);
    void this.#begun.then((begun) => begun.ok && begun.value.pause(reason));
  }

  unpause(): void {
    void this.#begun.then((begun) => begun.ok && begun.value.unpause());
  }

  approve(step: string, answer: AnswerOptions = {}): void {
    this.#give(step, { decision: "approve", ...answer });
  }

  reject(step: string, answer: AnswerOptions = {}): void {
    this.#give(step, { decision: "reject", ...answer });
  }

  answer(step: string, text: string, answer: Pick<AnswerOptions, "by"> = {}): void {
    const state = this.#handle?.state();
    const question = state === undefined ? undefined : questionAt(state, state.index.byId.get(step) ?? -1);
    if (question !== undefined && question.about !== "question") throw notAQuestion(this.run, step);
    const comment = question === undefined ? text : optionOf(question, text);
    this.#give(step, { decision: "approve", ...answer, comment });
  }

  resolve(step: string, choice: ConflictChoice, answer: AnswerOptions = {}): void {
    this.#give(step, { decision: "approve", ...answer, choice });
  }

  async signal(name: string, value: Json = null, { by = "api" }: Pick<AnswerOptions, "by"> = {}): Promise<void> {
    const sent = await this.#handle?.signal({ signal: name, value, by, id: randomId(systemRandom, 16) });
    if (sent === undefined) {
      throw new HeddleError({
        code: "RunNotLive",
        message: `run ${this.run} has not begun yet`,
        hint: "Send signals after its first event.",
      });
    }
    if (!sent.ok) throw new HeddleError(sent.error);
  }

  #give(
    step: string,
    { by = "api", ...answer }: AnswerOptions & Pick<Answer, "decision"> & { readonly choice?: ConflictChoice },
  ): void {
    const { decision, comment, choice } = answer;
    const given = this.#handle?.answer(step, defined({ decision, by, comment, choice }));
    if (given === undefined) {
      throw new HeddleError({
        code: "NotAsked",
        message: `run ${this.run} has not asked anything yet`,
        hint: "Answer after the event `approval.requested`.",
      });
    }
    if (!given.ok) throw new HeddleError(given.error);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void, undefined> {
    this.#readers++;
    try {
      const begun = await this.#begun;
      if (!begun.ok) throw begun.error;
      if (this.#project === undefined) yield* this.#reread();
      else for await (const item of this.#project.runs.tail(this.run)) if (item.kind === "events") yield* item.events;
    } finally {
      this.#readers--;
      await this.#closeIfUnused();
    }
  }

  /** The events of a run that has ended and whose project was closed. */
  async *#reread(): AsyncGenerator<Event, void, undefined> {
    if (this.#inMemory !== undefined) return yield* eventsIn(this.#inMemory, this.run);
    const opened = await openFolder(defined({ projectDir: this.#options.projectDir, access: "read" as const }));
    if (!opened.ok) throw opened.error;
    await using project = opened.value;
    yield* eventsIn(project, this.run);
  }

  async #closeIfUnused(): Promise<void> {
    if (!this.#ended || this.#readers > 0) return;
    const project = this.#project;
    this.#project = undefined;
    if (this.#options.memory === true) this.#inMemory = project ?? this.#inMemory;
    await project?.[Symbol.asyncDispose]();
  }
}

async function* eventsIn(project: Project, run: string): AsyncGenerator<Event, void, undefined> {
  for await (const batch of project.runs.events(run)) yield* batch;
}

function refusedResult(run: string, error: HeddleError): RunResult {
  return { run, status: "refused", outputs: {}, failures: [], error, output: () => undefined };
}

export function outputReader(outputs: Readonly<Record<string, Json>>): RunResult["output"] {
  return <Output>(step: StepValue<Output>) =>
    Object.hasOwn(outputs, step.id) ? (outputs[step.id] as Output) : undefined;
}
