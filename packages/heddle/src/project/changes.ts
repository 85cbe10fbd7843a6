/**
 * Changes of a run: the files that its steps changed, step by step, and of each file who else changed it. Changes nothing. Steps that
 * work now are shown as their worktrees are.
 */
import type { AgentMaintenance, Changes, ChangesOf } from "../agent/port.ts";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import { ok, type Result } from "../base/result.ts";
import type { FileChange } from "../git/types.ts";
import { worksInWorktree } from "../plan/plan.ts";
import { hasAgentWork, lastMerge, stepAt, type RunState } from "../run/state.ts";
import type { ChangedFiles } from "../view/changed-files.ts";
import type { ChangedPath, ChangesDocument, ChangeSet, FileDiffDocument } from "../view/change-documents.ts";
import { diffOf, type DiffPorts, worktreeOf } from "./diff.ts";
import { readRun } from "./read-run.ts";
import { readWorks, type RecordedWorks } from "./recorded-work.ts";

export interface ChangesOptions {
  /** At most so many steps. */
  readonly limit: number;
  /** The number of steps that earlier pages went through. */
  readonly cursor?: number;
}

const MOST_FILES = 1000;
const MOST_OTHERS = 20;
/** Questions to git at once. */
const AT_ONCE = 4;

type Meant = ChangesOf & { readonly attempt?: number };

interface StepOf {
  readonly step: string;
  /** The first that is there counts. */
  readonly of: readonly Meant[];
}

export async function changesOf(
  ports: DiffPorts,
  run: string,
  { limit, cursor = 0 }: ChangesOptions,
): Promise<Result<ChangesDocument, Problem>> {
  const read = await readRun(ports.log, run);
  if (!read.ok) return read;
  const { state, timeline, live } = read.value;
  const document = { run, seq: state.seq, live };
  if (!hasAgentWork(state)) return ok({ ...document, items: [], unreadable: [] });
  const works = await readWorks(ports.log, run);
  const { steps, next } = pageOf(state, { works, live, limit, cursor });
  const agents = await ports.agents();
  const whole: ChangesOf = defined({ kind: "integration", base: state.gitHead, recorded: lastMerge(state) });
  const merged = cursor === 0 ? await agents.changes(run, whole) : ok(undefined);
  if (!merged.ok) return merged;
  const found = await readAll(agents, run, steps);
  const others = overlaps(timeline.changedFiles, found.items);
  return ok(
    defined({
      ...document,
      integration: merged.value && setOf("integration", merged.value, (file) => others(file)),
      items: found.items.map(({ step, of, changes }) =>
        defined({ step, attempt: of.attempt, ...setOf(of.kind, changes, (file) => others(file, step)) }),
      ),
      unreadable: found.unreadable,
      next: next === undefined ? undefined : String(next),
    }),
  );
}

/** Steps that have work, or may have some in a worktree. */
function pageOf(
  state: RunState,
  { works, live, limit, cursor }: Required<ChangesOptions> & { readonly works: RecordedWorks; readonly live: boolean },
): { readonly steps: readonly StepOf[]; readonly next: number | undefined } {
  const steps: StepOf[] = [];
  for (let index = cursor; index < state.steps.length; index++) {
    const { id: step, action, group } = stepAt(state, index);
    const phase = state.phases[index];
    if (!worksInWorktree({ action }) || phase?.tag === "cached") continue;
    const now = live ? worktreeOf(phase, step, group) : undefined;
    const of = [now, works.of(step)].filter((one) => one !== undefined);
    if (of.length === 0) continue;
    if (steps.length === limit) return { steps, next: index };
    steps.push({ step, of });
  }
  return { steps, next: undefined };
}

interface ReadStep {
  readonly step: string;
  readonly of: Meant;
  readonly changes: Changes;
}

