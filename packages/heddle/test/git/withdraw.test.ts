/** Entries of the merge queue that are taken back: they are answered, and cost the others time at most. */
import { expect, test } from "vitest";
import type { MergeCheck, MergeOutcome } from "../../src/git/types.ts";
import { namesIn } from "./test-repository.ts";
import { answering, type Check, checkBy, kinds, mergeSetting, subjects } from "./merge-setting.ts";

interface Held {
  readonly checks: readonly MergeCheck[];
  /** Resolves when a verification has begun. */
  readonly begun: Promise<void>;
  open(): void;
  readonly ends: string[];
}

/** A verification that waits for the test's word, or until it is aborted. */
function held(): Held {
  const [begun, word] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
  const ends: string[] = [];
  const check: Check = async (_, signal) => {
    const aborted = new Promise<string>((resolve) => signal.addEventListener("abort", () => resolve("aborted")));
    begun.resolve();
    const end = await Promise.race([word.promise, aborted]);
    ends.push(end);
    return end === "open" ? { ok: true } : { ok: false, failure: { command: "check", reason: end, output: "" } };
  };
  return { checks: checkBy(check), begun: begun.promise, open: () => word.resolve("open"), ends };
}

test("one that waits is answered at once, and never merged", async () => {
  using at = await mergeSetting();
  const queue = at.queue({ ahead: 1 });
  const first = held();
  const second = answering(() => true);
  const one = queue.submit(at.entry("one", { one: "x" }, { checks: first.checks }));
  const entry = at.entry("two", { two: "x" }, { checks: second.checks });
  const two = queue.submit(entry);
  const three = queue.submit(at.entry("three", { three: "x" }));
  await first.begun;
  queue.cancel(entry);
  expect(await two).toEqual({ kind: "closed" });
  first.open();
  expect(kinds(await Promise.all([one, three]))).toEqual(["merged", "merged"]);
  expect([subjects(at.repository), second.seen, first.ends]).toEqual([["one", "three"], [], ["open"]]);
  // What is not in the queue any more, or never was, is no concern of anybody.
  queue.cancel(entry);
  queue.cancel({ step: "one", attempt: 7 });
  await queue.close();
});

test("one that is being verified: that ends, those on top of it are verified without it", async () => {
  using at = await mergeSetting();
  const queue = at.queue();
  const first = held();
  const seen: boolean[] = [];
  const started = Promise.withResolvers<void>();
  const second: Check = async ({ folder }, signal) => {
    seen.push(namesIn(folder).includes("one"));
    started.resolve();
    if (seen.length === 1) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return { ok: true };
  };
  const entry = at.entry("one", { one: "x" }, { checks: first.checks });
  const one = queue.submit(entry);
  const two = queue.submit(at.entry("two", { two: "x" }, { checks: checkBy(second) }));
  await Promise.all([first.begun, started.promise]);
  queue.cancel(entry);
  expect(kinds(await Promise.all([one, two]))).toEqual(["closed", "merged"]);
  expect([subjects(at.repository), first.ends, seen]).toEqual([["two"], ["aborted"], [true, false]]);
  await queue.close();
});

test("one that is verified ahead is answered while the one before it is still being verified", async () => {
  using at = await mergeSetting();
  const queue = at.queue();
  const [first, second] = [held(), held()];
  const one = queue.submit(at.entry("one", { one: "x" }, { checks: first.checks }));
  const entry = at.entry("two", { two: "x" }, { checks: second.checks });
  const two = queue.submit(entry);
  await Promise.all([first.begun, second.begun]);
  queue.cancel(entry);
  expect(await two).toEqual({ kind: "closed" });
  expect([second.ends, first.ends]).toEqual([["aborted"], []]);
  first.open();
  expect(kinds([await one])).toEqual(["merged"]);
  expect(subjects(at.repository)).toEqual(["one"]);
  await queue.close();
});

test.each([0, 1, 2])("one of a batch, the %i. of three: the others are verified together again", async (which) => {
  using at = await mergeSetting();
  const queue = at.queue({ batch: 3, ahead: 1 });
  const begun = Promise.withResolvers<void>();
  const seen: string[] = [];
  const check: Check = async ({ folder }, signal) => {
    seen.push(
      namesIn(folder)
        .filter((name) => /^s\d$/.test(name))
        .join(" "),
    );
    begun.resolve();
    if (seen.length === 1) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    if (seen.length > 1) return { ok: true };
    return { ok: false, failure: { command: "check", reason: "aborted", output: "" } };
  };
  const checks = checkBy(check, "suite");
  const entries = [0, 1, 2].map((n) => at.entry(`s${n}`, { [`s${n}`]: "x" }, { checks }));
  const outcomes = entries.map(async (entry) => await queue.submit(entry));
  await begun.promise;
  queue.cancel({ step: `s${which}`, attempt: 1 });
  const left = [0, 1, 2].filter((n) => n !== which).map((n) => `s${n}`);
  const expected = [0, 1, 2].map((n) => (n === which ? "closed" : "merged"));
  expect(kinds(await Promise.all(outcomes))).toEqual(expected);
  expect([subjects(at.repository), seen]).toEqual([left, ["s0 s1 s2", left.join(" ")]]);
  await queue.close();
});

test("taken back at any moment, an entry is merged or not, as it is told, and its neighbours are merged", async () => {
  using at = await mergeSetting();
  const queue = at.queue();
  const merged: string[] = [];
  for (let ticks = 0; ticks < 12; ticks++) {
    const entry = at.entry(`own${ticks}`, { [`own${ticks}`]: "x" }, { checks: answering(() => true).checks });
    const outcomes = [
      queue.submit(
        at.entry(
          `before${ticks}`,
          { [`before${ticks}`]: "x" },
          answering(() => true),
        ),
      ),
      queue.submit(entry),
      queue.submit(
        at.entry(
          `after${ticks}`,
          { [`after${ticks}`]: "x" },
          answering(() => true),
        ),
      ),
    ];
    // Turns of the event loop: each step of the queue ends in one of them.
    for (let left = ticks * 12; left > 0; left--) await new Promise((resolve) => setImmediate(resolve));
    queue.cancel(entry);
    const [, mine] = kinds(await Promise.all<MergeOutcome>(outcomes));
    expect(kinds(await Promise.all(outcomes))).toEqual(["merged", mine, "merged"]);
    merged.push(`before${ticks}`, ...(mine === "merged" ? [`own${ticks}`] : []), `after${ticks}`);
    expect(["merged", "closed"]).toContain(mine);
  }
  expect(subjects(at.repository)).toEqual(merged);
  await queue.close();
});
