/**
 * Agent turn: runs one turn of an agent, from a prompt to its end, and waits where its provider asks for it. Knows the
 * run's agents and the task server; the caller decides what the turn's work is worth.
 */
import { closeSync, writeFileSync } from "node:fs";
import { defined } from "../../base/defined.ts";
import { messageOf } from "../../base/errors.ts";
import { openPlainToAppend } from "../../files/plain-file.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import { type Masker, maskerFor } from "../../base/mask.ts";
import type { Repository } from "../../git/port.ts";
import type { Breach, Worktree } from "../../git/types.ts";
import type { AgentClass, AgentDetails, Note, Outcome, SessionTotals } from "../../run/attempt.ts";
import { promptFileOf } from "../../workspace/port.ts";
import { readOnlyPolicy } from "../adapters/policy.ts";
import type { AgentTurn } from "../adapters/port.ts";
import type { Permit, SaidLimit } from "../adapters/rate-limiter.ts";
import { providerOf } from "../adapters/registry.ts";
import { isRetryable, passesByItself } from "../adapters/retry.ts";
import { type AttemptTask, type TaskAccess, WORKER_TOOLS } from "../tools/port.ts";
import type { AgentAttemptContext } from "./attempt-context.ts";
import type { Cancellation } from "./cancellation.ts";
import { SLUG_VARIABLE } from "./commands.ts";
import { failed } from "./failures.ts";
import { type Admission, admission, Patience } from "./provider-admission.ts";
import type { RunAgents } from "./run-context.ts";
import { TurnReports } from "./turn-reports.ts";

export interface TurnRequest {
  readonly prompt: { readonly text: string; readonly hash: string };
  readonly session?: { readonly sessionId: string; readonly totals?: SessionTotals };
  /** Absolute. */
  readonly cwd: string;
  /** The worktree that it lies in, and the repository of that. Absent: the turn may only read. */
  readonly worktree?: { readonly tree: Worktree; readonly repository: Repository };
}

/** What a turn needs to know of its run. */
type TurnContext = AgentAttemptContext<RunAgents>;

export interface TurnEnd {
  readonly outcome: Outcome;
  /** What the agent reported by its tools. */
  readonly reports: TurnReports;
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
  const { cancellation, note, settings, runContext } = context;
  const tell = (data: JsonObject): void => progress(note, data);
  const masking = maskingOf(context);
  const mask = masking.ok ? masking.value : undefined;
  const reports = new TurnReports({ proposals: context.proposals, note, mask });
  if (!masking.ok) return { outcome: failed("error", masking.error), reports };
  let { session } = request;
  let refusals = 0;
  let repeats = 0;
  let last: AgentDetails | undefined;
  const { rateLimiter } = runContext;
  const provider = providerOf(settings.agent, runContext.settings.configs[settings.agent]);
  const patience = new Patience(settings.waitMs);
  const kept = keepPrompt(context, mask === undefined ? request.prompt.text : mask.text(request.prompt.text));
  if (!kept.ok) return { outcome: failed("error", kept.error), reports };
  for (;;) {
    const { clock } = context.options;
    const admitted = await admission({ rateLimiter, cancellation, clock, provider, patience, tell });
    if (admitted.kind !== "admitted") return { outcome: heldBack(admitted, cancellation, last), reports };
    const outcome = await runOnce(context, defined({ ...request, session }), reports, admitted.permit);
    const { agent } = outcome;
    last = agent;
    const failedAs = outcome.kind === "failed" ? agent?.class : undefined;
    if (failedAs === undefined || cancellation.reason !== undefined || !passesByItself(failedAs))
      return { outcome, reports };
    const isRefusal = failedAs === "rate-limit" || failedAs === "overloaded";
    if (isRefusal ? ++refusals > MOST_REFUSALS : ++repeats > MOST_REPEATS) return { outcome, reports };
    note({ type: "usage.recorded", data: usageData(agent) });
    if (agent?.sessionId !== undefined) session = defined({ sessionId: agent.sessionId, totals: agent.totals });
    if (isRefusal) continue;
    const { message } = outcome.kind === "failed" ? outcome.error : { message: "" };
    tell({ type: "repeating", class: failedAs, afterMs: REPEAT_AFTER_MS * repeats, message });
    await cancellation.wait(REPEAT_AFTER_MS * repeats);
  }
}

