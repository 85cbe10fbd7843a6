/** Route table: everything that the server answers; pages and their files: {@link PAGE_ROUTES}. */
import { ACTION_ROUTES } from "./routes/action-routes.ts";
import { ATTENTION_ROUTES } from "./routes/attention-routes.ts";
import { CHANGE_ROUTES } from "./routes/change-routes.ts";
import { GRAPH_ROUTES } from "./routes/graph-routes.ts";
import { CONFLICT_ROUTES } from "./routes/conflict-routes.ts";
import { LOG_ROUTES } from "./routes/log-routes.ts";
import { MCP_ROUTES } from "./routes/mcp-routes.ts";
import { METRICS_ROUTES } from "./routes/metrics-routes.ts";
import { OVERVIEW_ROUTES } from "./routes/overview-routes.ts";
import { PARALLEL_ROUTES } from "./routes/parallel-routes.ts";
import { PLAN_ROUTES } from "./routes/plan-routes.ts";
import { REPLAY_ROUTES } from "./routes/replay-routes.ts";
import { REPORT_ROUTES } from "./routes/report-routes.ts";
import { RUN_ROUTES } from "./routes/run-routes.ts";
import { SESSION_ROUTES } from "./routes/session-routes.ts";
import { PROGRESS_STREAM } from "./progress-stream.ts";
import { JOURNAL_STREAM } from "./journal-stream.ts";
import type { StreamRoute } from "./stream-route.ts";
import { ACTING_EXAMPLES } from "./examples/acting.ts";
import { LOOKING_EXAMPLES } from "./examples/looking.ts";
import { REPORTING_EXAMPLES } from "./examples/reporting.ts";
import { apiRoute, type ApiRoute, type OperationExample } from "./route.ts";
import { openApiDocument } from "./openapi.ts";
import { VERSION } from "../version.ts";

const openApi: ApiRoute = apiRoute({
  method: "GET",
  path: "/api/openapi.json",
  authority: "read",
  operation: {
    id: "getOpenApi",
    summary: "This document",
    answer: { status: 200, description: "OpenAPI 3.1", type: "application/json" },
  },
  handle: async () => ({ status: 200, json: openApiDocument(API_ROUTES, VERSION) }),
});

const EXAMPLES: Readonly<Record<string, OperationExample>> = {
  ...LOOKING_EXAMPLES,
  ...REPORTING_EXAMPLES,
  ...ACTING_EXAMPLES,
};

/** With examples that a route does not have of its own. */
function about(tag: string, routes: readonly ApiRoute[]): readonly ApiRoute[] {
  return routes.map((route) => {
    const { operation } = route;
    const example = { ...EXAMPLES[operation.id], ...operation.example };
    return { ...route, tag, operation: { ...operation, example } };
  });
}

/** By what they are about, in the order in which they are told of. */
export const API_ROUTES: readonly ApiRoute[] = [
  ...about("Server and sessions", SESSION_ROUTES),
  ...about("What waits for people", ATTENTION_ROUTES),
  ...about("Runs", [...RUN_ROUTES, ...OVERVIEW_ROUTES, ...GRAPH_ROUTES]),
  ...about("Logs", LOG_ROUTES),
  ...about("Changes and worktrees", CHANGE_ROUTES),
  ...about("Replay", REPLAY_ROUTES),
  ...about("Reports and costs", REPORT_ROUTES),
  ...about("Plans", PLAN_ROUTES),
  ...about("Conflicts", CONFLICT_ROUTES),
  ...about("Actions", ACTION_ROUTES),
  ...about("Parallel execution", PARALLEL_ROUTES),
  ...about("Tools of agents", MCP_ROUTES),
  ...about("Monitoring and reference", [...METRICS_ROUTES, openApi]),
];

export const STREAM_ROUTES: readonly StreamRoute[] = [JOURNAL_STREAM, PROGRESS_STREAM];

export { PAGE_ROUTES } from "./routes/page-routes.ts";
