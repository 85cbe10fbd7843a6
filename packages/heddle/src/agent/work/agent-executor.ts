/**
 * Agent executor: carries out the agent steps of every run in this process. Each run has one run context, created with
 * its first agent and closed with its end.
 */
import { defined } from "../../base/defined.ts";
import { caught, HeddleError, messageOf, orThrow, type Problem } from "../../base/errors.ts";
import { err, type Result } from "../../base/result.ts";
import type { Landing, Note, Outcome, StopReason } from "../../run/attempt.ts";
import type { AnswerDecision, TokenUsage } from "../../run/event.ts";
import { providerOf } from "../adapters/registry.ts";
import type { AgentExecutor, AgentJob, Reverted, RevertWork, RunningAgentStep } from "../port.ts";
import { carryOut } from "./attempt.ts";
import type { AgentAttemptContext } from "./attempt-context.ts";
import { AttemptCost } from "./attempt-cost.ts";
import { Cancellation } from "./cancellation.ts";
import { withHint } from "./failures.ts";
import { finishRun } from "./finish-run.ts";
import { Notices } from "./notices.ts";
import { PermissionQueue } from "./permission-queue.ts";
import { Proposals } from "./proposals.ts";
import { carryOutReadOnly } from "./read-only-attempt.ts";
import {
  type AgentExecutorOptions,
  type AgentRunContext,
  type AgentRunIn,
  openRunAgents,
  openRunContext,
  type RunAgents,
} from "./run-context.ts";
import { revertVerified } from "./revert-step.ts";
import { runSettings, stepSettings } from "./settings.ts";

export function agentExecutor(options: AgentExecutorOptions): AgentExecutor {
  return new LocalAgentExecutor(options);
}

function agentRunOf({ task, folder }: AgentJob): AgentRunIn {
  const { config = {}, maxAgents = 1, base, begin, branch, recorded } = task.agent ?? {};
  return defined({ run: task.run, folder, config, maxAgents, base, begin, branch, recorded });
}

type AttemptParts = Pick<AgentAttemptContext, "job" | "settings" | "cancellation" | "permissions" | "note">;

function notStarted(problem: Problem): Outcome {
  return { kind: "failed", error: { code: "spawn", message: withHint(problem), final: true } };
}

class LocalAgentExecutor implements AgentExecutor {
  readonly #options: AgentExecutorOptions;
  readonly #agents = new OncePerRun<RunAgents>();
  readonly #contexts = new OncePerRun<AgentRunContext>();

  constructor(options: AgentExecutorOptions) {
    this.#options = options;
  }

