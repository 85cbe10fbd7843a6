/**
 * Conflicts for people: what a step's work conflicts with, what was wanted of both, and decisions about it, file by file. The agent port
 * knows files and worktrees; this file knows the run.
 *
 * Invariant: decisions reach the branch by one way alone: as a worktree that was settled by hand, which is verified and merged.
 */
import { conflictNotHeld, type AgentMaintenance, type AskedConflict } from "../agent/port.ts";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { ConflictedFile, ConflictedPath, ConflictOverview, ConflictSide } from "../git/types.ts";
import type { Step } from "../plan/plan.ts";
import { stepAt } from "../run/state.ts";
import type {
  ConflictDocument,
  ConflictFileDocument,
  ConflictFileLine,
  FileDecision,
  FileSideDocument,
  StepIntent,
} from "../view/conflict-documents.ts";
import { type AnsweredStep, type AnswerPorts, askedStep, type GivenAnswer, resolveConflict } from "./answers.ts";
import { findStep } from "./find-run.ts";
import { readRun } from "./read-run.ts";
import { readWorks, type RecordedWorks } from "./recorded-work.ts";

export interface ConflictPorts {
  readonly log: AnswerPorts["log"];
  readonly agents: () => Promise<AgentMaintenance>;
}

const MOST_FILES = 1000;
const MOST_INTENTS = 20;
const MOST_PROMPT = 2000;

export async function conflictOf(
  ports: ConflictPorts,
  run: string,
  step: string,
): Promise<Result<ConflictDocument, Problem>> {
  const asked = await askedStep(ports.log, run, step, { about: "conflict" });
  if (!asked.ok) return asked;
  const read = await readRun(ports.log, run);
  if (!read.ok) return read;
  const { state } = read.value;
  const found = findStep(state, step);
  if (!found.ok) return found;
  const held = await heldBy(ports, run, step);
  if (!held.ok) return held;
  const overview = await held.value.overview();
  if (!overview.ok) return overview;
  const works = await readWorks(ports.log, run);
  const { head, captured, files, clean } = overview.value;
  const own = stepAt(state, found.value);
  const failed = works.conflictOf(step);
  const of = (id: string): Step | undefined => {
    const index = state.index.byId.get(id);
    return index === undefined ? undefined : state.steps[index];
  };
  return ok(
    defined({
      run,
      step,
      seq: state.seq,
      question: asked.value.question.question,
      askedAt: asked.value.askedAt ?? null,
      worktree: held.value.path,
      head,
      captured,
      intents: {
        ours: othersOf(works, overview.value, step).map((other) => ({
          ...intentOf(of(other.step), other.step),
          ...other,
        })),
        theirs: { ...intentOf(own, step), files: files.slice(0, MOST_INTENTS).map(({ file }) => file) },
      },
      files: files.slice(0, MOST_FILES).map(lineOf),
      count: files.length,
      clean: clean
        .slice(0, MOST_FILES)
        .map(({ path, status, added, removed }) => ({ file: path, status, added, removed })),
      cleanCount: clean.length,
      verify: [...commandsOf(state.plan.agents?.verify), ...commandsOf(own.verify)],
      rejected: failed?.reason === "verify" ? { output: failed.output ?? "" } : undefined,
    }),
  );
}

export async function conflictFileOf(
  ports: ConflictPorts,
  run: string,
  { step, file }: { readonly step: string; readonly file: string },
): Promise<Result<ConflictFileDocument, Problem>> {
  const held = await askedConflict(ports, run, step);
  if (!held.ok) return held;
  const found = await held.value.file(file);
  if (!found.ok) return found;
  return ok(documentOf(held.value, { run, step }, found.value));
}

export interface DecidedFile {
  readonly step: string;
  readonly file: string;
  /** Absent: what was stored is withdrawn. */
  readonly decision?: FileDecision;
  /** As it was seen: the document's `etag`. */
  readonly seen: string;
}

/** Keeps how a file of the conflict is to be. */
export async function decideFile(
  ports: ConflictPorts,
  run: string,
  { step, file, decision, seen }: DecidedFile,
): Promise<Result<ConflictFileDocument, Problem>> {
  const held = await askedConflict(ports, run, step);
  if (!held.ok) return held;
  const stored = await held.value.store(defined({ file, resolution: decision, seen: revisionOf(seen) }));
  return stored.ok ? ok(documentOf(held.value, { run, step }, stored.value)) : stored;
}

