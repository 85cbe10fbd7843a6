/** Mailbox: requests to the process that works on a run, as rows. Knows no kind of request. */
import type { Mailbox } from "../port.ts";
import { parseJson } from "./codec.ts";
import type { Database } from "./database.ts";
import { guarded } from "./failures.ts";
import { SQL } from "./sql.ts";
import { watchWrites } from "./watch.ts";

export function sqliteMailbox(db: Database): Mailbox {
  return {
    async request(run, time, body) {
      const id = guarded(db, () => db.sql(SQL.insertRequest).get(time, JSON.stringify(body), run)?.[0]);
      return typeof id === "number" ? id : undefined;
    },
    async requests(run, after) {
      const rows = guarded(db, () => db.sql(SQL.requests).all(run, after));
      return rows.map(([id, time, body]) => ({
        id: Number(id),
        run,
        time: Number(time),
        body: parseJson(body, db.file, `request ${id}`),
      }));
    },
    async settle(run, id) {
      guarded(db, () => db.sql(SQL.settle).run(id, run));
    },
    watch: () => watchWrites(db),
  };
}
