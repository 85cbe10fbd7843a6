/** Agent steps without processes: git in memory, agents and commands that are functions of the test, time that stands still. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { AgentRunner, AgentTurn, RunningTurn } from "../../../src/agent/adapters/port.ts";
import type { AgentExecutor, AgentJob, AgentRun, RunningAgentStep } from "../../../src/agent/port.ts";
import type { AttemptTask, TaskListener, TaskServer } from "../../../src/agent/tools/port.ts";
import { agentExecutor } from "../../../src/agent/work/agent-executor.ts";
import { ok } from "../../../src/base/result.ts";
import type { Repositories, Repository } from "../../../src/git/port.ts";
import type { MergeRequest } from "../../../src/git/types.ts";
import type { AgentsConfig } from "../../../src/plan/agents-config.ts";
import type { Step } from "../../../src/plan/plan.ts";
import type { AgentTask, Note, Outcome, StopReason, Task } from "../../../src/run/attempt.ts";
import type { Attempt, Runner } from "../../../src/runner/port.ts";
import { folderOf } from "../../../src/workspace/directory.ts";
import { MemoryGit } from "../../support/memory-git.ts";
import { type Files, writeFiles } from "../../support/memory-history.ts";
import { IN_MEMORY, temporaryFolder } from "../../support/temporary.ts";
import { VirtualClock } from "../../support/virtual-clock.ts";

/** One turn of an agent: what it writes, or what it does with its tools; an outcome where it ends otherwise than well. */
export type Behaviour = Files | ((turn: AgentTurn, tools: TaskListener) => Promise<Outcome | undefined> | undefined);

/** A command: whether it succeeds; or it waits until it is ended. */
export type CommandBehaviour = (attempt: Attempt) => boolean | "hangs";

export const DETAILS = { agent: "claude", provider: "anthropic", sandbox: "none", usd: 0.25 } as const;

export interface StepOptions {
  readonly step?: Partial<Step>;
  readonly attempt?: number;
  readonly agent?: Partial<AgentTask>;
}

export class ExecutorRig {
  readonly clock: VirtualClock = new VirtualClock();
  readonly git: MemoryGit;
  readonly base: string;
  readonly executor: AgentExecutor;
  /** Each turn that was taken. */
  readonly turns: AgentTurn[] = [];
  /** Each command that was run, as `STEP: COMMAND`. */
  readonly commands: string[] = [];
  readonly notes: Note[] = [];
  /** What was put into the merge queue. */
  readonly submitted: MergeRequest[] = [];
  readonly #folder = temporaryFolder("executor", IN_MEMORY);
  readonly config: AgentsConfig;
  readonly #listeners = new Map<string, TaskListener>();