/** What the turn's end means whatever its work is worth; `undefined`: it is to be judged by that. */
export function endOfTurn({ outcome, reports }: TurnEnd, isStopped: boolean): Outcome | undefined {
  const { failure, question } = reports;
  if (question !== undefined && !isStopped)
    return defined({
      kind: "unresolved",
      about: "question",
      question: question.question,
      options: question.options.length === 0 ? undefined : question.options,
      agent: outcome.agent,
    });
  if (outcome.kind !== "succeeded") return outcome;
  if (failure === undefined) return undefined;
  const message = `the agent says that the step cannot be done: ${failure.reason}`;
  return failed("error", message, "given-up", failure.retryable);
}

function heldBack(
  why: Exclude<Admission, { readonly kind: "admitted" }>,
  { reason }: Cancellation,
  last: AgentDetails | undefined,
): Outcome {
  if (why.kind === "stopped") return { kind: "stopped", reason: reason ?? "cancel" };
  const error = { code: "error", message: `${why.class}: ${why.message}`, class: why.class } as const;
  if (last === undefined) return { kind: "failed", error };
  // What that turn took is recorded already.
  const { usage: _usage, usd: _usd, rawUsage: _raw, ...agent } = last;
  return { kind: "failed", error, agent };
}

/** What hides the values of the step's secrets; an error where one is too short to be hidden. */
function maskingOf({ job, options }: TurnContext): Result<Masker | undefined, string> {
  return maskerFor(job.task.step.secrets ?? [], (name) => job.env[name] ?? options.env[name]);
}

/** Beside the log, for `heddle show --prompt`: each turn once. `text`: secrets masked. */
function keepPrompt({ job }: TurnContext, text: string): Result<void, string> {
  if (job.logFile === null) return ok(undefined);
  const file = promptFileOf(job.logFile);
  const opened = openPlainToAppend(file);
  if (!opened.ok) return err(`cannot write the prompt: ${file} ${opened.error}`);
  try {
    writeFileSync(opened.value, `${text}\n`);
  } catch (thrown) {
    return err(`cannot write the prompt: ${messageOf(thrown)}`);
  } finally {
    closeSync(opened.value);
  }
  return ok(undefined);
}

async function runOnce(
  context: TurnContext,
  request: TurnRequest,
  reports: TurnReports,
  permit: Permit,
): Promise<Outcome> {
  const { options, runContext, cost } = context;
  let access: TaskAccess | undefined;
  try {
    const breaches = await request.worktree?.repository.watchIsolation(runContext.run);
    access = (await options.taskServer()).issueToken(taskOf(context, reports));
    const outcome = await runAgent(context, request, access, reports);
    const { agent } = outcome;
    cost.add(agent?.usd);
    const failure = outcome.kind === "succeeded" ? undefined : agent?.class;
    if (outcome.kind === "succeeded" || failure !== undefined)
      runContext.rateLimiter.ended(permit, failure, refusalOf(outcome, permit.provider));
    if (breaches !== undefined) await tellBreaches(context, breaches);
    return withClass(outcome, failure);
  } finally {
    runContext.rateLimiter.release(permit);
    if (access !== undefined) (await options.taskServer()).revoke(access.token);
  }
}

/** What the provider asks for, with what it said, as the outcome has it: secrets masked, and without the class in front. */
function refusalOf(outcome: Outcome, provider: string): SaidLimit | undefined {
  if (outcome.kind !== "failed") return undefined;
  const name = outcome.agent?.class;
  const { message } = outcome.error;
  const said = name !== undefined && message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
  return { ...(outcome.agent?.rateLimit ?? { provider }), message: said };
}