  start(job: AgentJob, onNote: (note: Note) => void): RunningAgentStep {
    const { action } = job.task.step;
    const own = action.kind === "agent" ? (action.options ?? {}) : {};
    const settings = stepSettings(job.task.agent?.config ?? {}, own, job.folder);
    const cancellation = new Cancellation(this.#options.clock);
    const permissions = new PermissionQueue(this.#options.clock, settings.limits.askMs, onNote);
    const outcome = this.#work({ job, settings, cancellation, permissions, note: onNote });
    return new StartedStep(outcome, cancellation, permissions);
  }

  async finishRun(run: AgentRunIn, isDone: boolean): Promise<Landing | undefined> {
    const known = await this.#contexts.forget(run.run);
    // If the run has work to land: it was done in another process, or by an attempt that is not recorded as done yet.
    const opened = known?.ok === true || !isDone ? known : await this.#contextOf(run);
    await this.#contexts.forget(run.run);
    await this.#agents.forget(run.run);
    if (opened === undefined || (!opened.ok && !isDone)) return undefined;
    return await finishRun(orThrow(opened), isDone);
  }

  async revert(run: AgentRunIn, work: RevertWork): Promise<Result<Reverted, Problem>> {
    const opened = await this.#contextOf(run);
    if (!opened.ok) return opened;
    return await caught(async () => await revertVerified(this.#options, opened.value, { ...work, folder: run.folder }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of await this.#contexts.forgetAll()) if (opened.ok) await finishRun(opened.value, false);
    await this.#agents.forgetAll();
  }

  async #work(of: AttemptParts): Promise<Outcome> {
    const { step } = of.job.task;
    recordKilledTurn(of);
    const run = agentRunOf(of.job);
    const workspace = step.action.kind === "agent" ? step.action.workspace : undefined;
    if (workspace === undefined) {
      const opened = await this.#contextOf(run);
      return opened.ok ? await carryOut(this.#attempt(of, opened.value)) : notStarted(opened.error);
    }
    const opened = await this.#agentsOf(run);
    return opened.ok ? await carryOutReadOnly(this.#attempt(of, opened.value), workspace) : notStarted(opened.error);
  }

  #attempt<Run extends RunAgents>(of: AttemptParts, runContext: Run): AgentAttemptContext<Run> {
    const { step, agent } = of.job.task;
    const mayJoin = runContext.settings.allowNewSteps;
    return {
      ...of,
      options: this.#options,
      runContext,
      cost: new AttemptCost(),
      proposals: new Proposals({ step: agent?.id ?? step.id, ids: agent?.ids ?? [], mayJoin }),
      notices: new Notices(of.note),
    };
  }

  #agentsOf(run: AgentRunIn): Promise<Result<RunAgents, Problem>> {
    return this.#agents.opened(run.run, async () => await openRunAgents(this.#options, run));
  }

  #contextOf(run: AgentRunIn): Promise<Result<AgentRunContext, Problem>> {
    return this.#contexts.opened(run.run, async () => {
      const agents = await this.#agentsOf(run);
      return agents.ok ? await openRunContext(this.#options, run, agents.value) : agents;
    });
  }
}

/** What the turn took in which the engine before this one died, as far as it was told; what was not is unknown. */
function recordKilledTurn({ job, settings, note }: AttemptParts): void {
  const { open, unrecorded } = job.task.agent?.before ?? {};
  if (open === undefined || unrecorded === undefined) return;
  const { sessionId, usage, usd, totals } = unrecorded;
  const { configs } = runSettings(job.task.agent?.config ?? {}, job.folder);
  const data: Extract<Note, { type: "usage.recorded" }>["data"] = defined({
    agent: settings.agent,
    provider: providerOf(settings.agent, configs[settings.agent]),
    model: settings.model,
    sessionId,
    tokens: usage as TokenUsage | undefined,
    usd,
    totals,
    class: "crash",
  });
  note({ type: "usage.recorded", data });
}

/** Something that a run has one of, opened for the first who asks. What could not be opened is tried again by the next. */
class OncePerRun<T> {
  readonly #opened = new Map<string, Promise<Result<T, Problem>>>();

  opened(run: string, open: () => Promise<Result<T, Problem>>): Promise<Result<T, Problem>> {
    const known = this.#opened.get(run);
    if (known !== undefined) return known;
    const opening = this.#open(run, open);
    this.#opened.set(run, opening);
    return opening;
  }

  async #open(run: string, open: () => Promise<Result<T, Problem>>): Promise<Result<T, Problem>> {
    try {
      const opened = await open();
      if (!opened.ok) this.#opened.delete(run);
      return opened;
    } catch (thrown) {
      this.#opened.delete(run);
      if (thrown instanceof HeddleError) return err(thrown);
      return err({ code: "AgentsInvalid", message: messageOf(thrown), cause: thrown });
    }
  }

  async forget(run: string): Promise<Result<T, Problem> | undefined> {
    const opened = this.#opened.get(run);
    this.#opened.delete(run);
    return await opened;
  }

  async forgetAll(): Promise<readonly Result<T, Problem>[]> {
    const all = [...this.#opened.values()];
    this.#opened.clear();
    return await Promise.all(all);
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