  /** `turns`: of each step's agent, in order. */
  constructor(
    turns: Readonly<Record<string, readonly Behaviour[]>>,
    options: {
      readonly config?: AgentsConfig;
      readonly command?: CommandBehaviour;
      readonly git?: (inner: Repositories) => Repositories;
    } = {},
  ) {
    this.git = new MemoryGit(this.#folder);
    this.base = this.git.commitAsUser({ "a.txt": "a\n", "b.txt": "b\n" });
    this.config = options.config ?? {};
    this.executor = agentExecutor({
      projectDir: this.git.topLevel,
      stateDir: join(this.#folder, "state"),
      clock: this.clock,
      repositories: this.#watched(options.git?.(this.git) ?? this.git),
      resolveFolder: folderOf,
      env: {},
      runner: this.#runner(options.command ?? (() => true)),
      agentRunner: async () => ok(this.#agents(turns)),
      taskServer: async () => this.#taskServer(),
    });
  }

  start(id: string, options: StepOptions = {}): RunningAgentStep {
    return this.executor.start(this.job(id, options), (note) => void this.notes.push(note));
  }

  async run(id: string, options: StepOptions = {}): Promise<Outcome> {
    return await this.start(id, options).outcome;
  }

  async finish(isDone = true): ReturnType<AgentExecutor["finishRun"]> {
    const run: AgentRun = { run: "r1", config: this.config, maxAgents: 4, base: this.base, branch: "main" };
    return await this.executor.finishRun({ ...run, folder: this.git.topLevel }, isDone);
  }

  job(id: string, { step = {}, attempt = 1, agent = {} }: StepOptions): AgentJob {
    const of = { plan: "p", config: this.config, maxAgents: 4, order: 0, base: this.base, branch: "main" };
    const rest = { group: [], id, ids: [id], depTexts: {}, before: {} };
    const task: Task = {
      run: "r1",
      step: { id, action: { kind: "agent", prompt: `do ${id}` }, ...step },
      attempt,
      params: {},
      deps: {},
      depStatus: {},
      graceMs: 100,
      shell: "sh",
      agent: { ...of, ...rest, ...agent },
    };
    return { task, prompt: `do ${id}`, env: {}, folder: this.git.topLevel, logFile: null };
  }

  /** A file on the integration branch. */
  merged(path: string): string | undefined {
    return this.git.commitOf(this.git.branch("heddle/r1/integration") ?? this.base).files[path];
  }

  types(): readonly string[] {
    return this.notes.map(({ type }) => type);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }

  #watched(inner: Repositories): Repositories {
    return {
      open: async (how) => {
        const opened = await inner.open(how);
        if (!opened.ok) return opened;
        const { repository } = opened.value;
        const openQueue: Repository["openQueue"] = (options) => {
          const queue = repository.openQueue(options);
          const submit = queue.submit.bind(queue);
          queue.submit = async (request) => {
            this.submitted.push(request);
            return await submit(request);
          };
          return queue;
        };
        return ok({ ...opened.value, repository: { ...repository, openQueue } });
      },
    };
  }

  #agents(turns: Readonly<Record<string, readonly Behaviour[]>>): AgentRunner {
    const taken = new Map<string, number>();
    return {
      start: (turn): RunningTurn => {
        this.turns.push(turn);
        const count = taken.get(turn.step) ?? 0;
        taken.set(turn.step, count + 1);
        const behaviour = turns[turn.step]?.[count] ?? {};
        const { promise, resolve } = Promise.withResolvers<Outcome>();
        const end = (outcome: Outcome): void => resolve(outcome);
        void this.#behave(turn, behaviour).then(end);
        return {
          outcome: promise,
          stop: (reason) => end({ kind: "stopped", reason }),
          kill: () => end({ kind: "stopped", reason: "cancel" }),
          end: () => end({ kind: "failed", error: { code: "error", message: "ended" }, agent: DETAILS }),
        };
      },
    };
  }

  async #behave(turn: AgentTurn, behaviour: Behaviour): Promise<Outcome> {
    const done: Outcome = {
      kind: "succeeded",
      output: { text: `${turn.step} is done` },
      agent: { ...DETAILS, sessionId: `session-${turn.step}` },
    };
    if (typeof behaviour !== "function") {
      writeFiles(turn.cwd, behaviour);
      return done;
    }
    const [server] = turn.mcp ?? [];
    const token = server?.type === "http" ? server.headers["Authorization"] : undefined;
    const tools = this.#listeners.get(token?.replace("Bearer ", "") ?? "");
    if (tools === undefined) throw new Error("the agent has no tools");
    return (await behaviour(turn, tools)) ?? done;
  }

  #runner(command: CommandBehaviour): Runner {
    return {
      kinds: ["run"],
      start: (attempt) => {
        const text = attempt.work.kind === "run" ? attempt.work.command : "";
        this.commands.push(`${attempt.step}: ${text}`);
        const { promise, resolve } = Promise.withResolvers<Outcome>();
        const result = command(attempt);
        if (result === true) resolve({ kind: "succeeded", output: null });
        if (result === false) resolve({ kind: "failed", error: { code: "exit", message: "exit code 1" } });
        const stop = (reason: StopReason): void => resolve({ kind: "stopped", reason });
        return { outcome: promise, stop, kill: () => stop("cancel") };
      },
      async [Symbol.asyncDispose]() {},
    };
  }

  #taskServer(): TaskServer {
    return {
      issueToken: ({ listener }: AttemptTask) => {
        const token = `token-${this.#listeners.size}`;
        this.#listeners.set(token, listener);
        return { url: "http://127.0.0.1:1/mcp", token, stdio: { command: "node", args: [], env: {} } };
      },
      revoke: (token) => void this.#listeners.set(token, this.#listeners.get(token) as TaskListener),
      async [Symbol.asyncDispose]() {},
    };
  }
}
