/**
 * Journal file: opens it, and is the only importer of SQLite's driver. Knows connections, their settings and the file;
 * no rule of the journal.
 *
 * Invariants:
 *  1. A writing connection uses a write-ahead log and syncs at every commit (`synchronous=FULL`). Both are read back
 *     after opening, and a file system that cannot do it is refused.
 *  2. The file belongs to the user alone (mode 0600) and is not a symbolic link: nothing is written outside the named
 *     folder.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { backup, DatabaseSync, type StatementSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { HeddleError, systemCode, type Problem } from "../../base/errors.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { damaged, type EventRules } from "./codec.ts";
import type { Cell, Database, Param, Row, Statement } from "./database.ts";
import { isBusy, isDiskFull, isSystemFailure, problemOf, sqliteCode } from "./failures.ts";
import type { LeaseRules, Machine } from "../lease.ts";
import { damagedFrame } from "./log-check.ts";
import { isProcessAlive, thisMachine, uptimeMs } from "../liveness.ts";
import { FIRST_FORMAT, formatOf, migrate } from "./migrations.ts";
import { diskFull, LEASE_TERM_MS, type Holder, type Journal } from "../port.ts";
import { sqliteJournal } from "./journal.ts";

/** A commit takes milliseconds; the removal of a run with a million events some seconds. */
const BUSY_TIMEOUT_MS = 8000;
/**
 * Pages of the log after which an append first moves them into the file: 4 MiB. Measured: with more the rate is no better and
 * the append that has to move them stalls for up to 160 ms instead of 35.
 */
const CHECKPOINT_PAGES = 1000;
/**
 * SQLite's own moving, which keeps I/O errors to itself, comes only where ours does not: for a journal that is written to
 * without appends.
 */
const LATE_CHECKPOINT = 4;
/** What a small commit adds to the log. */
const PAGES_PER_COMMIT = 3;
const PAGE_BYTES = 4096;
/** How SQLite's files begin. */
const SQLITE_MAGIC = "SQLite format 3\0";
/** Where their first page says how many pages there are. */
const PAGES_AT = 28;

export interface SqliteOptions extends EventRules {
  /** Milliseconds on a clock that all processes of the machine share, for leases; default: time since boot. */
  readonly now?: () => number;
  readonly isAlive?: (holder: Holder) => boolean;
  readonly machine?: Machine;
  /** Default {@link LEASE_TERM_MS}. */
  readonly leaseTermMs?: number;
  /** The program and its version, stored for those who cannot read the format: `heddle 1.2.3`. */
  readonly writer?: string;
  /** How long to wait for another process's commit; default 8 s. */
  readonly busyTimeoutMs?: number;
  /** Pages of the log after which a commit also moves them into the file; default 1000, 4 MiB. */
  readonly checkpointPages?: number;
  /** Opens for reading alone: the file has to be there, and nothing is created beside it. */
  readonly readOnly?: boolean;
}

/**
 * Opens the journal at `path`; creates it, with its folder, if there is none. Problems: `JournalTooNew`,
 * `JournalDamaged`, `JournalBusy`, `JournalReadOnly`, `JournalUnusable`, `JournalMissing` (only when `readOnly`),
 * `DiskFull`.
 */
export async function openSqliteJournal(path: string, options: SqliteOptions = {}): Promise<Result<Journal, Problem>> {
  const file = resolve(path);
  let db: SqliteDatabase | undefined;
  try {
    prepareFile(file, options.readOnly === true);
    checkLog(file);
    db = options.readOnly === true ? openToRead(file, options) : openToWrite(file, options);
    return ok(sqliteJournal(db, { events: options, leases: leaseRules(options), writer: writerOf(options) }));
  } catch (thrown) {
    if (!isSystemFailure(thrown)) throw thrown;
    return err(problemOf(thrown, file));
  }
}

function writerOf({ writer }: SqliteOptions): string {
  return writer ?? "heddle";
}

function leaseRules(options: SqliteOptions): LeaseRules {
  return {
    now: options.now ?? uptimeMs,
    isAlive: options.isAlive ?? isProcessAlive,
    machine: options.machine ?? thisMachine(),
    termMs: options.leaseTermMs ?? LEASE_TERM_MS,
  };
}

