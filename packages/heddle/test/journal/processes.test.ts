/** One writer per run, with real processes: contending, dying, stopped and late (port, invariants 2 and 4). */
import { expect, test } from "vitest";
import { uptimeMs } from "../../src/journal/liveness.ts";
import { LEASE_TERM_MS } from "../../src/journal/port.ts";
import { readAll } from "../support/suites/journal/setting.ts";
import { contender, folder, leaseOk, madeEvent, ME, openOk, span } from "./rig.ts";

test("of two that want a run at once, one gets it", async () => {
  using at = folder();
  await using a = await contender(at.file);
  await using b = await contender(at.file);
  const rounds = 20;
  for (let round = 1; round <= rounds; round++) {
    const outcomes = await Promise.all([a.tell({ do: "acquire", run: "r1" }), b.tell({ do: "acquire", run: "r1" })]);
    const won = outcomes.filter((outcome) => outcome === "ok").length;
    expect([round, won, outcomes.length]).toEqual([round, 1, 2]);
    const [winner, loser] = outcomes[0] === "ok" ? [a, b] : [b, a];
    // The loser may still have an older lease of this run in hand.
    expect(await loser.tell({ do: "append", from: round, to: round })).toMatch(/^(fenced|no lease)$/);
    expect(await winner.tell({ do: "append", from: round, to: round })).toBe("ok");
    await winner.tell({ do: "release" });
  }
  await using journal = await openOk(at.file);
  expect(await readAll(journal, "r1")).toEqual(span("r1", 1, rounds));
});

test("the run of a killed process is free at once, and keeps all that was acknowledged", async () => {
  using at = folder();
  await using owner = await contender(at.file);
  await owner.tell({ do: "acquire", run: "r1" });
  void owner.tell({ do: "flood", from: 1, to: 1_000_000, batch: 1 });
  await owner.untilStored(50);
  await using journal = await openOk(at.file);
  expect((await journal.acquire("r1", ME)).ok).toBe(false);
  owner.process.kill("SIGKILL");
  await owner.exited;
  await leaseOk(journal.acquire("r1", ME));
  const events = await readAll(journal, "r1");
  expect(events.length).toBeGreaterThanOrEqual(owner.stored.length);
  expect(events).toEqual(span("r1", 1, events.length));
  expect((await journal.check()).ok).toBe(true);
});

test("a stopped owner loses the run to silence, and its late append is refused", async () => {
  using at = folder();
  await using owner = await contender(at.file);
  await owner.tell({ do: "acquire", run: "r1" });
  await owner.tell({ do: "append", from: 1, to: 3 });
  owner.process.kill("SIGSTOP");
  let passedMs = 0;
  await using journal = await openOk(at.file, { now: () => uptimeMs() + passedMs });
  expect((await journal.acquire("r1", ME)).ok).toBe(false);
  passedMs = LEASE_TERM_MS + 1000;
  const lease = await leaseOk(journal.acquire("r1", ME));
  expect((await journal.append(lease, [madeEvent("r1", 4)])).ok).toBe(true);
  owner.process.kill("SIGCONT");
  expect(await owner.tell({ do: "append", from: 4, to: 4 })).toBe("fenced");
  expect(await owner.tell({ do: "append", from: 5, to: 5 })).toBe("fenced");
  expect(await owner.tell({ do: "heartbeat" })).toBe("lost");
  expect(await readAll(journal, "r1")).toEqual(span("r1", 1, 4));
});

test("a copy made while another process appends is a prefix of the history", async () => {
  using at = folder();
  await using owner = await contender(at.file);
  await owner.tell({ do: "acquire", run: "r1" });
  void owner.tell({ do: "flood", from: 1, to: 10_000_000, batch: 3 });
  await using journal = await openOk(at.file);
  for (let round = 1; round <= 5; round++) {
    await owner.untilStored(owner.stored.length + 5);
    const acknowledged = owner.stored.at(-1) ?? 0;
    const copy = `${at.path}/copy-${round}.db`;
    await journal.backup(copy);
    await using copied = await openOk(copy, { readOnly: true });
    const events = await readAll(copied, "r1");
    expect(events).toEqual(span("r1", 1, events.length));
    expect(events.length).toBeGreaterThanOrEqual(acknowledged);
    expect((await copied.check()).problems).toEqual([]);
  }
});

test("writers of different runs wait for each other instead of failing", async () => {
  using at = folder();
  await using a = await contender(at.file);
  await using b = await contender(at.file);
  await a.tell({ do: "acquire", run: "ra" });
  await b.tell({ do: "acquire", run: "rb" });
  const outcomes = await Promise.all([
    a.tell({ do: "flood", from: 1, to: 200, batch: 1 }),
    b.tell({ do: "flood", from: 1, to: 200, batch: 1 }),
  ]);
  expect(outcomes).toEqual(["ok", "ok"]);
  await using journal = await openOk(at.file);
  expect(await readAll(journal, "ra")).toEqual(span("ra", 1, 200));
  expect(await readAll(journal, "rb")).toEqual(span("rb", 1, 200));
});

test("several processes that make the same journal at once all open it", async () => {
  using at = folder();
  const made = await Promise.all([1, 2, 3].map(() => contender(at.file)));
  try {
    const outcomes = await Promise.all(made.map((one, index) => one.tell({ do: "acquire", run: `r${index}` })));
    expect(outcomes).toEqual(["ok", "ok", "ok"]);
  } finally {
    for (const one of made) await one[Symbol.asyncDispose]();
  }
});

test("of two processes that begin the same requests at once, one carries each out, and the other once that one is dead", async () => {
  using at = folder();
  await using a = await contender(at.file);
  await using b = await contender(at.file);
  const keys = Array.from({ length: 50 }, (_, index) => `k${index}`);
  const told = await Promise.all([a.tell({ do: "begin", keys }), b.tell({ do: "begin", keys: keys.toReversed() })]);
  const [byA = [], byB = []] = [told[0].split(","), told[1].split(",").toReversed()];
  for (const [index, kind] of byA.entries()) expect([kind, byB[index]].toSorted()).toEqual(["new", "under-way"]);
  a.process.kill("SIGKILL");
  await a.exited;
  const again = (await b.tell({ do: "begin", keys })).split(",");
  expect(again).toEqual(byB.map((kind) => (kind === "new" ? "under-way" : "new")));
});
