/** Routes of what a run comes to as a whole: reports, trace, canonical history, comparison with another run; and costs of a project. */
import { z } from "zod";
import { defined } from "../../base/defined.ts";
import { HeddleError, orThrow } from "../../base/errors.ts";
import { safeLine } from "../../base/safe-text.ts";
import type { Event } from "../../project/port.ts";
import { lastLines } from "../../project/log-lines.ts";
import { compareRuns, type RunComparison } from "../../view/compare.ts";
import type { CostsDocument } from "../../view/costs.ts";
import { canonicalEvents, canonicalLines } from "../../view/history.ts";
import type { CanonicalHistory } from "../../view/protocol.ts";
import { reportView, type ReportView } from "../../view/report.ts";
import type { RunViewInput } from "../../view/run-view.ts";
import { CanonicalEventSchema, ReportSchema } from "../../view/schemas.ts";
import { traceOf, type Trace } from "../../view/trace.ts";
import { askedRun, projectOf, readAsked, type AskedRun } from "../asked-run.ts";
import { attachment, fileResponse, textResponse } from "../file-response.ts";
import { nextLink } from "../next-link.ts";
import { apiRoute, documentJson, type ApiRoute } from "../route.ts";
import { wholeNumber } from "../whole-number.ts";

const RUN = "/api/projects/:project/runs/:run";
/** Of each failed step, in a report. */
const OUTPUT_LINES = 40;
/** Of a history that is put into another order as a whole. */
const MOST_EVENTS = 200_000;
const MOST_COMPARED = 1000;

const time = wholeNumber(0, Number.MAX_SAFE_INTEGER);

const costTotal = {
  turns: z.int().describe("of agents"),
  cost: z.number().nullable().describe("US dollars as far as they were told; `null`: no turn told any"),
  turnsWithoutCost: z.int().describe("what they cost is unknown"),
  tokens: z.record(z.string(), z.number()),
  turnsWithoutTokens: z.int(),
};

const comparedSide = z.looseObject({
  status: z.string(),
  attempts: z.int(),
  tookMs: z.number().nullable(),
  queuedMs: z.number().nullable(),
  cost: z.number().nullable(),
});
const comparedRun = z.looseObject({ run: z.string(), plan: z.string(), status: z.string(), parallelMs: z.number() });

