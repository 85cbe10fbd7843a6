/**
 * Agent executor: carries out the agent steps of every run in this process. Each run has one run context, created with
 * its first agent and closed with its end.
 */
import { defined } from "../../base/defined.ts";
import { messageOf } from "../../base/errors.ts";
import type { Dispatched } from "../../backend/port.ts";
import { carryOut } from "./attempt.ts";
import { Cancellation } from "./cancellation.ts";
import { finishRun } from "./finish-run.ts";
import { PermissionQueue } from "./permission-queue.ts";
import type { AgentJob, AgentRun, AgentExecutor } from "../port.ts";
import { type AgentExecutorOptions, openRunContext, type AgentRunContext } from "./run-context.ts";
import { stepSettings, type StepSettings } from "./settings.ts";
import type { Outcome, Note, Landing } from "../../run/attempt.ts";

export function agentExecutor(options: AgentExecutorOptions): AgentExecutor {
  return new LocalAgentExecutor(options);
}

type RunContextOf = AgentRun & { readonly folder: string };

function runContextOf({ task, folder }: AgentJob): RunContextOf {
  const { config = {}, maxAgents = 1, base, begin, branch } = task.agent ?? {};
  return defined({ run: task.run, folder, config, maxAgents, base, begin, branch });
}

class LocalAgentExecutor implements AgentExecutor {
  readonly #options: AgentExecutorOptions;
  readonly #rooms = new Map<string, Promise<AgentRunContext>>();

  constructor(options: AgentExecutorOptions) {
    this.#options = options;
  }

  start(job: AgentJob, onNote: (note: Note) => void): Dispatched {
    const cancellation = new Cancellation(this.#options.clock);
    const { action } = job.task.step;
    const own = action.kind === "agent" ? (action.options ?? {}) : {};
    const settings = stepSettings(job.task.agent?.config ?? {}, own, job.folder);
    const permissions = new PermissionQueue(this.#options.clock, settings.limits.askMs, onNote);
    const worked = this.#work(job, settings, cancellation, permissions, onNote);
    return {
      outcome: worked.finally(() => permissions.close()),
      stop(reason) {
        permissions.close();
        cancellation.stop(reason);
      },
      kill() {
        permissions.close();
        cancellation.kill();
      },
      answer: (decision) => permissions.answer(decision),
    };
  }

  async finishRun(run: RunContextOf, isDone: boolean): Promise<Landing | undefined> {
    const runContext = await this.#rooms.get(run.run)?.catch(() => undefined);
    this.#rooms.delete(run.run);
    if (runContext === undefined && !isDone) return undefined;
    // It was used by another process, or by an attempt that is not recorded as done yet.
    return await finishRun(runContext ?? (await openRunContext(this.#options, run)), isDone);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const runContext of this.#rooms.values()) {
      const opened = await runContext.catch(() => undefined);
      if (opened !== undefined) await finishRun(opened, false);
    }
    this.#rooms.clear();
  }

  async #work(
    job: AgentJob,
    settings: StepSettings,
    cancellation: Cancellation,
    permissions: PermissionQueue,
    note: (note: Note) => void,
  ): Promise<Outcome> {
    let runContext: AgentRunContext;
    try {
      runContext = await this.#roomOf(job);
    } catch (thrown) {
      return { kind: "failed", error: { code: "spawn", message: messageOf(thrown), final: true } };
    }
    return await carryOut({
      options: this.#options,
      runContext,
      job,
      settings,
      cancellation,
      permissions,
      note,
      spent: { usd: 0, isWhole: true },
      proposals: [],
      told: new Set(),
    });
  }

  #roomOf(job: AgentJob): Promise<AgentRunContext> {
    const { run } = job.task;
    let runContext = this.#rooms.get(run);
    if (runContext === undefined) {
      runContext = openRunContext(this.#options, runContextOf(job));
      this.#rooms.set(run, runContext);
      runContext.catch(() => this.#rooms.delete(run));
    }
    return runContext;
  }
}
