/**
 * Named locks of every journal. Here attempts die with the engine that holds the lease, and locks with it: a journal whose attempts
 * outlive their engine has another rule for the last test.
 */
import type { LockNames } from "../../../../src/journal/port.ts";
import { leaseOfNew, SUITE_TERM_MS, take, type Register } from "./setting.ts";
import type { TestTools } from "../test-tools.ts";

export function lockTests({ expect }: TestTools, test: Register): void {
  const write = (...names: readonly string[]): LockNames => ({ read: [], write: names });
  const read = (...names: readonly string[]): LockNames => ({ read: names, write: [] });
  test("locks: writers exclude, readers share, over all runs", async ({ journal, reopen }) => {
    const a = await leaseOfNew(journal, "ra");
    const other = await reopen();
    const b = await leaseOfNew(other, "rb");
    expect(await journal.lock(a, "s1", write("db"))).toBe(undefined);
    expect(await journal.lock(a, "s1", write("db"))).toBe(undefined);
    expect(await journal.lock(a, "s2", read("db"))).toBe("ra");
    expect(await other.lock(b, "s1", read("db"))).toBe("ra");
    await journal.unlock(a, "s1");
    expect(await other.lock(b, "s1", read("db"))).toBe(undefined);
    expect(await journal.lock(a, "s1", read("db"))).toBe(undefined);
    expect(await journal.lock(a, "s1", write("db"))).toBe("rb");
  });
  test("locks: all or none", async ({ journal }) => {
    const a = await leaseOfNew(journal, "ra");
    const b = await leaseOfNew(journal, "rb");
    expect(await journal.lock(a, "s", write("y"))).toBe(undefined);
    expect(await journal.lock(b, "s", write("x", "y"))).toBe("ra");
    expect(await journal.lock(a, "t", write("x"))).toBe(undefined);
  });
  test("locks: those of a lease no longer in force do not count", async ({ journal, advance, kill }) => {
    const a = await leaseOfNew(journal, "ra", 1);
    const b = await leaseOfNew(journal, "rb", 2);
    const names = write("x");
    await journal.lock(a, "s", names);
    expect(await journal.lock(b, "s", names)).toBe("ra");
    kill(1);
    expect(await journal.lock(b, "s", names)).toBe(undefined);
    await journal.release(b);
    const c = await take(journal, "ra", 3);
    expect(await journal.lock(c, "s", names)).toBe(undefined);
    advance(SUITE_TERM_MS + 1);
    const d = await take(journal, "rb", 4);
    expect(await journal.lock(d, "s", names)).toBe(undefined);
    await journal.unlock(b, "s");
    const e = await leaseOfNew(journal, "re", 5);
    expect(await journal.lock(e, "s", names)).toBe("rb");
    expect(await journal.lock(b, "s", write("z"))).toBe("rb");
  });
}
