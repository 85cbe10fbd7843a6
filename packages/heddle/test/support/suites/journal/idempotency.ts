/** Keyed requests of every journal: carried out once, answered again, let go where their process died or they had no effect. */
import {
  KEY_KEPT_MS,
  KEY_TERM_MS,
  MOST_ANSWER_BYTES,
  MOST_KEY_BYTES,
  type FirstAnswer,
  type Journal,
  type KeyClaim,
  type KeyedRequest,
} from "../../../../src/journal/port.ts";
import { holder, range, type Register } from "./setting.ts";
import type { TestTools } from "../test-tools.ts";

const NOW = 1_700_000_000_000;
const ANSWER: FirstAnswer = { status: 201, headers: { location: "/runs/é" }, body: '{"run":"r1","text":"\u0000↯𝒳"}' };

function asked(key: string, more: Partial<KeyedRequest> = {}): KeyedRequest {
  return { key, digest: "d1", time: NOW, effect: `effect-${key}`, ...more };
}

async function claimOf(journal: Journal, request: KeyedRequest, pid = 1): Promise<KeyClaim> {
  const begun = await journal.beginRequest(request, holder(pid));
  if (begun.kind !== "new") throw new Error(`begun: ${begun.kind}`);
  return begun.claim;
}

const kindOf = async (journal: Journal, request: KeyedRequest, pid = 2): Promise<string> =>
  (await journal.beginRequest(request, holder(pid))).kind;

export function idempotencyTests(tools: TestTools, test: Register): void {
  answerTests(tools, test);
  claimTests(tools, test);
  boundTests(tools, test);
}

function answerTests({ expect }: TestTools, test: Register): void {
  test("request: new, under way, done, whoever asks", async ({ journal, reopen }) => {
    const other = await reopen();
    const claim = await claimOf(journal, asked("k"));
    expect(claim.effect).toBe("effect-k");
    expect(await kindOf(journal, asked("k"))).toBe("under-way");
    expect(await kindOf(other, asked("k"))).toBe("under-way");
    expect(await journal.finishRequest(claim, ANSWER)).toBe(true);
    for (const one of [journal, other, await reopen()])
      expect(await one.beginRequest(asked("k"), holder(3))).toEqual({ kind: "done", answer: ANSWER });
    expect(await kindOf(other, asked("K"))).toBe("new");
  });
  test("request: a key belongs to what was asked first", async ({ journal }) => {
    const claim = await claimOf(journal, asked("k"));
    expect(await kindOf(journal, asked("k", { digest: "d2" }))).toBe("other-request");
    await journal.finishRequest(claim, ANSWER);
    expect(await kindOf(journal, asked("k", { digest: "d2" }))).toBe("other-request");
    expect(await kindOf(journal, asked("k"))).toBe("done");
  });
  test("request: of many that begin at once exactly one is new", async ({ journal, reopen }) => {
    const other = await reopen();
    const begun = await Promise.all(range(1, 50).map((at) => kindOf(at % 2 === 0 ? journal : other, asked("k"), at)));
    expect(begun.filter((kind) => kind === "new").length).toBe(1);
    expect(begun.filter((kind) => kind === "under-way").length).toBe(49);
  });
  test("request: an answer is stored once", async ({ journal }) => {
    const claim = await claimOf(journal, asked("k"));
    expect(await journal.finishRequest(claim, ANSWER)).toBe(true);
    expect(await journal.finishRequest(claim, { ...ANSWER, status: 500 })).toBe(false);
    await journal.abandonRequest(claim);
    expect(await journal.beginRequest(asked("k"), holder(2))).toEqual({ kind: "done", answer: ANSWER });
    expect(await journal.finishRequest({ key: "never", claim: 99, effect: "" }, ANSWER)).toBe(false);
  });
  test("request: writes are seen by watchers", async ({ journal, reopen }) => {
    const watcher = (await reopen()).watch();
    watcher.changed();
    const claim = await claimOf(journal, asked("k"));
    expect(watcher.changed()).toBe(true);
    await journal.finishRequest(claim, ANSWER);
    expect(watcher.changed()).toBe(true);
    await kindOf(journal, asked("k"));
    expect((await journal.check()).problems).toEqual([]);
  });
}

