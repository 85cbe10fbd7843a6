/**
 * Merge step: merges an attempt's capture into the integration branch and verifies it there. Knows the queue and the
 * commands, no agent. Cancelling the attempt removes its entry from the queue.
 */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { writeDuration } from "../../base/duration.ts";
import { err, type Result } from "../../base/result.ts";
import { baseEnvironments, passed, withoutToken } from "../../process/environment.ts";
import { setupKey } from "../../git/listing.ts";
import { slugOf } from "../../git/ref-names.ts";
import type { MergeOutcome, Verification } from "../../git/types.ts";
import { runCommands } from "./commands.ts";
import { folderIn, projectIn } from "./run-context.ts";
import type { Captured } from "./attempt-worktree.ts";
import type { TurnContext } from "./turn.ts";
import type { AgentDetails } from "../../run/attempt.ts";

export async function mergeWork(
  context: TurnContext,
  captured: Pick<Captured, "commit">,
  summary: string,
  agent: AgentDetails | undefined,
): Promise<MergeOutcome> {
  const { runContext, job } = context;
  const { step, attempt, agent: of } = job.task;
  const included = await runContext.included();
  return await runContext.queue.enqueue({
    step: step.id,
    attempt,
    commit: captured.commit,
    order: of?.order ?? 0,
    message: messageOf(step.id, [step.description ?? "", summary, job.prompt]),
    trailers: [
      ["Agent", agent?.agent ?? context.settings.agent],
      ...(agent?.model === undefined ? [] : [["Model", agent.model] as const]),
      ...costOf(context.spent),
    ],
    // The plan's apart from the step's own: of several steps that are verified together, it is run once.
    verify: [runContext.settings.verify, step.verify ?? []]
      .filter((commands) => commands.length > 0)
      .map((commands) => verificationOf(context, commands, included)),
    signal: context.cancellation.signal,
  });
}

/** Of all the attempt's turns; a sum of some of them says that it is one. */
function costOf({ usd, isWhole }: TurnContext["spent"]): readonly (readonly [string, string])[] {
  if (usd === 0) return [];
  // Sums of cents are not exact as binary fractions.
  const text = `${Number(usd.toFixed(6))} USD`;
  return [["Cost", isWhole ? text : `at least ${text}`]];
}

/** `texts`: what may give the subject, the first that says something; the second is the body. */
function messageOf(id: string, texts: readonly [description: string, summary: string, prompt: string]): string {
  const [, summary] = texts;
  const title = texts.map((text) => text.trim().split("\n")[0] ?? "").find((line) => line !== "") ?? "";
  const subject = title === "" ? id : `${id}: ${title}`;
  return summary.trim() === "" ? subject.slice(0, 100) : `${subject.slice(0, 100)}\n\n${summary.trim().slice(0, 4000)}`;
}

/** Says where heddle was started, not what commands find: a resume from another terminal is to know what passed. */
const NOT_COUNTED = ["_", "SHLVL"];

/**
 * Equal for equal commands in an equal environment: everything that they get besides the tree, except the variables
 * by which heddle names the attempt and the worktree (`HEDDLE_*`, `PORT`, `PORTS`). A hash: values of the environment
 * are secrets.
 */
function keyOf({ runContext, job, options }: TurnContext, commands: readonly string[], included: string): string {
  const { step, params, item } = job.task;
  const { shell = "sh", envMode = "inherit", passEnv = [] } = step;
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

function verificationOf(context: TurnContext, commands: readonly string[], included: string): Verification {
  const { runContext, job, options, cancellation, settings } = context;
  const { setup } = runContext.settings;
  return {
    key: keyOf(context, commands, included),
    async run(folder, { commit, signal, ports }) {
      const limit = new AbortController();
      const cancelLimit = options.clock.after(settings.verifyMs, () => limit.abort());
      const place = {
        folder: folderIn(runContext, folder, job),
        ports,
        signal: AbortSignal.any([signal, limit.signal]),
        slug: slugOf(runContext.run, basename(folder)),
      };
      const run = async (
        all: readonly string[],
        name: string,
        at: string = place.folder,
      ): Promise<Result<void, string>> => {
        const done = await runCommands(options.runner, options.clock, job, cancellation, all, {
          ...place,
          folder: at,
          name,
        });
        if (done.ok || !limit.signal.aborted) return done;
        const { verifyMs } = settings;
        return err(`${done.error}\nit took longer than the limit of ${writeDuration(verifyMs)} (limits: {verify})`);
      };
      try {
        if (setup.length > 0) {
          const due = await setupKey(runContext.repository, commit, setup);
          if (runContext.prepared.get(folder) !== due) {
            const done = await run(setup, "verify-setup", projectIn(runContext, folder));
            if (!done.ok) return { ok: false, output: done.error };
            runContext.prepared.set(folder, due);
          }
        }
        const done = await run(commands, "verify");
        return done.ok ? { ok: true } : { ok: false, output: done.error };
      } finally {
        cancelLimit();
      }
    },
  };
}
