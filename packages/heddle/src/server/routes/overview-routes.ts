/** Route of run overviews: what lists show of runs beyond their lines. */
import { z } from "zod";
import type { RunOverviewList } from "../../view/protocol.ts";
import { projectOf } from "../asked-run.ts";
import { apiRoute, documentJson, type ApiRoute } from "../route.ts";

const MOST_RUNS = 50;
const RUN_ID = /^[0-9a-z]{1,40}$/;

const ids = z
  .string()
  .max(41 * MOST_RUNS)
  .transform((list) => list.split(","))
  .refine((runs) => runs.length <= MOST_RUNS && runs.every((run) => RUN_ID.test(run)), {
    error: `must be ids of runs, with commas, ${MOST_RUNS} at most`,
  }) as unknown as z.ZodType<readonly string[]>;

export const OVERVIEW_ROUTES: readonly ApiRoute[] = [
  apiRoute({
    method: "GET",
    path: "/api/projects/:project/overviews",
    authority: "read",
    operation: {
      id: "listOverviews",
      summary: "What lists show of runs: counts of all statuses, cost, speed-up, and what is to be looked at",
      query: z.strictObject({ runs: ids.describe(`whole ids, with commas, ${MOST_RUNS} at most`) }),
      answer: {
        status: 200,
        description: "In the order of the ids; `problem`: a run that is not there or cannot be read",
        schema: z.looseObject({
          items: z.array(
            z.union([
              z.looseObject({ run: z.string(), problem: z.string() }),
              z.looseObject({
                seq: z.int(),
                head: z.looseObject({ run: z.string(), plan: z.string(), status: z.string() }),
                look: z.looseObject({
                  failed: z.array(z.string()).describe("the first failed steps; `head.byStatus` has their number"),
                  asking: z.array(z.looseObject({ step: z.string(), status: z.string() })),
                }),
              }),
            ]),
          ),
        }),
      },
    },
    handle: async (call) => {
      const project = await projectOf(call);
      return {
        status: 200,
        json: documentJson<RunOverviewList>({ items: await project.runs.overviews(call.query.runs) }),
      };
    },
  }),
];
