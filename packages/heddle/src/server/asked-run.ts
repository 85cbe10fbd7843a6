/** Asked run: the project, run and step that a request's path names, and the run's document with what tells one state of it from another. */
import { HeddleError, orThrow } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import type { Project } from "../project/port.ts";
import { findStep } from "../project/find-run.ts";
import type { ReadRun } from "../project/read-run.ts";
import { runView, type RunView, type StepView } from "../view/run-view.ts";
import { problemResponse } from "./problem.ts";
import type { Answered, Call } from "./route.ts";

type Named = Pick<Call, "world" | "params">;

export interface AskedRun {
  readonly project: Project;
  /** Whole. */
  readonly run: string;
  /** For {@link answered}: says which run was meant, where the path has the beginning of an id. */
  readonly location: Readonly<Record<string, string>>;
}

/** Throws a `HeddleError`. */
export async function projectOf({ world, params }: Named): Promise<Project> {
  return world.projects.get(params["project"] ?? "");
}

const RUN_ID = /^[0-9a-z]{1,40}$/;

/** The run whose id the path has, or the beginning of one. Throws a `HeddleError`. */
export async function askedRun(call: Named): Promise<AskedRun> {
  const word = call.params["run"] ?? "";
  if (!RUN_ID.test(word))
    throw new HeddleError({ code: "InvalidRunId", message: "a run's id has lower-case letters and digits alone" });
  const project = await projectOf(call);
  const run = orThrow(await project.runs.find(word));
  return { project, run, location: run === word ? {} : { "content-location": addressOf(call, run) } };
}

/** Of a run of the project that the request names. */
export function addressOf({ params }: Pick<Named, "params">, run: string): string {
  return `/api/projects/${encodeURIComponent(params["project"] ?? "")}/runs/${run}`;
}

/** As the journal has it now, or had it at event `at`. */
export async function readAsked({ project, run }: AskedRun, at?: number): Promise<ReadRun> {
  return orThrow(at === undefined ? await project.runs.read(run) : await project.runs.at(run, at));
}

export function documentOf({ project, run }: AskedRun, read: ReadRun, now: number): RunView {
  return runView({ ...read, now, logFile: (step, attempt) => project.logs.file(run, step, attempt) });
}

/** The step that the path names. Throws a `HeddleError`. */
export function stepIn(document: RunView, read: ReadRun, id: string): StepView {
  const step = document.steps[orThrow(findStep(read.state, id))];
  if (step === undefined) throw new HeddleError({ code: "UnknownStep", message: `there is no step ${id}` });
  return step;
}

/** Of a run at one event. */
export function etagOf({ run, seq }: Pick<RunView, "run" | "seq">): string {
  return `"${run}-${seq}"`;
}

/** What `If-Match` asks of an action; `undefined`: it may go on. */
export function preconditionProblem(headers: Headers, etag: string, instance: string): Response | undefined {
  const wanted = headers.get("if-match");
  if (wanted === null || wanted === "*" || wanted.split(",").some((one) => one.trim() === etag)) return undefined;
  const detail = `The run is at ${etag} now`;
  return problemResponse(
    { slug: "precondition-failed", detail, hint: "Read the run again.", headers: { etag } },
    instance,
  );
}

/** The document, or that the client has it already. `of`: the run's document. */
export function answered(
  document: unknown,
  of: Pick<RunView, "run" | "seq" | "status">,
  headers: Headers,
  more: Readonly<Record<string, string>> = {},
): Answered {
  const etag = etagOf(of);
  const known = headers.get("if-none-match");
  // No event tells that an engine died: who saw the run go on at this very event has not seen that it stopped.
  const isKnown = of.status !== "interrupted" && known !== null && known.split(",").some((one) => one.trim() === etag);
  if (isKnown) return new Response(null, { status: 304, headers: { etag, ...more } });
  return { status: 200, json: document as Json, headers: { etag, ...more } };
}
