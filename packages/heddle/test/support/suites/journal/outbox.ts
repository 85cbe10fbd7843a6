/** Notices of every journal: stored with their events, given to one caller at a time, sent once where the receiver has taken them. */
import {
  MOST_NOTICE,
  MOST_NOTICES,
  NOTICE_TERM_MS,
  type Journal,
  type Lease,
  type StoredNotice,
  type TakenNotice,
} from "../../../../src/journal/port.ts";
import { holder, leaseOfNew, range, span, type Register } from "./setting.ts";
import type { TestTools } from "../test-tools.ts";

const NOW = 1_700_000_000_000;

function notice(seq: number, target = "t1"): StoredNotice {
  return { seq, target, body: `{"seq":${seq},"text":"\u0000↯𝒳"}` };
}

async function append(journal: Journal, lease: Lease, seq: number, ...notices: readonly StoredNotice[]): Promise<void> {
  const appended = await journal.append(lease, span(lease.run, seq, seq), { notices });
  if (!appended.ok) throw new Error(`append: ${appended.error.kind}`);
}

/** What is given out: `seq target attempt`. */
async function taken(journal: Journal, now = NOW, most = 100, pid = 1): Promise<readonly string[]> {
  return lines(await journal.takeNotices(now, most, holder(pid)));
}

function lines(given: readonly TakenNotice[]): readonly string[] {
  return given.map(({ seq, target, attempt }) => `${seq} ${target} ${attempt}`);
}

async function one(journal: Journal, pid = 1, now = NOW): Promise<TakenNotice> {
  const [first] = await journal.takeNotices(now, 1, holder(pid));
  if (first === undefined) throw new Error("nothing is due");
  return first;
}

export function outboxTests(tools: TestTools, test: Register): void {
  storeTests(tools, test);
  takeTests(tools, test);
  boundTests(tools, test);
}

function storeTests({ expect }: TestTools, test: Register): void {
  test("notice: stored with its events, whole, for whoever looks", async ({ journal, reopen }) => {
    const lease = await leaseOfNew(journal, "r1");
    expect(await journal.nextNotice()).toBe(undefined);
    expect(await taken(journal)).toEqual([]);
    await append(journal, lease, 1, notice(1), notice(1, "t2"));
    const other = await reopen();
    expect(await other.nextNotice()).toBe(0);
    const given = await other.takeNotices(NOW, 10, holder(2));
    expect(given.map(({ run, seq, target, body, attempt }) => [run, seq, target, body, attempt])).toEqual([
      ["r1", 1, "t1", notice(1).body, 1],
      ["r1", 1, "t2", notice(1).body, 1],
    ]);
  });
  test("notice: not without its events, and once for events that are appended again", async ({ journal }) => {
    const lease = await leaseOfNew(journal, "r1");
    const gap = await journal.append(lease, span("r1", 5, 5), { notices: [notice(5)] });
    expect(gap.ok).toBe(false);
    expect(await journal.nextNotice()).toBe(undefined);
    await append(journal, lease, 1, notice(1));
    await append(journal, lease, 1, notice(1));
    expect(await taken(journal)).toEqual(["1 t1 1"]);
  });
  test("notice: gone with its run", async ({ journal }) => {
    const lease = await leaseOfNew(journal, "r1");
    await append(journal, lease, 1, notice(1));
    await append(journal, await leaseOfNew(journal, "r2"), 1, notice(1));
    await journal.release(lease);
    await journal.remove("r1");
    expect((await journal.takeNotices(NOW, 9, holder(1))).map(({ run }) => run)).toEqual(["r2"]);
  });
}

