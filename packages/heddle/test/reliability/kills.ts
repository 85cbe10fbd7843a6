/**
 * Kills of real engines: `heddle run` and `heddle resume` processes that get SIGKILL at moments of chance, over generated plans
 * whose commands count their effects in a file outside the journal. What must hold is checked from three independent sources:
 * what the killed process had printed, what the journal holds, what the commands did.
 */
import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { seededRandom, type Random } from "../../src/base/random.ts";
import { openSqliteJournal } from "../../src/journal/sqlite/open.ts";
import { checkEvent } from "../../src/run/event-schema.ts";
import type { Event } from "../../src/run/event.ts";
import { checkHistory } from "../../src/run/check/history-checker.ts";
import { pick, whole } from "../support/plans.ts";
import { Rig, type Running } from "../support/command-line.ts";

export interface KillReport {
  readonly kills: number;
  /** Events that were printed before some kill, each of which must be stored. */
  readonly acknowledged: number;
  readonly events: number;
  /** Attempts whose command began. */
  readonly effects: number;
  /** Kills that left an attempt without a recorded end. */
  readonly interrupted: number;
  readonly violations: readonly string[];
}

const JOURNAL = ".heddle/state.db";

/** Stays of engines that are not killed any more before a run counts as stuck. */
const MOST_STAYS = 4;

/** What ends an engine: SIGKILL at any moment, or a request that it obeys, once it holds its run. */
export type Ending = "SIGKILL" | "SIGINT" | "SIGTERM";

/** One plan, run to its end with so many kills on the way. */
export async function killOften(seed: number, kills: number, ending: Ending = "SIGKILL"): Promise<KillReport> {
  using rig = new Rig();
  const life = new KilledRun(rig, seed, ending);
  await life.live(kills);
  return life.report();
}

class KilledRun {
  readonly #rig: Rig;
  readonly #random: Random;
  readonly #ending: Ending;
  readonly #seed: number;
  readonly #violations: string[] = [];
  /** Printed events by number, as they were printed. */
  readonly #printed = new Map<number, string>();
  /** How often the commands of steps with a recorded success had begun when that success was first seen on disk. */
  readonly #begunAtSuccess = new Map<string, number>();
  #run: string | undefined;
  #events: readonly Event[] = [];
  #kills = 0;
  #interrupted = 0;

