/**
 * Row codec: converts events and run records to rows and back. Knows the columns and the checksum; not SQL, not what
 * events mean.
 *
 * Invariants:
 *  1. The checksum covers everything that is read back: run, seq, time, type, version of the type, step, attempt, data.
 *  2. `decodeEvent` returns the event that was encoded, or throws a `HeddleError` that names file, run and seq.
 */
import { BugError } from "../../base/assert.ts";
import { HeddleError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { EVENT_VERSION, type Event } from "../../run/event.ts";
import { crc32 } from "./checksum.ts";
import type { Cell, Row } from "./database.ts";

/** The meaning of events, passed in by the caller. */
export interface EventRules {
  /** What is wrong with an event, checked before it is stored and after it was read; `undefined`: nothing. */
  readonly validate?: (event: Event) => string | undefined;
  /** Brings an event of an older version to the current one. */
  readonly upgrade?: (event: Event, version: number) => Event;
}

export interface EncodedEvent {
  readonly seq: number;
  readonly time: number;
  readonly type: string;
  readonly step: string | null;
  readonly attempt: number | null;
  readonly data: string;
  readonly sum: number;
}

interface StepFields {
  readonly step?: string;
  readonly attempt?: number;
}

/** Throws a `BugError` for an event that breaks its own schema: nothing wrong may enter the journal. */
export function encodeEvent(event: Event, rules: EventRules): EncodedEvent {
  const problem = rules.validate?.(event);
  if (problem !== undefined)
    throw new BugError(`event ${event.seq} (${event.type}) of run ${event.run} is malformed: ${problem}`);
  const fields: StepFields = event as StepFields;
  const { run, seq, time, type } = event;
  const step = fields.step ?? null;
  const attempt = fields.attempt ?? null;
  const data = JSON.stringify(event.data);
  const sum = eventSum(run, seq, time, type, EVENT_VERSION, step, attempt, data);
  return { seq, time, type, step, attempt, data, sum };
}

/** Where a row comes from: names for its numbers, and text for error messages. */
export interface RowSource {
  readonly file: string;
  readonly run: string;
  readonly rules: EventRules;
  typeOf(id: number): { readonly name: string; readonly version: number } | undefined;
  stepOf(id: number): string | undefined;
}

/** `row` is seq, time, type, step, attempt, data, sum, as `SELECT_EVENTS` gives them. */
export function decodeEvent(row: Row, source: RowSource): Event {
  const [seq, time, typeId, stepId, attempt, data, sum] = row;
  const bad = (reason: string): HeddleError =>
    damaged(source.file, reason, source.run, typeof seq === "number" ? seq : undefined);
  if (typeof seq !== "number" || typeof time !== "number" || typeof typeId !== "number" || typeof data !== "string") {
    throw bad("has a field of the wrong type");
  }
  if ((stepId !== null && typeof stepId !== "number") || (attempt !== null && typeof attempt !== "number")) {
    throw bad("has a field of the wrong type");
  }
  const type = source.typeOf(typeId);
  if (type === undefined) throw bad(`has the unknown type number ${typeId}`);
  const step = stepId === undefined || stepId === null ? null : source.stepOf(stepId);
  if (step === undefined) throw bad(`has the unknown step number ${stepId}`);
  if (eventSum(source.run, seq, time, type.name, type.version, step, attempt ?? null, data) !== sum) {
    throw bad("does not match its checksum");
  }
  return finish(
    { run: source.run, seq, time, type: type.name, step, attempt: attempt ?? null, data },
    type.version,
    source,
    bad,
  );
}

interface Fields {
  readonly run: string;
  readonly seq: number;
  readonly time: number;
  readonly type: string;
  readonly step: string | null;
  readonly attempt: number | null;
  readonly data: string;
}

function finish(fields: Fields, version: number, source: RowSource, bad: (reason: string) => HeddleError): Event {
  const { run, seq, time, type, step, attempt } = fields;
  const data: Json = parseJson(fields.data, source.file, `event ${seq} of run ${run}`);
  let made: unknown;
  if (step === null) made = { run, seq, time, type, data };
  else if (attempt === null) made = { run, seq, time, type, step, data };
  else made = { run, seq, time, type, step, attempt, data };
  let event = made as Event;
  if (version !== EVENT_VERSION) {
    if (version > EVENT_VERSION) throw tooNew(source.file, `event ${seq} of run ${run} has version ${version}`);
    if (source.rules.upgrade === undefined) throw bad(`has version ${version}, which this heddle cannot upgrade`);
    event = source.rules.upgrade(event, version);
  }
  const problem = source.rules.validate?.(event);
  if (problem !== undefined) throw bad(`is malformed: ${problem}`);
  return event;
}

export function eventSum(
  run: string,
  seq: number,
  time: number,
  type: string,
  version: number,
  step: string | null,
  attempt: number | null,
  data: string,
): number {
  return crc32(`${run}\n${seq}\n${time}\n${type}\n${version}\n${step ?? ""}\n${attempt ?? ""}\n${data}`);
}

/** Protects what a history is measured by: a tail that vanished is only noticed by `lastSeq`. */
export function runSum(run: string, plan: string, createdAt: number, lastSeq: number, summary: string): number {
  return crc32(`${run}\n${plan}\n${createdAt}\n${lastSeq}\n${summary}`);
}

/** One row of `runs`, checked. */
export interface RunRow {
  readonly id: number;
  readonly run: string;
  readonly plan: string;
  readonly createdAt: number;
  readonly lastSeq: number;
  readonly summary: string;
}

/** `row` begins with id, name, plan, created_at, last_seq, summary, sum. */
export function decodeRun(row: Row, file: string): RunRow {
  const [id, run, plan, createdAt, lastSeq, summary, sum] = row;
  if (
    typeof id !== "number" ||
    typeof run !== "string" ||
    typeof plan !== "string" ||
    typeof createdAt !== "number" ||
    typeof lastSeq !== "number" ||
    typeof summary !== "string" ||
    runSum(run, plan, createdAt, lastSeq, summary) !== sum
  ) {
    throw damaged(file, "does not match its checksum", typeof run === "string" ? run : undefined);
  }
  return { id, run, plan, createdAt, lastSeq, summary };
}

/** The value of a text without its own checksum; throws a `HeddleError` if it is not JSON. */
export function parseJson(text: Cell | undefined, file: string, what: string): Json {
  try {
    if (typeof text === "string") return JSON.parse(text) as Json;
  } catch {
    // Reported below, with the position.
  }
  throw new HeddleError({
    code: "JournalDamaged",
    message: `${file} is damaged: ${what} is not JSON`,
    hint: DAMAGE_HINT,
  });
}

export const DAMAGE_HINT = "Restore the file from a backup, or run `heddle doctor` to see all that is damaged.";

export function damaged(file: string, reason: string, run?: string, seq?: number): HeddleError {
  const place =
    run === undefined
      ? "a run's record"
      : seq === undefined
        ? `the record of run ${run}`
        : `event ${seq} of run ${run}`;
  return new HeddleError({
    code: "JournalDamaged",
    message: `${file} is damaged: ${place} ${reason}`,
    hint: DAMAGE_HINT,
  });
}

export function tooNew(file: string, what: string): HeddleError {
  return new HeddleError({
    code: "JournalTooNew",
    message: `${file} was written by a newer heddle: ${what}`,
    hint: "Update heddle, or use another project folder.",
  });
}
