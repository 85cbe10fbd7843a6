/**
 * Diff: says what a run, or one of its steps, changed, by its history and the repository. Changes nothing in either. The agent port
 * knows git; this file knows which commits are meant.
 */
import type { AgentMaintenance, ChangesOf } from "../agent/port.ts";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { FileChange, Patch } from "../git/types.ts";
import type { EventLog } from "../journal/port.ts";
import { worksInWorktree } from "../plan/plan.ts";
import { hasAgentWork, lastMerge, type RunState, stepAt } from "../run/state.ts";
import { findStep } from "./find-run.ts";
import { readRun } from "./read-run.ts";

export interface DiffPorts {
  readonly log: Pick<EventLog, "get" | "read">;
  readonly agents: () => Promise<AgentMaintenance>;
}

export interface DiffOptions {
  /** Absent: the whole run. */
  readonly step?: string;
  /** The most that the patch may have; absent: no patch. */
  readonly patchBytes?: number;
}

export interface RunDiff {
  readonly run: string;
  /** Absent: the whole run. */
  readonly step?: string;
  /** The run's branch; the commit that was merged for the step; what its last attempt left; what is in its worktree now. */
  readonly of: "integration" | "merged" | "captured" | "worktree";
  /** Of a step that was captured. */
  readonly attempt?: number;
  /** Commits. `to`: `null`: no commit, a worktree as it is now. */
  readonly from: string;
  readonly to: string | null;
  readonly files: readonly FileChange[];
  /** Absent: it was not asked for. */
  readonly patch?: Patch;
}

/** What the whole of a run changed is what would land of it. */
export async function diffOf(
  ports: DiffPorts,
  run: string,
  { step, patchBytes }: DiffOptions = {},
): Promise<Result<RunDiff, Problem>> {
  const read = await readRun(ports.log, run);
  if (!read.ok) return read;
  const { state, live } = read.value;
  const meant = step === undefined ? wholeRun(state) : await ofStep(ports.log, { state, live, step });
  if (!meant.ok) return meant;
  const agents = await ports.agents();
  for (const { attempt, ...of } of meant.value) {
    const found = await agents.changes(run, of, defined({ patchBytes }));
    if (!found.ok) return found;
    if (found.value === undefined) continue;
    const { from, files, patch } = found.value;
    const to = of.kind === "worktree" ? null : found.value.to;
    return ok(defined({ run, step, of: of.kind, attempt, from, to, files, patch }));
  }
  return err(
    step === undefined
      ? noWork(`nothing has been merged in run ${run} yet`, `\`heddle diff ${run} STEP\` shows what a step did so far.`)
      : noWork(
          `the step ${JSON.stringify(step)} of run ${run} has left no work yet`,
          `\`heddle show ${run}\` shows what its steps did.`,
        ),
  );
}

/** The first that is there counts. */
type Meant = Result<readonly (ChangesOf & { readonly attempt?: number })[], Problem>;

function wholeRun(state: RunState): Meant {
  const { run, gitHead: base } = state;
  if (!hasAgentWork(state))
    return err(
      noWork(
        `run ${run} has no work of agents`,
        "Only what agents do is done on a branch of the run. `git diff` shows what commands changed in your checkout.",
      ),
    );
  return ok([defined({ kind: "integration" as const, base, recorded: lastMerge(state) })]);
}

async function ofStep(
  log: DiffPorts["log"],
  { state, live, step }: { readonly state: RunState; readonly live: boolean; readonly step: string },
): Promise<Meant> {
  const found = findStep(state, step);
  if (!found.ok) return found;
  const { run, phases } = state;
  const { action, group } = stepAt(state, found.value);
  const phase = phases[found.value];
  if (!worksInWorktree({ action }))
    return err(
      noWork(
        `the step ${JSON.stringify(step)} of run ${run} does not work in a worktree, so it has no work of its own`,
        "Commands and functions work in your checkout: `git diff` shows what they changed there.",
      ),
    );
  if (phase?.tag === "cached")
    return err(
      noWork(
        `the step ${JSON.stringify(step)} of run ${run} was not run: its result is that of run ${phase.from}`,
        `\`heddle diff ${phase.from} ${step}\` shows what it changed there.`,
      ),
    );
  const recorded = await recordedWork(log, run, step);
  if (!live || (phase?.tag !== "running" && phase?.tag !== "waiting-for-answer")) return ok(recorded);
  return ok([defined({ kind: "worktree" as const, step, group }), ...recorded]);
}

/** The last merge of a step; else its last capture. */
async function recordedWork(
  log: DiffPorts["log"],
  run: string,
  step: string,
): Promise<readonly (ChangesOf & { readonly attempt?: number })[]> {
  const bases = new Map<number, string>();
  let merged: ChangesOf | undefined;
  let captured: { readonly commit: string; readonly attempt: number } | undefined;
  for await (const batch of log.read(run, { step }))
    for (const event of batch) {
      if (event.type === "worktree.created") bases.set(event.attempt, event.data.base);
      else if (event.type === "worktree.merged") {
        const { onto, commit } = event.data;
        merged = { kind: "merged", from: onto, to: commit };
      } else if (event.type === "usage.recorded" || event.type === "worktree.conflicted") {
        const { captured: commit } = event.data;
        if (commit !== undefined) captured = { commit, attempt: event.attempt };
      }
    }
  if (merged !== undefined) return [merged];
  const base = captured === undefined ? undefined : bases.get(captured.attempt);
  return captured === undefined || base === undefined ? [] : [{ kind: "captured", base, ...captured }];
}

function noWork(message: string, hint: string): Problem {
  return { code: "NoAgentWork", message, hint };
}
