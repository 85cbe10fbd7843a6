/**
 * Migrations: the tables of the SQLite journal and their earlier formats. Knows the format's version; not the driver,
 * not the events.
 *
 * Invariants:
 *  1. A migration never changes once it is released: a new format is a new migration at the end.
 *  2. Every format keeps `meta` and its row `writer`, so that an older heddle can say who wrote what it cannot read.
 */
import { HeddleError } from "../../base/errors.ts";
import { tooNew } from "./codec.ts";
import type { Database } from "./database.ts";

/** `hedl` in ASCII: marks a file as a journal for `file` and for other tools. */
export const APPLICATION_ID = 0x6865646c;

const FORMAT_1 = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, plan TEXT NOT NULL, created_at INTEGER NOT NULL,
  last_seq INTEGER NOT NULL, summary TEXT NOT NULL, sum INTEGER NOT NULL);
CREATE INDEX runs_by_plan ON runs (plan);
CREATE TABLE types (id INTEGER PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL, UNIQUE (name, version));
CREATE TABLE steps (run INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (run, id)) WITHOUT ROWID;
CREATE TABLE events (
  run INTEGER NOT NULL, seq INTEGER NOT NULL, time INTEGER NOT NULL, type INTEGER NOT NULL, step INTEGER, attempt INTEGER,
  data TEXT NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (run, seq)) WITHOUT ROWID;
CREATE TABLE leases (
  run INTEGER PRIMARY KEY, fence INTEGER NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL, title TEXT NOT NULL,
  boot TEXT NOT NULL, space TEXT NOT NULL, beat INTEGER NOT NULL, released INTEGER NOT NULL);
CREATE TABLE locks (
  name TEXT NOT NULL, run INTEGER NOT NULL, step TEXT NOT NULL, fence INTEGER NOT NULL, write INTEGER NOT NULL,
  PRIMARY KEY (name, run, step)) WITHOUT ROWID;
CREATE TABLE requests (id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, time INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE durations (run INTEGER PRIMARY KEY, plan TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX durations_by_plan ON durations (plan, run);
PRAGMA application_id = ${APPLICATION_ID};`;

/** Keys of requests with their first answers. */
const FORMAT_2 = `
CREATE TABLE keyed_requests (
  claim INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, digest TEXT NOT NULL, effect TEXT NOT NULL,
  time INTEGER NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL, title TEXT NOT NULL, boot TEXT NOT NULL, space TEXT NOT NULL,
  beat INTEGER NOT NULL, released INTEGER NOT NULL, retaken INTEGER NOT NULL,
  status INTEGER, headers TEXT NOT NULL, body TEXT NOT NULL, size INTEGER NOT NULL, sum INTEGER NOT NULL);
CREATE INDEX keyed_requests_by_time ON keyed_requests (time, size);`;

/** Words for people and programs outside. */
const FORMAT_3 = `
CREATE TABLE notices (
  id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, seq INTEGER NOT NULL, target TEXT NOT NULL, body TEXT NOT NULL,
  state INTEGER NOT NULL, due INTEGER NOT NULL, attempts INTEGER NOT NULL, why TEXT,
  pid INTEGER NOT NULL, started TEXT NOT NULL, title TEXT NOT NULL, boot TEXT NOT NULL, space TEXT NOT NULL,
  beat INTEGER NOT NULL, released INTEGER NOT NULL, UNIQUE (run, seq, target));
CREATE INDEX notices_by_state ON notices (state, due);`;

/** `FORMATS[n]` brings a journal from format `n` to `n + 1`; format 0 is an empty file. */
export const FORMATS: readonly string[] = [FORMAT_1, FORMAT_2, FORMAT_3];

/**
 * What a journal is made in, and brought to when it is opened for writing. What a later format adds is added where it is
 * first written to, so that an older heddle can read every journal that has nothing of it.
 */
export const FIRST_FORMAT = 1;
/** The format that has keys of requests. */
export const KEYS_FORMAT = 2;
/** The format that has notices. */
export const NOTICES_FORMAT = 3;

/** The format of a file, or a `HeddleError`: `JournalTooNew`, or `JournalDamaged` for a file of another program. */
export function formatOf(db: Database, formats: readonly string[] = FORMATS): number {
  const { format, application, isEmpty } = headerOf(db);
  if (!isEmpty && (application !== APPLICATION_ID || format < 1)) {
    throw new HeddleError({
      code: "JournalDamaged",
      message: `${db.file} is not a heddle journal: it belongs to another program, or its header is damaged`,
      hint: "Restore the file from a backup, or move it away.",
    });
  }
  if (format > formats.length) {
    throw tooNew(
      db.file,
      `format ${format}, written by ${writerOf(db)}; this version reads up to format ${formats.length}`,
    );
  }
  return format;
}

interface Header {
  readonly format: number;
  readonly application: number;
  readonly isEmpty: boolean;
}

/**
 * As of one moment, though each statement reads anew: a file gets its format and all else in one commit, and never loses it. So
 * what was read before a format of 0 was of the same empty file, and what is read after another format is of that file.
 */
function headerOf(db: Database): Header {
  const format = pragma(db, "PRAGMA user_version");
  const application = pragma(db, "PRAGMA application_id");
  if (format !== 0) return { format, application, isEmpty: false };
  const isEmpty = application === 0 && pragma(db, "SELECT count(*) FROM sqlite_schema") === 0;
  return pragma(db, "PRAGMA user_version") === 0 ? { format, application, isEmpty } : headerOf(db);
}

export interface Migration {
  /** The program and its version, for those who cannot read the file. */
  readonly writer: string;
  /** The format that is needed. */
  readonly to: number;
  readonly formats?: readonly string[];
}

/** Brings the file to a format, in one transaction; does nothing where it has that one or a later one. */
export function migrate(db: Database, { writer, to, formats = FORMATS }: Migration): void {
  if (formatOf(db, formats) >= to) return;
  db.transaction(() => {
    // Another process may have been first: ask again inside the write transaction.
    const from = formatOf(db, formats);
    if (from >= to) return;
    db.exec(`${formats.slice(from, to).join("\n")}\nPRAGMA user_version = ${to};`);
    db.sql("INSERT OR REPLACE INTO meta (key, value) VALUES ('writer', ?)").run(writer);
  });
}

function pragma(db: Database, text: string): number {
  return Number(db.sql(text).get()?.[0]);
}

function writerOf(db: Database): string {
  try {
    const writer = db.sql("SELECT value FROM meta WHERE key = 'writer'").get()?.[0];
    return typeof writer === "string" ? writer : "an unknown version";
  } catch {
    return "an unknown version";
  }
}
