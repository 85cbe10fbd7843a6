/** The mailbox of every journal: requests to a run's engine, in order, until they are settled. */
import type { Json } from "../../../../src/base/json.ts";
import { leaseOfNew, type Register } from "./setting.ts";
import type { TestTools } from "../test-tools.ts";

export function mailboxTests({ expect }: TestTools, test: Register): void {
  test("requests: in order, after an id, until settled", async ({ journal, reopen }) => {
    await leaseOfNew(journal, "r1");
    await leaseOfNew(journal, "r2");
    const other = await reopen();
    const leave = async (run: string, time: number, body: Json): Promise<number> =>
      (await other.request(run, time, body)) ?? Number.NaN;
    const first = await leave("r1", 10, { kind: "cancel" });
    const second = await leave("r2", 11, { kind: "pause" });
    const third = await leave("r1", 12, ["x"]);
    expect(first < second && second < third).toBe(true);
    const all = [
      { id: first, run: "r1", time: 10, body: { kind: "cancel" } },
      { id: third, run: "r1", time: 12, body: ["x"] },
    ];
    expect(await journal.requests("r1", 0)).toEqual(all);
    expect(await journal.requests("r1", first)).toEqual(all.slice(1));
    await journal.settle("r1", third);
    expect(await journal.requests("r1", 0)).toEqual([]);
    expect((await journal.requests("r2", 0)).length).toBe(1);
    expect((await leave("r1", 13, null)) > third).toBe(true);
  });
  test("requests: none for an unknown run", async ({ journal }) => {
    expect(await journal.request("nope", 1, null)).toBe(undefined);
  });
}
