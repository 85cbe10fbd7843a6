/**
 * Keyed requests as rows, of format 2: the first `beginRequest` makes their table, no reading does. `journal/keyed-request.ts` has the
 * rules.
 *
 * Invariant: a claim is given out, and an answer stored, in a transaction: of two processes that ask at once, one is first.
 */
import { HeddleError } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import { answerOfKept, answerSize, isStorable, type KeptRequest } from "../keyed-request.ts";
import type { LeaseRules } from "../lease.ts";
import {
  KEY_KEPT_MS,
  MOST_KEY_BYTES,
  MOST_KEYS,
  type BegunRequest,
  type FirstAnswer,
  type Holder,
  type Idempotency,
  type KeyedRequest,
} from "../port.ts";
import { crc32 } from "./checksum.ts";
import { DAMAGE_HINT, parseJson } from "./codec.ts";
import type { Database, Row } from "./database.ts";
import { guarded } from "./failures.ts";
import { leaseOf } from "./leases.ts";
import { KEYS_FORMAT, migrate } from "./migrations.ts";
import { KEY_LEASE_AT, SQL } from "./sql.ts";

/** Of the rows that are read, or forgotten, at once. */
const AT_ONCE = 100;

export function sqliteIdempotency(db: Database, rules: LeaseRules, writer: string): Idempotency {
  let hasTable = false;
  return {
    async beginRequest(request, holder) {
      return guarded(db, () => {
        if (!hasTable) migrate(db, { writer, to: KEYS_FORMAT });
        hasTable = true;
        return db.transaction(() => beginRequest(db, rules, request, holder));
      });
    },
    async finishRequest({ key, claim }, answer) {
      if (!isStorable(answer)) return false;
      return guarded(db, () =>
        db.transaction(() => {
          const row = db.sql(SQL.keyedRequest).get(key);
          if (row === undefined || row[0] !== claim) return false;
          const headers = JSON.stringify(answer.headers);
          const sum = keySum(row, answer.status, headers, answer.body);
          return db.sql(SQL.answerKey).run(answer.status, headers, answer.body, answerSize(answer), sum, claim) === 1;
        }),
      );
    },
    async abandonRequest({ claim }) {
      guarded(db, () =>
        db.transaction(() => {
          if (db.sql(SQL.dropKey).run(claim) === 0) db.sql(SQL.freeKey).run(claim);
        }),
      );
    },
  };
}

function beginRequest(db: Database, rules: LeaseRules, request: KeyedRequest, holder: Holder): BegunRequest {
  const { key, digest, time } = request;
  db.sql(SQL.dropOldKeys).run(time - KEY_KEPT_MS);
  const row = db.sql(SQL.keyedRequest).get(key);
  const known = row && keptRequest(db, row);
  const told = known && answerOfKept(known, request, rules);
  if (told !== undefined) return told;
  const effect = known?.effect ?? request.effect;
  const { boot, space } = rules.machine;
  const retaken = known === undefined ? 0 : 1;
  const sum = crc32(sumText(key, digest, effect, null, "{}", ""));
  const claim = Number(
    db
      .sql(SQL.claimKey)
      .get(
        key,
        digest,
        effect,
        time,
        holder.pid,
        holder.started,
        holder.title,
        boot,
        space,
        rules.now(),
        retaken,
        sum,
      )?.[0],
  );
  keepBounds(db, claim);
  return { kind: "new", claim: { key, claim, effect } };
}

/** Forgets the oldest where there are too many, or too much. */
function keepBounds(db: Database, newest: number): void {
  const [count, size] = db.sql(SQL.keysTotal).get() ?? [];
  let keys = Number(count);
  let bytes = Number(size);
  while (keys > MOST_KEYS || bytes > MOST_KEY_BYTES) {
    const rows = db.sql(SQL.keysToDrop).all(newest, AT_ONCE);
    if (rows.length === 0) return;
    for (const [claim, length] of rows) {
      if (keys <= MOST_KEYS && bytes <= MOST_KEY_BYTES) return;
      keys -= db.sql(SQL.dropAnyKey).run(Number(claim));
      bytes -= Number(length);
    }
  }
}

/** A row of `SQL.keyedRequest`; throws a `HeddleError` if it is damaged: a wrong answer is worse than none. */
function keptRequest(db: Database, row: Row): KeptRequest {
  const [, key, digest, effect, , status, headers, body, sum] = row;
  const lease = leaseOf(row, KEY_LEASE_AT);
  if (lease === undefined || keySum(row, status, headers, body) !== sum) throw damagedKey(db.file, key);
  let answer: FirstAnswer | undefined;
  if (typeof status === "number") {
    const stored = parseJson(headers, db.file, `the answer to request ${String(key)}`);
    if (!isJsonObject(stored)) throw damagedKey(db.file, key);
    answer = { status, headers: stored as FirstAnswer["headers"], body: String(body) };
  }
  return { digest: String(digest), effect: String(effect), lease, answer };
}

/** Reads every stored request, for `check`; calls `note` with what is wrong with one. */
export function checkKeyedRequests(db: Database, note: (thrown: unknown) => void): void {
  if (db.sql(SQL.hasKeys).get() === undefined) return;
  for (let after = 0; ;) {
    const rows = db.sql(SQL.keyedRequests).all(after, AT_ONCE);
    for (const row of rows) {
      after = Number(row[0]);
      try {
        keptRequest(db, row);
      } catch (thrown) {
        note(thrown);
      }
    }
    if (rows.length < AT_ONCE) return;
  }
}

function keySum(row: Row, status: unknown, headers: unknown, body: unknown): number {
  const [, key, digest, effect] = row;
  return crc32(sumText(key, digest, effect, status, headers, body));
}

function sumText(...parts: readonly unknown[]): string {
  return parts.map((part) => String(part ?? "")).join("\n");
}

function damagedKey(file: string, key: unknown): HeddleError {
  return new HeddleError({
    code: "JournalDamaged",
    message: `${file} is damaged: what is stored of the request with the key ${String(key)} does not match its checksum`,
    hint: DAMAGE_HINT,
  });
}
