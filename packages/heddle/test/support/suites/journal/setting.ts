/** What the groups of the journal's suite share: the journal under test, the world around it, and events that are easy to make up. */
import type { Json } from "../../../../src/base/json.ts";
import type { Holder, Journal, Lease } from "../../../../src/journal/port.ts";
import type { Event } from "../../../../src/run/event.ts";
import type { TestTools } from "../test-tools.ts";

/** A journal under test and the world around it. */
export interface JournalSetting {
  readonly journal: Journal;
  /** A second journal over the same store, like another process's; both stay open. */
  reopen(): Promise<Journal>;
  /** Moves the leases' clock on. */
  advance(ms: number): void;
  /** From now on the process with this pid is dead. */
  kill(pid: number): void;
  /** Closes everything. */
  end(): Promise<void>;
}

export const SUITE_TERM_MS = 16_000;

export function holder(pid: number): Holder {
  return { pid, started: `start-${pid}`, title: "test" };
}

/** An event of the kind that is easiest to make up. */
export function progress(
  run: string,
  seq: number,
  data: { readonly [key: string]: Json } = { seq },
  step = "build",
): Event {
  return { run, seq, time: 1_700_000_000_000 + seq, type: "step.progress", step, attempt: 1, data };
}

export async function readAll(journal: Journal, run: string): Promise<readonly Event[]> {
  const events: Event[] = [];
  for await (const batch of journal.read(run)) events.push(...batch);
  return events;
}

export function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

export function span(run: string, from: number, to: number): readonly Event[] {
  return range(from, to).map((seq) => progress(run, seq));
}

export async function leaseOfNew(journal: Journal, run: string, pid = 1, plan = "plan"): Promise<Lease> {
  const created = await journal.create({ run, plan, createdAt: 1000 }, holder(pid));
  if (!created.ok) throw new Error(`create: ${created.error.kind}`);
  return created.value;
}

export async function take(journal: Journal, run: string, pid: number): Promise<Lease> {
  const taken = await journal.acquire(run, holder(pid));
  if (!taken.ok) throw new Error(`acquire: ${taken.error.kind}`);
  return taken.value;
}

/** Registers one test; it gets a setting of its own, which is closed after it. */
export type Register = (title: string, body: (setting: JournalSetting) => Promise<void>) => void;

/** The tests of one concern. */
export type Group = (tools: TestTools, test: Register) => void;
