/**
 * A plan in TypeScript: dependents get what a step returns, with its type. Run it with
 * `npx heddle run examples/typed/heddle.ts`, or from a program with `run(...)`.
 */
import { command, forEach, plan, step, type PlanDefinition } from "heddle";

const schema = step("schema", async () => ({ tables: ["users", "orders", "payments"] }));

const endpoints = step("endpoints", { deps: { schema }, retry: 2, timeout: "10s" }, ({ schema }, context) => {
  context.log(`${schema.tables.length} tables`);
  return schema.tables.flatMap((table) => [`GET /${table}`, `POST /${table}`]);
});

/** One step per endpoint, two at a time. */
const tests = forEach("tests", { items: endpoints, maxConcurrency: 2 }, (endpoint) => ({
  endpoint,
  ok: endpoint.startsWith("GET") || endpoint.startsWith("POST"),
}));

const ui = command("ui", 'sleep 0.2 && echo \'{ "pages": 2 }\' > "$HEDDLE_OUTPUT"');

const report = step("report", { deps: { tests, ui } }, ({ tests }) => {
  const failed = tests.filter((test) => !test.ok).length;
  return `${tests.length} endpoints tested, ${failed} failed`;
});

const feature: PlanDefinition = plan("typed", { maxConcurrency: 4, steps: [report] });
export default feature;