export interface StoredAnswer extends GivenAnswer {
  readonly step: string;
  /** The `etag` of each file as it was seen, by its name; absent: whatever is stored is meant. */
  readonly seen?: Readonly<Record<string, string>> | undefined;
}

/** Puts what is stored into the step's worktree and goes on from there: it is verified, and merged where that passes. */
export async function resolveWithStored(
  ports: ConflictPorts & AnswerPorts,
  run: string,
  { seen, ...given }: StoredAnswer,
): Promise<Result<AnsweredStep, Problem>> {
  const asked = await askedStep(ports.log, run, given.step, { about: "conflict", askedAt: given.askedAt });
  if (!asked.ok) return asked;
  const held = await heldBy(ports, run, given.step);
  if (!held.ok) return held;
  const applied = await held.value.apply(
    seen && new Map(Object.entries(seen).map(([file, tag]) => [file, revisionOf(tag)])),
  );
  if (!applied.ok) return applied;
  // What was put there is the answer to the question of then, and to no later one.
  return await resolveConflict(ports, run, "continue", { ...given, askedAt: asked.value.askedAt });
}

/** Only while it is asked about: afterwards an agent, or the engine, works there. */
async function askedConflict(ports: ConflictPorts, run: string, step: string): Promise<Result<AskedConflict, Problem>> {
  const asked = await askedStep(ports.log, run, step, { about: "conflict" });
  return asked.ok ? await heldBy(ports, run, step) : asked;
}

async function heldBy({ agents }: ConflictPorts, run: string, step: string): Promise<Result<AskedConflict, Problem>> {
  const held = await (await agents()).conflict(run, step);
  if (!held.ok) return held;
  return held.value === undefined ? err(conflictNotHeld(run, step)) : ok(held.value);
}

/** Whose merged work since the step began changed what conflicts, the latest first. */
function othersOf(
  works: RecordedWorks,
  { files, fork }: ConflictOverview,
  step: string,
): readonly (Pick<StepIntent, "mergedAt" | "files"> & { readonly step: string })[] {
  const names = new Set(files.map(({ file }) => file));
  const since = works.merges.findLastIndex(({ commit }) => commit === fork) + 1;
  return works.merges
    .slice(since)
    .map(({ step: other, at, files: changed }) => ({
      step: other,
      mergedAt: at,
      files: changed.filter((file) => names.has(file)).slice(0, MOST_INTENTS),
    }))
    .filter((other) => other.files.length > 0 && other.step !== step)
    .toReversed()
    .slice(0, MOST_INTENTS);
}

function intentOf(step: Step | undefined, id: string): Pick<StepIntent, "step" | "description" | "prompt"> {
  const prompt = step?.action.kind === "agent" ? step.action.prompt.slice(0, MOST_PROMPT) : undefined;
  return defined({ step: id, description: step?.description, prompt });
}

function commandsOf(verify: string | readonly string[] | undefined): readonly string[] {
  return typeof verify === "string" ? [verify] : (verify ?? []);
}

function documentOf(
  { head, captured }: AskedConflict,
  of: { readonly run: string; readonly step: string },
  { revision, base, ours, theirs, ...file }: ConflictedFile,
): ConflictFileDocument {
  return { ...of, head, captured, ...file, ...sidesOf({ base, ours, theirs }), etag: etagOf(revision) };
}

function lineOf({ revision, base, ours, theirs, ...file }: ConflictedPath): ConflictFileLine {
  return { ...file, ...sidesOf({ base, ours, theirs }), etag: etagOf(revision) };
}

function etagOf(revision: string): string {
  return `"${revision}"`;
}

function revisionOf(etag: string): string {
  return etag.replaceAll('"', "");
}

type Sides<T> = { readonly [Side in "base" | "ours" | "theirs"]: T | null };

function sidesOf({ base, ours, theirs }: Sides<ConflictSide>): Sides<FileSideDocument> {
  const of = (side: ConflictSide | null): FileSideDocument | null =>
    side && defined({ kind: side.kind, bytes: side.bytes, text: side.text });
  return { base: of(base), ours: of(ours), theirs: of(theirs) };
}
