/**
 * Turn: runs one turn of an agent from a prompt to its end, with the waits that its provider asks for. Knows the run's
 * agents and the task server; the caller judges the work.
 */
import { appendFile } from "node:fs/promises";
import { basename } from "node:path";
import { defined } from "../../base/defined.ts";
import { breachesBetween, takeIsolationSnapshot } from "../../git/isolation-check.ts";
import type { IsolationSnapshot } from "../../git/types.ts";
import type { Permit } from "../adapters/rate-limiter.ts";
import { providerOf } from "../adapters/registry.ts";
import { isRetryable, passesByItself } from "../adapters/retry.ts";
import {
  type AttemptTask,
  type TaskCompletion,
  type TaskFailure,
  type TaskQuestion,
  type TaskAccess,
  WORKER_TOOLS,
} from "../tools/port.ts";
import { messageOf } from "../../base/errors.ts";
import { promptFileOf } from "../../workspace/port.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import { masker } from "../../base/mask.ts";
import { slugOf } from "../../git/ref-names.ts";
import { SLUG_VARIABLE } from "./commands.ts";
import { admission } from "./provider-admission.ts";
import type { Cancellation } from "./cancellation.ts";
import type { PermissionQueue } from "./permission-queue.ts";
import type { AgentJob } from "../port.ts";
import { proposalId, proposalProblem, type ProposalRules, type Proposed } from "./proposals.ts";
import type { AgentExecutorOptions, AgentRunContext } from "./run-context.ts";
import type { StepSettings } from "./settings.ts";
import type { Outcome, Note, AgentClass, AgentDetails, SessionTotals } from "../../run/attempt.ts";

export interface TurnRequest {
  readonly prompt: { readonly text: string; readonly hash: string };
  readonly session?: { readonly sessionId: string; readonly totals?: SessionTotals };
  /** Absolute. */
  readonly cwd: string;
  /** The worktree that it lies in. Absolute. */
  readonly tree: string;
  readonly ports: readonly number[];
}

export interface TurnEnd {
  readonly outcome: Outcome;
  /** What the agent reported by its tools. */
  readonly reports: Reports;
}

export interface Reports {
  completion?: TaskCompletion;
  failure?: TaskFailure;
  /** It cannot continue without an answer. */
  question?: TaskQuestion;
}

export interface TurnContext {
  readonly options: AgentExecutorOptions;
  readonly runContext: AgentRunContext;
  readonly job: AgentJob;
  readonly settings: StepSettings;
  readonly cancellation: Cancellation;
  readonly permissions: PermissionQueue;
  readonly note: (note: Note) => void;
  /** What the attempt's turns cost together; written here. */
  readonly spent: Spent;
  /** What its agent proposed, in all turns; written where it is proposed. */
  readonly proposals: Proposed[];
  /** Notices of the attempt that were reported already. */
  readonly told: Set<string>;
}

/** US dollars that agents reported; `isWhole`: every turn reported them. */
export interface Spent {
  usd: number;
  isWhole: boolean;
}

/** Times that one turn is begun again after a refusal of its provider, and after a network that failed. */
const MOST_REFUSALS = 50;
const MOST_REPEATS = 2;
const REPEAT_AFTER_MS = 2000;
/** How long an agent whose question has to wait may take to end its turn. */
const END_AFTER_QUESTION_MS = 60_000;
/** A runner's own deadline for an answer, where {@link PermissionQueue} has one. */
const NO_DEADLINE_MS = 2 ** 31 - 1;

export async function takeTurn(context: TurnContext, request: TurnRequest): Promise<TurnEnd> {
  const { cancellation, note } = context;
  const reports: Reports = {};
  let { session } = request;
  let refusals = 0;
  let repeats = 0;
  let last: AgentDetails | undefined;
  const patience = { leftMs: context.settings.waitMs };
  await keepPrompt(context, request.prompt.text);
  for (;;) {
    const admitted = await admission({
      rateLimiter: context.runContext.rateLimiter,
      cancellation,
      clock: context.options.clock,
      provider: provider(context),
      patience,
      tell: (data) => progress(note, data),
    });
    if (admitted.kind !== "admitted") return { outcome: heldBack(admitted, cancellation, last), reports };
    const outcome = await runOnce(context, defined({ ...request, session }), reports, admitted.place);
    const { agent } = outcome;
    last = agent;
    const failed = outcome.kind === "failed" ? agent?.class : undefined;
    if (failed === undefined || cancellation.reason !== undefined || !passesByItself(failed))
      return { outcome, reports };
    const isRefusal = failed === "rate-limit" || failed === "overloaded";
    if (isRefusal ? ++refusals > MOST_REFUSALS : ++repeats > MOST_REPEATS) return { outcome, reports };
    note({ type: "usage.recorded", data: usageData(agent) });
    if (agent?.sessionId !== undefined) session = defined({ sessionId: agent.sessionId, totals: agent.totals });
    if (isRefusal) continue;
    progress(note, { type: "repeating", class: failed, afterMs: REPEAT_AFTER_MS * repeats });
    await cancellation.wait(REPEAT_AFTER_MS * repeats);
  }
}

