/**
 * SQL statements of the journal, by name. Values are always parameters; no statement is ever concatenated. The tables
 * are in `journal/sqlite/migrations.ts`.
 */

const RUN_COLUMNS = "r.id, r.name, r.plan, r.created_at, r.last_seq, r.summary, r.sum";
const LEASE_COLUMNS = "l.fence, l.pid, l.started, l.title, l.boot, l.space, l.beat, l.released";
/** Where the lease begins in a row of `SQL.run`, `SQL.runs` and `SQL.runsOfPlan`. */
export const LEASE_AT = 7;
const RUNS = `SELECT ${RUN_COLUMNS}, ${LEASE_COLUMNS} FROM runs r LEFT JOIN leases l ON l.run = r.id`;
const KEY_COLUMNS =
  "claim, key, digest, effect, retaken, status, headers, body, sum, claim, pid, started, title, boot, space, beat, released";
/** Where the lease begins in a row of `SQL.keyedRequest`. */
export const KEY_LEASE_AT = 9;

/** Where the lease begins in a row of `SQL.dueNotices`. */
export const NOTICE_LEASE_AT = 6;

/** Rows of one statement that inserts many: most of the cost of a small row is its call. */
export const ROWS_AT_ONCE = 32;

/** Parameters: the run's number, and the numbers between which the events are, without these. */
const EVENTS = "SELECT seq, time, type, step, attempt, data, sum FROM events WHERE run = ? AND seq > ? AND seq < ?";
const INSERT_EVENT =
  "INSERT INTO events (run, seq, time, type, step, attempt, data, sum) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
const INSERT_STEP = "INSERT INTO steps (run, id, name) VALUES (?, ?, ?)";

