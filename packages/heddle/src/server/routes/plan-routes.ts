/** Routes of plans: those of a project, one as it would run, what is wrong with one, and what other numbers of workers would bring. They run nothing. */
import { z } from "zod";
import { defined } from "../../base/defined.ts";
import { HeddleError } from "../../base/errors.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import { isJsonObject } from "../../base/json.ts";
import type { PlanAsk, PlanTaskKind, PlanTasks, SimulatePlanAsk } from "../../project/plan-ask.ts";
import type { PlanDocument, PlanFileList, PlanValidation } from "../../view/plan-document.ts";
import { PlanSchema } from "../../view/schemas.ts";
import { WORKER_COUNTS, type WhatIf } from "../../view/what-if.ts";
import { PLAN_BODY_LIMIT } from "../asked-plan.ts";
import { projectOf } from "../asked-run.ts";
import { detailsOf, problemResponse } from "../problem.ts";
import { apiRoute, documentJson, type Answered, type ApiRoute, type Call } from "../route.ts";

const PLANS = "/api/projects/:project/plans";
const MOST_WORKERS = 64;
const MOST_DURATIONS = 200_000;

const json: z.ZodType<JsonObject> = z.record(z.string(), z.json()) as unknown as z.ZodType<JsonObject>;
const milliseconds = z.number().nonnegative().max(Number.MAX_SAFE_INTEGER);

const asked = {
  plan: z
    .union([z.string().min(1).max(4096), json])
    .optional()
    .describe("path of a plan file in the project, or the plan itself; absent: the project's own"),
  text: z.string().optional().describe("the text of a plan file, instead of `plan`"),
  params: json.optional().describe("values of the plan's parameters"),
};

const diagnosed = {
  diagnostics: z
    .array(
      z.looseObject({
        code: z.string(),
        severity: z.enum(["error", "warning"]),
        message: z.string(),
        file: z.string(),
        line: z.int().positive(),
        column: z.int().positive(),
        hint: z.string().optional(),
      }),
    )
    .describe("errors, or the warnings of a valid plan: at most 200"),
  diagnosticsInAll: z.int(),
};

const bound = z.looseObject({
  kind: z.enum(["path", "slot", "agent-slot", "pool", "lock", "group"]),
  name: z.string().optional().describe("of the pool, lock or group"),
  ms: z.number().describe("no schedule is shorter"),
});

