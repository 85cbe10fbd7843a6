/** Damages journal files at random and says what a reader makes of them. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { canonicalJson, type Json } from "../../src/base/json.ts";
import type { Random } from "../../src/base/random.ts";
import type { Event } from "../../src/run/event.ts";
import { openSqliteJournal } from "../../src/journal/sqlite/open.ts";
import { readAll } from "../support/suites/journal/setting.ts";

export type Damage =
  | { readonly kind: "flip"; readonly at: number; readonly bit: number }
  | { readonly kind: "cut"; readonly at: number };

export function randomDamage(size: number, random: Random): Damage {
  const at = Math.floor(random() * size);
  return random() < 0.8 ? { kind: "flip", at, bit: Math.floor(random() * 8) } : { kind: "cut", at };
}

export function apply(bytes: Buffer, damage: Damage): Buffer {
  if (damage.kind === "cut") return Buffer.from(bytes.subarray(0, damage.at));
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(damage.at) ^ (1 << damage.bit), damage.at);
  return copy;
}

/** `right`: every history as it was. `refused`: an error that names the file. Anything else is what went wrong. */
export type Verdict = "right" | "refused" | string;

export async function judge(
  folder: string,
  bytes: Buffer,
  expected: ReadonlyMap<string, readonly Event[]>,
  log?: Buffer,
): Promise<Verdict> {
  const file = join(folder, "damaged.db");
  for (const name of [file, `${file}-wal`, `${file}-shm`, `${file}-journal`]) rmSync(name, { force: true });
  writeFileSync(file, bytes);
  if (log !== undefined) writeFileSync(`${file}-wal`, log);
  const opened = await openSqliteJournal(file);
  if (!opened.ok) return opened.error.message.includes(file) ? "refused" : `no file named: ${opened.error.message}`;
  await using journal = opened.value;
  let verdict: Verdict = "right";
  for (const [run, events] of expected) {
    try {
      const record = await journal.get(run);
      // An unknown run is refused by whoever asks for it.
      if (record === undefined) verdict = "refused";
      else if (!same(await readAll(journal, run), events) || record.lastSeq !== events.length)
        return `wrong history of ${run}`;
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      if (!message.includes(file)) return `no file named: ${message}`;
      verdict = "refused";
    }
  }
  // Whoever looks for damage has to be told where a reader was.
  if (verdict === "refused" && bytes.length > 0 && (await journal.check()).ok)
    return "check found nothing where a reader was refused";
  return verdict;
}

function same(a: readonly Event[], b: readonly Event[]): boolean {
  return canonicalJson(a as unknown as Json) === canonicalJson(b as unknown as Json);
}