async function readAll(
  agents: AgentMaintenance,
  run: string,
  steps: readonly StepOf[],
): Promise<{ readonly items: readonly ReadStep[]; readonly unreadable: ChangesDocument["unreadable"] }> {
  const found: (ReadStep | { readonly step: string; readonly problem: string } | undefined)[] = [];
  let at = 0;
  const work = async (): Promise<void> => {
    for (let mine = at++; mine < steps.length; mine = at++) found[mine] = await readStep(agents, run, steps[mine]);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const known = found.filter((one) => one !== undefined);
  return {
    items: known.filter((one) => "changes" in one),
    unreadable: known.filter((one) => "problem" in one),
  };
}

async function readStep(
  agents: AgentMaintenance,
  run: string,
  wanted: StepOf | undefined,
): Promise<ReadStep | { readonly step: string; readonly problem: string } | undefined> {
  const { step = "", of: all = [] } = wanted ?? {};
  for (const of of all) {
    const { attempt: _, ...meant } = of;
    const read = await agents.changes(run, meant);
    if (!read.ok) return { step, problem: read.error.message };
    if (read.value !== undefined) return { step, of, changes: read.value };
  }
  return undefined;
}

/** Who changed a file, beside `except`: whose work is merged, then those on the page whose work is not. */
function overlaps(
  merged: ChangedFiles,
  items: readonly ReadStep[],
): (file: string, except?: string) => readonly string[] {
  const open = new Map<string, string[]>();
  for (const { step, of, changes } of items) {
    if (of.kind === "merged") continue;
    for (const { path } of changes.files) open.set(path, [...(open.get(path) ?? []), step]);
  }
  return (file, except) =>
    [...new Set([...merged.stepsOf(file), ...(open.get(file) ?? [])])]
      .filter((step) => step !== except)
      .slice(0, MOST_OTHERS);
}

function setOf(
  of: Meant["kind"],
  { from, to, files }: Changes,
  others: (file: string) => readonly string[],
): ChangeSet {
  const sum = (lines: (file: FileChange) => number | null): number =>
    files.reduce((total, file) => total + (lines(file) ?? 0), 0);
  return {
    of,
    from,
    to: of === "worktree" ? null : to,
    count: files.length,
    added: sum(({ added }) => added),
    removed: sum(({ removed }) => removed),
    files: files.slice(0, MOST_FILES).map((file) => pathOf(file, others(file.path))),
  };
}

function pathOf({ path, ...change }: FileChange, others: readonly string[]): ChangedPath {
  return { file: path, ...change, others };
}

/** Of the diff of one file. */
const MOST_PATCH_BYTES = 512 * 1024;

/** What happened to one file, against the state that the step, or the run, began at. */
export async function fileDiffOf(
  ports: DiffPorts,
  run: string,
  { file, step }: { readonly file: string; readonly step?: string },
): Promise<Result<FileDiffDocument, Problem>> {
  const found = await diffOf(ports, run, defined({ step, file, patchBytes: MOST_PATCH_BYTES }));
  if (!found.ok) return found;
  const { of, attempt, from: before, to: after, files, patch } = found.value;
  const [{ path: _, ...change } = { path: file, status: "modified", added: null, removed: null } as const] = files;
  const text = new TextDecoder().decode(patch?.bytes);
  const shown = linesOf(text);
  const cut = { added: (change.added ?? 0) - shown.added, removed: (change.removed ?? 0) - shown.removed };
  return ok(
    defined({
      run,
      step,
      of,
      attempt,
      file,
      ...change,
      before,
      after,
      patch: text,
      isBinary: change.added === null,
      cut: patch?.isCut === true ? cut : undefined,
    }),
  );
}

/** That a patch of one file adds and removes. */
function linesOf(patch: string): { readonly added: number; readonly removed: number } {
  const body = patch
    .split(/^(?=@@ )/m)
    .slice(1)
    .join("");
  return { added: body.match(/^\+/gm)?.length ?? 0, removed: body.match(/^-/gm)?.length ?? 0 };
}
