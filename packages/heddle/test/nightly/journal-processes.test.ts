/** D6: one writer per run; D9: a backup of a live journal is a prefix of its history. */
import { rmSync } from "node:fs";
import { expect, test } from "vitest";
import { seededRandom } from "../../src/base/random.ts";
import { uptimeMs } from "../../src/journal/liveness.ts";
import { LEASE_TERM_MS, type Journal } from "../../src/journal/port.ts";
import { readAll } from "../support/suites/journal/setting.ts";
import { contender, folder, leaseOk, madeEvent, ME, openOk, span, type Contender } from "../journal/rig.ts";
import { report, scaled } from "./scale.ts";

/** One round: all want the run, one gets it, is stopped, loses it to the test, goes on and is refused. */
async function round(
  all: readonly Contender[],
  patient: Journal,
  impatient: Journal,
  seq: number,
): Promise<string | undefined> {
  const outcomes = await Promise.all(all.map((one) => one.tell({ do: "acquire", run: "r1" })));
  const winners = all.filter((_, index) => outcomes[index] === "ok");
  const [winner] = winners;
  if (winner === undefined || winners.length !== 1) return `${winners.length} winners`;
  if ((await winner.tell({ do: "append", from: seq, to: seq })) !== "ok") return "the winner could not append";
  winner.process.kill("SIGSTOP");
  if ((await patient.acquire("r1", ME)).ok) return "a lease was taken before its term";
  const lease = await leaseOk(impatient.acquire("r1", ME));
  if (!(await impatient.append(lease, [madeEvent("r1", seq + 1)])).ok) return "the new owner could not append";
  winner.process.kill("SIGCONT");
  for (const late of [seq + 1, seq + 2]) {
    const outcome = await winner.tell({ do: "append", from: late, to: late });
    if (outcome !== "fenced") return `a late append of ${late} ended with ${outcome}`;
  }
  if ((await winner.tell({ do: "heartbeat" })) !== "lost") return "a late heartbeat was taken";
  await impatient.release(lease);
  return undefined;
}

test("D6: 500 times, 2 to 8 processes want one run and its owner is stopped", async () => {
  const times = scaled(500);
  const random = seededRandom(6);
  const wrong: string[] = [];
  for (let done = 0; done < times;) {
    using at = folder();
    const count = 2 + Math.floor(random() * 7);
    const all = await Promise.all(Array.from({ length: count }, () => contender(at.file)));
    try {
      await using patient = await openOk(at.file);
      await using impatient = await openOk(at.file, {
        now: () => uptimeMs() + LEASE_TERM_MS * 2,
        leaseTermMs: LEASE_TERM_MS,
      });
      let seq = 1;
      for (let i = 0; i < 25 && done < times; i++, done++, seq += 2) {
        const problem = await round(all, patient, impatient, seq);
        if (problem !== undefined) wrong.push(`round ${done}, ${count} processes: ${problem}`);
      }
      if (JSON.stringify(await readAll(patient, "r1")) !== JSON.stringify(span("r1", 1, seq - 1)))
        wrong.push("a wrong history");
    } finally {
      for (const one of all) await one[Symbol.asyncDispose]();
    }
  }
  report(`D6: ${times} times, ${wrong.length} wrong`);
  expect(wrong).toEqual([]);
});

test("D9: 200 backups under load are prefixes of the history", async () => {
  const times = scaled(200);
  using at = folder();
  await using owner = await contender(at.file);
  await owner.tell({ do: "acquire", run: "r1" });
  void owner.tell({ do: "flood", from: 1, to: 10_000_000, batch: 3 });
  await using journal = await openOk(at.file);
  const wrong: string[] = [];
  for (let i = 1; i <= times; i++) {
    await owner.untilStored(owner.stored.length + 1);
    const acknowledged = owner.stored.at(-1) ?? 0;
    const copy = `${at.path}/copy-${i}.db`;
    await journal.backup(copy);
    const copied = await openOk(copy, { readOnly: true });
    const events = await readAll(copied, "r1");
    if (JSON.stringify(events) !== JSON.stringify(span("r1", 1, events.length))) wrong.push(`${i}: a wrong history`);
    if (events.length < acknowledged || events.length % 3 !== 0)
      wrong.push(`${i}: ${events.length} of ${acknowledged}`);
    if (!(await copied.check()).ok) wrong.push(`${i}: damaged`);
    await copied.close();
    rmSync(copy);
  }
  report(`D9: ${times} backups, ${wrong.length} wrong`);
  expect(wrong).toEqual([]);
});
