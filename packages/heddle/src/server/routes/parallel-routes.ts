/**
 * Routes of the parallel-execution API: five endpoints over the latest run of a project, in words of their own (`project_id`, batches of
 * tasks). The same handlers as the others, other documents.
 */
import { z } from "zod";
import { defined } from "../../base/defined.ts";
import { HeddleError, orThrow } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import type { Project } from "../../project/port.ts";
import type { BatchDocument } from "../../view/protocol.ts";
import type { StepView } from "../../view/run-view.ts";
import { addressOf, askedRun, documentOf, readAsked, type AskedRun } from "../asked-run.ts";
import { loadAsked, PLAN_BODY_LIMIT } from "../asked-plan.ts";
import { batchesOf, isOverIn, NO_TASK, tasksOf, type TaskAbout } from "../batches.ts";
import { apiRoute, documentJson, type Answered, type ApiRoute, type Call } from "../route.ts";
import { started } from "./action-routes.ts";
import { batchIn } from "./run-routes.ts";

const ROOT = "/api/projects/:project/parallel";

/** Of a start that names none. */
const DEFAULT_CONCURRENCY = 3;

const concurrency = z.coerce.number().int().min(1).max(1_000_000).optional() as unknown as z.ZodType<
  number | undefined
>;

export const PARALLEL_ROUTES: readonly ApiRoute[] = [
  apiRoute({
    method: "POST",
    path: `${ROOT}/start`,
    authority: "act",
    bodyLimit: PLAN_BODY_LIMIT,
    operation: {
      id: "startParallelExecution",
      summary: "Start a run of the project's plan, if none is under way",
      query: z.strictObject({ max_concurrency: concurrency.describe("steps at once (default: 3)") }),
      body: z.strictObject({ max_concurrency: z.int().min(1).optional(), plan: z.string().max(4096).optional() }),
      answer: {
        status: 201,
        description: "It has begun",
        schema: z.looseObject({
          run: z.string(),
          status: z.string(),
          total_batches: z.int(),
          max_concurrency: z.int(),
        }),
      },
      problems: ["state"],
    },
    handle: async (call) => {
      const project = await call.world.projects.get(call.params["project"] ?? "");
      return await startAlone(project, async () => {
        const maxConcurrency = call.body.max_concurrency ?? call.query.max_concurrency ?? DEFAULT_CONCURRENCY;
        const loaded = await loadAsked({ dir: project.dir, instance: call.instance }, call.body.plan, {});
        if (!loaded.ok) return loaded.error;
        const handle = await started(project, loaded.value, { options: defined({ maxConcurrency, run: call.effect }) });
        const { run } = handle;
        const layers = new Set(handle.state().layers).size;
        const json = { run, status: "running", total_batches: layers, max_concurrency: maxConcurrency };
        return { status: 201, json, headers: { location: addressOf(call, run) } };
      });
    },
  }),
  apiRoute({
    method: "GET",
    path: `${ROOT}/status`,
    authority: "read",
    operation: {
      id: "getParallelStatus",
      summary: "What the latest run does now",
      answer: {
        status: 200,
        description: "`agents`: its running steps",
        schema: z.looseObject({
          running: z.boolean(),
          active_agents: z.int(),
          agents: z.array(z.looseObject({ task_id: z.string() })),
          max_concurrency: z.int().nullable(),
        }),
      },
    },
    handle: async (call) => {
      const latest = await latestOf(call);
      if (latest === undefined) return { status: 200, json: NOTHING_RUNS };
      return { status: 200, json: await statusOf(latest, call.world.clock.now()) };
    },
  }),
  apiRoute({
    method: "POST",
    path: `${ROOT}/cancel`,
    authority: "act",
    operation: {
      id: "cancelParallelExecution",
      summary: "Cancel the latest run",
      answer: {
        status: 200,
        description: "`running`: how many steps were running",
        schema: z.looseObject({ cancelled: z.literal(true), running: z.int(), run: z.string() }),
      },
      problems: ["state"],
    },
    handle: async (call) => {
      const latest = await latestOf(call);
      if (latest === undefined)
        throw new HeddleError({ code: "NoRuns", message: "there are no runs in this project yet" });
      const document = documentOf(latest, await readAsked(latest), call.world.clock.now());
      orThrow(await latest.project.control.send(latest.run, { kind: "cancel" }));
      return { status: 200, json: { cancelled: true, running: document.counts.running, run: latest.run } };
    },
  }),
  apiRoute({
    method: "GET",
    path: `${ROOT}/batches`,
    authority: "read",
    operation: {
      id: "listParallelBatches",
      summary: "The batches of the latest run",
      answer: { status: 200, description: "From 1", schema: z.array(z.looseObject({ batch_number: z.int() })) },
    },
    handle: async (call) => {
      const latest = await latestOf(call);
      if (latest === undefined) return { status: 200, json: [] };
      const document = documentOf(latest, await readAsked(latest), call.world.clock.now());
      return { status: 200, json: batchesOf(document) as unknown as Json };
    },
  }),
  apiRoute({
    method: "GET",
    path: `${ROOT}/batches/:batch`,
    authority: "read",
    operation: {
      id: "getParallelBatch",
      summary: "One batch of the latest run, with its tasks",
      answer: { status: 200, description: "With `tasks`", schema: z.looseObject({ batch_number: z.int() }) },
    },
    handle: async (call) => {
      const latest = await latestOf(call);
      if (latest === undefined)
        throw new HeddleError({ code: "NoRuns", message: "there are no runs in this project yet" });
      const document = documentOf(latest, await readAsked(latest), call.world.clock.now());
      return { status: 200, json: documentJson<BatchDocument>(batchIn(document, call.params["batch"] ?? "")) };
    },
  }),
];

