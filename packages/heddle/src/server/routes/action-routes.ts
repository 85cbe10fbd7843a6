/** Routes that change runs: start, steer, go on, and people's answers. Each leaves its consequence in the journal, or a request for the engine. */
import { z } from "zod";
import { defined } from "../../base/defined.ts";
import { orThrow } from "../../base/errors.ts";
import { type Json, type JsonObject } from "../../base/json.ts";
import type { GivenAnswer } from "../../project/answers.ts";
import { beginRun, goOnWithRun, type GoOnChoices } from "../../project/begin-run.ts";
import type { AnswerDecision, ControlRequest, LoadedPlan, Project, RunHandle, StepsAgain } from "../../project/port.ts";
import {
  addressOf,
  askedRun,
  documentOf,
  etagOf,
  preconditionProblem,
  projectOf,
  readAsked,
  type AskedRun,
} from "../asked-run.ts";
import { loadAsked, PLAN_BODY_LIMIT } from "../asked-plan.ts";
import { problemResponse, resolutionMoved } from "../problem.ts";
import { apiRoute, documentJson, type Answered, type ApiRoute, type Call, type Operation } from "../route.ts";
import type { SaidToRun, SaidToStep, StartedRun, SteeredRun, TakenRun } from "../../view/protocol.ts";
import { runStatus } from "../../view/status.ts";

const RUN = "/api/projects/:project/runs/:run";
const STEP = `${RUN}/steps/:step`;

const json: z.ZodType<Json> = z.json() as unknown as z.ZodType<Json>;
const params: z.ZodType<JsonObject> = z.record(z.string(), json) as unknown as z.ZodType<JsonObject>;
const text: z.ZodType<string> = z.string().max(65_536);
const workers = z.int().min(1).max(1_000_000).describe("steps at once");

const goOnMembers = {
  maxConcurrency: workers.optional(),
  acceptChanges: z.boolean().optional().describe("run again what the plan file says otherwise now"),
} as const;

const requestAnswer = {
  schema: z.looseObject({ run: z.string(), request: z.string(), result: z.enum(["sent", "done"]) }),
} as const;

const startBody = z.strictObject({
  plan: z
    .union([z.string().max(4096), params])
    .optional()
    .describe("path of a plan file in the project, or the plan itself; absent: the project's own"),
  params: params.optional().describe("values of the plan's parameters"),
  maxConcurrency: workers.optional(),
  schedule: z.enum(["ready", "layers"]).optional(),
  failure: z.enum(["fail-fast", "continue"]).optional(),
  only: z.array(z.string()).max(10_000).optional().describe("these steps, with results of earlier runs for the others"),
});

const resolveBody = z.strictObject({
  choice: z
    .enum(["ours", "theirs", "continue"])
    .optional()
    .describe("whose side is taken where both changed, or that the worktree has the solution"),
  files: z
    .literal("stored")
    .optional()
    .describe("what was decided file by file is put into the worktree, which has the solution then"),
  seen: z
    .record(z.string().max(16_384), z.string().max(200))
    .optional()
    .describe(
      "with `files`: the `etag` of each file as it was seen; where one, or a decision about another, is not, nothing is done",
    ),
  askedAt: z
    .number()
    .optional()
    .describe("when the question was asked that is answered; where it is another by now, nothing is done"),
  comment: text.optional(),
});