  constructor(rig: Rig, seed: number, ending: Ending) {
    this.#rig = rig;
    this.#seed = seed;
    this.#ending = ending;
    this.#random = seededRandom(seed);
    appendFileSync(path.join(rig.dir, "effects"), "");
    rig.plan(generatePlanFile(this.#random));
  }

  report(): KillReport {
    return {
      kills: this.#kills,
      acknowledged: this.#printed.size,
      events: this.#events.length,
      effects: this.#effects().filter(({ kind }) => kind === "begin").length,
      interrupted: this.#interrupted,
      violations: this.#violations,
    };
  }

  async live(kills: number): Promise<void> {
    while (this.#kills < kills) {
      const engine = this.#start();
      const fate = await (this.#ending === "SIGKILL"
        ? this.#killAtSomeMoment(engine)
        : this.#askToEnd(engine, this.#ending));
      this.#hear(engine);
      await this.#inspect(fate === "killed");
      if (fate === "ended") break;
    }
    for (let stay = 0; stay < MOST_STAYS; stay++) {
      const engine = this.#start();
      const { code, stderr } = await engine.done;
      this.#hear(engine);
      await this.#inspect(false);
      if (code === 0) return this.#checkEnd();
      const failures = this.#events.filter(({ type }) => type === "step.failed" || type === "step.cancelled").slice(-3);
      const why = failures.map((event) => JSON.stringify(event)).join(" ");
      this.#fail(`seed ${this.#seed}: an engine that nobody killed ended with ${code}: ${stderr.slice(0, 300)} ${why}`);
    }
    this.#fail("the run did not end (R2)");
  }

  #fail(text: string): void {
    if (this.#violations.length < 10) this.#violations.push(text);
  }

  #start(): Running {
    return this.#rig.spawn(this.#run === undefined ? ["run", "--json"] : ["resume", this.#run, "--json"]);
  }

  /** At a moment after the start, or just when some event or effect shows: what is done right then is what is cut. */
  async #killAtSomeMoment(engine: Running): Promise<"killed" | "ended"> {
    const ended = engine.done.then(() => "ended" as const);
    const wait = pick(this.#random, [
      () => after(whole(this.#random, 600)),
      () =>
        engine
          .says(pick(this.#random, ["step.started", "step.succeeded", "steps.added", "run.created", "run.resumed"]))
          .then(() => after(whole(this.#random, 30))),
    ]);
    const moment = wait().then(
      () => "now" as const,
      () => "ended" as const,
    );
    const first = await Promise.race([ended, moment]);
    if (first === "ended") return "ended";
    engine.kill("SIGKILL");
    const { signal } = await engine.done;
    if (signal !== "SIGKILL") return "ended";
    this.#kills++;
    return "killed";
  }

  /** Obeyed: the documented exit code, the run cancelled on disk, nothing of it left alive (P4). */
  async #askToEnd(engine: Running, signal: Exclude<Ending, "SIGKILL">): Promise<"killed" | "ended"> {
    await engine.says("step.started").then(
      () => after(whole(this.#random, 60)),
      () => undefined,
    );
    engine.kill(signal);
    const { code, signal: died, stderr } = await engine.done;
    if (code === 0) return "ended";
    this.#kills++;
    if (code !== 130)
      this.#fail(`${signal} ended the engine with ${code ?? died ?? "nothing"}, not 130: ${stderr.slice(0, 200)}`);
    this.#hear(engine);
    const last = [...this.#printed].at(-1)?.[1] ?? "";
    if (!last.includes('"run.cancelled"')) this.#fail(`after ${signal} the last event told is ${last.slice(0, 100)}`);
    for (const pid of taggedWith(this.#run ?? "-"))
      this.#fail(`process ${pid} is alive after ${signal} ended the engine (P1)`);
    return "killed";
  }

  /** What the process had printed by its end: whole lines are acknowledged events. */
  #hear(engine: Running): void {
    const whole_ = engine.stdout.slice(0, engine.stdout.lastIndexOf("\n") + 1);
    for (const line of whole_.split("\n")) {
      if (line === "") continue;
      const event = JSON.parse(line) as Event;
      if (typeof event.seq !== "number") continue;
      this.#run ??= event.run;
      const before = this.#printed.get(event.seq);
      if (before !== undefined && before !== line) this.#fail(`event ${event.seq} was printed twice and differs`);
      this.#printed.set(event.seq, line);
    }
  }

  async #inspect(wasKilled: boolean): Promise<void> {
    if (!this.#rig.has(JOURNAL)) {
      // Killed before there was a journal: nothing may have been printed or done.
      if (this.#printed.size > 0 || this.#effects().length > 0)
        this.#fail("something was told or done without a journal");
      return;
    }
    const opened = await openSqliteJournal(path.join(this.#rig.dir, JOURNAL), { validate: checkEvent });
    if (!opened.ok) return this.#fail(`the journal cannot be opened: ${opened.error.message}`);
    await using journal = opened.value;
    const report = await journal.check();
    if (!report.ok) this.#fail(`the journal is damaged: ${report.problems.map(({ message }) => message).join("; ")}`);
    const runs = await journal.runs();
    if (runs.length > 1) this.#dropEmpty(runs.map(({ lastSeq }) => lastSeq));
    const record = runs.find(({ lastSeq }) => lastSeq > 0);
    this.#run ??= record?.run;
    if (this.#run === undefined || record === undefined) return;
    const events: Event[] = [];
    for await (const batch of journal.read(this.#run)) events.push(...batch);
    this.#checkHistory(events, wasKilled);
  }

  /** Runs whose engine died before its first commit have no events; only one has more. */
  #dropEmpty(sizes: readonly number[]): void {
    if (sizes.filter((size) => size > 0).length > 1) this.#fail("a second run was begun beside the first");
  }

  #checkHistory(events: readonly Event[], wasKilled: boolean): void {
    const broken = checkHistory(events);
    for (const { seq, message } of broken.slice(0, 3)) this.#fail(`event ${seq}: ${message}`);
    if (events.length < this.#events.length)
      this.#fail(`the history shrank from ${this.#events.length} to ${events.length} events`);
    for (const [seq, line] of this.#printed) {
      const stored = events[seq - 1];
      if (stored === undefined) this.#fail(`event ${seq} was printed and is not stored (D1)`);
      else if (JSON.stringify(stored) !== JSON.stringify(JSON.parse(line)))
        this.#fail(`event ${seq} is not stored as it was printed (D1)`);
    }
    this.#checkEffects(events);
    const open = new Set<string>();
    for (const event of events) {
      if (event.type === "step.started") open.add(event.step);
      else if (event.type === "step.succeeded" || event.type === "step.failed") open.delete(event.step);
    }
    if (wasKilled && open.size > 0) this.#interrupted++;
    this.#events = events;
  }

  /** Nothing began that is not recorded as started; nothing began again after its success was recorded (R1). */
  #checkEffects(events: readonly Event[]): void {
    const started = new Set(
      events.flatMap((event) => (event.type === "step.started" ? [`${event.step} ${event.attempt}`] : [])),
    );
    const begun = new Map<string, number>();
    const once = new Set<string>();
    for (const { kind, step, attempt } of this.#effects()) {
      if (kind !== "begin") continue;
      begun.set(step, (begun.get(step) ?? 0) + 1);
      if (!started.has(`${step} ${attempt}`))
        this.#fail(`attempt ${attempt} of ${step} began and its start is not on disk`);
      if (once.has(`${step} ${attempt}`)) this.#fail(`attempt ${attempt} of ${step} began twice`);
      once.add(`${step} ${attempt}`);
    }
    for (const event of events) {
      if (event.type !== "step.succeeded") continue;
      const now = begun.get(event.step) ?? 0;
      const then = this.#begunAtSuccess.get(event.step);
      if (then === undefined) this.#begunAtSuccess.set(event.step, now);
      else if (now > then) this.#fail(`${event.step} began again after its success was recorded (R1)`);
    }
  }

  #effects(): readonly { readonly kind: string; readonly step: string; readonly attempt: number }[] {
    const lines = readFileSync(path.join(this.#rig.dir, "effects"), "utf8").split("\n");
    return lines.flatMap((line) => {
      const [kind = "", step = "", attempt = ""] = line.split(" ");
      return kind === "" ? [] : [{ kind, step, attempt: Number(attempt) }];
    });
  }

  #checkEnd(): void {
    const last = this.#events.at(-1)?.type;
    if (last !== "run.succeeded") this.#fail(`the last event is ${last ?? "none"}`);
    const ends = new Set(this.#effects().flatMap(({ kind, step }) => (kind === "end" ? [step] : [])));
    for (const event of this.#events) {
      if (event.type !== "step.succeeded" || containers.has(event.step)) continue;
      if (!ends.has(event.step))
        this.#fail(`${event.step} is recorded as succeeded and its command never came to its end`);
    }
    for (const pid of taggedWith(this.#run ?? "-")) {
      this.#fail(`process ${pid} (${describeProcess(pid)}) of the run is alive after its end (P2)`);
    }
  }
}

/** Ids of container steps in generated plans. */
const containers = new Set(["each"]);

const after = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** A plan of commands that write what they do, take a little while, and now and then leave a process of another session behind. */
function generatePlanFile(random: Random): object {
  const ids: string[] = [];
  const steps: object[] = [];
  const size = 5 + whole(random, 7);
  for (let at = 0; at < size; at++) {
    const id = `s${at}`;
    const deps = ids.filter(() => random() < 0.3).slice(0, 3);
    const run = commandOf(
      random,
      random() < 0.15 ? 'printf \'[{"id":"%s-more","run":"%s"}]\' "$HEDDLE_STEP" "$MORE" > "$HEDDLE_STEPS"; ' : "",
    );
    steps.push({ id, run, ...(deps.length > 0 && { deps }), env: { MORE: MORE_COMMAND } });
    ids.push(id);
  }
  steps.push({ id: "each", deps: [ids[0]], forEach: [1, 2, 3], run: commandOf(random, "") });
  return { name: "killed", maxConcurrency: 1 + whole(random, 4), grace: "200ms", steps };
}

const NOTE = (kind: string): string => `printf '%s %s %s\\n' ${kind} "$HEDDLE_STEP" "$HEDDLE_ATTEMPT" >> effects`;
/** Of an added step: it stands inside JSON inside a shell word, so that it has no quotes. */
const MORE_COMMAND =
  "echo begin $HEDDLE_STEP $HEDDLE_ATTEMPT >> effects; echo end $HEDDLE_STEP $HEDDLE_ATTEMPT >> effects";

function commandOf(random: Random, extra: string): string {
  const left = random() < 0.2 ? "setsid sleep 300 >/dev/null 2>&1 & " : "";
  return `${NOTE("begin")}; ${left}sleep 0.0${whole(random, 9)}; ${extra}${NOTE("end")}`;
}

/** Processes whose environment names the run. */
/** What can still be said of a process: its state, parent, group and words. */
function describeProcess(pid: number): string {
  try {
    const [, state, parent, group] = /\) (\S) (\d+) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1")) ?? [];
    const words = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").slice(0, 120);
    return `${state ?? "?"}, child of ${parent ?? "?"}, group ${group ?? "?"}: ${words}`;
  } catch {
    return "gone a moment later";
  }
}

export function taggedWith(run: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "latin1").includes(`HEDDLE_TAG=${run}:`);
      } catch {
        return false;
      }
    });
}
