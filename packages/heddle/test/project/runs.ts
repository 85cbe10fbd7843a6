/** Runs in a journal in memory, as an engine would record them: what the use cases of a project look at. */
import type { Holder, Journal, Lease } from "../../src/journal/port.ts";
import type { Event, EventBody, RunOptions } from "../../src/run/event.ts";
import { summaryOf } from "../../src/run/summary.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { HistoryReader } from "../../src/view/history.ts";
import { OPTIONS } from "../view/histories.ts";

const ENGINE: Holder = { pid: 1, started: "1", title: "heddle run" };

/** A run that an engine works on, until it leaves it. */
export class RecordedRun {
  readonly run: string;
  readonly #journal: Journal;
  readonly #plan: Plan;
  readonly #options: RunOptions;
  readonly #reader = new HistoryReader();
  #lease: Lease | undefined;
  #seq = 0;

  constructor(journal: Journal, run: string, plan: Plan, options: RunOptions = OPTIONS) {
    this.#journal = journal;
    this.run = run;
    this.#plan = plan;
    this.#options = options;
  }

  /** At `time`. `gitHead`: the commit that it began at. */
  async begin(time = 1000, beginning: { readonly gitHead?: string } = {}): Promise<this> {
    const created = await this.#journal.create({ run: this.run, plan: this.#plan.name, createdAt: time }, ENGINE);
    if (!created.ok) throw new Error(created.error.kind);
    this.#lease = created.value;
    const data = { plan: this.#plan, options: this.#options, engine: "test", ...beginning };
    return this.record(
      [
        { type: "run.created", data },
        { type: "run.started", data: {} },
      ],
      time,
    );
  }

  async record(bodies: readonly EventBody[], time = 1000): Promise<this> {
    const events = bodies.map((body) => ({ run: this.run, seq: ++this.#seq, time, ...body }) as Event);
    for (const event of events) this.#reader.add(event);
    const { state } = this.#reader;
    if (this.#lease === undefined || state === undefined) throw new Error("no run");
    const appended = await this.#journal.append(this.#lease, events, { summary: summaryOf(state) });
    if (!appended.ok) throw new Error(appended.error.kind);
    return this;
  }

  /** Its engine goes, whatever the state of the run. */
  async leave(): Promise<this> {
    if (this.#lease !== undefined) await this.#journal.release(this.#lease);
    this.#lease = undefined;
    return this;
  }
}