export const ACTION_ROUTES: readonly ApiRoute[] = [
  apiRoute({
    method: "POST",
    path: "/api/projects/:project/runs",
    authority: "act",
    bodyLimit: PLAN_BODY_LIMIT,
    idempotent: "required",
    operation: {
      id: "startRun",
      summary: "Start a run of a plan; it goes on in the server",
      body: startBody,
      answer: {
        status: 201,
        description: "It has begun; `Location` is its address",
        schema: z.looseObject({ run: z.string(), plan: z.string(), status: z.string() }),
      },
      problems: ["state"],
      example: {
        body: { plan: "heddle.yaml", maxConcurrency: 4 },
        answer: { run: "4f2a9c01d3b7", plan: "release", status: "running" },
      },
    },
    handle: async (call) => {
      const project = await projectOf(call);
      const before = await startedBefore(project, call.effect);
      if (before !== undefined)
        return {
          status: 201,
          json: documentJson<StartedRun>(before),
          headers: { location: addressOf(call, before.run) },
        };
      const { plan, params: values = {}, only, ...options } = call.body;
      const loaded = await loadAsked({ dir: project.dir, instance: call.instance }, plan, values);
      if (!loaded.ok) return loaded.error;
      const handle = await started(project, loaded.value, { only, options: defined({ ...options, run: call.effect }) });
      const location = addressOf(call, handle.run);
      const { name } = handle.state().plan;
      const json = { run: handle.run, plan: name, status: "running" } satisfies StartedRun;
      return { status: 201, json, headers: { location } };
    },
  }),
  steering({
    word: "cancel",
    id: "cancelRun",
    summary: "End running steps with grace and the run cancelled",
    requestOf: () => ({ kind: "cancel" }),
  }),
  steering({
    word: "pause",
    id: "pauseRun",
    summary: "Start no new step",
    requestOf: ({ world }) => ({ kind: "pause", reason: world.actor }),
  }),
  steering({
    word: "unpause",
    id: "unpauseRun",
    summary: "Start steps again",
    requestOf: () => ({ kind: "unpause" }),
  }),
  steering({
    word: "concurrency",
    id: "setConcurrency",
    summary: "Set how many steps of the run may be at work at once; those that are stay so",
    body: z.strictObject({ workers }),
    requestOf: ({ body, world }) => ({ kind: "set-concurrency", maxConcurrency: body.workers, by: world.actor }),
  }),
  goOn({
    mode: "resume",
    id: "resumeRun",
    summary: "Go on with a run that ended early; successes are kept",
    body: z.strictObject(goOnMembers),
    choicesOf: (body) => defined(body),
  }),
  goOn({
    mode: "retry",
    id: "retryRun",
    summary: "Run again what failed, and the steps that are named, with what depends on them",
    body: z.strictObject({
      ...goOnMembers,
      steps: z
        .array(z.string().max(4096))
        .min(1)
        .max(10_000)
        .optional()
        .describe("these run again whatever came of them; what did not succeed does so anyway"),
      downstream: z
        .boolean()
        .optional()
        .describe("false: what depends on `steps` and has succeeded stays as it is; absent: it runs again too"),
      params: params.optional().describe("values that some of the plan's parameters have from now on"),
    }),
    choicesOf: ({ steps, downstream, ...rest }) =>
      defined({ ...rest, again: steps === undefined ? undefined : defined<StepsAgain>({ steps, downstream }) }),
  }),
  apiRoute({
    method: "POST",
    path: `${RUN}/rollback`,
    authority: "act",
    operation: {
      id: "rollBackRun",
      summary: "Run the undos of a run that has ended",
      answer: { status: 200, description: "They are being run", schema: z.looseObject({ run: z.string() }) },
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const moved = await movedOn(call, asked);
      if (moved !== undefined) return moved;
      keep(orThrow(await asked.project.runs.rollback(asked.run)));
      return { status: 200, json: { run: asked.run } satisfies TakenRun };
    },
  }),
  answerRoute("approve", "approveStep", "Answer a step's question with yes", "approve"),
  answerRoute("reject", "rejectStep", "Answer a step's question with no", "reject"),
  apiRoute({
    method: "POST",
    path: `${STEP}/answer`,
    authority: "act",
    operation: {
      id: "answerStep",
      summary: "Answer the question of an agent",
      body: z.strictObject({ answer: text.describe("words, or the number of one of the options") }),
      answer: { status: 200, description: "Recorded, or left for the run's engine", ...requestAnswer },
      problems: ["precondition-failed"],
    },
    handle: async (call) => await answerWith(call, "approve", { comment: call.body.answer, about: "question" }),
  }),
  apiRoute({
    method: "POST",
    path: `${STEP}/resolve`,
    authority: "act",
    operation: {
      id: "resolveStep",
      summary: "Say how a conflict is settled; verified before it is merged",
      body: resolveBody
        .refine(({ choice, files }) => (choice === undefined) !== (files === undefined), {
          error: "must have one of `choice` and `files`",
        })
        .refine(({ files, seen }) => files !== undefined || seen === undefined, {
          error: "`seen` is of decisions about `files`",
        }),
      answer: { status: 200, description: "Recorded, or left for the run's engine", ...requestAnswer },
      problems: ["precondition-failed"],
      example: { body: { files: "stored" } },
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const moved = await stepMovedOn(call, asked);
      if (moved !== undefined) return moved;
      const { choice, comment, seen, askedAt } = call.body;
      const { control } = asked.project;
      const given = { step: call.params["step"] ?? "", by: call.world.actor, comment, askedAt };
      const resolved =
        choice === undefined
          ? await control.resolveStored(asked.run, { ...given, seen })
          : await control.resolve(asked.run, choice, given);
      const unseen = resolved.ok ? undefined : resolutionMoved(resolved.error);
      if (unseen !== undefined) return problemResponse(unseen, call.instance);
      const { id, result } = orThrow(resolved);
      return said<SaidToStep>({ run: asked.run, request: "resolve", result, step: id });
    },
  }),
  apiRoute({
    method: "POST",
    path: `${RUN}/signals/:name`,
    authority: "act",
    operation: {
      id: "sendSignal",
      summary: "Send the word that a signal step waits for, or will wait for",
      body: z.strictObject({ value: json.optional().describe("becomes the step's output; absent: null") }),
      answer: { status: 200, description: "Recorded, or left for the run's engine", ...requestAnswer },
    },
    handle: async (call) => {
      const { project, run } = await askedRun(call);
      const signal = { signal: call.params["name"] ?? "", value: call.body.value ?? null, by: call.world.actor };
      const result = orThrow(await project.control.signal(run, signal));
      return said<SaidToRun>({ run, request: "signal", result });
    },
  }),
];

