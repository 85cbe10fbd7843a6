/** Entries of the merge queue that are taken back: they are answered, and cost the others time at most. */
import { expect, test } from "vitest";
import type { MergeEntry, MergeOutcome, Verification } from "../../src/git/types.ts";
import { namesIn } from "./rig.ts";
import { checks, kinds, type Shop, shop, subjects } from "./shop.ts";

interface Held {
  readonly verify: readonly Verification[];
  /** Resolves when a verification has begun. */
  readonly begun: Promise<void>;
  open(): void;
  readonly ends: string[];
}

/** A verification that waits for the test's word, or until it is aborted. */
function held(): Held {
  const [begun, word] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
  const ends: string[] = [];
  const run: Verification["run"] = async (_, { signal }) => {
    const aborted = new Promise<string>((resolve) => signal.addEventListener("abort", () => resolve("aborted")));
    begun.resolve();
    const end = await Promise.race([word.promise, aborted]);
    ends.push(end);
    return end === "open" ? { ok: true } : { ok: false, output: end };
  };
  return { verify: [{ run }], begun: begun.promise, open: () => word.resolve("open"), ends };
}

function own(at: Shop, step: string, verify: readonly Verification[]): [entry: MergeEntry, back: AbortController] {
  const back = new AbortController();
  return [at.entry(step, { [step]: "x" }, { verify, signal: back.signal }), back];
}

test("one that waits is answered at once, and never merged", async () => {
  using at = await shop();
  const queue = at.queue({ ahead: 1 });
  const first = held();
  const second = checks(() => true);
  const one = queue.enqueue(at.entry("one", { one: "x" }, { verify: first.verify }));
  const [entry, back] = own(at, "two", second.verify);
  const two = queue.enqueue(entry);
  const three = queue.enqueue(at.entry("three", { three: "x" }));
  await first.begun;
  back.abort();
  expect(await two).toEqual({ kind: "closed" });
  first.open();
  expect(kinds(await Promise.all([one, three]))).toEqual(["merged", "merged"]);
  expect([subjects(at.at), second.seen, first.ends]).toEqual([["one", "three"], [], ["open"]]);
  expect(await queue.enqueue({ ...entry, attempt: 2 })).toEqual({ kind: "closed" });
  await queue.close();
});

test("one that is being verified: that ends, those on top of it are verified without it", async () => {
  using at = await shop();
  const queue = at.queue();
  const first = held();
  const seen: boolean[] = [];
  const started = Promise.withResolvers<void>();
  const second: Verification["run"] = async (folder, { signal }) => {
    seen.push(namesIn(folder).includes("one"));
    started.resolve();
    if (seen.length === 1) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return { ok: true };
  };
  const [entry, back] = own(at, "one", first.verify);
  const one = queue.enqueue(entry);
  const two = queue.enqueue(at.entry("two", { two: "x" }, { verify: [{ run: second }] }));
  await Promise.all([first.begun, started.promise]);
  back.abort();
  expect(kinds(await Promise.all([one, two]))).toEqual(["closed", "merged"]);
  expect([subjects(at.at), first.ends, seen]).toEqual([["two"], ["aborted"], [true, false]]);
  await queue.close();
});

test("one that is verified ahead is answered while the one before it is still being verified", async () => {
  using at = await shop();
  const queue = at.queue();
  const [first, second] = [held(), held()];
  const one = queue.enqueue(at.entry("one", { one: "x" }, { verify: first.verify }));
  const [entry, back] = own(at, "two", second.verify);
  const two = queue.enqueue(entry);
  await Promise.all([first.begun, second.begun]);
  back.abort();
  expect(await two).toEqual({ kind: "closed" });
  expect([second.ends, first.ends]).toEqual([["aborted"], []]);
  first.open();
  expect(kinds([await one])).toEqual(["merged"]);
  expect(subjects(at.at)).toEqual(["one"]);
  await queue.close();
});

test.each([0, 1, 2])("one of a batch, the %i. of three: the others are verified together again", async (which) => {
  using at = await shop();
  const queue = at.queue({ batch: 3, ahead: 1 });
  const begun = Promise.withResolvers<void>();
  const seen: string[] = [];
  const run: Verification["run"] = async (folder, { signal }) => {
    seen.push(
      namesIn(folder)
        .filter((name) => /^s\d$/.test(name))
        .join(" "),
    );
    begun.resolve();
    if (seen.length === 1) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return { ok: seen.length > 1, output: "aborted" };
  };
  const entries = [0, 1, 2].map((n) => own(at, `s${n}`, [{ key: "suite", run }]));
  const outcomes = entries.map(async ([entry]) => await queue.enqueue(entry));
  await begun.promise;
  entries[which]?.[1].abort();
  const left = [0, 1, 2].filter((n) => n !== which).map((n) => `s${n}`);
  const expected = [0, 1, 2].map((n) => (n === which ? "closed" : "merged"));
  expect(kinds(await Promise.all(outcomes))).toEqual(expected);
  expect([subjects(at.at), seen]).toEqual([left, ["s0 s1 s2", left.join(" ")]]);
  await queue.close();
});

test("taken back at any moment, an entry is merged or not, as it is told, and its neighbours are merged", async () => {
  using at = await shop();
  const queue = at.queue();
  const merged: string[] = [];
  for (let ticks = 0; ticks < 12; ticks++) {
    const [entry, back] = own(at, `own${ticks}`, checks(() => true).verify);
    const outcomes = [
      queue.enqueue(
        at.entry(
          `before${ticks}`,
          { [`before${ticks}`]: "x" },
          checks(() => true),
        ),
      ),
      queue.enqueue(entry),
      queue.enqueue(
        at.entry(
          `after${ticks}`,
          { [`after${ticks}`]: "x" },
          checks(() => true),
        ),
      ),
    ];
    // Turns of the event loop: each step of the queue ends in one of them.
    for (let left = ticks * 12; left > 0; left--) await new Promise((resolve) => setImmediate(resolve));
    back.abort();
    const [, mine] = kinds(await Promise.all<MergeOutcome>(outcomes));
    expect(kinds(await Promise.all(outcomes))).toEqual(["merged", mine, "merged"]);
    merged.push(`before${ticks}`, ...(mine === "merged" ? [`own${ticks}`] : []), `after${ticks}`);
    expect(["merged", "closed"]).toContain(mine);
  }
  expect(subjects(at.at)).toEqual(merged);
  await queue.close();
});
