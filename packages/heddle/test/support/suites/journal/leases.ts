/** Leases of every journal: one holder at a time, and fences for those that come late. */
import { holder, leaseOfNew, progress, readAll, span, SUITE_TERM_MS, take, type Register } from "./setting.ts";
import type { TestTools } from "../test-tools.ts";

export function leaseTests(tools: TestTools, test: Register): void {
  holderTests(tools, test);
  fenceTests(tools, test);
}

function holderTests({ expect }: TestTools, test: Register): void {
  test("lease: one holder at a time, also within a process", async ({ journal, reopen }) => {
    await leaseOfNew(journal, "r1", 1);
    const other = await reopen();
    expect(await other.acquire("r1", holder(2))).toEqual({ ok: false, error: { kind: "held", holder: holder(1) } });
    expect(await journal.acquire("r1", holder(1))).toEqual({ ok: false, error: { kind: "held", holder: holder(1) } });
    expect((await other.get("r1"))?.holder).toEqual(holder(1));
  });
  test("lease: free after release, death and silence, not before", async ({ journal, advance, kill }) => {
    const first = await leaseOfNew(journal, "r1", 1);
    await journal.release(first);
    expect((await journal.get("r1"))?.holder).toBe(null);
    const second = await take(journal, "r1", 2);
    kill(2);
    expect((await journal.get("r1"))?.holder).toBe(null);
    const third = await take(journal, "r1", 3);
    expect(third.fence > second.fence && second.fence > first.fence).toBe(true);
    advance(SUITE_TERM_MS - 1);
    expect((await journal.acquire("r1", holder(4))).ok).toBe(false);
    expect(await journal.heartbeat(third)).toBe(true);
    advance(SUITE_TERM_MS - 1);
    expect((await journal.acquire("r1", holder(4))).ok).toBe(false);
    advance(2);
    expect((await journal.acquire("r1", holder(4))).ok).toBe(true);
  });
  test("lease: an unknown run and a known id are told apart", async ({ journal }) => {
    expect(await journal.acquire("nope", holder(1))).toEqual({ ok: false, error: { kind: "unknown-run" } });
    await leaseOfNew(journal, "r1");
    const again = await journal.create({ run: "r1", plan: "plan", createdAt: 1 }, holder(2));
    expect(again.ok).toBe(false);
    expect(again.ok ? "" : again.error.kind).toBe("failed");
  });
}

function fenceTests({ expect }: TestTools, test: Register): void {
  test("4: a late ex-holder is refused and told who has the run", async ({ journal, reopen, advance }) => {
    const first = await leaseOfNew(journal, "r1", 1);
    await journal.append(first, span("r1", 1, 1));
    advance(SUITE_TERM_MS + 1);
    const other = await reopen();
    const second = await take(other, "r1", 2);
    expect(second.fence > first.fence).toBe(true);
    expect(await journal.append(first, span("r1", 2, 2))).toEqual({
      ok: false,
      error: { kind: "fenced", holder: holder(2) },
    });
    expect((await other.append(second, span("r1", 2, 2))).ok).toBe(true);
    expect(await journal.heartbeat(first)).toBe(false);
    expect(await readAll(journal, "r1")).toEqual(span("r1", 1, 2));
  });
  test("4: a run that went to another holder and back goes on with all its steps", async ({
    journal,
    reopen,
    advance,
  }) => {
    const other = await reopen();
    const first = await leaseOfNew(journal, "r1", 1);
    const events = ["a", "b", "c", "a", "b"].map((step, index) => progress("r1", index + 1, {}, step));
    await journal.append(first, events.slice(0, 1));
    advance(SUITE_TERM_MS + 1);
    await other.append(await take(other, "r1", 2), events.slice(1, 2));
    advance(SUITE_TERM_MS + 1);
    expect(await journal.append(await take(journal, "r1", 3), events.slice(2))).toEqual({ ok: true, value: undefined });
    expect(await readAll(journal, "r1")).toEqual(events);
  });
  test("4: a released lease appends nothing", async ({ journal }) => {
    const lease = await leaseOfNew(journal, "r1");
    await journal.release(lease);
    expect(await journal.append(lease, span("r1", 1, 1))).toEqual({
      ok: false,
      error: { kind: "fenced", holder: null },
    });
    expect(await journal.heartbeat(lease)).toBe(false);
  });
  test("4: a removed run is fenced", async ({ journal }) => {
    const lease = await leaseOfNew(journal, "r1");
    await journal.release(lease);
    expect(await journal.remove("r1")).toBe(true);
    expect(await journal.append(lease, span("r1", 1, 1))).toEqual({
      ok: false,
      error: { kind: "fenced", holder: null },
    });
  });
}
