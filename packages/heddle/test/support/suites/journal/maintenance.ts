/** Maintenance of every journal: removal and the check of the whole. Copies are a matter of files: `sqlite.test.ts`. */
import { leaseOfNew, readAll, span, type Register } from "./setting.ts";
import type { TestTools } from "../test-tools.ts";

export function maintenanceTests({ expect }: TestTools, test: Register): void {
  test("6: check counts every event", async ({ journal }) => {
    await journal.append(await leaseOfNew(journal, "r1"), span("r1", 1, 5));
    await journal.append(await leaseOfNew(journal, "r2"), span("r2", 1, 2));
    expect(await journal.check()).toEqual({ ok: true, events: 7, problems: [] });
  });
  test("remove: everything of the run, unless it is held", async ({ journal, reopen }) => {
    const lease = await leaseOfNew(journal, "r1");
    const other = await leaseOfNew(journal, "r2");
    await journal.append(other, span("r2", 1, 2));
    await journal.append(lease, span("r1", 1, 2));
    await journal.request("r1", 1, "word");
    await journal.recordDurations("r1", "plan", new Map([["a", 5]]));
    expect(await journal.remove("r1")).toBe(false);
    await journal.release(lease);
    expect(await (await reopen()).remove("r1")).toBe(true);
    expect(await journal.remove("r1")).toBe(false);
    expect(await journal.get("r1")).toBe(undefined);
    expect(await readAll(journal, "r1")).toEqual([]);
    expect(await journal.requests("r1", 0)).toEqual([]);
    expect((await journal.expectedDurations("plan")).size).toBe(0);
    expect((await readAll(journal, "r2")).length).toBe(2);
    const fresh = await leaseOfNew(journal, "r1", 3);
    expect((await journal.append(fresh, span("r1", 1, 1))).ok).toBe(true);
    expect(await journal.check()).toEqual({ ok: true, events: 3, problems: [] });
  });
}
