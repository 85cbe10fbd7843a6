/** Journals of runs as released versions recorded them, and what is expected of each: `golden/runs`. Knows no test runner. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "../../src/base/json.ts";
import { openProject, type OpenProjectOptions } from "../../src/host/open.ts";
import { reusable } from "../../src/project/reusable.ts";
import type { Project } from "../../src/project/port.ts";
import { canonicalHistory } from "../../src/run/canonical-history.ts";
import type { Event } from "../../src/run/event.ts";
import { phaseOf, stepAt, type RunState } from "../../src/run/state.ts";
import { costOfRun } from "../../src/run/usage.ts";
import { runStatus } from "../../src/run/status.ts";
import { Replay } from "../../src/view/history.ts";
import { temporaryFolder } from "../support/temporary.ts";

const FOLDER = join(import.meta.dirname, "golden", "runs");

/** What a resume of the run does. Written by hand: a change of the code does not change it. */
export type Resume =
  /** The run has succeeded: nothing is executed, nothing recorded. */
  | { readonly says: "done" }
  /** The code of the problem, and the step that it names. Nothing is recorded. */
  | { readonly says: "refused"; readonly code: string; readonly step: string }
  /**
   * Every recorded success stays; these attempts start. `asks`: it then waits for answers to these steps, and a second resume
   * starts `afterwards`.
   */
  | {
      readonly says: "goes on";
      readonly starts: readonly string[];
      readonly asks?: readonly string[];
      readonly afterwards?: readonly string[];
      readonly status: string;
    }
  /** Not tried: it takes the repository and the agents of then. */
  | { readonly says: "needs agents" };

/** What a run's history is folded to. Made anew by `scripts/golden-runs.ts`, never by hand. */
export interface FoldedRun {
  readonly run: string;
  readonly plan: string;
  /** Of the line that is stored beside the history; `status`: of the history. */
  readonly listed: string;
  readonly status: string;
  /** Broken rules with the event that breaks them. */
  readonly violations: readonly string[];
  /** Phase, attempts and what else the phase holds but times, by step. */
  readonly steps: Readonly<Record<string, Json>>;
  /** Steps whose results a new run may take. */
  readonly reusable: readonly string[];
  readonly usd: number | null;
  readonly landing: Json;
  /** Number of events of each type. */
  readonly types: Readonly<Record<string, number>>;
  readonly canonical: Json;
}

export interface GoldenRun extends FoldedRun {
  readonly resume: Resume;
}

/** Names of the journals, without `.db`. */
export function goldenNames(): readonly string[] {
  return readdirSync(FOLDER).flatMap((file) => (file.endsWith(".db") ? [file.slice(0, -".db".length)] : []));
}

/** What is expected of each run of a journal, the oldest first. */
export function expectedRuns(name: string): readonly GoldenRun[] {
  return JSON.parse(readFileSync(expectedFile(name), "utf8")) as readonly GoldenRun[];
}

export function expectedFile(name: string): string {
  return join(FOLDER, `${name}.json`);
}

/** A project folder with a copy of a journal, and nothing else. */
export interface GoldenCopy extends Disposable {
  readonly dir: string;
  /** The bytes of the copy now, and of the golden file. */
  bytes(): readonly [copy: Buffer, golden: Buffer];
}

export function copyOf(name: string): GoldenCopy {
  const dir = temporaryFolder("golden");
  const golden = join(FOLDER, `${name}.db`);
  const file = join(dir, ".heddle", "state.db");
  mkdirSync(join(dir, ".heddle"));
  copyFileSync(golden, file);
  return {
    dir,
    bytes: () => [readFileSync(file), readFileSync(golden)],
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }),
  };
}

export async function openCopy(copy: GoldenCopy, options: Pick<OpenProjectOptions, "access"> = {}): Promise<Project> {
  const opened = await openProject(copy.dir, { title: "heddle test", ...options });
  if (!opened.ok) throw new Error(`${opened.error.code}: ${opened.error.message}`);
  return opened.value;
}

export async function eventsOf(project: Project, run: string): Promise<readonly Event[]> {
  const events: Event[] = [];
  for await (const batch of project.runs.events(run)) events.push(...batch);
  return events;
}

/** Every run of the project, the oldest first. */
export async function foldedRuns(project: Project): Promise<readonly FoldedRun[]> {
  const folded: FoldedRun[] = [];
  for (const { run, plan, status: listed } of (await project.runs.list()).toReversed()) {
    folded.push({ run, plan, listed, ...foldedRun(await eventsOf(project, run)) });
  }
  return folded;
}

export function foldedRun(events: readonly Event[]): Omit<FoldedRun, "run" | "plan" | "listed"> {
  const replay = new Replay();
  const types: Record<string, number> = {};
  for (const event of events) {
    replay.add(event);
    types[event.type] = (types[event.type] ?? 0) + 1;
  }
  const { state } = replay.reader;
  if (state === undefined) throw new Error("the history cannot be folded");
  return {
    status: runStatus(state, false),
    violations: replay.violations.map(({ rule, seq }) => `${rule} at ${seq}`),
    steps: Object.fromEntries(state.steps.map((step, at) => [step.id, foldedStep(state, at)])),
    reusable: [...reusable(state, state.plan).results.keys()],
    usd: costOfRun(state.usage),
    landing: (state.landing ?? null) as unknown as Json,
    types,
    canonical: canonicalHistory(events) as unknown as Json,
  };
}

const TIMES: ReadonlySet<string> = new Set(["tag", "since", "endedAt", "durationMs", "retryAt", "delayMs", "deadline"]);

function foldedStep(state: RunState, at: number): Json {
  const phase = phaseOf(state, at);
  const held = Object.entries(phase).filter(([name]) => !TIMES.has(name));
  return { phase: phase.tag, attempts: state.attempts[at] ?? 0, ...Object.fromEntries(held) };
}

export async function stateOf(project: Project, run: string): Promise<RunState> {
  const read = await project.runs.read(run);
  if (!read.ok) throw new Error(`${read.error.code}: ${read.error.message}`);
  return read.value.state;
}

/** Attempts that start in these events, as `step#attempt`, sorted. */
export function startedIn(events: readonly Event[]): readonly string[] {
  return events
    .flatMap((event) => (event.type === "step.started" ? [`${event.step}#${event.attempt}`] : []))
    .toSorted();
}

/** Recorded results by step: what a resume must leave as it is. */
export function results(state: RunState): ReadonlyMap<string, Json> {
  const found = new Map<string, Json>();
  for (let at = 0; at < state.steps.length; at++) {
    const phase = phaseOf(state, at);
    if (phase.tag === "succeeded" || phase.tag === "cached") found.set(stepAt(state, at).id, phase.output);
  }
  return found;
}
