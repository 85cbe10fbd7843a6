/**
 * Read-only attempt: takes one attempt of an agent's step that changes nothing: one turn in the project folder or in an empty one,
 * whose last message is the step's output. Knows no git: nothing is captured, verified or merged.
 *
 * Invariants:
 *  1. The agent's requests to write are refused, whatever the plan permits.
 *  2. An attempt after which a file of its folder is not as it was fails, and is not tried again: what was changed stays as it
 *     is, and is named. That includes changes by others meanwhile: who made them is not known.
 */
import { realpathSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defined } from "../../base/defined.ts";
import { HeddleError, messageOf, type Problem } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { ok, type Result } from "../../base/result.ts";
import type { ReadOnlyWorkspace } from "../../plan/agents-config.ts";
import type { Outcome } from "../../run/attempt.ts";
import { promptOf } from "../prompt/step-prompt.ts";
import type { AgentAttemptContext } from "./attempt-context.ts";
import { earlierSession, earlierWithoutWork, lastMessage } from "./earlier-attempt.ts";
import { failed, failedBy } from "./failures.ts";
import { changedPaths, takeFolderSnapshot } from "./folder-snapshot.ts";
import type { RunAgents } from "./run-context.ts";
import { endOfTurn, takeTurn, type TurnEnd, usageData } from "./turn.ts";

type ReadOnlyContext = AgentAttemptContext<RunAgents>;

/** heddle's own folder in a project: written to while agents work. */
const OWN_FOLDERS = [".heddle"];
const MOST_NAMED = 20;

/** Never rejects. */
export async function carryOutReadOnly(context: ReadOnlyContext, workspace: ReadOnlyWorkspace): Promise<Outcome> {
  // Never of a plan file: whoever made the step made it wrong.
  if (context.job.task.step.verify !== undefined)
    return failed("error", "a step that changes nothing has nothing to verify", undefined, false);
  let empty: string | undefined;
  try {
    if (workspace === "empty") empty = await realpath(await mkdtemp(join(tmpdir(), "heddle-empty-")));
    const folder = empty === undefined ? projectFolder(context) : ok(empty);
    if (!folder.ok) return failedBy(folder.error);
    return await workIn(context, folder.value, workspace);
  } catch (thrown) {
    const { reason } = context.cancellation;
    if (reason !== undefined) return { kind: "stopped", reason };
    return thrown instanceof HeddleError ? failedBy(thrown) : failed("error", messageOf(thrown));
  } finally {
    if (empty !== undefined) await rm(empty, { recursive: true, force: true });
  }
}

function projectFolder({ options, job }: ReadOnlyContext): Result<string, Problem> {
  const project = realpathSync(options.projectDir);
  const { cwd, id } = job.task.step;
  return cwd === undefined ? ok(project) : options.resolveFolder(project, cwd, id);
}

async function workIn(context: ReadOnlyContext, cwd: string, workspace: ReadOnlyWorkspace): Promise<Outcome> {
  const { options, job, settings, note, cancellation } = context;
  // The whole project is watched, wherever in it the agent works.
  const watched = workspace === "empty" ? cwd : realpathSync(options.projectDir);
  const before = await takeFolderSnapshot(watched, OWN_FOLDERS);
  if (before.isPartial) tell(context, "the project has too many files: changes to some of them are not noticed");
  const turn = await takeTurn(
    context,
    defined({
      prompt: promptOf(context, [], earlierWithoutWork(job)),
      cwd,
      // An empty folder is another one each time: no session is at home there.
      session: workspace === "empty" ? undefined : earlierSession(job, settings.agent),
    }),
  );
  note({ type: "usage.recorded", data: usageData(turn.outcome.agent) });
  const changed = changedPaths(before, await takeFolderSnapshot(watched, OWN_FOLDERS));
  const isStopped = cancellation.reason !== undefined;
  if (changed.length > 0) {
    const breach = `files changed although this step may only read: ${named(changed)}`;
    if (!isStopped) return failed("error", breach, "read-only", false);
    tell(context, breach);
  }
  return endOfTurn(turn, isStopped) ?? (await succeeded(context, turn));
}

/** What the agent said is what the step gives. */
async function succeeded(
  { job, proposals, cancellation }: ReadOnlyContext,
  { outcome, reports }: TurnEnd,
): Promise<Outcome> {
  const text = outcome.kind === "succeeded" ? lastMessage(outcome.output) : "";
  const output: JsonObject = defined({ text, summary: reports.completion?.summary });
  const problem = await job.check?.(output);
  const { reason } = cancellation;
  if (reason !== undefined) return defined({ kind: "stopped", reason, agent: outcome.agent });
  if (problem !== undefined) return failed("output", problem);
  const steps = proposals.steps();
  return defined({ kind: "succeeded", output, steps: steps.length === 0 ? undefined : steps, agent: outcome.agent });
}

function tell({ note }: ReadOnlyContext, text: string): void {
  note({ type: "step.progress", data: { type: "notice", text } });
}

function named(paths: readonly string[]): string {
  const more = paths.length - MOST_NAMED;
  return `${paths.slice(0, MOST_NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
