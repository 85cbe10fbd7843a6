/** The courier against real receivers: when it sends again and when never, what a receiver can check, and what is left for others. */
import { createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { memoryJournal, memoryStore } from "../../src/journal/memory.ts";
import type { Journal, NoticeRecord } from "../../src/journal/port.ts";
import type { NotifyTarget } from "../../src/plan/notify-config.ts";
import type { NoticeDocument } from "../../src/run/notices.ts";
import { noticeCourier } from "../../src/notify/courier.ts";
import type { NoticeCourier } from "../../src/notify/port.ts";
import { until } from "../support/until.ts";
import { VirtualClock } from "../support/virtual-clock.ts";
import { leaseOfNew, span } from "../support/suites/journal/setting.ts";
import { pass } from "../server/rig.ts";
import { Receiver } from "./receiver.ts";

const START = 1_700_000_000_000;
const MINUTE = 60_000;

let receiver: Receiver;
let clock: VirtualClock;
let store: ReturnType<typeof memoryStore>;
let journal: Journal;
let env: Record<string, string>;
let warnings: string[];
beforeEach(async () => {
  receiver = await Receiver.open();
  clock = new VirtualClock(START);
  store = memoryStore();
  journal = memoryJournal({ store });
  env = { HOOK: "the key" };
  warnings = [];
});
afterEach(() => receiver[Symbol.asyncDispose]());

function courier(pid = 1, outbox: Journal = journal): NoticeCourier {
  return noticeCourier({
    outbox,
    clock,
    random: () => 0,
    holder: { pid, started: "1", title: "test" },
    env,
    project: "shop",
    resolver: async () => [{ address: "127.0.0.1", family: 4 }],
    onWarning: (text) => warnings.push(text),
  });
}

const DOCUMENT: Omit<NoticeDocument, "id"> = {
  type: "run.failed",
  time: START,
  run: "r1",
  plan: "release",
  counts: { failed: 1 },
  durationMs: 5,
  failed: [{ step: "lint", code: "exit", message: "exit code 1 <!channel> & <@U1>" }],
};

let runs = 0;

/** A notice of a run of its own. */
async function store1(more: Partial<NotifyTarget> = {}): Promise<string> {
  const run = `r${++runs}`;
  const target: NotifyTarget = { url: receiver.url, allowPrivate: true, ...more };
  const body = JSON.stringify({ id: `${run}-1-1`, ...DOCUMENT });
  const lease = await leaseOfNew(journal, run);
  await journal.append(lease, span(run, 1, 1), { notices: [{ seq: 1, target: JSON.stringify(target), body }] });
  return run;
}

async function only(): Promise<NoticeRecord> {
  const [first, ...more] = await journal.notices({ limit: 9 });
  if (first === undefined || more.length > 0) throw new Error("not one notice");
  return first;
}

/** Until so many have come, and what came of them is noted. */
async function after(received: number): Promise<NoticeRecord> {
  await until(() => receiver.received.length === received);
  const settled = (): boolean => store.notices.every(({ lease }) => lease === undefined);
  await until(settled);
  return await only();
}

describe("a notice", () => {
  test("is sent once, with what a receiver checks it by", async () => {
    const run = await store1({ secret: "HOOK" });
    const own = courier();
    own.wake();
    expect(await after(1)).toMatchObject({ state: "sent", attempts: 1 });
    const [{ headers, body, path }] = receiver.received as [Receiver["received"][number]];
    expect([path, headers["content-type"], headers["heddle-attempt"]]).toEqual(["/hook", "application/json", "1"]);
    expect(JSON.parse(body)).toEqual({ id: `${run}-1-1`, ...DOCUMENT, project: "shop" });
    const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
    const expected = createHmac("sha256", "the key").update(signed).digest("base64");
    expect([headers["webhook-id"], headers["webhook-timestamp"], headers["webhook-signature"]]).toEqual([
      `${run}-1-1`,
      String(START / 1000),
      `v1,${expected}`,
    ]);
    own.wake();
    own.keepLooking();
    pass(clock, 48 * 60 * MINUTE);
    await own.drain(0);
    expect([receiver.received.length, warnings]).toEqual([1, []]);
  });

  test("is signed with a key as libraries write it, too", async () => {
    env["HOOK"] = `whsec_${Buffer.from("bytes").toString("base64")}`;
    await store1({ secret: "HOOK" });
    courier().wake();
    await after(1);
    const [{ headers, body }] = receiver.received as [Receiver["received"][number]];
    const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
    expect(headers["webhook-signature"]).toBe(`v1,${createHmac("sha256", "bytes").update(signed).digest("base64")}`);
  });

  test("for Slack is a text in which nobody is mentioned and nothing linked", async () => {
    await store1({ format: "slack" });
    courier().wake();
    await after(1);
    expect(receiver.documents[0]).toEqual({
      text: "release: run r1 failed\n• lint: exit code 1 &lt;!channel&gt; &amp; &lt;@U1&gt;",
    });
  });

  test("goes to the address in a variable, and nothing of it is said where it fails", async () => {
    env["URL"] = `${receiver.url}?token=secret-token`;
    receiver.replies = [404];
    await store1({ url: undefined as never, urlFrom: "URL" });
    courier().wake();
    expect(await after(1)).toMatchObject({ state: "failed", why: "the receiver answered 404" });
    expect(receiver.received[0]?.path).toBe("/hook?token=secret-token");
    expect(warnings.join()).not.toContain("secret-token");
  });
});

describe("what a receiver does not take", () => {
  test("is sent again with more and more time between, under the same id, and then no more", async () => {
    receiver.replies = [503];
    const run = await store1();
    const own = courier();
    own.wake();
    const delays: number[] = [];
    for (let attempt = 1; attempt <= 8; attempt++) {
      const record = await after(attempt);
      expect(record).toMatchObject({ attempts: attempt, why: "the receiver answered 503" });
      const next = await journal.nextNotice();
      if (next === undefined) break;
      delays.push(next - clock.now());
      await until(() => clock.pending > 0);
      pass(clock, next - clock.now() - 1);
      expect(receiver.received).toHaveLength(attempt);
      pass(clock, 1);
    }
    expect(delays.map((ms) => ms / MINUTE)).toEqual([1 / 6, 1, 5, 30, 120, 360, 900]);
    expect(await only()).toMatchObject({ state: "failed", attempts: 8 });
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"]))).toEqual(new Set([`${run}-1-1`]));
    expect(receiver.received.map(({ headers }) => headers["heddle-attempt"])).toEqual([..."12345678"]);
    expect(warnings).toEqual([`A notice of run ${run} was not sent: the receiver answered 503`]);
  });

  test("is taken the second time, and never sent a third", async () => {
    receiver.replies = [500, 204, 500];
    await store1();
    const own = courier();
    own.wake();
    await after(1);
    await until(() => clock.pending > 0);
    pass(clock, MINUTE);
    expect(await after(2)).toMatchObject({ state: "sent", attempts: 2 });
    own.keepLooking();
    pass(clock, 100 * MINUTE);
    await own.drain(0);
    expect(receiver.received).toHaveLength(2);
  });

  test("waits as long as the receiver asks, a day at most", async () => {
    for (const [seconds, waits] of [
      ["120", 2 * MINUTE],
      ["1", MINUTE / 6],
      ["999999", 24 * 60 * MINUTE],
      ["tomorrow", MINUTE / 6],
    ] as const) {
      receiver.replies = [{ status: 429, headers: { "retry-after": seconds } }];
      receiver.received.length = 0;
      store.notices = [];
      await store1();
      courier().wake();
      await after(1);
      expect([seconds, (await journal.nextNotice()) ?? 0]).toEqual([seconds, clock.now() + waits]);
    }
  });

  test.each([400, 401, 403, 404, 410, 301, 307])("is not sent again after %i", async (status) => {
    receiver.replies = [status];
    await store1();
    courier().wake();
    expect(await after(1)).toMatchObject({ state: "failed", why: `the receiver answered ${status}` });
  });

  test("because it says nothing is given up after 10 s, for this time", async () => {
    receiver.replies = ["nothing"];
    await store1();
    courier().wake();
    await until(() => receiver.received.length === 1);
    pass(clock, 10_000);
    expect(await after(1)).toMatchObject({ state: "pending", why: expect.stringContaining("too long") });
  });
});

test("without the variable of its key it is not sent, and not without a signature", async () => {
  await store1({ secret: "MISSING" });
  const own = courier();
  own.wake();
  await until(async () => (await only()).why !== undefined);
  expect(await only()).toMatchObject({ state: "pending", attempts: 1, why: "the variable MISSING is not set" });
  env["MISSING"] = "here now";
  await until(() => clock.pending > 0);
  pass(clock, MINUTE);
  expect(await after(1)).toMatchObject({ state: "sent", attempts: 2 });
});

test("a private address is refused for good, and said", async () => {
  const run = await store1({ url: "https://hooks.example.com/", allowPrivate: false });
  courier().wake();
  await until(() => warnings.length === 1);
  expect(await only()).toMatchObject({ state: "failed", attempts: 1 });
  expect(warnings[0]).toBe(
    `A notice of run ${run} was not sent: hooks.example.com is 127.0.0.1, which is no public address; \`allowPrivate\` allows it`,
  );
});

test("what is stored and damaged is given up", async () => {
  const lease = await leaseOfNew(journal, "bad");
  await journal.append(lease, span("bad", 1, 1), { notices: [{ seq: 1, target: "{", body: "[]" }] });
  courier().wake();
  await until(() => warnings.length === 1);
  expect(await only()).toMatchObject({ state: "failed", why: "what is stored of it is damaged" });
});

describe("several", () => {
  test("couriers of several processes send each notice once between them", async () => {
    const wanted: string[] = [];
    for (let at = 0; at < 20; at++) wanted.push(`${await store1()}-1-1`);
    const couriers = [1, 2, 3].map((pid) => courier(pid, memoryJournal({ store })));
    for (const one of couriers) one.wake();
    await until(() => store.notices.every(({ state }) => state === "sent"));
    const ids = receiver.received.map(({ headers }) => headers["webhook-id"] ?? "");
    expect(ids.toSorted()).toEqual(wanted.toSorted());
  });

  test("are sent four at once, and a receiver that hangs holds up no more", async () => {
    receiver.replies = ["nothing"];
    for (let at = 0; at < 6; at++) await store1();
    courier().wake();
    await until(() => receiver.received.length === 4);
    pass(clock, 10_000);
    await until(() => receiver.received.length === 6);
  });
});

describe("at its end", () => {
  test("what is due is sent, and what has to be tried again is left", async () => {
    receiver.replies = [200, 503];
    await store1();
    await store1();
    const own = courier();
    await own.drain(60_000);
    expect(receiver.received).toHaveLength(2);
    expect(clock.pending).toBe(0);
    const states = (await journal.notices({ limit: 9 })).map(({ state }) => state);
    expect(states.toSorted()).toEqual(["pending", "sent"]);
  });

  test("a receiver that hangs is left for another process, which finds it at once", async () => {
    receiver.replies = ["nothing", 200];
    await store1();
    const own = courier();
    own.wake();
    await until(() => receiver.received.length === 1);
    const drained = own.drain(5000);
    pass(clock, 5000);
    await drained;
    expect(await only()).toMatchObject({ state: "pending", attempts: 1 });
    courier(2).wake();
    expect(await after(2)).toMatchObject({ state: "sent", attempts: 2 });
  });
});

test("a courier that keeps looking finds what another process left", async () => {
  const own = courier();
  own.keepLooking();
  await until(() => clock.pending > 0);
  await store1();
  pass(clock, 30_000);
  expect(await after(1)).toMatchObject({ state: "sent" });
  await own.drain(0);
});

test("a journal that cannot be used stops nothing", async () => {
  await store1();
  const broken = { ...journal, settleNotice: () => Promise.reject(new Error("the disk is full")) };
  const own = courier(1, broken);
  own.wake();
  await until(() => receiver.received.length === 1);
  await own.drain(0);
  const silent = courier(1, { ...journal, takeNotices: () => Promise.reject(new Error("gone")) });
  silent.keepLooking();
  await until(() => clock.pending > 0);
  await silent.drain(0);
  expect(warnings).toEqual([]);
});