function claimTests({ expect }: TestTools, test: Register): void {
  test("claim: abandoned, the key is free for any request", async ({ journal }) => {
    await journal.abandonRequest(await claimOf(journal, asked("k")));
    const claim = await claimOf(journal, asked("k", { digest: "d2", effect: "other" }));
    expect(claim.effect).toBe("other");
  });
  test("claim: the key of a dead process is taken over at once, with the name of its effect", async ({
    journal,
    kill,
  }) => {
    const late = await claimOf(journal, asked("k"), 1);
    kill(1);
    expect(await kindOf(journal, asked("k", { digest: "d2" }))).toBe("other-request");
    const claim = await claimOf(journal, asked("k", { effect: "second" }), 2);
    expect(claim.effect).toBe("effect-k");
    expect(claim.claim === late.claim).toBe(false);
    expect(await journal.finishRequest(late, ANSWER)).toBe(false);
    await journal.abandonRequest(late);
    expect(await kindOf(journal, asked("k"))).toBe("under-way");
    expect(await journal.finishRequest(claim, ANSWER)).toBe(true);
    expect(await kindOf(journal, asked("k"))).toBe("done");
  });
  test("claim: taken over and abandoned, the name of its effect stays", async ({ journal, kill }) => {
    await claimOf(journal, asked("k"), 1);
    kill(1);
    await journal.abandonRequest(await claimOf(journal, asked("k", { effect: "second" }), 2));
    expect((await claimOf(journal, asked("k", { effect: "third" }), 3)).effect).toBe("effect-k");
  });
  test("claim: holds for its term, then not, and never again after an answer", async ({ journal, advance }) => {
    const claim = await claimOf(journal, asked("k"), 1);
    advance(KEY_TERM_MS);
    expect(await kindOf(journal, asked("k"))).toBe("under-way");
    advance(1);
    const next = await claimOf(journal, asked("k"), 2);
    expect(next.effect).toBe("effect-k");
    expect(await journal.finishRequest(claim, ANSWER)).toBe(false);
    await journal.finishRequest(next, ANSWER);
    advance(10 * KEY_TERM_MS);
    expect(await kindOf(journal, asked("k"))).toBe("done");
  });
}

function boundTests({ expect }: TestTools, test: Register): void {
  test("bound: a key is forgotten after a day", async ({ journal }) => {
    await journal.finishRequest(await claimOf(journal, asked("k")), ANSWER);
    expect(await kindOf(journal, asked("k", { time: NOW + KEY_KEPT_MS - 1 }))).toBe("done");
    expect(await kindOf(journal, asked("k", { time: NOW + KEY_KEPT_MS, digest: "d2" }))).toBe("new");
  });
  test("bound: an answer that is too long is not stored, and its claim stays", async ({ journal }) => {
    const claim = await claimOf(journal, asked("k"));
    const long = { ...ANSWER, body: "x".repeat(MOST_ANSWER_BYTES) };
    expect(await journal.finishRequest(claim, long)).toBe(false);
    expect(await kindOf(journal, asked("k"))).toBe("under-way");
    expect(await journal.finishRequest(claim, ANSWER)).toBe(true);
  });
  test("bound: of too much the oldest answers go, and nothing that is under way", async ({ journal }) => {
    const body = "x".repeat(MOST_ANSWER_BYTES - 100);
    const first = await claimOf(journal, asked("under-way"));
    const many = Math.ceil(MOST_KEY_BYTES / body.length) + 2;
    for (const at of range(1, many))
      await journal.finishRequest(await claimOf(journal, asked(`k${at}`)), { status: 200, headers: {}, body });
    const last = await claimOf(journal, asked("last"));
    expect(await kindOf(journal, asked("under-way"))).toBe("under-way");
    expect(await kindOf(journal, asked(`k${many}`))).toBe("done");
    expect(await kindOf(journal, asked("k1", { digest: "d2" }))).toBe("new");
    expect(await journal.finishRequest(first, ANSWER)).toBe(true);
    expect(await journal.finishRequest(last, ANSWER)).toBe(true);
  });
}
