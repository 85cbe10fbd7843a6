/** Routes of projects and their runs, to look at them. */
import { z } from "zod";
import { HeddleError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import type { RunView } from "../../view/run-view.ts";
import { RunSchema, RunsSchema, EventSchema } from "../../view/schemas.ts";
import { batchesOf } from "../batches.ts";
import { answered, askedRun, documentOf, etagOf, projectOf, readAsked, stepIn } from "../asked-run.ts";
import { eventSource } from "../event-source.ts";
import { apiRoute, type ApiRoute } from "../route.ts";

const wholeNumber = (from: number, to: number): z.ZodType<number> =>
  z.coerce.number().int().min(from).max(to) as unknown as z.ZodType<number>;

const MOST_LISTED = 200;
const MOST_EVENTS = 1000;

/** Of the address: the state at this event of the history. */
const at = wholeNumber(1, Number.MAX_SAFE_INTEGER).optional().describe("the run as it was at this event");

const RUN = "/api/projects/:project/runs/:run";

const batchSchema = z.looseObject({
  batch_number: z.int().positive(),
  task_ids: z.array(z.string()),
  status: z.string(),
  completed: z.int(),
  failed: z.int(),
});

export const RUN_ROUTES: readonly ApiRoute[] = [
  apiRoute({
    method: "GET",
    path: "/api/projects",
    authority: "read",
    operation: {
      id: "listProjects",
      summary: "The projects that are served",
      answer: {
        status: 200,
        description: "Each with its name; `problem` where it cannot be opened",
        schema: z.looseObject({
          items: z.array(z.looseObject({ project: z.string(), problem: z.string().optional() })),
        }),
      },
    },
    handle: async ({ world }) => {
      const items = await Promise.all(
        world.projects.names.map(async (project): Promise<Json> => {
          try {
            await world.projects.get(project);
            return { project };
          } catch (thrown) {
            if (thrown instanceof HeddleError) return { project, problem: thrown.message };
            throw thrown;
          }
        }),
      );
      return { status: 200, json: { items } };
    },
  }),
  apiRoute({
    method: "GET",
    path: "/api/projects/:project/runs",
    authority: "read",
    operation: {
      id: "listRuns",
      summary: "The runs of a project, the newest first",
      query: z.strictObject({
        limit: wholeNumber(1, MOST_LISTED).optional().describe("at most so many (default: 50)"),
        plan: z.string().max(1000).optional().describe("of plans with this name alone"),
      }),
      answer: { status: 200, description: "As `heddle runs --json`", schema: RunsSchema },
    },
    handle: async (call) => {
      const project = await projectOf(call);
      const { limit = 50, plan } = call.query;
      const runs = await project.runs.list(plan === undefined ? { limit } : { limit, plan });
      return { status: 200, json: { runs: runs as unknown as Json } };
    },
  }),
  apiRoute({
    method: "GET",
    path: RUN,
    authority: "read",
    operation: {
      id: "getRun",
      summary: "A run with its steps",
      query: z.strictObject({ at }),
      answer: { status: 200, description: "As `heddle show --json`; `ETag` names its last event", schema: RunSchema },
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const document = documentOf(asked, await readAsked(asked, call.query.at), call.world.clock.now());
      return answered(document, etagOf(document), call.headers, asked.location);
    },
  }),
  apiRoute({
    method: "GET",
    path: `${RUN}/events`,
    authority: "read",
    operation: {
      id: "listEvents",
      summary: "Events of a run, in order",
      query: z.strictObject({
        after: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional().describe("only those behind this number"),
        limit: wholeNumber(1, MOST_EVENTS).optional().describe(`at most so many (default and most: ${MOST_EVENTS})`),
      }),
      answer: {
        status: 200,
        description: "`next`: what to send as `after` for more; absent: there are no more now",
        schema: z.looseObject({ items: z.array(EventSchema), next: z.int().optional() }),
      },
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const { after = 0, limit = MOST_EVENTS } = call.query;
      const items: Json[] = [];
      for await (const batch of asked.project.runs.events(asked.run, { after, limit }))
        for (const event of batch) items.push(event as unknown as Json);
      const last = items.length === limit ? { next: after + limit } : {};
      return { status: 200, json: { items, ...last }, headers: asked.location };
    },
  }),
  apiRoute({
    method: "GET",
    path: `${RUN}/events/stream`,
    authority: "read",
    operation: {
      id: "streamEvents",
      summary: "Events of a run as they are recorded, as server-sent events, until nobody works on it",
      query: z.strictObject({
        after: wholeNumber(0, Number.MAX_SAFE_INTEGER)
          .optional()
          .describe("only those behind this number; the header `Last-Event-ID` says the same"),
      }),
      answer: { status: 200, description: "`id` is the event's number, `data` the event", type: "text/event-stream" },
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const last = call.headers.get("last-event-id") ?? "";
      const after = /^\d{1,15}$/.test(last) ? Number(last) : (call.query.after ?? 0);
      return eventSource(asked, { after, signal: call.signal, clock: call.world.clock });
    },
  }),
  apiRoute({
    method: "GET",
    path: `${RUN}/steps/:step`,
    authority: "read",
    operation: {
      id: "getStep",
      summary: "A step with what its attempts left",
      query: z.strictObject({ at }),
      answer: {
        status: 200,
        description: "As `heddle show RUN STEP --json`",
        schema: z.looseObject({ run: z.string(), step: z.looseObject({ id: z.string() }) }),
      },
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const read = await readAsked(asked, call.query.at);
      const document = documentOf(asked, read, call.world.clock.now());
      const step = stepIn(document, read, call.params["step"] ?? "");
      const { notices, captured } = await asked.project.runs.stepNotes(asked.run, step.id);
      return answered({ run: asked.run, step, notices, captured }, etagOf(document), call.headers);
    },
  }),
  apiRoute({
    method: "GET",
    path: `${RUN}/batches`,
    authority: "read",
    operation: {
      id: "listBatches",
      summary: "The layers of a run with their steps",
      answer: { status: 200, description: "From 1, as `heddle plan` prints them", schema: z.array(batchSchema) },
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const document = documentOf(asked, await readAsked(asked), call.world.clock.now());
      return answered(batchesOf(document), etagOf(document), call.headers, asked.location);
    },
  }),
  apiRoute({
    method: "GET",
    path: `${RUN}/batches/:batch`,
    authority: "read",
    operation: {
      id: "getBatch",
      summary: "One layer of a run with its steps",
      answer: { status: 200, description: "With `tasks`", schema: batchSchema },
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const document = documentOf(asked, await readAsked(asked), call.world.clock.now());
      return answered(batchIn(document, call.params["batch"] ?? ""), etagOf(document), call.headers);
    },
  }),
];

/** One layer with its steps. Throws a `HeddleError`. */
export function batchIn(document: RunView, number: string): Json {
  const batch = /^[1-9]\d{0,6}$/.test(number) ? batchesOf(document)[Number(number) - 1] : undefined;
  if (batch === undefined)
    throw new HeddleError({
      code: "UnknownBatch",
      message: `run ${document.run} has no batch ${JSON.stringify(number)}`,
    });
  const tasks = document.steps.filter(({ layer }) => layer === batch.batch_number);
  return { ...batch, tasks: tasks as unknown as Json } as unknown as Json;
}
