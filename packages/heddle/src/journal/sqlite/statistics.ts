/** Durations of steps as rows, one per run. `journal/durations.ts` computes medians. */
import { durationsText, KEPT_DURATIONS, medians } from "../durations.ts";
import type { Statistics } from "../port.ts";
import type { Database } from "./database.ts";
import { guarded } from "./failures.ts";
import { SQL } from "./sql.ts";

export function sqliteStatistics(db: Database): Statistics {
  return {
    async recordDurations(run, plan, durations) {
      const data = durationsText(durations);
      guarded(db, () =>
        db.transaction(() => {
          db.sql(SQL.putDurations).run(plan, data, run);
          db.sql(SQL.trimDurations).run(plan, KEPT_DURATIONS);
        }),
      );
    },
    async expectedDurations(plan) {
      const rows = guarded(db, () => db.sql(SQL.durations).all(plan, KEPT_DURATIONS));
      return medians(rows.map((row) => String(row[0])));
    },
  };
}
