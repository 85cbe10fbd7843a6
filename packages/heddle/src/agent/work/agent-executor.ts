/**
 * Agent executor: carries out the agent steps of every run in this process. Each run has one run context, created with
 * its first agent and closed with its end.
 */
import { defined } from "../../base/defined.ts";
import { messageOf, orThrow, type Problem } from "../../base/errors.ts";
import { err, type Result } from "../../base/result.ts";
import type { Landing, Note, Outcome, StopReason } from "../../run/attempt.ts";
import type { AnswerDecision } from "../../run/event.ts";
import type { AgentExecutor, AgentJob, AgentRun, RunningAgentStep } from "../port.ts";
import { carryOut } from "./attempt.ts";
import { AttemptCost } from "./attempt-cost.ts";
import { Cancellation } from "./cancellation.ts";
import { finishRun } from "./finish-run.ts";
import { Notices } from "./notices.ts";
import { PermissionQueue } from "./permission-queue.ts";
import { Proposals } from "./proposals.ts";
import { type AgentExecutorOptions, type AgentRunContext, openRunContext } from "./run-context.ts";
import { stepSettings, type StepSettings } from "./settings.ts";

export function agentExecutor(options: AgentExecutorOptions): AgentExecutor {
  return new LocalAgentExecutor(options);
}

type AgentRunIn = AgentRun & { readonly folder: string };
type OpenedContext = Promise<Result<AgentRunContext, Problem>>;

function agentRunOf({ task, folder }: AgentJob): AgentRunIn {
  const { config = {}, maxAgents = 1, base, begin, branch } = task.agent ?? {};
  return defined({ run: task.run, folder, config, maxAgents, base, begin, branch });
}

class LocalAgentExecutor implements AgentExecutor {
  readonly #options: AgentExecutorOptions;
  readonly #contexts = new Map<string, OpenedContext>();

  constructor(options: AgentExecutorOptions) {
    this.#options = options;
  }

  start(job: AgentJob, onNote: (note: Note) => void): RunningAgentStep {
    const { action } = job.task.step;
    const own = action.kind === "agent" ? (action.options ?? {}) : {};
    const settings = stepSettings(job.task.agent?.config ?? {}, own, job.folder);
    const cancellation = new Cancellation(this.#options.clock);
    const permissions = new PermissionQueue(this.#options.clock, settings.limits.askMs, onNote);
    const outcome = this.#work(job, settings, cancellation, permissions, onNote);
    return new StartedStep(outcome, cancellation, permissions);
  }

  async finishRun(run: AgentRunIn, isDone: boolean): Promise<Landing | undefined> {
    const opened = await this.#contexts.get(run.run);
    this.#contexts.delete(run.run);
    if (opened?.ok === true) return await finishRun(opened.value, isDone);
    if (!isDone) return undefined;
    // It was used by another process, or by an attempt that is not recorded as done yet.
    return await finishRun(orThrow(await openRunContext(this.#options, run)), isDone);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const context of this.#contexts.values()) {
      const opened = await context;
      if (opened.ok) await finishRun(opened.value, false);
    }
    this.#contexts.clear();
  }

  async #work(
    job: AgentJob,
    settings: StepSettings,
    cancellation: Cancellation,
    permissions: PermissionQueue,
    note: (note: Note) => void,
  ): Promise<Outcome> {
    const opened = await this.#contextOf(job);
    if (!opened.ok) return { kind: "failed", error: { code: "spawn", message: opened.error.message, final: true } };
    const runContext = opened.value;
    const { step, agent } = job.task;
    return await carryOut({
      options: this.#options,
      runContext,
      job,
      settings,
      cancellation,
      permissions,
      note,
      cost: new AttemptCost(),
      proposals: new Proposals({
        step: agent?.id ?? step.id,
        ids: agent?.ids ?? [],
        mayJoin: runContext.settings.allowNewSteps,
      }),
      notices: new Notices(note),
    });
  }

  #contextOf(job: AgentJob): OpenedContext {
    const { run } = job.task;
    const known = this.#contexts.get(run);
    if (known !== undefined) return known;
    const opening = this.#open(job);
    this.#contexts.set(run, opening);
    return opening;
  }

  /** One that could not be opened is tried again by the next attempt. */
  async #open(job: AgentJob): OpenedContext {
    const { run } = job.task;
    try {
      const opened = await openRunContext(this.#options, agentRunOf(job));
      if (!opened.ok) this.#contexts.delete(run);
      return opened;
    } catch (thrown) {
      this.#contexts.delete(run);
      return err({ code: "AgentsInvalid", message: messageOf(thrown), cause: thrown });
    }
  }
}

/** An attempt under way, with all that it can be told from outside. */
class StartedStep implements RunningAgentStep {
  readonly outcome: Promise<Outcome>;
  readonly #cancellation: Cancellation;
  readonly #permissions: PermissionQueue;

  constructor(outcome: Promise<Outcome>, cancellation: Cancellation, permissions: PermissionQueue) {
    this.outcome = outcome.finally(() => permissions.close());
    this.#cancellation = cancellation;
    this.#permissions = permissions;
  }

  stop(reason: StopReason): void {
    this.#permissions.close();
    this.#cancellation.stop(reason);
  }

  kill(): void {
    this.#permissions.close();
    this.#cancellation.kill();
  }

  answer(decision: AnswerDecision): void {
    this.#permissions.answer(decision);
  }
}