function heldBack(
  why: Exclude<Awaited<ReturnType<typeof admission>>, { readonly kind: "admitted" }>,
  { reason }: Cancellation,
  last: AgentDetails | undefined,
): Outcome {
  if (why.kind === "stopped") return { kind: "stopped", reason: reason ?? "cancel" };
  const error = { code: "error", message: `rate-limit: ${why.message}`, class: "rate-limit" } as const;
  if (last === undefined) return { kind: "failed", error };
  // What that turn took is recorded already.
  const { usage: _usage, usd: _usd, rawUsage: _raw, ...agent } = last;
  return { kind: "failed", error, agent };
}

function provider({ runContext, settings }: TurnContext): string {
  return providerOf(settings.agent, runContext.settings.configs[settings.agent]);
}

/** Beside the log, for `heddle show --prompt`: each turn once, secrets masked. */
async function keepPrompt({ job, options }: TurnContext, text: string): Promise<void> {
  if (job.logFile === null) return;
  const secrets = job.task.step.secrets ?? [];
  const mask = masker(secrets.map((name) => job.env[name] ?? options.env[name]));
  await appendFile(promptFileOf(job.logFile), `${mask === undefined ? text : mask.text(text)}\n`);
}

async function runOnce(context: TurnContext, request: TurnRequest, reports: Reports, place: Permit): Promise<Outcome> {
  const { options, runContext, spent } = context;
  let access: TaskAccess | undefined;
  try {
    const before = await takeIsolationSnapshot(runContext.repository);
    const asked = Promise.withResolvers<void>();
    access = (await options.taskServer()).issueToken(taskOf(context, reports, asked.resolve));
    const outcome = await runAgent(context, request, access, asked.promise);
    const { agent } = outcome;
    if (agent?.usd === undefined) spent.isWhole = false;
    else spent.usd += agent.usd;
    const failure = outcome.kind === "succeeded" ? undefined : agent?.class;
    if (outcome.kind === "succeeded" || failure !== undefined)
      runContext.rateLimiter.ended(place, failure, agent?.rateLimit);
    await tellBreaches(context, before);
    return withClass(outcome, failure);
  } finally {
    runContext.rateLimiter.release(place);
    if (access !== undefined) (await options.taskServer()).revoke(access.token);
  }
}

async function runAgent(
  context: TurnContext,
  request: TurnRequest,
  access: TaskAccess,
  asked: Promise<void>,
): Promise<Outcome> {
  const { options, runContext, job, settings, cancellation, note } = context;
  const { task } = job;
  const { step } = task;
  const running = runContext.agents.start(
    defined({
      run: task.run,
      step: step.id,
      attempt: task.attempt,
      agent: settings.agent,
      prompt: request.prompt.text,
      promptHash: request.prompt.hash,
      model: settings.model,
      mcp: [{ type: "http", name: "heddle", url: access.url, headers: { Authorization: `Bearer ${access.token}` } }],
      policy: settings.policy,
      limits: { ...settings.limits, askMs: NO_DEADLINE_MS },
      resume: request.session,
      sandbox: settings.sandbox,
      tree: request.tree,
      gitDir: runContext.repository.facts.commonDir,
      writable: settings.writable,
      home: settings.home,
      ports: request.ports,
      // Whether something changed is seen in what is captured.
      expect: typeof settings.expect === "object" ? settings.expect : undefined,
      cwd: request.cwd,
      env: { ...job.env, [SLUG_VARIABLE]: slugOf(runContext.run, basename(request.tree)) },
      envMode: step.envMode ?? "strict",
      passEnv: [...(step.passEnv ?? []), ...settings.passEnv],
      secrets: step.secrets ?? [],
      logFile: job.logFile,
      graceMs: task.graceMs,
      maxMemoryMb: step.limits?.maxMemoryMb,
      onProgress: (data) => progress(note, data),
      onAsk: (request) => context.permissions.ask(request),
    }),
  );
  let cancelEnd: (() => void) | undefined;
  void asked.then(() => {
    cancelEnd = options.clock.after(END_AFTER_QUESTION_MS, () => running.end("needs-input"));
  });
  const outcome = await cancellation.follow(running);
  cancelEnd?.();
  return outcome;
}

