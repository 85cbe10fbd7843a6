/** A run with steps of many statuses, which goes on until its gate is opened: what tables, panels and pictures show. */
import path from "node:path";
import { writeFileSync } from "node:fs";
import { until } from "../../../../packages/heddle/test/support/until.ts";
import type { Stage } from "./stage.ts";

export interface MixedRun {
  readonly run: string;
  /** Lets the steps end that wait for it. */
  readonly open: () => void;
}

/** Steps that wait do so for a file. */
const HELD = "echo begun; while ! test -e gate; do sleep 0.05; done; echo done";

export const MIXED_PLAN = {
  name: "release",
  failure: "continue",
  maxConcurrency: 3,
  resources: { db: 1 },
  steps: [
    { id: "schema", run: "echo '{\"tables\": 12}'" },
    { id: "lint-config", run: "true" },
    { id: "api-users", run: HELD, deps: ["schema"] },
    { id: "api-orders", run: HELD, deps: ["schema"] },
    {
      id: "billing",
      run: "echo 'connecting to billing'; echo 'refused: no route to host' >&2; exit 3",
      deps: ["schema"],
    },
    { id: "billing-ui", run: "true", deps: ["billing"] },
    {
      id: "approve-migration",
      approve: "Migrate the production database now?\nIt takes about two minutes.",
      deps: ["schema"],
    },
    { id: "migrate", run: "true", deps: ["approve-migration"], resources: { db: 1 } },
    { id: "e2e", run: "true", deps: ["api-users", "api-orders"] },
    { id: "docs", run: "true", deps: ["lint-config"], if: "false" },
    { id: "publish", run: "true", deps: ["e2e", "migrate"] },
    { id: "wait-for-window", signal: "window" },
    { id: "flaky", run: "exit 1", retry: { attempts: 3, delay: "10m" } },
    { id: "canary", run: HELD, deps: ["lint-config"] },
    { id: "notify", run: "true", deps: ["publish"] },
  ],
} as const;

/** Waits until all that can have happened has. */
export async function mixedRun(stage: Stage): Promise<MixedRun> {
  const run = await stage.start(MIXED_PLAN);
  await until(async () => {
    const { byStatus } = await stage.project().runs.get(run, { fields: ["byStatus"] });
    return byStatus.running === 3 && byStatus["needs-approval"] === 1 && byStatus.failed === 1;
  });
  return { run, open: () => writeFileSync(path.join(stage.dir, "shop", "gate"), "") };
}