function takeTests({ expect }: TestTools, test: Register): void {
  test("notice: one caller has it, until it says what came of it", async ({ journal, reopen }) => {
    await append(journal, await leaseOfNew(journal, "r1"), 1, notice(1), notice(1, "t2"));
    const other = await reopen();
    const first = await one(journal);
    expect(await taken(journal)).toEqual(["1 t2 1"]);
    expect(await taken(other, NOW, 9, 2)).toEqual([]);
    expect(await journal.settleNotice(first, { kind: "again", at: NOW + 10, why: "busy" })).toBe(true);
    expect(await taken(other, NOW + 9, 9, 2)).toEqual([]);
    expect(await other.nextNotice()).toBe(0);
    const again = await one(other, 2, NOW + 10);
    expect(lines([again])).toEqual(["1 t1 2"]);
    expect(await other.settleNotice(again, { kind: "sent" })).toBe(true);
    expect(await taken(journal, NOW + 1_000_000)).toEqual([]);
  });
  test("notice: sent, or failed, it is never given out again, and settled once", async ({ journal }) => {
    await append(journal, await leaseOfNew(journal, "r1"), 1, notice(1), notice(1, "t2"), notice(1, "t3"));
    const [sent, failed, left] = await journal.takeNotices(NOW, 9, holder(1));
    if (sent === undefined || failed === undefined || left === undefined) throw new Error("too few");
    await journal.settleNotice(sent, { kind: "sent" });
    await journal.settleNotice(failed, { kind: "failed", why: "refused" });
    expect(await journal.settleNotice(sent, { kind: "again", at: NOW, why: "x" })).toBe(false);
    await journal.settleNotice(left, { kind: "again", at: NOW + 5, why: "later" });
    expect(await journal.nextNotice()).toBe(NOW + 5);
    expect(await taken(journal, NOW + 4)).toEqual([]);
    const states = (await journal.notices({ limit: 9, run: "r1" })).map(({ target, state, attempts, why }) => [
      target,
      state,
      attempts,
      why,
    ]);
    expect(states).toEqual([
      ["t3", "pending", 1, "later"],
      ["t2", "failed", 1, "refused"],
      ["t1", "sent", 1, undefined],
    ]);
    expect((await journal.notices({ limit: 9, state: "failed" })).map(({ target }) => target)).toEqual(["t2"]);
    expect(await journal.notices({ limit: 9, run: "r2" })).toEqual([]);
    expect((await journal.notices({ limit: 1 })).map(({ target }) => target)).toEqual(["t3"]);
  });
  test("notice: whose holder died is given out again, and that attempt counts", async ({ journal, reopen, kill }) => {
    await append(journal, await leaseOfNew(journal, "r1"), 1, notice(1));
    const late = await one(journal);
    kill(1);
    const other = await reopen();
    const next = await one(other, 2);
    expect(next.attempt).toBe(2);
    expect(await journal.settleNotice(late, { kind: "sent" })).toBe(false);
    expect(await other.settleNotice(next, { kind: "sent" })).toBe(true);
  });
  test("notice: whose holder is silent for longer than its term is given out again", async ({ journal, advance }) => {
    await append(journal, await leaseOfNew(journal, "r1"), 1, notice(1));
    await one(journal);
    advance(NOTICE_TERM_MS - 1);
    expect(await taken(journal)).toEqual([]);
    advance(2);
    expect(await taken(journal, NOW, 9, 2)).toEqual(["1 t1 2"]);
  });
  test("notice: the longest due goes first, and no more are given than asked for", async ({ journal }) => {
    const lease = await leaseOfNew(journal, "r1");
    for (const seq of range(1, 4)) await append(journal, lease, seq, notice(seq));
    const first = await one(journal);
    await journal.settleNotice(first, { kind: "again", at: NOW - 1, why: "x" });
    expect(await taken(journal, NOW, 2)).toEqual(["2 t1 1", "3 t1 1"]);
    expect(await taken(journal, NOW, 9)).toEqual(["4 t1 1", "1 t1 2"]);
  });
}

function boundTests({ expect }: TestTools, test: Register): void {
  test("notice: of too many the oldest go, those that are settled first", async ({ journal }) => {
    const lease = await leaseOfNew(journal, "r1");
    await append(journal, lease, 1, ...range(1, MOST_NOTICES).map((at) => notice(1, `a${at}`)));
    const [first, second] = await journal.takeNotices(NOW, 2, holder(1));
    if (first === undefined || second === undefined) throw new Error("too few");
    await journal.settleNotice(second, { kind: "sent" });
    await append(journal, lease, 2, notice(2, "b1"), notice(2, "b2"));
    const left = await journal.notices({ limit: MOST_NOTICES + 9 });
    expect(left.length).toBe(MOST_NOTICES);
    expect([left.at(-1)?.target, left[0]?.target]).toEqual(["a3", "b2"]);
  });
  test("notice: one that is not short is a bug of who stores it", async ({ journal }) => {
    const lease = await leaseOfNew(journal, "r1");
    const long = { seq: 1, target: "t", body: "x".repeat(MOST_NOTICE) };
    const refused = await journal.append(lease, span("r1", 1, 1), { notices: [long] }).then(
      () => "stored",
      (thrown: unknown) => (thrown as Error).message,
    );
    expect(refused).toContain("longer than a journal stores");
  });
}
