/** Runs the conformance suite for every journal. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { memoryJournal, memoryStore } from "../../src/journal/memory.ts";
import type { Holder, Journal } from "../../src/journal/port.ts";
import { openSqliteJournal } from "../../src/journal/sqlite/open.ts";
import { SUITE_TERM_MS, type JournalSetting } from "../support/suites/journal/setting.ts";
import { journalSuite } from "../support/suites/journal/suite.ts";
import { temporaryFolder } from "../support/temporary.ts";

interface World {
  readonly now: () => number;
  readonly isAlive: (holder: Holder) => boolean;
  readonly leaseTermMs: number;
  readonly advance: (ms: number) => void;
  readonly kill: (pid: number) => void;
}

function world(): World {
  let time = 100_000;
  const dead = new Set<number>();
  return {
    now: () => time,
    isAlive: (holder) => !dead.has(holder.pid),
    leaseTermMs: SUITE_TERM_MS,
    advance: (ms) => (time += ms),
    kill: (pid) => dead.add(pid),
  };
}

async function memory(): Promise<JournalSetting> {
  const around = world();
  const store = memoryStore();
  const open = (): Journal => memoryJournal({ ...around, store });
  return {
    journal: open(),
    reopen: async () => open(),
    advance: around.advance,
    kill: around.kill,
    end: async () => {},
  };
}

async function sqlite(): Promise<JournalSetting> {
  const around = world();
  const folder = temporaryFolder("journal");
  const opened: Journal[] = [];
  const open = async (): Promise<Journal> => {
    const result = await openSqliteJournal(join(folder, "journal.db"), around);
    if (!result.ok) throw new Error(result.error.message);
    opened.push(result.value);
    return result.value;
  };
  return {
    journal: await open(),
    reopen: open,
    advance: around.advance,
    kill: around.kill,
    async end() {
      for (const journal of opened) await journal.close();
      rmSync(folder, { recursive: true });
    },
  };
}

journalSuite("memory", memory, { describe, it, expect });
journalSuite("sqlite", sqlite, { describe, it, expect });