/**
 * Whether the user's checkout, or what all worktrees share, is unchanged. It is not known who changed it: this agent,
 * another one, or the user. If this cannot be checked, it is reported; the agent's work counts anyway.
 */
async function tellBreaches({ runContext, note }: TurnContext, before: IsolationSnapshot): Promise<void> {
  let now: IsolationSnapshot;
  try {
    now = await takeIsolationSnapshot(runContext.repository);
  } catch (thrown) {
    const text = `cannot check for changes outside the worktree: ${messageOf(thrown)}`;
    return progress(note, { type: "notice", text });
  }
  const breaches = breachesBetween(before, now);
  if (breaches.length === 0) return;
  progress(note, { type: "isolation.breach", breaches: breaches.map(({ kind, names }) => ({ kind, names })) });
}

/** Failures have a class, and say whether another attempt could fix them. */
export function withClass(outcome: Outcome, failure: AgentClass | undefined): Outcome {
  if (outcome.kind !== "failed" || failure === undefined) return outcome;
  const final = isRetryable(failure) ? undefined : true;
  return { ...outcome, error: defined({ ...outcome.error, class: failure, final }) };
}

function progress(note: (note: Note) => void, data: JsonObject): void {
  note({ type: "step.progress", data });
}

/** Of the step, for what its agent proposes. */
export function proposalRules({ runContext, job }: TurnContext): ProposalRules {
  const { step, agent } = job.task;
  return { step: agent?.id ?? step.id, ids: agent?.ids ?? [], mayJoin: runContext.settings.allowNewSteps };
}

function taskOf(context: TurnContext, reports: Reports, onQuestion: () => void): AttemptTask {
  const { job, note, proposals } = context;
  const { task, prompt } = job;
  const { step, agent } = task;
  const rules = proposalRules(context);
  const { answers = [] } = agent?.before ?? {};
  return {
    tools: WORKER_TOOLS,
    brief: defined({
      run: task.run,
      step: step.id,
      attempt: task.attempt,
      prompt,
      description: step.description,
      acceptance: step.acceptance,
      group: step.group,
      verify: step.verify,
      deps: Object.entries(task.depStatus).map(([id, status]) => ({ step: id, status, ...summaryOf(task.deps[id]) })),
      answers: answers.length === 0 ? undefined : answers.map(({ question, answer }) => ({ question, answer })),
    }),
    listener: {
      progress: ({ message, percent }) => progress(note, defined({ type: "report", message, percent })),
      async completed(completion) {
        reports.completion = completion;
        return { kind: "accepted" };
      },
      async failed(failure) {
        reports.failure = failure;
        return { kind: "accepted" };
      },
      // A person is not waited for in the turn: it may take days, and the permit is another's meanwhile.
      async asked(question) {
        reports.question = question;
        onQuestion();
        return { kind: "deferred" };
      },
      async proposed(proposal) {
        const problem = proposalProblem(proposal, rules);
        if (problem !== undefined) return { kind: "refused", reason: problem };
        const id = proposalId(
          proposal,
          rules,
          proposals.map((one) => one.id),
        );
        proposals.push({ ...proposal, id });
        return rules.mayJoin ? { kind: "added", step: id } : { kind: "awaiting-approval" };
      },
      async learned({ domain, kind, text, files }) {
        note({ type: "lesson.recorded", data: { domain, kind, text, files } });
        return { kind: "accepted" };
      },
      planSubmitted: async () => ({ kind: "refused", problems: ["Only a planner can submit a plan."] }),
    },
  };
}

function summaryOf(output: Json | undefined): { readonly summary?: string } {
  if (output === undefined || output === null) return {};
  const text = typeof output === "string" ? output : JSON.stringify(output);
  return { summary: text.slice(0, 2000) };
}

/** What is recorded of an agent's turn. What is not known is absent. */
export function usageData(
  agent: AgentDetails | undefined,
  captured?: { readonly captured: string; readonly ref: string },
): Extract<Note, { type: "usage.recorded" }>["data"] {
  return defined({
    agent: agent?.agent ?? "unknown",
    provider: agent?.provider,
    model: agent?.model,
    sessionId: agent?.sessionId,
    promptHash: agent?.promptHash,
    tokens: agent?.usage,
    usd: agent?.usd,
    totals: agent?.totals === undefined ? undefined : (agent.totals as unknown as JsonObject),
    raw: agent?.rawUsage,
    class: agent?.class,
    sandbox: agent?.sandbox,
    ...captured,
  });
}