export const REPORT_ROUTES: readonly ApiRoute[] = [
  apiRoute({
    method: "GET",
    path: `${RUN}/report`,
    authority: "read",
    operation: {
      id: "getReport",
      summary: "A run in figures, as a page, or for CI",
      query: z.strictObject({
        format: z
          .enum(["json", "html", "junit"])
          .optional()
          .describe("`html`: a page without scripts, as a file to be kept; `junit`: XML (default: `json`)"),
      }),
      answer: { status: 200, description: "As `heddle report --json`, `--html` or `--junit`", schema: ReportSchema },
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const input = await viewInput(asked, call.world.clock.now());
      const { format = "json" } = call.query;
      if (format === "json")
        return { status: 200, json: documentJson<ReportView>(reportView(input)), headers: asked.location };
      const outputOf = (step: string, attempt: number): readonly string[] =>
        lastLines(input.logFile(step, attempt) ?? "", OUTPUT_LINES).map(safeLine);
      if (format === "html") {
        const { htmlReport } = await import("../../view/html.ts");
        return fileResponse([...htmlReport(input, { outputOf })].join(""), "text/html", `heddle-${asked.run}.html`);
      }
      const { junitReport } = await import("../../view/junit.ts");
      return fileResponse([...junitReport(input, { outputOf })].join(""), "application/xml", `heddle-${asked.run}.xml`);
    },
  }),
  apiRoute({
    method: "GET",
    path: `${RUN}/trace`,
    authority: "read",
    operation: {
      id: "getTrace",
      summary: "The attempts of a run as a trace, for chrome://tracing and Perfetto",
      answer: {
        status: 200,
        description: "As `heddle report --trace`",
        schema: z.looseObject({ traceEvents: z.array(z.looseObject({ name: z.string(), ph: z.string() })) }),
      },
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const input = await viewInput(asked, call.world.clock.now());
      const headers = { ...asked.location, ...attachment(`heddle-${asked.run}.trace.json`) };
      return { status: 200, json: documentJson<Trace>(traceOf(input)), headers };
    },
  }),
  apiRoute({
    method: "GET",
    path: `${RUN}/history`,
    authority: "read",
    operation: {
      id: "getHistory",
      summary: "The canonical history of a run: two runs of a plan whose steps end the same way have the same",
      query: z.strictObject({
        canonical: z.enum(["true"]).describe("always `true`: the history as it was recorded is `/events`"),
        format: z
          .enum(["json", "lines"])
          .optional()
          .describe("`lines`: one event a line, to be compared byte by byte (default: `json`)"),
      }),
      answer: {
        status: 200,
        description: "As `heddle history --canonical --json`",
        schema: z.looseObject({ items: z.array(CanonicalEventSchema) }),
      },
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const events = await wholeHistory(asked);
      if (call.query.format === "lines") return textResponse(canonicalLines(events), asked.location);
      return {
        status: 200,
        json: documentJson<CanonicalHistory>({ items: canonicalEvents(events) }),
        headers: asked.location,
      };
    },
  }),
  apiRoute({
    method: "GET",
    path: `${RUN}/compare/:other`,
    authority: "read",
    operation: {
      id: "compareRuns",
      summary: "Two runs side by side, step by step: what differs, and what it moved",
      query: z.strictObject({
        limit: wholeNumber(1, MOST_COMPARED).optional().describe("at most so many steps (default: 200)"),
        cursor: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional().describe("`next` of the page before"),
      }),
      answer: {
        status: 200,
        description:
          "Steps by id; those that moved the makespan most come first. `first`: the first step that differs, in a sentence",
        schema: z.looseObject({
          a: comparedRun,
          b: comparedRun,
          counts: z.record(z.string(), z.int()),
          first: z.looseObject({ step: z.string().optional(), sentence: z.string() }),
          steps: z.array(
            z.looseObject({
              step: z.string(),
              a: comparedSide.optional(),
              b: comparedSide.optional(),
              definition: z.enum(["same", "changed"]).optional(),
              changed: z.array(z.string()).optional(),
              effectMs: z.number().describe("less than 0: the second run was shorter for it"),
            }),
          ),
          next: z.string().optional(),
        }),
      },
    },
    handle: async (call) => {
      const a = await askedRun(call);
      const b = await askedRun({ world: call.world, params: { ...call.params, run: call.params["other"] ?? "" } });
      const now = call.world.clock.now();
      const { limit = 200, cursor } = call.query;
      const compared = compareRuns(await readAsked(a), await readAsked(b), { limit, cursor, now });
      return { status: 200, json: documentJson<RunComparison>(compared), headers: nextLink(call, compared.next) };
    },
  }),
  apiRoute({
    method: "GET",
    path: "/api/projects/:project/costs",
    authority: "read",
    operation: {
      id: "getCosts",
      summary: "What the agents of a project's runs said that they used, by run, step, model and day",
      query: z.strictObject({
        run: z.string().max(40).optional().describe("of this run alone"),
        plan: z.string().max(1000).optional().describe("of runs of plans with this name alone"),
        since: time.optional().describe("of runs created then or later, milliseconds since the epoch"),
        until: time.optional().describe("of runs created before"),
      }),
      answer: {
        status: 200,
        description:
          "Of the newest 200 runs, the dearest first; days are in UTC. What no agent told stays unknown and is counted",
        schema: z.looseObject({
          total: z.looseObject(costTotal),
          byRun: z.array(z.looseObject({ run: z.string(), plan: z.string(), startedAt: z.int(), ...costTotal })),
          byStep: z.array(z.looseObject({ plan: z.string(), step: z.string(), ...costTotal })),
          byModel: z.array(z.looseObject({ agent: z.string(), model: z.string().nullable(), ...costTotal })),
          byDay: z.array(z.looseObject({ day: z.string(), ...costTotal })),
          runs: z.int(),
          isPartial: z.boolean().describe("there are older runs, or more lines"),
          unreadable: z.array(z.looseObject({ run: z.string(), problem: z.string() })),
        }),
      },
    },
    handle: async (call) => {
      const { runs } = await projectOf(call);
      const { run, ...narrowed } = call.query;
      const found = run === undefined ? undefined : orThrow(await runs.find(run));
      const costs = await runs.costs(defined({ ...narrowed, run: found }));
      return { status: 200, json: documentJson<CostsDocument>(costs) };
    },
  }),
];

async function viewInput(asked: AskedRun, now: number): Promise<RunViewInput> {
  const { project, run } = asked;
  const logFile = (step: string, attempt: number): string => project.logs.file(run, step, attempt);
  return { ...(await readAsked(asked)), now, logFile };
}

async function wholeHistory({ project, run }: AskedRun): Promise<readonly Event[]> {
  const events: Event[] = [];
  for await (const batch of project.runs.events(run, { limit: MOST_EVENTS + 1 })) events.push(...batch);
  if (events.length <= MOST_EVENTS) return events;
  throw new HeddleError({
    code: "HistoryTooLong",
    message: `run ${run} has more than ${MOST_EVENTS} events`,
    hint: "`heddle history --canonical` has no limit.",
  });
}
