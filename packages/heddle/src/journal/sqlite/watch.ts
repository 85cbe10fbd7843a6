/** Watchers: each reports whether anything was written to the database since it last looked. */
import type { Watcher } from "../port.ts";
import type { Database } from "./database.ts";
import { guarded } from "./failures.ts";
import { SQL } from "./sql.ts";

export function watchWrites(db: Database): Watcher {
  let seenOthers: unknown;
  let seenOwn: unknown;
  return {
    changed() {
      const others = guarded(db, () => db.sql(SQL.dataVersion).get()?.[0]);
      const own = guarded(db, () => db.sql(SQL.ownChanges).get()?.[0]);
      const changed = others !== seenOthers || own !== seenOwn;
      seenOthers = others;
      seenOwn = own;
      return changed;
    },
  };
}
