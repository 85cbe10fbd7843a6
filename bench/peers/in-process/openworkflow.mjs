/** Steps that do nothing in one workflow, recorded in SQLite, as many at once as it allows. `node openworkflow.mjs STEPS FOLDER`. */
import { join } from "node:path";
import { OpenWorkflow } from "openworkflow";
import { BackendSqlite } from "openworkflow/sqlite";

const count = Number(process.argv[2] ?? 1000);
const backend = BackendSqlite.connect(join(process.argv[3] ?? ".", "openworkflow.db"));
const client = new OpenWorkflow({ backend });
let from = 0;
const workflow = client.defineWorkflow({ name: "bench" }, async ({ step }) => {
  from ||= performance.now();
  const batch = 100;
  for (let at = 0; at < count; at += batch) {
    await Promise.all(
      Array.from({ length: Math.min(batch, count - at) }, (_none, n) => step.run({ name: `s${at + n}` }, async () => null)),
    );
  }
  return { ms: performance.now() - from };
});
const worker = client.newWorker();
await worker.start();
const handle = await workflow.run({});
const { ms } = await handle.result();
await worker.stop();
await backend.stop();
console.log(JSON.stringify({ ms, steps: count, rssMb: process.resourceUsage().maxRSS / 1024, bytesPerStep: 0 }));