export const SQL = {
  insertRun:
    "INSERT INTO runs (name, plan, created_at, last_seq, summary, sum) VALUES (?, ?, ?, 0, 'null', ?) ON CONFLICT DO NOTHING",
  updateRun: "UPDATE runs SET last_seq = ?, summary = ?, sum = ? WHERE id = ?",
  runId: "SELECT id FROM runs WHERE name = ?",
  run: `${RUNS} WHERE r.name = ?` as string,
  runs: `${RUNS} ORDER BY r.id DESC LIMIT ?` as string,
  runsOfPlan: `${RUNS} WHERE r.plan = ? ORDER BY r.id DESC LIMIT ?` as string,
  /** 1: the place to begin behind; 2: plan; 3, 4: times; 5: text; 6, 7: path in the summary, and the list of its values; 8: how many. */
  runPage: `${RUNS} WHERE r.id < ?1 AND (?2 IS NULL OR r.plan = ?2) AND r.created_at >= ?3 AND r.created_at < ?4
    AND (?5 IS NULL OR instr(lower(r.name || ' ' || r.plan), lower(?5)) > 0)
    AND (?6 IS NULL OR EXISTS (SELECT 1 FROM json_each(?7) AS wanted
      WHERE wanted.value IS CASE WHEN json_valid(r.summary) THEN json_extract(r.summary, ?6) END))
    ORDER BY r.id DESC LIMIT ?8` as string,
  /** 1: path in the summary. */
  marks: `SELECT name, last_seq, CASE WHEN json_valid(summary) THEN json_extract(summary, ?1) END FROM runs`,
  findRuns: "SELECT name FROM runs WHERE name >= ? AND name < ? ORDER BY id DESC LIMIT 10",

  insertEvent: INSERT_EVENT as string,
  insertEvents: `${INSERT_EVENT}${", (?, ?, ?, ?, ?, ?, ?, ?)".repeat(ROWS_AT_ONCE - 1)}` as string,
  events: `${EVENTS} ORDER BY seq LIMIT ?` as string,
  eventsBackwards: `${EVENTS} ORDER BY seq DESC LIMIT ?` as string,
  eventsOfStep: `${EVENTS} AND step = ? ORDER BY seq LIMIT ?` as string,
  eventsOfStepBackwards: `${EVENTS} AND step = ? ORDER BY seq DESC LIMIT ?` as string,
  orphans: "SELECT count(*) FROM events WHERE run NOT IN (SELECT id FROM runs)",

  types: "SELECT id, name, version FROM types",
  insertType: "INSERT INTO types (name, version) VALUES (?, ?) ON CONFLICT DO NOTHING",
  steps: "SELECT id, name FROM steps WHERE run = ? ORDER BY id",
  stepId: "SELECT id FROM steps WHERE run = ? AND name = ?",
  stepsFrom: "SELECT id, name FROM steps WHERE run = ? AND id >= ? ORDER BY id LIMIT ?",
  insertStep: INSERT_STEP as string,
  insertSteps: `${INSERT_STEP}${", (?, ?, ?)".repeat(ROWS_AT_ONCE - 1)}` as string,

  lease: `SELECT ${LEASE_COLUMNS} FROM leases l WHERE l.run = ?` as string,
  putLease:
    "INSERT OR REPLACE INTO leases (run, fence, pid, started, title, boot, space, beat, released) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
  beat: "UPDATE leases SET beat = ? WHERE run = (SELECT id FROM runs WHERE name = ?) AND fence = ? AND released = 0",
  release: "UPDATE leases SET released = 1 WHERE run = ? AND fence = ?",

  locksNamed:
    "SELECT k.run, k.fence, k.step, k.write, r.name FROM locks k JOIN runs r ON r.id = k.run WHERE k.name = ?",
  putLock:
    "INSERT INTO locks (name, run, step, fence, write) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET fence = excluded.fence, write = max(write, excluded.write)",
  dropLocksOfStep: "DELETE FROM locks WHERE run = ? AND step = ?",
  dropLocksUpTo: "DELETE FROM locks WHERE run = ? AND fence <= ?",

  insertRequest: "INSERT INTO requests (run, time, body) SELECT id, ?, ? FROM runs WHERE name = ? RETURNING id",
  requests:
    "SELECT q.id, q.time, q.body FROM requests q JOIN runs r ON r.id = q.run WHERE r.name = ? AND q.id > ? ORDER BY q.id",
  settle: "DELETE FROM requests WHERE id <= ? AND run = (SELECT id FROM runs WHERE name = ?)",

  putDurations: "INSERT OR REPLACE INTO durations (run, plan, data) SELECT id, ?, ? FROM runs WHERE name = ?",
  trimDurations:
    "DELETE FROM durations WHERE plan = ?1 AND run NOT IN (SELECT run FROM durations WHERE plan = ?1 ORDER BY run DESC LIMIT ?2)",
  durations: "SELECT data FROM durations WHERE plan = ? ORDER BY run DESC LIMIT ?",

  keyedRequest: `SELECT ${KEY_COLUMNS} FROM keyed_requests WHERE key = ?` as string,
  keyedRequests: `SELECT ${KEY_COLUMNS} FROM keyed_requests WHERE claim > ? ORDER BY claim LIMIT ?` as string,
  /** Takes the place of an earlier claim, under a new number. */
  claimKey:
    "INSERT OR REPLACE INTO keyed_requests (key, digest, effect, time, pid, started, title, boot, space, beat, released, retaken, headers, body, size, sum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, '{}', '', 0, ?) RETURNING claim",
  answerKey:
    "UPDATE keyed_requests SET status = ?, headers = ?, body = ?, size = ?, sum = ? WHERE claim = ? AND status IS NULL",
  dropKey: "DELETE FROM keyed_requests WHERE claim = ? AND status IS NULL AND retaken = 0",
  freeKey: "UPDATE keyed_requests SET released = 1 WHERE claim = ? AND status IS NULL",
  dropOldKeys: "DELETE FROM keyed_requests WHERE time <= ?",
  keysTotal: "SELECT count(*), total(size) FROM keyed_requests",
  /** Answered ones before those under way, the oldest first; never the newest. */
  keysToDrop: "SELECT claim, size FROM keyed_requests WHERE claim <> ? ORDER BY status IS NULL, claim LIMIT ?",
  dropAnyKey: "DELETE FROM keyed_requests WHERE claim = ?",
  hasKeys: "SELECT 1 FROM sqlite_schema WHERE name = 'keyed_requests'",

  hasNotices: "SELECT 1 FROM sqlite_schema WHERE name = 'notices'",
  insertNotice:
    "INSERT INTO notices (run, seq, target, body, state, due, attempts, pid, started, title, boot, space, beat, released) VALUES (?, ?, ?, ?, 0, 0, 0, 0, '', '', '', '', 0, 1) ON CONFLICT DO NOTHING",
  countNotices: "SELECT count(*) FROM notices",
  /** Settled ones before others, the oldest first. */
  dropNotices: "DELETE FROM notices WHERE id IN (SELECT id FROM notices ORDER BY state = 0, id LIMIT ?)",
  dropNoticesOfRun: "DELETE FROM notices WHERE run = ?",
  dueNotice: "SELECT 1 FROM notices WHERE state = 0 AND due <= ? LIMIT 1",
  dueNotices:
    "SELECT n.id, r.name, n.seq, n.target, n.body, n.attempts, n.attempts, n.pid, n.started, n.title, n.boot, n.space, n.beat, n.released FROM notices n JOIN runs r ON r.id = n.run WHERE n.state = 0 AND n.due <= ? ORDER BY n.due, n.id",
  takeNotice:
    "UPDATE notices SET attempts = ?, pid = ?, started = ?, title = ?, boot = ?, space = ?, beat = ?, released = 0 WHERE id = ?",
  settleNotice:
    "UPDATE notices SET state = ?, due = ?, why = ?, released = 1 WHERE id = ? AND attempts = ? AND state = 0",
  nextNotice: "SELECT min(due) FROM notices WHERE state = 0",
  notices:
    "SELECT r.name, n.seq, n.target, n.attempts, n.state, n.why FROM notices n JOIN runs r ON r.id = n.run WHERE (?1 IS NULL OR r.name = ?1) AND (?2 IS NULL OR n.state = ?2) ORDER BY n.id DESC LIMIT ?3",

  /** Differs after a commit of another connection. */
  dataVersion: "PRAGMA data_version",
  /** Differs after a write of this connection, which `data_version` does not count. */
  ownChanges: "SELECT total_changes()",
  integrityCheck: "PRAGMA integrity_check(20)",
} as const;

/** All that is stored of one run, by its number; children first. */
export const REMOVE_RUN: readonly string[] = [
  "DELETE FROM events WHERE run = ?",
  "DELETE FROM steps WHERE run = ?",
  "DELETE FROM locks WHERE run = ?",
  "DELETE FROM requests WHERE run = ?",
  "DELETE FROM durations WHERE run = ?",
  "DELETE FROM leases WHERE run = ?",
  "DELETE FROM runs WHERE id = ?",
];
