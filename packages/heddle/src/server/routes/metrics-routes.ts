/** Route of metrics: what Prometheus and its kin read. */
import { apiRoute, type ApiRoute } from "../route.ts";

export const METRICS_ROUTES: readonly ApiRoute[] = [
  apiRoute({
    method: "GET",
    path: "/metrics",
    authority: "read",
    operation: {
      id: "getMetrics",
      summary: "Metrics of the server and its projects, for Prometheus",
      answer: { status: 200, description: "The text format of Prometheus", type: "text/plain" },
    },
    handle: async ({ world }) => {
      const text = await world.metrics.text(world.projects);
      return new Response(text, { headers: { "content-type": world.metrics.contentType } });
    },
  }),
];
