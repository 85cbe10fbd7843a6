/** The tested merge queue: order, conflicts, checks, what is cancelled and what is submitted again. */
import type { Verify } from "../../../../src/git/port.ts";
import type { MergeRequest, VerifyRequest } from "../../../../src/git/types.ts";
import { type Group, kinds, RUN, work } from "./setting.ts";

const CHECK = [{ commands: ["npm test"] }];

function request(step: string, commit: string, more: Partial<MergeRequest> = {}): MergeRequest {
  return { step, attempt: 1, commit, order: 0, checks: CHECK, ...more };
}

const passes: Verify = async () => ({ ok: true });

/** A check that waits for the test's word, or until it is aborted. */
function held(): { readonly verify: Verify; readonly begun: Promise<void>; readonly open: () => void } {
  const [begun, word] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const verify: Verify = async (_, signal) => {
    const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    begun.resolve();
    await Promise.race([word.promise, aborted]);
    return signal.aborted ? { ok: false, failure: { command: "check", reason: "aborted", output: "" } } : { ok: true };
  };
  return { verify, begun: begun.promise, open: () => word.resolve() };
}

export const queueTests: Group = ({ expect }, test) => {
  test("requests that come at once are merged by their order, each on top of the one before", async (setting, opened) => {
    const { repository, base } = opened;
    const ids = ["one", "two", "three"];
    const commits: string[] = [];
    for (const id of ids) commits.push(await work(setting, opened, id, { [`${id}.txt`]: id }));
    const queue = repository.openQueue({ run: RUN, base, verify: passes });
    expect(await queue.head()).toBe(base);
    const requests = ids.map((id, order) =>
      request(id, commits[order] ?? "", { order, message: `${id}: done\n\ntext` }),
    );
    const outcomes = await Promise.all(requests.toReversed().map(async (one) => await queue.submit(one)));
    expect(kinds(outcomes)).toEqual(["merged", "merged", "merged"]);
    const head = await queue.head();
    expect(await repository.commits.subjects(base, head)).toEqual(ids.map((id) => `${id}: done`));
    const merged = await queue.merged();
    expect(merged.map(({ step, attempt, source }) => [step, attempt, source])).toEqual(
      ids.map((id, at) => [id, 1, commits[at]]),
    );
    expect(merged.map(({ onto }) => onto)).toEqual([base, merged[0]?.commit, merged[1]?.commit]);
    expect(merged[2]?.commit).toBe(head);
    await queue.close();
  });

  test("3. what is merged is the very commit that the check saw, and the check knows whose it is", async (setting, opened) => {
    const commit = await work(setting, opened, "one", { "new.txt": "new\n" });
    const seen: VerifyRequest[] = [];
    const queue = opened.repository.openQueue({
      run: RUN,
      base: opened.base,
      async verify(due) {
        seen.push(structuredClone(due));
        expect([setting.read(due.folder, "new.txt"), setting.read(due.folder, "a.txt")]).toEqual(["new\n", "a\n"]);
        return { ok: true };
      },
    });
    const outcome = await queue.submit(request("one", commit, { attempt: 4 }));
    expect(seen).toMatchObject([{ run: RUN, step: "one", attempt: 4, commands: ["npm test"] }]);
    expect(outcome).toEqual({ kind: "merged", commit: seen[0]?.commit, onto: opened.base, again: false });
    await queue.close();
  });

  test("a conflict and a failed check move nothing and stop nobody", async (setting, opened) => {
    const [one, two, three, four] = [
      await work(setting, opened, "one", { "a.txt": "one\n" }),
      await work(setting, opened, "two", { "a.txt": "two\n" }),
      await work(setting, opened, "three", { "c.txt": "three\n" }),
      await work(setting, opened, "four", { "d.txt": "four\n" }),
    ];
    const queue = opened.repository.openQueue({
      run: RUN,
      base: opened.base,
      verify: async ({ step }) =>
        step === "three" ? { ok: false, failure: { command: "check", reason: "red", output: "" } } : { ok: true },
    });
    const requests = [request("one", one), request("two", two), request("three", three), request("four", four)];
    const outcomes = await Promise.all(requests.map(async (of, order) => await queue.submit({ ...of, order })));
    expect(kinds(outcomes)).toEqual(["merged", "conflict", "rejected", "merged"]);
    const [first] = await queue.merged();
    expect(outcomes[1]).toEqual({ kind: "conflict", files: ["a.txt"], head: first?.commit });
    expect(outcomes[2]).toMatchObject({ failure: { reason: "red" }, head: first?.commit });
    expect((await queue.merged()).map(({ step }) => step)).toEqual(["one", "four"]);
    await queue.close();
  });

  test("work that the branch has already is nothing to merge", async (setting, opened) => {
    const [one, two] = [
      await work(setting, opened, "one", { "a.txt": "same\n" }),
      await work(setting, opened, "two", { "a.txt": "same\n" }),
    ];
    const queue = opened.repository.openQueue({ run: RUN, base: opened.base, verify: passes });
    await queue.submit(request("one", one));
    expect(await queue.submit(request("two", two))).toEqual({ kind: "nothing", head: await queue.head() });
    await queue.close();
  });

  test("what is submitted again after a crash is answered from the branch, and merged once", async (setting, opened) => {
    const { repository, base } = opened;
    const commit = await work(setting, opened, "one", { "new.txt": "new\n" });
    const before = repository.openQueue({ run: RUN, base, verify: passes });
    const first = await before.submit(request("one", commit));
    const after = repository.openQueue({ run: RUN, base, verify: passes });
    expect(await after.submit(request("one", commit))).toEqual({ ...first, again: true });
    expect((await after.merged()).length).toBe(1);
    await Promise.all([before.close(), after.close()]);
  });

  test("the branch begins where it is told to", async (setting, opened) => {
    const begin = await work(setting, opened, "reused", { "reused.txt": "x\n" });
    const commit = await work(setting, opened, "one", { "new.txt": "new\n" });
    const queue = opened.repository.openQueue({ run: RUN, base: opened.base, begin, verify: passes });
    expect(await queue.head()).toBe(begin);
    await queue.submit(request("one", commit));
    expect(await setting.readIn(await queue.head(), "reused.txt")).toBe("x\n");
    await queue.close();
  });

  test("a check whose key passed on these files is not run on them again", async (setting, opened) => {
    const commit = await work(setting, opened, "one", { "new.txt": "new\n" });
    let runs = 0;
    const queue = opened.repository.openQueue({
      run: RUN,
      base: opened.base,
      async verify() {
        runs++;
        return { ok: true };
      },
    });
    const checks = [{ commands: ["npm test"], key: "k" }];
    await queue.submit(request("one", commit, { checks: [...checks, ...checks] }));
    expect(runs).toBe(1);
    await opened.repository.integrations.revert({ run: RUN, base: opened.base }, "one");
    expect(await queue.submit(request("one", commit, { attempt: 2, checks }))).toMatchObject({ kind: "merged" });
    expect(runs).toBe(1);
    await queue.close();
  });

  test("a request that waits is cancelled at once; others are merged", async (setting, opened) => {
    const [one, two] = [
      await work(setting, opened, "one", { "one.txt": "x\n" }),
      await work(setting, opened, "two", { "two.txt": "x\n" }),
    ];
    const first = held();
    const queue = opened.repository.openQueue({ run: RUN, base: opened.base, ahead: 1, verify: first.verify });
    const outcomes = [queue.submit(request("one", one)), queue.submit(request("two", two, { order: 1 }))];
    await first.begun;
    queue.cancel({ step: "two", attempt: 2 });
    queue.cancel({ step: "two", attempt: 1 });
    expect(await outcomes[1]).toEqual({ kind: "closed" });
    first.open();
    expect(kinds(await Promise.all(outcomes))).toEqual(["merged", "closed"]);
    await queue.close();
  });

  test("one whose check runs is answered when the check has ended; those behind it are merged", async (setting, opened) => {
    const [one, two] = [
      await work(setting, opened, "one", { "one.txt": "x\n" }),
      await work(setting, opened, "two", { "two.txt": "x\n" }),
    ];
    const first = held();
    const ends: string[] = [];
    const queue = opened.repository.openQueue({
      run: RUN,
      base: opened.base,
      async verify(due, signal) {
        const result = due.step === "one" ? await first.verify(due, signal) : await passes(due, signal);
        if (due.step === "one") ends.push(result.ok ? "passed" : result.failure.reason);
        return result;
      },
    });
    const outcomes = [queue.submit(request("one", one)), queue.submit(request("two", two, { order: 1 }))];
    await first.begun;
    queue.cancel({ step: "one", attempt: 1 });
    expect(await outcomes[0]).toEqual({ kind: "closed" });
    expect(ends).toEqual(["aborted"]);
    expect(kinds(await Promise.all(outcomes))).toEqual(["closed", "merged"]);
    await queue.close();
  });

  test("closing answers all, and nothing is merged after it", async (setting, opened) => {
    const [one, two] = [
      await work(setting, opened, "one", { "one.txt": "x\n" }),
      await work(setting, opened, "two", { "two.txt": "x\n" }),
    ];
    const first = held();
    const queue = opened.repository.openQueue({ run: RUN, base: opened.base, ahead: 1, verify: first.verify });
    const outcomes = [queue.submit(request("one", one)), queue.submit(request("two", two, { order: 1 }))];
    await first.begun;
    await queue.close();
    expect(kinds(await Promise.all(outcomes))).toEqual(["closed", "closed"]);
    expect(await queue.submit(request("one", one))).toEqual({ kind: "closed" });
    expect(await queue.merged()).toEqual([]);
  });
};