/** Refuses what is not a plain file, and creates the file before SQLite would: with our mode, durably in its folder. */
function prepareFile(file: string, readOnly: boolean): void {
  for (const name of [file, `${file}-wal`, `${file}-shm`, `${file}-journal`]) {
    const stats = lstatSync(name, { throwIfNoEntry: false });
    if (stats !== undefined && !stats.isFile()) {
      throw new HeddleError({ code: "JournalUnusable", message: `${name} is not a plain file`, hint: "Move it away." });
    }
    if (name === file && stats !== undefined && !readOnly && isUnborn(file, stats.size)) truncateSync(file);
    if (stats !== undefined || name !== file) continue;
    if (readOnly)
      throw new HeddleError({
        code: "JournalMissing",
        message: `there is no journal at ${file}`,
        hint: "Run a plan first.",
      });
    const made = mkdirSync(dirname(file), { recursive: true });
    try {
      closeSync(openSync(file, "wx", 0o600));
    } catch (thrown) {
      // Another process was first.
      if (systemCode(thrown) !== "EEXIST") throw thrown;
    }
    if (made !== undefined) syncFolder(dirname(made));
  }
}

/**
 * A file whose first page was cut off by a power failure: its header says one page, and it is incomplete. Nothing was
 * ever stored in it. Files of other programs, and what is left of a larger journal, stay as they are.
 */
function isUnborn(file: string, size: number): boolean {
  if (size <= PAGES_AT + 4 || size >= PAGE_BYTES) return false;
  const head = readFileSync(file);
  return head.toString("latin1", 0, SQLITE_MAGIC.length) === SQLITE_MAGIC && head.readUInt32BE(PAGES_AT) <= 1;
}

