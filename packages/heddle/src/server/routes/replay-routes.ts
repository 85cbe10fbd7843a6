/** Routes of a run over time: how it was at an event, what changed between two, where to look, its timeline, and what is expected of it. */
import { z } from "zod";
import { HeddleError, orThrow } from "../../base/errors.ts";
import type { RunForecast } from "../../view/forecast.ts";
import type { HistoryMarks } from "../../view/marks.ts";
import type { LiveRunAt, ReplayPatch } from "../../view/run-replay.ts";
import { timelinePage } from "../../view/timeline-view.ts";
import { answered, askedRun, readAsked } from "../asked-run.ts";
import { nextLink } from "../next-link.ts";
import { apiRoute, documentJson, type ApiRoute } from "../route.ts";
import { runStatus } from "../../view/status.ts";
import { wholeNumber } from "../whole-number.ts";

const RUN = "/api/projects/:project/runs/:run";
const MOST_BARS = 10_000;

const seq = wholeNumber(1, Number.MAX_SAFE_INTEGER);

export const REPLAY_ROUTES: readonly ApiRoute[] = [
  apiRoute({
    method: "GET",
    path: `${RUN}/live`,
    authority: "read",
    operation: {
      id: "getLiveRun",
      summary: "A run as pages show it, as it was after an event",
      query: z.strictObject({ at: seq.describe("number of the event") }),
      answer: {
        status: 200,
        description: "As the live stream gives it: `head`, one row for each step, and what is short in `queues`",
        schema: z.looseObject({
          seq: z.int(),
          time: z.int().describe("of that event"),
          head: z.looseObject({ run: z.string(), status: z.string() }),
          queues: z.record(z.string(), z.array(z.looseObject({ kind: z.string() }))),
          steps: z.array(z.looseObject({ id: z.string(), status: z.string() })),
        }),
      },
    },
    handle: async (call) => {
      const { project, run, location } = await askedRun(call);
      const live = orThrow(await project.runs.liveAt(run, call.query.at));
      return { status: 200, json: documentJson<LiveRunAt>(live), headers: location };
    },
  }),
  apiRoute({
    method: "GET",
    path: `${RUN}/live/patch`,
    authority: "read",
    operation: {
      id: "getRunPatch",
      summary: "What is different in a run after one event from what it was after another, forwards or backwards",
      query: z.strictObject({ from: seq.describe("number of an event"), to: seq.describe("number of an event") }),
      answer: {
        status: 200,
        description: "A patch, as the live stream gives it: with it, the run at `from` becomes the run at `to`",
        schema: z.looseObject({
          from: z.int(),
          to: z.int(),
          time: z.int().describe("of the event `to`"),
          ops: z.array(z.looseObject({ op: z.string() })),
        }),
      },
    },
    handle: async (call) => {
      const { project, run, location } = await askedRun(call);
      const { from, to } = call.query;
      const patch = orThrow(await project.runs.livePatch(run, from, to));
      return { status: 200, json: documentJson<ReplayPatch>(patch), headers: location };
    },
  }),
  apiRoute({
    method: "GET",
    path: `${RUN}/marks`,
    authority: "read",
    operation: {
      id: "listMarks",
      summary: "Where in a run's history failures, retries, questions, conflicts and resumes are",
      answer: {
        status: 200,
        description:
          "At most about a thousand: `count` says for how many of its kind a mark stands. `times`: when events were, to find a time",
        schema: z.looseObject({
          run: z.string(),
          seq: z.int(),
          items: z.array(
            z.looseObject({
              seq: z.int(),
              time: z.int(),
              kind: z.enum(["failure", "retry", "question", "conflict", "resume", "cancel", "end"]),
              step: z.string().optional(),
              count: z.int().optional(),
            }),
          ),
          times: z.array(z.tuple([z.int(), z.int()])),
          gaps: z.array(z.looseObject({ from: z.int(), to: z.int() })).describe("no engine had the run"),
        }),
      },
    },
    handle: async (call) => {
      const { project, run, location } = await askedRun(call);
      return { status: 200, json: documentJson<HistoryMarks>(await project.runs.marks(run)), headers: location };
    },
  }),
  apiRoute({
    method: "GET",
    path: `${RUN}/timeline`,
    authority: "read",
    operation: {
      id: "getTimeline",
      summary: "Every attempt of a run as a bar: when it could begin, began and ended, and what kept it",
      query: z.strictObject({
        at: seq.optional().describe("the run as it was at this event"),
        limit: wholeNumber(1, MOST_BARS).optional().describe("at most so many bars (default: 2000)"),
        since: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional().describe("only bars that had not ended then"),
        cursor: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional().describe("`next` of the page before"),
      }),
      answer: {
        status: 200,
        description:
          "`gaps`: no engine had the run. `next`: what to send as `cursor` for more; absent: there are no more",
        schema: z.looseObject({
          run: z.string(),
          seq: z.int(),
          startedAt: z.int(),
          endedAt: z.int().nullable(),
          lastTime: z.int(),
          maxConcurrency: z.int(),
          slots: z.int(),
          gaps: z.array(z.looseObject({ from: z.int(), to: z.int() })),
          criticalPath: z.array(z.string()),
          criticalPathMs: z.number(),
          total: z.int(),
          bars: z.array(
            z.looseObject({
              step: z.string(),
              attempt: z.int(),
              kind: z.enum(["attempt", "container", "approval", "wait", "undo"]),
              slot: z.int().describe("-1: it takes none"),
              status: z.enum(["running", "succeeded", "failed", "cancelled", "interrupted"]),
              startedAt: z.int(),
              endedAt: z.int().nullable(),
              readyAt: z.int().nullable(),
              queuedMs: z.number().nullable(),
              queuedBy: z.string().nullable(),
              agent: z.string().optional(),
              model: z.string().optional(),
            }),
          ),
          next: z.string().optional(),
        }),
      },
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const { at, limit = 2000, since, cursor } = call.query;
      const read = await readAsked(asked, at);
      const page = timelinePage(read, { limit, since, cursor });
      const of = { run: asked.run, seq: page.seq, status: runStatus(read.state, read.live) };
      return answered(page, of, call.headers, { ...asked.location, ...nextLink(call, page.next) });
    },
  }),
  apiRoute({
    method: "GET",
    path: `${RUN}/forecast`,
    authority: "read",
    operation: {
      id: "getForecast",
      summary: "When the steps of a run that have not ended are expected to begin and to end",
      answer: {
        status: 200,
        description:
          "By the rules of real runs, with recorded durations; `endsAt`: of the run, `null` where it has ended",
        schema: z.looseObject({
          run: z.string(),
          seq: z.int(),
          now: z.int(),
          endsAt: z.int().nullable(),
          bars: z.array(z.looseObject({ step: z.string(), startsAt: z.int(), endsAt: z.int() })),
          isPartial: z.boolean(),
          unknownDurations: z.int(),
        }),
      },
    },
    handle: async (call) => {
      const { project, run, location } = await askedRun(call);
      const done = await project.plans.look("forecast", { run }, call.signal);
      if (!done.ok) throw new HeddleError(done.error.problem);
      return { status: 200, json: documentJson<RunForecast>(done.value), headers: location };
    },
  }),
];