/** The run that a server started for this request and died before it said so. */
async function startedBefore(project: Project, effect: string | undefined): Promise<StartedRun | undefined> {
  const found = effect === undefined ? undefined : await project.runs.find(effect);
  if (found?.ok !== true || found.value !== effect) return undefined;
  const { state, live } = orThrow(await project.runs.read(effect));
  return { run: effect, plan: state.plan.name, status: runStatus(state, live) };
}

/** Starts the plan, or the part of it that is asked for. Throws a `HeddleError`. */
export async function started(
  project: Project,
  plan: LoadedPlan,
  asked: Parameters<typeof beginRun>[2],
): Promise<RunHandle> {
  return keep(orThrow(await beginRun(project, plan, asked)).handle);
}

/** Its outcome is in the journal. A bug in it is no reason for the server to end. */
function keep(handle: RunHandle): RunHandle {
  handle.result.catch(() => undefined);
  return handle;
}

interface Steering<Body> {
  readonly word: string;
  readonly id: string;
  readonly summary: string;
  readonly body?: z.ZodType<Body>;
  readonly requestOf: (call: Call<unknown, Body>) => ControlRequest;
}

function steering<Body = unknown>({ word, id, summary, body, requestOf }: Steering<Body>): ApiRoute {
  return apiRoute<unknown, Body>({
    method: "POST",
    path: `${RUN}/${word}`,
    authority: "act",
    operation: defined<Operation<unknown, Body>>({
      id,
      summary,
      body,
      answer: {
        status: 200,
        description: "`running`: steps that were running then; 202 where the request is left for another process",
        schema: z.looseObject({
          run: z.string(),
          request: z.string(),
          result: z.enum(["sent", "done"]),
          running: z.int(),
        }),
      },
      problems: ["state", "precondition-failed"],
    }),
    handle: async (call) => {
      const asked = await askedRun(call);
      const document = documentOf(asked, await readAsked(asked), call.world.clock.now());
      const moved = preconditionProblem(call.headers, etagOf(document), call.instance);
      if (moved !== undefined) return moved;
      const result = orThrow(await asked.project.control.send(asked.run, requestOf(call)));
      return said<SteeredRun>({ run: asked.run, request: word, result, running: document.counts.running });
    },
  });
}

