/**
 * Merge step: brings an attempt's work to the integration branch, verified there. Knows the merge queue and the commands,
 * no agent. An attempt that is told to end cancels its request in the queue.
 */
import { createHash } from "node:crypto";
import { writeDuration } from "../../base/duration.ts";
import { err, ok, type Result } from "../../base/result.ts";
import type {
  Capture,
  MergeCheck,
  MergeOutcome,
  MergeRequest,
  VerifyFailure,
  VerifyRequest,
  VerifyResult,
} from "../../git/types.ts";
import { baseEnvironments, passed, withoutToken } from "../../process/environment.ts";
import type { AgentDetails } from "../../run/attempt.ts";
import type { AgentAttemptContext } from "./attempt-context.ts";
import { runCommands } from "./commands.ts";
import { type AgentRunContext, folderIn, projectIn } from "./run-context.ts";

export async function mergeWork(
  context: AgentAttemptContext,
  captured: Pick<Capture, "commit" | "brought">,
  summary: string,
  agent: AgentDetails | undefined,
): Promise<MergeOutcome> {
  const { runContext, cancellation } = context;
  const { queue, checks } = runContext;
  const request = await requestOf(context, captured, summary, agent);
  const { signal } = cancellation;
  if (signal.aborted) return { kind: "closed" };
  const cancel = (): void => queue.cancel(request);
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const verify = (due: VerifyRequest, until: AbortSignal): Promise<VerifyResult> => verifyIn(context, due, until);
    return await checks.during(request, verify, async () => await queue.submit(request));
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

async function requestOf(
  context: AgentAttemptContext,
  { commit, brought }: Pick<Capture, "commit" | "brought">,
  summary: string,
  agent: AgentDetails | undefined,
): Promise<MergeRequest> {
  const { runContext, job, settings, cost } = context;
  const { step, attempt, agent: of } = job.task;
  const included = await runContext.includedKey();
  return {
    step: step.id,
    attempt,
    commit,
    brought,
    order: of?.order ?? 0,
    message: messageOf(step.id, [step.description ?? "", summary, job.prompt]),
    trailers: [
      ["Agent", agent?.agent ?? settings.agent],
      ...(agent?.model === undefined ? [] : [["Model", agent.model] as const]),
      ...(cost.text === undefined ? [] : [["Cost", cost.text] as const]),
    ],
    // The plan's apart from the step's own: of several steps that are verified together, it is run once.
    checks: [runContext.settings.verify, step.verify ?? []]
      .filter((commands) => commands.length > 0)
      .map((commands): MergeCheck => ({ commands, key: keyOf(context, commands, included) })),
  };
}

/** `texts`: what may give the subject, the first that says something; the second is the body. */
function messageOf(id: string, texts: readonly [description: string, summary: string, prompt: string]): string {
  const [, summary] = texts;
  const title = texts.map((text) => text.trim().split("\n")[0] ?? "").find((line) => line !== "") ?? "";
  const subject = title === "" ? id : `${id}: ${title}`;
  return summary.trim() === "" ? subject.slice(0, 100) : `${subject.slice(0, 100)}\n\n${summary.trim().slice(0, 4000)}`;
}

/** Says where heddle was started, or which attempt it is, not what commands find: a resume from another terminal is to know what passed. */
const NOT_COUNTED = ["_", "SHLVL", "TRACEPARENT", "TRACESTATE"];

/**
 * Equal for equal commands in an equal environment: everything that they get besides the tree, except the variables
 * by which heddle names the attempt and the worktree (`HEDDLE_*`, `PORT`, `PORTS`). A hash: values of the environment
 * are secrets.
 */
function keyOf(
  { runContext, job, options }: AgentAttemptContext,
  commands: readonly string[],
  included: string,
): string {
  const { step, params, item, shell } = job.task;
  const { envMode = "inherit", passEnv = [] } = step;
  const bases = baseEnvironments(options.env);
  const env = { ...bases[envMode], ...passed(bases, passEnv), ...withoutToken(job.env) };
  const values = Object.entries(env)
    .filter(([name]) => !NOT_COUNTED.includes(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const told = [
    runContext.settings.setup,
    commands,
    shell,
    folderIn(runContext, ".", job),
    envMode,
    values,
    params,
    item,
    included,
  ];
  return createHash("sha256").update(JSON.stringify(told)).digest("hex");
}

/** Runs one check of an attempt on a candidate, the plan's setup before it where that is due. */
export async function verifyIn(
  context: Pick<AgentAttemptContext, "options" | "settings" | "runContext" | "job" | "cancellation">,
  request: VerifyRequest,
  signal: AbortSignal,
): Promise<VerifyResult> {
  const { options, settings, runContext, job } = context;
  const limit = new AbortController();
  const cancelLimit = options.clock.after(settings.verifyMs, () => limit.abort());
  const place = { ports: request.ports, slug: request.slug, signal: AbortSignal.any([signal, limit.signal]) };
  const run: RunOn = async (commands, folder, name) =>
    await runCommands(options.runner, options.clock, job, context.cancellation, commands, { ...place, folder, name });
  try {
    const ready = await prepare(runContext, request, run);
    const done = ready.ok ? await run(request.commands, folderIn(runContext, request.folder, job), "verify") : ready;
    if (done.ok) return { ok: true };
    if (!limit.signal.aborted) return { ok: false, failure: done.error };
    const longest = writeDuration(settings.verifyMs);
    const reason = `${done.error.reason}; it took longer than the limit of ${longest} (limits: {verify})`;
    return { ok: false, failure: { ...done.error, reason } };
  } finally {
    cancelLimit();
  }
}

/** Runs commands in a folder; the error is what failed. `name`: tells their outputs apart. */
type RunOn = (commands: readonly string[], folder: string, name: string) => Promise<Result<void, VerifyFailure>>;

/** The plan's setup commands in the worktree of a candidate, once for each set of lock files. */
async function prepare(
  { settings, prepared, repository, ...rest }: AgentRunContext,
  { folder, commit }: VerifyRequest,
  run: RunOn,
): Promise<Result<void, VerifyFailure>> {
  if (settings.setup.length === 0) return ok(undefined);
  const due = await repository.worktrees.setupKey(commit, settings.setup);
  if (prepared.get(folder) === due) return ok(undefined);
  const project = projectIn(rest, folder);
  if (!project.ok) return err({ command: settings.setup[0] ?? "", reason: project.error.message, output: "" });
  const done = await run(settings.setup, project.value, "verify-setup");
  if (done.ok) prepared.set(folder, due);
  return done;
}