async function runAgent(
  context: TurnContext,
  request: TurnRequest,
  access: TaskAccess,
  reports: TurnReports,
): Promise<Outcome> {
  const { options, runContext, cancellation } = context;
  const running = runContext.agents.start(agentTurn(context, request, access));
  let cancelEnd: (() => void) | undefined;
  reports.onQuestion(() => {
    cancelEnd = options.clock.after(END_AFTER_QUESTION_MS, () => running.end("needs-input"));
  });
  const outcome = await cancellation.follow(running);
  cancelEnd?.();
  return outcome;
}

function agentTurn(
  context: TurnContext,
  { prompt, session, cwd, worktree }: TurnRequest,
  access: TaskAccess,
): AgentTurn {
  const { job, settings, note } = context;
  const { task } = job;
  const { step } = task;
  return defined({
    run: task.run,
    step: step.id,
    attempt: task.attempt,
    agent: settings.agent,
    prompt: prompt.text,
    promptHash: prompt.hash,
    model: settings.model,
    mcp: [{ type: "http", name: "heddle", url: access.url, headers: { Authorization: `Bearer ${access.token}` } }],
    policy: worktree === undefined ? readOnlyPolicy(settings.policy) : settings.policy,
    limits: { ...settings.limits, askMs: NO_DEADLINE_MS },
    resume: session,
    sandbox: settings.sandbox,
    cwd,
    readOnly: worktree === undefined ? true : undefined,
    tree: worktree?.tree.path,
    gitDir: worktree?.repository.gitDir,
    writable: worktree === undefined ? undefined : settings.writable,
    home: settings.home,
    ports: worktree?.tree.ports,
    // Whether something changed is seen in what is captured.
    expect: worktree !== undefined && typeof settings.expect === "object" ? settings.expect : undefined,
    env: worktree === undefined ? job.env : { ...job.env, [SLUG_VARIABLE]: worktree.tree.slug },
    envMode: step.envMode ?? "strict",
    passEnv: [...(step.passEnv ?? []), ...settings.passEnv],
    secrets: step.secrets ?? [],
    logFile: job.logFile,
    graceMs: task.graceMs,
    maxMemoryMb: step.limits?.maxMemoryMb,
    onProgress: (data) => progress(note, data),
    onAsk: (asked) => context.permissions.ask(asked),
  });
}

/**
 * Whether the user's checkout, or what all worktrees share, is unchanged. It is not known who changed it: this agent,
 * another one, or the user. If this cannot be checked, it is reported; the agent's work counts anyway.
 */
async function tellBreaches({ note }: TurnContext, breachesSince: () => Promise<readonly Breach[]>): Promise<void> {
  let breaches: readonly Breach[];
  try {
    breaches = await breachesSince();
  } catch (thrown) {
    const text = `cannot check for changes outside the worktree: ${messageOf(thrown)}`;
    return progress(note, { type: "notice", text });
  }
  if (breaches.length === 0) return;
  const told = breaches.map(({ kind, names, lost = [] }): JsonObject => {
    const kept = lost.map(({ ref, id, command }) => ({ ref, id, command }));
    return kept.length === 0 ? { kind, names } : { kind, names, lost: kept };
  });
  progress(note, { type: "isolation.breach", breaches: told });
}

/** Failures have a class, and say whether another attempt could fix them. */
function withClass(outcome: Outcome, failure: AgentClass | undefined): Outcome {
  if (outcome.kind !== "failed" || failure === undefined) return outcome;
  const final = isRetryable(failure) ? undefined : true;
  return { ...outcome, error: defined({ ...outcome.error, class: failure, final }) };
}

function progress(note: (note: Note) => void, data: JsonObject): void {
  note({ type: "step.progress", data });
}

function taskOf({ job }: TurnContext, listener: TurnReports): AttemptTask {
  const { task, prompt } = job;
  const { step, agent } = task;
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
    listener,
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