const NOTHING_RUNS: Json = {
  running: false,
  active_agents: 0,
  agents: [],
  max_concurrency: null,
  run: null,
  current_batch: null,
  total_batches: 0,
  completed: 0,
  failed: 0,
  cost: null,
};

/** Projects whose start is under way: until its run is recorded nothing else tells of it. */
const starting = new WeakSet<Project>();

/** Of the newest runs: an older one that still goes on is not looked for. */
const MOST_LOOKED_AT = 200;

/** Starts what `start` does where no run of the project is under way. Throws a `HeddleError`. */
async function startAlone(project: Project, start: () => Promise<Answered>): Promise<Answered> {
  if (starting.has(project))
    throw new HeddleError({
      code: "RunGoesOn",
      message: "a run is being started",
      hint: "Read the status: it names the run.",
    });
  starting.add(project);
  try {
    for (const { run } of await project.runs.list({ limit: MOST_LOOKED_AT }))
      if (await project.runs.isLive(run))
        throw new HeddleError({
          code: "RunGoesOn",
          message: `run ${run} is under way`,
          hint: "Wait for its end, or cancel it.",
        });
    return await start();
  } finally {
    starting.delete(project);
  }
}

/** `undefined`: the project has none yet. */
async function latestOf(call: Pick<Call, "world" | "params">): Promise<AskedRun | undefined> {
  const project: Project = await call.world.projects.get(call.params["project"] ?? "");
  const [latest] = await project.runs.list({ limit: 1 });
  if (latest === undefined) return undefined;
  return askedRun({ ...call, params: { ...call.params, run: latest.run } });
}

async function statusOf(latest: AskedRun, now: number): Promise<Json> {
  const read = await readAsked(latest);
  const document = documentOf(latest, read, now);
  const batches = batchesOf(document);
  const tasks = tasksOf(read.state.steps);
  const running = document.steps.filter(({ status }) => status === "running");
  const agents = await Promise.all(
    running.map(async (step) => agentOf(latest, step, tasks.get(step.id) ?? NO_TASK, now)),
  );
  const current = batches.find(
    (batch) => !document.steps.every((step) => step.layer !== batch.batch_number || isOverIn(step)),
  );
  return {
    running: document.status === "running" || document.status === "paused",
    active_agents: agents.length,
    agents,
    max_concurrency: read.state.options.maxConcurrency,
    run: latest.run,
    status: document.status,
    current_batch: current?.batch_number ?? null,
    total_batches: batches.length,
    completed: document.counts.succeeded + document.counts.cached,
    failed: document.counts.failed,
    cost: document.cost,
  };
}

/** A running step: `epic_id` is its group, `model` what its agent was told to use. */
async function agentOf(
  { project, run }: AskedRun,
  { id, startedAt }: StepView,
  { group, model, isAgent }: TaskAbout,
  now: number,
): Promise<Json> {
  const worktree = isAgent ? await project.worktrees.ofStep(run, id) : undefined;
  const elapsed = startedAt === null ? 0 : Math.max(0, now - startedAt) / 1000;
  const path = worktree?.path ?? null;
  return { task_id: id, epic_id: group, model, duration: elapsed, elapsed_seconds: elapsed, worktree: path };
}