export const PLAN_ROUTES: readonly ApiRoute[] = [
  apiRoute({
    method: "GET",
    path: PLANS,
    authority: "read",
    operation: {
      id: "listPlans",
      summary: "The plan files of a project, its own first",
      answer: {
        status: 200,
        description:
          "Files that are called as plan files are, and those that the latest runs were started from. None is read",
        schema: z.looseObject({
          items: z.array(
            z.looseObject({
              file: z.string(),
              isProgram: z.boolean().describe("to know its plan, it is run"),
              lastRun: z
                .looseObject({ run: z.string(), plan: z.string(), status: z.string(), startedAt: z.int() })
                .optional(),
            }),
          ),
          isPartial: z.boolean().describe("not all folders were looked at"),
        }),
      },
    },
    handle: async (call) => looked<PlanFileList>(call, "files", {}),
  }),
  apiRoute({
    method: "GET",
    path: `${PLANS}/:plan`,
    authority: "read",
    operation: {
      id: "getPlan",
      summary: "A plan file as it would run: steps, layers, critical path, expected times, and what is wrong with it",
      query: z.strictObject({
        workers: z.coerce
          .number()
          .int()
          .min(1)
          .max(1_000_000)
          .optional()
          .describe("steps at once") as unknown as z.ZodType<number | undefined>,
      }),
      answer: {
        status: 200,
        description:
          "`plan` as `heddle plan --json`; `null` where it is not valid. The path of the file is percent-encoded. A plan that is a program is refused (`plan-module-refused`): it would have to be run",
        schema: z.looseObject({
          valid: z.boolean(),
          params: z.array(z.looseObject({ name: z.string(), type: z.enum(["string", "number", "boolean", "json"]) })),
          plan: PlanSchema.nullable(),
          ...diagnosed,
        }),
      },
    },
    handle: async (call) =>
      looked<PlanDocument>(
        call,
        "document",
        defined({ asked: { file: call.params["plan"] ?? "" }, maxConcurrency: call.query.workers }),
      ),
  }),
  apiRoute({
    method: "POST",
    path: `${PLANS}/validate`,
    authority: "read",
    bodyLimit: PLAN_BODY_LIMIT,
    operation: {
      id: "validatePlan",
      summary: "Checks a plan without running anything",
      body: z.strictObject(asked),
      answer: {
        status: 200,
        description: "Every problem with its line and column, whether the plan is valid or not",
        schema: z.looseObject({
          valid: z.boolean(),
          name: z.string().optional(),
          steps: z.int().optional(),
          ...diagnosed,
        }),
      },
      example: {
        body: { text: "steps:\n  - { id: a, run: make }\n" },
        answer: { valid: true, name: "plan", steps: 1, diagnostics: [], diagnosticsInAll: 0 },
      },
    },
    handle: async (call) => looked<PlanValidation>(call, "validate", askOf(call.body)),
  }),
  apiRoute({
    method: "POST",
    path: `${PLANS}/simulate`,
    authority: "read",
    bodyLimit: PLAN_BODY_LIMIT,
    operation: {
      id: "simulatePlan",
      summary: "How long a plan, or what is left of a run, would take with other numbers of workers",
      body: z.strictObject({
        ...asked,
        run: z.string().max(40).optional().describe("what is left of this run, instead of a plan"),
        workers: z
          .array(z.int().min(1).max(MOST_WORKERS))
          .min(1)
          .max(MOST_WORKERS)
          .optional()
          .describe(`steps at once (default: ${WORKER_COUNTS.join(", ")})`),
        durations: z
          .record(z.string(), milliseconds)
          .refine((given) => Object.keys(given).length <= MOST_DURATIONS, { error: "has too many steps" })
          .optional()
          .describe("milliseconds by step id, before what earlier runs recorded"),
      }),
      answer: {
        status: 200,
        description: "By the rules of real runs on a simulated clock; `knee`: more workers gain nothing",
        schema: z.looseObject({
          steps: z.int(),
          points: z.array(
            z.looseObject({
              workers: z.int(),
              makespanMs: z.number(),
              utilisation: z.number().min(0).max(1),
              binds: bound.describe("what alone would keep it from being shorter"),
              path: z.array(z.string()).describe("the steps that one after another take that long; at most 200"),
            }),
          ),
          knee: z.looseObject({ workers: z.int(), makespanMs: z.number() }).nullable(),
          criticalPath: z.array(z.string()),
          criticalPathMs: z.number(),
          unknownDurations: z.int().describe("steps of which nobody knows how long they take"),
        }),
      },
      example: { body: { plan: "heddle.yaml", workers: [1, 2, 4] } },
    },
    handle: async (call) => {
      const { run, workers, durations, ...plan } = call.body;
      const named = [run, plan.plan, plan.text].filter((one) => one !== undefined);
      if (named.length > 1) throw twoMeant("run, plan and text");
      const { runs } = await projectOf(call);
      const found = run === undefined ? undefined : await runs.find(run);
      if (found?.ok === false) throw new HeddleError(found.error);
      return looked<WhatIf>(
        call,
        "simulate",
        defined<SimulatePlanAsk>({ ...askOf(plan), run: found?.value, workers, durations }),
      );
    },
  }),
];

interface AskedBody {
  readonly plan?: string | JsonObject | undefined;
  readonly text?: string | undefined;
  readonly params?: JsonObject | undefined;
}

/** Throws a `HeddleError`. */
function askOf({ plan, text, params }: AskedBody): PlanAsk {
  if (plan !== undefined && text !== undefined) throw twoMeant("plan and text");
  const document = text ?? (isJsonObject(plan as Json) ? (plan as JsonObject) : undefined);
  const file = typeof plan === "string" ? plan : undefined;
  return defined<PlanAsk>({ asked: defined({ file, document }), params });
}

function twoMeant(names: string): HeddleError {
  return new HeddleError({
    code: "Usage",
    message: `more than one of ${names} was given`,
    hint: "Give one of them.",
  });
}

/** What the project's threads say of a plan, or what kept them from it. The client may go away meanwhile: then it is given up. */
async function looked<T>(
  call: Pick<Call, "world" | "params" | "signal" | "instance">,
  kind: PlanTaskKind,
  ask: PlanTasks[PlanTaskKind]["ask"],
): Promise<Answered> {
  const { plans } = await projectOf(call);
  const done = await plans.look(kind, ask as never, call.signal);
  if (done.ok) return { status: 200, json: documentJson<T>(done.value as T) };
  const { problem, diagnostics } = done.error;
  const wrong = diagnostics.length === 0 ? undefined : (diagnostics as unknown as Json);
  return problemResponse(defined({ ...detailsOf(problem), diagnostics: wrong }), call.instance);
}
