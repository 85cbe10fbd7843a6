/** Written run: a run whose history a test writes itself, as an engine of this process would, for a server that watches. */
import path from "node:path";
import { orThrow } from "../../../../packages/heddle/src/base/errors.ts";
import { checkEvent } from "../../../../packages/heddle/src/run/event-schema.ts";
import type { Journal, Lease } from "../../../../packages/heddle/src/journal/port.ts";
import { openSqliteJournal } from "../../../../packages/heddle/src/journal/sqlite/open.ts";
import type { Event, EventBody } from "../../../../packages/heddle/src/run/event.ts";
import type { Plan } from "../../../../packages/heddle/src/plan/plan.ts";

/** Events in one append at most. */
const BATCH = 1000;

export class WrittenRun implements AsyncDisposable {
  readonly run: string;
  readonly #journal: Journal;
  readonly #lease: Lease;
  #seq = 0;

  private constructor(run: string, journal: Journal, lease: Lease) {
    this.run = run;
    this.#journal = journal;
    this.#lease = lease;
  }

  /** Begins a run in the project's folder. */
  static async begin(dir: string, run: string, plan: Plan, maxConcurrency = 8): Promise<WrittenRun> {
    const journal = orThrow(await openSqliteJournal(path.join(dir, ".heddle/state.db"), { validate: checkEvent }));
    const holder = { pid: process.pid, started: "", title: "written" };
    const lease = await journal.create({ run, plan: plan.name, createdAt: Date.now() }, holder);
    if (!lease.ok) throw new Error(`no lease: ${lease.error.kind}`);
    const written = new WrittenRun(run, journal, lease.value);
    const options = { maxConcurrency, maxAgents: 1, schedule: "ready", failure: "continue", rollback: "none" } as const;
    await written.add([
      { type: "run.created", data: { plan, options, engine: "written" } },
      { type: "run.started", data: {} },
    ]);
    return written;
  }

  async add(bodies: readonly EventBody[]): Promise<void> {
    for (let from = 0; from < bodies.length; from += BATCH) {
      const events = bodies
        .slice(from, from + BATCH)
        .map((body) => ({ run: this.run, seq: ++this.#seq, time: Date.now(), ...body }) as Event);
      const appended = await this.#journal.append(this.#lease, events, { summary: { status: "running" } });
      if (!appended.ok) throw new Error(JSON.stringify(appended.error));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#journal.release(this.#lease);
    await this.#journal.close();
  }
}
