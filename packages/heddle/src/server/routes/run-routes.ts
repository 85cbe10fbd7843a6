/** Routes of projects and their runs, to look at them. */
import { basename } from "node:path";
import { z } from "zod";
import { defined } from "../../base/defined.ts";
import { HeddleError } from "../../base/errors.ts";
import type { Event } from "../../project/port.ts";
import type { BatchDocument, EventPage, ProjectLine, ProjectList, RunList, StepPage } from "../../view/protocol.ts";
import { RUN_STATUSES, STEP_STATUSES, type RunStatus, type StepStatus } from "../../view/status.ts";
import { RUN_FIELDS, type RunView, type StepView } from "../../view/run-view.ts";
import { RunSchema, RunsSchema, EventSchema, StepSchema } from "../../view/schemas.ts";
import type { ServedProjects } from "../projects.ts";
import { batchesOf } from "../batches.ts";
import { answered, askedRun, documentOf, projectOf, readAsked, stepIn } from "../asked-run.ts";
import { eventSource } from "../event-source.ts";
import { stepDocumentOf } from "../step-document.ts";
import { nextLink } from "../next-link.ts";
import { problemResponse } from "../problem.ts";
import { apiRoute, documentJson, type ApiRoute } from "../route.ts";
import { wholeNumber } from "../whole-number.ts";

const MOST_LISTED = 200;
const MOST_EVENTS = 1000;

/** Of the address: the state at this event of the history. */
const at = wholeNumber(1, Number.MAX_SAFE_INTEGER).optional().describe("the run as it was at this event");

const time = wholeNumber(0, Number.MAX_SAFE_INTEGER);

const isStatus = (word: string): word is RunStatus => RUN_STATUSES.some((known) => known === word);

const statusList: z.ZodType<readonly RunStatus[]> = z
  .string()
  .max(200)
  .transform((list) => list.split(","))
  .refine((words) => words.every(isStatus), { error: `must be of ${RUN_STATUSES.join(", ")}` })
  .transform((words) => words.filter(isStatus)) as unknown as z.ZodType<readonly RunStatus[]>;

const isStepStatus = (word: string): word is StepStatus => STEP_STATUSES.some((known) => known === word);

const stepStatusList: z.ZodType<readonly StepStatus[]> = z
  .string()
  .max(200)
  .transform((list) => list.split(","))
  .refine((words) => words.every(isStepStatus), { error: `must be of ${STEP_STATUSES.join(", ")}` })
  .transform((words) => words.filter(isStepStatus)) as unknown as z.ZodType<readonly StepStatus[]>;

const isField = (word: string): word is keyof RunView => RUN_FIELDS.some((known) => known === word);

