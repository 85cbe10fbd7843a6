/** Brings what an attempt left to the integration branch, verified there. Knows the queue and the commands, no agent. */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import type { Result } from "../base/result.ts";
import type { AgentDetails } from "../runner/agent/port.ts";
import { setupKey } from "../workspace/listing.ts";
import { slugOf } from "../workspace/ref-names.ts";
import type { MergeOutcome, Verification } from "../workspace/trees.ts";
import { runCommands } from "./commands.ts";
import { folderIn, projectIn } from "./room.ts";
import type { Kept } from "./tree.ts";
import type { TurnContext } from "./turn.ts";

export async function merge(
  context: TurnContext,
  kept: Pick<Kept, "commit">,
  summary: string,
  agent: AgentDetails | undefined,
): Promise<MergeOutcome> {
  const { room, job } = context;
  const { step, attempt, agent: of } = job.task;
  return await room.queue.enqueue({
    step: step.id,
    attempt,
    commit: kept.commit,
    order: of?.order ?? 0,
    message: messageOf(step.id, [step.description ?? "", summary, job.prompt]),
    trailers: [
      ["Agent", agent?.agent ?? context.settings.agent],
      ...(agent?.model === undefined ? [] : [["Model", agent.model] as const]),
      ...costOf(context.spent),
    ],
    // The plan's apart from the step's own: of several steps that are verified together, it is run once.
    verify: [room.settings.verify, step.verify ?? []]
      .filter((commands) => commands.length > 0)
      .map((commands) => verificationOf(context, commands)),
  });
}

/** Of all the attempt's turns; a sum of some of them says that it is one. */
function costOf({ usd, isWhole }: TurnContext["spent"]): readonly (readonly [string, string])[] {
  if (usd === 0) return [];
  // Sums of cents are no sums of binary fractions.
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

function verificationOf(context: TurnContext, commands: readonly string[]): Verification {
  const { room, job, options, control } = context;
  const { step } = job.task;
  const { setup } = room.settings;
  const { shell = "sh", envMode = "inherit", passEnv = [] } = step;
  const told = JSON.stringify([setup, commands, shell, folderIn(room, ".", job), job.env, envMode, passEnv]);
  const key = createHash("sha256").update(told).digest("hex");
  return {
    key,
    async run(folder, { commit, signal, ports }) {
      const place = { folder: folderIn(room, folder, job), ports, signal, slug: slugOf(room.run, basename(folder)) };
      const run = (all: readonly string[], name: string, at: string = place.folder): Promise<Result<void, string>> =>
        runCommands(options.runner, options.clock, job, control, all, { ...place, folder: at, name });
      if (setup.length > 0) {
        const due = await setupKey(room.repository, commit, setup);
        if (room.prepared.get(folder) !== due) {
          const done = await run(setup, "verify-setup", projectIn(room, folder));
          if (!done.ok) return { ok: false, output: done.error };
          room.prepared.set(folder, due);
        }
      }
      const done = await run(commands, "verify");
      return done.ok ? { ok: true } : { ok: false, output: done.error };
    },
  };
}
