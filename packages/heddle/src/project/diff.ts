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
import { readWorks } from "./recorded-work.ts";

export interface DiffPorts {
  readonly log: Pick<EventLog, "get" | "read">;
  readonly agents: () => Promise<AgentMaintenance>;
}

export interface DiffOptions {
  /** Absent: the whole run. */
  readonly step?: string;
  /** The most that the patch may have; absent: no patch. */
  readonly patchBytes?: number;
  /** Of this file alone, by its name as it is shown. */
  readonly file?: string;
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
  { step, patchBytes, file }: DiffOptions = {},
): Promise<Result<RunDiff, Problem>> {
  const read = await readRun(ports.log, run);
  if (!read.ok) return read;
  const { state, live } = read.value;
  const meant = step === undefined ? wholeRun(state) : await ofStep(ports.log, { state, live, step });
  if (!meant.ok) return meant;
  const agents = await ports.agents();
  for (const { attempt, ...of } of meant.value) {
    const found = await agents.changes(run, of, defined({ patchBytes, file }));
    if (!found.ok) return found;
    if (found.value === undefined) continue;
    const { from, files, patch } = found.value;
    if (file !== undefined && files.length === 0) return err(unchanged(run, step, file));
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

function unchanged(run: string, step: string | undefined, file: string): Problem {
  const who = step === undefined ? `run ${run}` : `the step ${JSON.stringify(step)} of run ${run}`;
  return {
    code: "UnknownFile",
    message: `${who} does not change the file ${JSON.stringify(file)}`,
    hint: `\`heddle diff ${run} --stat\` lists the files that were changed.`,
  };
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
  const recorded = (await readWorks(log, run, step)).of(step);
  const now = live ? worktreeOf(phase, step, group) : undefined;
  return ok([now, recorded].filter((one) => one !== undefined));
}

/** What is in the worktree of a step that is being worked on, or asks something; `undefined`: it has none to look at. */
export function worktreeOf(
  phase: RunState["phases"][number] | undefined,
  step: string,
  group: string | undefined,
): Extract<ChangesOf, { readonly kind: "worktree" }> | undefined {
  if (phase?.tag !== "running" && phase?.tag !== "waiting-for-answer") return undefined;
  // There both sides are between markers: what its agent did is in its capture.
  if (phase.tag === "waiting-for-answer" && phase.about === "conflict") return undefined;
  return defined({ kind: "worktree" as const, step, group });
}

function noWork(message: string, hint: string): Problem {
  return { code: "NoAgentWork", message, hint };
}