interface GoOn<Body> {
  readonly mode: "resume" | "retry";
  readonly id: string;
  readonly summary: string;
  readonly body: z.ZodType<Body>;
  readonly choicesOf: (body: Body) => Omit<GoOnChoices, "mode">;
}

function goOn<Body>({ mode, id, summary, body, choicesOf }: GoOn<Body>): ApiRoute {
  return apiRoute<unknown, Body>({
    method: "POST",
    path: `${RUN}/${mode}`,
    authority: "act",
    operation: {
      id,
      summary,
      body,
      answer: { status: 200, description: "It goes on in the server", schema: z.looseObject({ run: z.string() }) },
      problems: ["held", "state", "precondition-failed"],
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const moved = await movedOn(call, asked);
      if (moved !== undefined) return moved;
      keep(orThrow(await goOnWithRun(asked.project, asked.run, { mode, ...choicesOf(call.body) })));
      return { status: 200, json: { run: asked.run } satisfies TakenRun };
    },
  });
}

function answerRoute(word: string, id: string, summary: string, decision: AnswerDecision): ApiRoute {
  return apiRoute({
    method: "POST",
    path: `${STEP}/${word}`,
    authority: "act",
    operation: {
      id,
      summary,
      body: z.strictObject({ comment: text.optional() }),
      answer: { status: 200, description: "Recorded, or left for the run's engine", ...requestAnswer },
      problems: ["precondition-failed"],
    },
    handle: async (call) => await answerWith(call, decision, { comment: call.body.comment }),
  });
}

async function answerWith(
  call: Call,
  decision: AnswerDecision,
  words: Pick<GivenAnswer, "comment" | "about">,
): Promise<Answered> {
  const asked = await askedRun(call);
  const moved = await stepMovedOn(call, asked);
  if (moved !== undefined) return moved;
  const given = { ...words, step: call.params["step"], by: call.world.actor };
  const { id, result } = orThrow(await asked.project.control.answer(asked.run, decision, given));
  return said<SaidToStep>({ run: asked.run, request: decision, result, step: id });
}

/** What `If-Match` says against the action; read only where it is sent. */
async function movedOn(call: Call, asked: AskedRun): Promise<Response | undefined> {
  if (call.headers.get("if-match") === null) return undefined;
  const { state } = await readAsked(asked);
  return preconditionProblem(call.headers, etagOf({ run: asked.run, seq: state.seq }), call.instance);
}

/** As {@link movedOn}, of the step: what has happened to others since it was seen is no reason not to answer it. */
async function stepMovedOn(call: Call, asked: AskedRun): Promise<Response | undefined> {
  const wanted = call.headers.get("if-match");
  if (wanted === null) return undefined;
  const { run, project } = asked;
  const { state } = await readAsked(asked);
  const of = { step: call.params["step"] ?? "", backwards: true, limit: 1 };
  let last = 0;
  for await (const events of project.runs.events(run, of)) last = events[0]?.seq ?? 0;
  const seen = wanted.split(",").map((one) => /^\s*"([0-9a-z]+)-(\d{1,15})"\s*$/.exec(one));
  if (seen.some((one) => one?.[1] === run && Number(one[2]) >= last && Number(one[2]) <= state.seq)) return undefined;
  return preconditionProblem(call.headers, etagOf({ run, seq: state.seq }), call.instance);
}

/** 202: another process has been asked. */
function said<T extends SaidToRun>(document: T): Answered {
  return { status: document.result === "sent" ? 202 : 200, json: documentJson<T>(document) };
}