const fieldList: z.ZodType<readonly (keyof RunView)[]> = z
  .string()
  .max(1000)
  .transform((list) => list.split(","))
  .refine((words) => words.every(isField), { error: `must be of ${RUN_FIELDS.join(", ")}` })
  .transform((words) => words.filter(isField)) as unknown as z.ZodType<readonly (keyof RunView)[]>;

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
        description:
          "Each with its name, its folder's, and how much goes on in it; `problem` where it cannot be opened",
        schema: z.looseObject({
          items: z.array(
            z.looseObject({
              project: z.string(),
              folder: z.string().describe("its name, without where it is"),
              running: z.int().describe("runs under way, paused ones too; at most 200 are counted"),
              needsYou: z.int().describe("what waits for a person, as `/api/attention` lists it"),
              problem: z.string().optional(),
            }),
          ),
        }),
      },
    },
    handle: async ({ world }) => {
      const items = await Promise.all(world.projects.names.map((name) => projectLine(world.projects, name)));
      return { status: 200, json: documentJson<ProjectList>({ items }) };
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
        status: statusList
          .optional()
          .describe(`with one of these statuses alone, with commas: ${RUN_STATUSES.join(", ")}`),
        since: time.optional().describe("created then or later, milliseconds since the epoch"),
        until: time.optional().describe("created before"),
        q: z.string().min(1).max(1000).optional().describe("with this text in the id or the plan's name"),
        cursor: z.string().max(40).optional().describe("`next` of the page before"),
      }),
      answer: {
        status: 200,
        description: "As `heddle runs --json`. `next`: what to send as `cursor` for more; absent: there are no more",
        schema: RunsSchema,
      },
    },
    handle: async (call) => {
      const project = await projectOf(call);
      const { limit = 50, status, q, ...narrowed } = call.query;
      const page = await project.runs.page(defined({ ...narrowed, limit, statuses: status, text: q }));
      return { status: 200, json: documentJson<RunList>(page), headers: nextLink(call, page.next) };
    },
  }),
  apiRoute({
    method: "GET",
    path: RUN,
    authority: "read",
    operation: {
      id: "getRun",
      summary: "A run with its steps",
      query: z.strictObject({
        at,
        fields: fieldList.optional().describe("only these of its members, with commas, beside `run` and `seq`"),
      }),
      answer: { status: 200, description: "As `heddle show --json`; `ETag` names its last event", schema: RunSchema },
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const document = documentOf(asked, await readAsked(asked, call.query.at), call.world.clock.now());
      return answered(picked(document, call.query.fields), document, call.headers, asked.location);
    },
  }),
  apiRoute({
    method: "GET",
    path: `${RUN}/steps`,
    authority: "read",
    operation: {
      id: "listSteps",
      summary: "Steps of a run in the order of its plan, for runs that are too large to be sent whole",
      query: z.strictObject({
        at,
        limit: wholeNumber(1, MOST_LISTED).optional().describe("at most so many (default: 50)"),
        status: stepStatusList
          .optional()
          .describe(`with one of these statuses alone, with commas: ${STEP_STATUSES.join(", ")}`),
        q: z.string().min(1).max(1000).optional().describe("with this text in the id or the description, in any case"),
        cursor: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional().describe("`next` of the page before"),
      }),
      answer: {
        status: 200,
        description: "`next`: what to send as `cursor` for more; absent: there are no more",
        schema: z.looseObject({
          run: z.string(),
          seq: z.int(),
          items: z.array(StepSchema),
          next: z.string().optional(),
        }),
      },
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const document = documentOf(asked, await readAsked(asked, call.query.at), call.world.clock.now());
      const page = stepPage(document, call.query);
      return answered(page, document, call.headers, { ...asked.location, ...nextLink(call, page.next) });
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
        before: wholeNumber(1, Number.MAX_SAFE_INTEGER)
          .optional()
          .describe("only those up to it; without `after`: the last of them"),
        limit: wholeNumber(1, MOST_EVENTS).optional().describe(`at most so many (default and most: ${MOST_EVENTS})`),
      }),
      answer: {
        status: 200,
        description:
          "`next`: what to send as `after` for more; absent: there are no more now. With `before` alone `next` is what to send as `before` for those before",
        schema: z.looseObject({ items: z.array(EventSchema), next: z.int().optional() }),
      },
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const { after, before, limit = MOST_EVENTS } = call.query;
      const backwards = before !== undefined && after === undefined;
      const items: Event[] = [];
      for await (const batch of asked.project.runs.events(asked.run, defined({ after, before, limit, backwards })))
        items.push(...batch);
      const last = items.length === limit ? items.at(-1)?.seq : undefined;
      if (backwards) items.reverse();
      // There is nothing before the first event.
      const next = backwards && last === 1 ? undefined : last;
      return { status: 200, json: documentJson<EventPage>(defined({ items, next })), headers: asked.location };
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
      problems: ["too-many-streams"],
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const last = call.headers.get("last-event-id") ?? "";
      const after = /^\d{1,15}$/.test(last) ? Number(last) : (call.query.after ?? 0);
      const { clock, streams, authority } = call.world;
      const full = streams.fullProblem;
      if (full !== undefined) return problemResponse(full, call.instance);
      const onOpened = (isOver: AbortSignal): void => streams.opened(isOver);
      const header = call.headers.get("authorization") ?? undefined;
      const isAllowed = (): boolean => authority.holderOf(header) !== undefined;
      return eventSource(asked, { after, signal: call.signal, clock, onOpened, isAllowed });
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
        description: "As `heddle show RUN STEP --json`, with what comes before and behind it, and its attempts",
        schema: z.looseObject({
          run: z.string(),
          seq: z.int(),
          step: z.looseObject({ id: z.string() }),
          detail: z.looseObject({ kind: z.string(), holdsUp: z.int(), attempts: z.array(z.looseObject({})) }),
        }),
      },
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const read = await readAsked(asked, call.query.at);
      const document = documentOf(asked, read, call.world.clock.now());
      const step = stepIn(document, read, call.params["step"] ?? "");
      return answered(await stepDocumentOf(asked, read, step), document, call.headers);
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
      return answered(batchesOf(document), document, call.headers, asked.location);
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
      return answered(batchIn(document, call.params["batch"] ?? ""), document, call.headers);
    },
  }),
];

async function projectLine(projects: ServedProjects, project: string): Promise<ProjectLine> {
  const folder = basename(projects.dirOf(project) ?? "");
  try {
    const opened = await projects.get(project);
    const { runs } = await opened.runs.page({ limit: MOST_LISTED, statuses: ["running", "paused"] });
    const { items } = await opened.runs.attention();
    return { project, folder, running: runs.length, needsYou: items.length };
  } catch (thrown) {
    if (!(thrown instanceof HeddleError)) throw thrown;
    return { project, folder, running: 0, needsYou: 0, problem: projects.saidOf(project, thrown) };
  }
}

/** One layer with its steps. Throws a `HeddleError`. */
export function batchIn(document: RunView, number: string): BatchDocument {
  const batch = /^[1-9]\d{0,6}$/.test(number) ? batchesOf(document)[Number(number) - 1] : undefined;
  if (batch === undefined)
    throw new HeddleError({
      code: "UnknownBatch",
      message: `run ${document.run} has no batch ${JSON.stringify(number)}`,
    });
  const tasks = document.steps.filter(({ layer }) => layer === batch.batch_number);
  return { ...batch, tasks };
}

/** The whole document where no fields are asked for. */
function picked(document: RunView, fields: readonly (keyof RunView)[] | undefined): Partial<RunView> {
  if (fields === undefined) return document;
  return Object.fromEntries(
    Object.entries(document).filter(([name]) => [...fields, "run", "seq"].some((one) => one === name)),
  );
}

interface StepFilter {
  readonly limit?: number | undefined;
  readonly status?: readonly StepStatus[] | undefined;
  readonly q?: string | undefined;
  /** The number of steps that earlier pages went through. */
  readonly cursor?: number | undefined;
}

/** Steps are added at the end of a run: a place in them stays what it is. */
function stepPage({ run, seq, steps }: RunView, { limit = 50, status, q, cursor = 0 }: StepFilter): StepPage {
  const text = q?.toLowerCase();
  const items: StepView[] = [];
  for (let at = cursor; at < steps.length; at++) {
    const step = steps[at] as StepView;
    if (status?.includes(step.status) === false) continue;
    if (text !== undefined && !`${step.id}\n${step.description ?? ""}`.toLowerCase().includes(text)) continue;
    if (items.length === limit) return { run, seq, items, next: String(at) };
    items.push(step);
  }
  return { run, seq, items };
}
