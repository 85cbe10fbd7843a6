/** Statistics of every journal: expected durations from the latest runs. */
import { leaseOfNew, range, type Register } from "./setting.ts";
import type { TestTools } from "../test-tools.ts";

export function statisticsTests({ expect }: TestTools, test: Register): void {
  test("durations: the median of the latest 7 runs of the plan", async ({ journal }) => {
    for (const index of range(1, 9)) {
      await leaseOfNew(journal, `r${index}`);
      await journal.recordDurations(
        `r${index}`,
        "plan",
        new Map([
          ["a", index * 10],
          [`only${index}`, 1],
        ]),
      );
    }
    await leaseOfNew(journal, "x1");
    await journal.recordDurations(
      "x1",
      "other",
      new Map([
        ["a", 1],
        ["__proto__", 4],
      ]),
    );
    const expected = await journal.expectedDurations("plan");
    expect(expected.get("a")).toBe(60);
    expect(expected.get("only1")).toBe(undefined);
    expect(expected.get("only9")).toBe(1);
    expect([...(await journal.expectedDurations("other"))].toSorted()).toEqual([
      ["__proto__", 4],
      ["a", 1],
    ]);
    expect((await journal.expectedDurations("none")).size).toBe(0);
  });
}
