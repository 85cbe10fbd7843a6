/** Routes of a run's graph. */
import { z } from "zod";
import { planDrawing } from "../../view/plan-drawing.ts";
import { runDrawing } from "../../view/report.ts";
import { runGraphOf, type RunGraph } from "../../view/run-graph.ts";
import { runStatus } from "../../view/status.ts";
import { answered, askedRun, readAsked, type AskedRun } from "../asked-run.ts";
import { textResponse } from "../file-response.ts";
import { apiRoute, type ApiRoute } from "../route.ts";

const numbers = z.array(z.int().nonnegative());

export const GRAPH_ROUTES: readonly ApiRoute[] = [
  apiRoute({
    method: "GET",
    path: "/api/projects/:project/runs/:run/graph",
    authority: "read",
    operation: {
      id: "getRunGraph",
      summary: "How the steps of a run hang together",
      query: z.strictObject({
        at: (z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER) as unknown as z.ZodType<number>)
          .optional()
          .describe("the run as it was at this event"),
        format: z
          .enum(["json", "mermaid", "dot"])
          .optional()
          .describe("`mermaid`: a flowchart with statuses; `dot`: for Graphviz (default: `json`)"),
      }),
      answer: {
        status: 200,
        description: "Steps are numbers: their position in `steps`, and in the steps of the run",
        schema: z.looseObject({
          run: z.string(),
          seq: z.int(),
          steps: z.array(z.string()),
          deps: z.array(numbers),
          after: z.array(numbers),
          containers: z.array(z.looseObject({ step: z.int(), kind: z.enum(["forEach", "plan"]), children: numbers })),
          groups: z.array(z.looseObject({ name: z.string(), steps: numbers })),
          criticalPath: numbers,
        }),
      },
    },
    handle: async (call) => {
      const asked = await askedRun(call);
      const { at, format = "json" } = call.query;
      const { state, live } = await readAsked(asked, at);
      if (format === "mermaid") return drawn(runDrawing({ state }), asked);
      if (format === "dot") {
        const { plan, index } = state;
        return drawn(planDrawing("dot", { name: plan.name, graph: index.graph }), asked);
      }
      const expected = await asked.project.plans.expectedDurations(state.plan.name);
      const graph: RunGraph = runGraphOf(state, expected);
      return answered(graph, { ...graph, status: runStatus(state, live) }, call.headers, asked.location);
    },
  }),
];

function drawn(lines: Iterable<string>, { location }: Pick<AskedRun, "location">): Response {
  return textResponse(`${[...lines].join("\n")}\n`, location);
}
