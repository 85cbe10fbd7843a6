/** Journals in temporary folders, and real processes that hold leases and append at the test's word. */
import { fork, type ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Event } from "../../src/run/event.ts";
import type { Holder, Journal, Lease } from "../../src/journal/port.ts";
import { openSqliteJournal, type SqliteOptions } from "../../src/journal/sqlite/open.ts";
import { progress } from "../support/suites/journal/setting.ts";
import { temporaryFolder } from "../support/temporary.ts";

export interface Folder extends Disposable {
  readonly path: string;
  readonly file: string;
}

export function folder(under: string = tmpdir()): Folder {
  const path = temporaryFolder("journal", under);
  return {
    path,
    file: join(path, "journal.db"),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

export async function openOk(file: string, options: SqliteOptions = {}): Promise<Journal> {
  const opened = await openSqliteJournal(file, options);
  if (!opened.ok) throw new Error(`${opened.error.code}: ${opened.error.message}`);
  return opened.value;
}

export const ME: Holder = { pid: process.pid, started: "", title: "test" };

export async function leaseOk(taken: ReturnType<Journal["acquire"]>): Promise<Lease> {
  const result = await taken;
  if (!result.ok) throw new Error(result.error.kind);
  return result.value;
}

export function span(run: string, from: number, to: number): readonly Event[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => madeEvent(run, from + index));
}

/** The event with this number is the same wherever it is made. */
export function madeEvent(run: string, seq: number): Event {
  return progress(run, seq, { seq, text: "x".repeat(seq % 400) }, `step-${seq % 7}`);
}

/** Makes a journal with `runs` runs of `events` events each; returns their ids. */
export async function fill(file: string, runs: number, events: number): Promise<readonly string[]> {
  await using journal = await openOk(file);
  const ids: string[] = [];
  for (let i = 0; i < runs; i++) {
    const run = `run${i}`;
    const lease = await leaseOk(journal.create({ run, plan: "plan", createdAt: 1000 + i }, ME));
    for (let seq = 1; seq <= events; seq += 10) {
      await journal.append(lease, span(run, seq, Math.min(seq + 9, events)), { summary: { done: seq } });
    }
    await journal.release(lease);
    ids.push(run);
  }
  return ids;
}

export type Order =
  | { readonly do: "acquire"; readonly run: string }
  | { readonly do: "append"; readonly from: number; readonly to: number }
  /** Appends one event after the other, and says each number after its commit, until `to` or until it is killed. */
  | { readonly do: "flood"; readonly from: number; readonly to: number; readonly batch: number }
  | { readonly do: "heartbeat" }
  | { readonly do: "release" }
  /** Begins a request with each of these keys; the kinds of what is answered, with commas. */
  | { readonly do: "begin"; readonly keys: readonly string[] }
  | { readonly do: "exit" };

export type Reply =
  | { readonly said: "ready" }
  | { readonly said: "outcome"; readonly outcome: string }
  | { readonly said: "stored"; readonly seq: number };

export interface Contender extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly pid: number;
  /** `ok` or the kind of the error. */
  tell(order: Order): Promise<string>;
  /** Numbers said by `flood` so far. */
  readonly stored: readonly number[];
  /** Settles when `flood` has said `count` numbers. */
  untilStored(count: number): Promise<void>;
  readonly exited: Promise<void>;
}

const CONTENDER = fileURLToPath(new URL("contender.ts", import.meta.url));

export async function contender(file: string, env: NodeJS.ProcessEnv = {}): Promise<Contender> {
  const child = fork(CONTENDER, [file], {
    env: { ...process.env, ...env },
    execArgv: ["--no-warnings"],
    stdio: ["ignore", "inherit", "pipe", "ipc"],
  });
  let complaint = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (complaint = (complaint + text).slice(-4000)));
  const outcomes: string[] = [];
  const waiting: ((outcome: string) => void)[] = [];
  const stored: number[] = [];
  const watchers = new Set<() => void>();
  const outcome = (): Promise<string> => {
    const known = outcomes.shift();
    return known === undefined ? new Promise((done) => waiting.push(done)) : Promise.resolve(known);
  };
  const exited = new Promise<void>((done) => {
    // When its output is read, too.
    child.once("close", () => {
      for (const done of waiting.splice(0)) done("exited");
      for (const watcher of watchers) watcher();
      done();
    });
  });
  const ready = outcome();
  child.on("message", (reply: Reply) => {
    if (reply.said === "stored") {
      stored.push(reply.seq);
      for (const watcher of watchers) watcher();
      return;
    }
    const text = reply.said === "ready" ? "ready" : reply.outcome;
    const next = waiting.shift();
    if (next === undefined) outcomes.push(text);
    else next(text);
  });
  const first = await ready;
  if (first !== "ready") throw new Error(`the contender did not start: ${first}\n${complaint}`);
  return {
    process: child,
    pid: child.pid ?? 0,
    stored,
    exited,
    tell(order) {
      if (child.connected) child.send(order);
      return outcome();
    },
    untilStored(count) {
      return new Promise((done) => {
        const watcher = (): void => {
          if (stored.length < count && child.exitCode === null && child.signalCode === null) return;
          watchers.delete(watcher);
          done();
        };
        watchers.add(watcher);
        watcher();
      });
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