/** Before SQLite reads the log, because it would continue from before the damage. */
function checkLog(file: string): void {
  const frame = damagedFrame(`${file}-wal`);
  if (frame === undefined) return;
  throw new HeddleError({
    code: "JournalDamaged",
    message: `${file}-wal is damaged at frame ${frame}: everything recorded after it would be lost`,
    hint: "Restore the journal from a backup. Keep the damaged files if you want to report this.",
  });
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function openToWrite(file: string, options: SqliteOptions): SqliteDatabase {
  const timeout = options.busyTimeoutMs ?? BUSY_TIMEOUT_MS;
  const pages = Math.floor(options.checkpointPages ?? CHECKPOINT_PAGES);
  const db = new SqliteDatabase(file, new DatabaseSync(file, { timeout, enableForeignKeyConstraints: false }), pages);
  try {
    // First, so that a newer journal is refused untouched.
    formatOf(db);
    useLog(db, timeout);
    db.exec(
      `PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${pages * LATE_CHECKPOINT}; PRAGMA temp_store = MEMORY`,
    );
    const level = db.sql("PRAGMA synchronous").get()?.[0];
    if (level !== 2)
      throw unusable(file, `SQLite refused the setting that makes commits durable (synchronous is ${level})`);
    migrate(db, { writer: writerOf(options), to: FIRST_FORMAT });
    return db;
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

/**
 * Switches the file to a write-ahead log, once in its life. SQLite does not wait for other processes here, since two that
 * switch at once would wait for each other: so this asks again.
 */
function useLog(db: SqliteDatabase, timeoutMs: number): void {
  for (let waitedMs = 0; ; waitedMs += 5) {
    try {
      const mode = db.sql("PRAGMA journal_mode = WAL").get()?.[0];
      // After an I/O error SQLite answers `wal` and does not keep one: look. The log appears with the first read.
      formatOf(db);
      if (mode === "wal" && existsSync(`${db.file}-wal`)) return;
      throw unusable(
        db.file,
        `its file system or permissions do not allow a write-ahead log (journal_mode is ${mode})`,
      );
    } catch (thrown) {
      if (!isBusy(thrown) || waitedMs >= timeoutMs) throw thrown;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function openToRead(file: string, options: SqliteOptions): SqliteDatabase {
  const timeout = options.busyTimeoutMs ?? BUSY_TIMEOUT_MS;
  const open = (location: string | URL): SqliteDatabase => {
    const db = new SqliteDatabase(file, new DatabaseSync(location, { timeout, readOnly: true }), 0, location);
    try {
      const format = formatOf(db);
      if (format >= FIRST_FORMAT) return db;
      throw new HeddleError({
        code: "JournalReadOnly",
        message: `${file} is empty and cannot be written to while it is opened for reading only`,
      });
    } catch (thrown) {
      db.close();
      throw thrown;
    }
  };
  try {
    return open(file);
  } catch (thrown) {
    // A folder where nothing may be written: without a log beside it the file is complete and nobody changes it.
    const code = sqliteCode(thrown);
    if ((code !== 14 && code !== 8) || existsSync(`${file}-wal`)) throw thrown;
    const location = pathToFileURL(file);
    location.searchParams.set("immutable", "1");
    return open(location);
  }
}

function unusable(file: string, reason: string): HeddleError {
  if (isDiskFull(file)) return new HeddleError(diskFull(file, reason));
  return new HeddleError({
    code: "JournalUnusable",
    message: `${file} cannot be used for a journal: ${reason}`,
    hint: "Put the project on a local disk.",
  });
}

/** The system's identity of the file behind a path: not reused for another file while this one is open. */
function identityOf(file: string): string {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  return stats === undefined ? "" : `${stats.dev}:${stats.ino}`;
}

class SqliteDatabase implements Database {
  readonly file: string;
  readonly readOnly: boolean;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, Prepared>();
  readonly #checkpointPages: number;
  readonly #identity: string;
  readonly #location: string | URL;
  /** Estimate of the pages in the log. */
  #logPages = 0;

  /** `checkpointPages` 0: for reading alone. `location`: how SQLite is told of the file. */
  constructor(file: string, db: DatabaseSync, checkpointPages: number, location: string | URL = file) {
    this.file = file;
    this.#location = location;
    this.readOnly = checkpointPages === 0;
    this.#db = db;
    this.#checkpointPages = checkpointPages;
    this.#identity = identityOf(file);
  }

  sql(text: string): Prepared {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const prepared = new Prepared(this.#db.prepare(text), this.file);
    this.#statements.set(text, prepared);
    return prepared;
  }

  exec(text: string): void {
    this.#db.exec(text);
  }

  transaction<T>(work: () => T): T {
    this.sql("BEGIN IMMEDIATE").run();
    try {
      const result = work();
      this.sql("COMMIT").run();
      return result;
    } catch (thrown) {
      try {
        // After some errors SQLite has rolled back already.
        if (this.#db.isTransaction) this.sql("ROLLBACK").run();
      } catch {
        // The first error says more than that of the clean-up.
      }
      throw thrown;
    }
  }

  makeRoom(bytes: number): void {
    if (this.#logPages >= this.#checkpointPages) {
      this.sql("PRAGMA wal_checkpoint(PASSIVE)").all();
      this.#logPages = 0;
    }
    this.#logPages += PAGES_PER_COMMIT + bytes / PAGE_BYTES;
  }

  isInPlace(): boolean {
    return identityOf(this.file) === this.#identity;
  }

  /** By a connection of its own: the copy is of one moment, and neither this thread nor other writers wait for it. */
  async copyTo(path: string): Promise<void> {
    try {
      closeSync(openSync(path, "wx", 0o600));
    } catch (thrown) {
      if (systemCode(thrown) !== "EEXIST") throw thrown;
      throw new HeddleError({
        code: "BackupExists",
        message: `${path} exists already`,
        hint: "Name a file that does not exist.",
      });
    }
    const source = new DatabaseSync(this.#location, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    try {
      // All pages in one go: with pauses a busy writer would make the copy begin again and again.
      await backup(source, path, { rate: 0x7fffffff });
    } catch (thrown) {
      // Half a copy would be taken for one.
      rmSync(path, { force: true });
      throw thrown;
    } finally {
      source.close();
    }
    chmodSync(path, 0o600);
  }

  close(): void {
    if (!this.#db.isOpen) return;
    try {
      if (!this.readOnly) this.sql("PRAGMA wal_checkpoint(PASSIVE)").all();
    } catch {
      // The log stays next to the file; the next opening continues from it.
    }
    this.#db.close();
  }
}

class Prepared implements Statement {
  readonly #statement: StatementSync;
  readonly #file: string;

  constructor(statement: StatementSync, file: string) {
    statement.setReturnArrays(true);
    this.#statement = statement;
    this.#file = file;
  }

  get(...params: readonly Param[]): Row | undefined {
    const row: unknown = this.#statement.get(...params);
    return row === undefined ? undefined : this.#row(row);
  }

  all(...params: readonly Param[]): readonly Row[] {
    return this.#statement.all(...params) as unknown as readonly Row[];
  }

  run(...params: readonly Param[]): number {
    return Number(this.#statement.run(...params).changes);
  }

  #row(row: unknown): Row {
    if (!Array.isArray(row)) throw damaged(this.#file, "has no columns");
    return row as readonly Cell[];
  }
}
