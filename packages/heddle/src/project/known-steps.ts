/**
 * Known steps: which steps runs have, for who asks again and again: each page of a log is asked for by run and step. Knows no log.
 *
 * Invariants:
 *  1. A run keeps its steps: what was found once is found without reading the history. What was not found is looked for anew, as
 *     a run may get steps.
 *  2. At most {@link MOST_KNOWN} are remembered, those asked for last.
 */
import type { Problem } from "../base/errors.ts";
import { ok, type Result } from "../base/result.ts";
import { UsedLast } from "../base/used-last.ts";
import type { EventLog } from "../journal/port.ts";
import { findStep } from "./find-run.ts";
import { readRun } from "./read-run.ts";

const MOST_KNOWN = 1000;

export class KnownSteps {
  readonly #log: Pick<EventLog, "get" | "read">;
  readonly #known = new UsedLast<string, true>(MOST_KNOWN);

  constructor(log: Pick<EventLog, "get" | "read">) {
    this.#log = log;
  }

  async find(run: string, id: string): Promise<Result<string, Problem>> {
    // The id of a run has no slash.
    const key = `${run}/${id}`;
    if (this.#known.get(key) === undefined) {
      const read = await readRun(this.#log, run);
      if (!read.ok) return read;
      const found = findStep(read.value.state, id);
      if (!found.ok) return found;
    }
    this.#known.set(key, true);
    return ok(id);
  }
}
