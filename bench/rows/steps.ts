/** Rows about the engine itself: TypeScript steps that do nothing, journalled and in memory; resuming; growth with size. */
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { askProgram, interleave, median, type Contestant, type Launch } from "../kit/measure.ts";
import { versionOf } from "../kit/projects.ts";
import type { Entry, Outcome, Row } from "../kit/row.ts";

interface Answer {
  readonly ms: number;
  readonly bytesPerStep: number;
  readonly rssMb: number;
  readonly steps: number;
  readonly rowsPerSecond: number;
}

const BENCH = resolve(import.meta.dirname, "..");
/** `step.started` and `step.succeeded`. */
const ROWS_PER_STEP = 2;

function program(name: string, ...args: readonly (string | number)[]): Launch {
  const file = join(BENCH, name);
  const flags = ["--expose-gc", "--disable-warning=ExperimentalWarning", "--max-old-space-size=6000"];
  return { file: process.execPath, args: [...flags, file, ...args.map(String)] };
}

function asked(who: string, launch: () => Launch, more: { note?: string; rounds?: number } = {}): Contestant<Answer> {
  return { who, ...more, sample: () => askProgram<Answer>(launch()) };
}

/** A new empty folder for each sample. */
function folders(base: string): () => string {
  let made = 0;
  return () => {
    rmSync(join(base, String(made)), { recursive: true, force: true });
    const folder = join(base, String(++made));
    mkdirSync(folder, { recursive: true });
    return folder;
  };
}

interface Column {
  of(who: string, read: (answer: Answer) => number): number;
  entry(who: string, unit: Entry["unit"], read: (answer: Answer) => number, as?: string): readonly Entry[];
  readonly failures: readonly string[];
}

async function ask(contestants: readonly Contestant<Answer>[], rounds: number): Promise<Column> {
  const { samples, failures } = await interleave(contestants, rounds);
  const found = (who: string): readonly Answer[] => samples.find((each) => each.who === who)?.values ?? [];
  return {
    failures,
    of: (who, read) => median(found(who).map(read)),
    entry(who, unit, read, as = who) {
      const values = found(who).map(read);
      const note = contestants.find((each) => each.who === who)?.note;
      if (values.length === 0) return [];
      return [
        { who: as, value: median(values), unit, samples: values.length, ...(note === undefined ? {} : { note }) },
      ];
    },
  };
}

const NOT_RUN: readonly Entry[] = [
  {
    who: "DBOS",
    value: 900,
    unit: "steps/s",
    samples: 0,
    note: "not run: an earlier measurement on a machine of this kind, for orientation only",
  },
];

export const journalled: Row = {
  id: "journalled",
  title: "100,000 no-op TypeScript steps, journalled at FULL",
  bar: "60 % of the raw journal rate of the same run",
  command: "project.runs.start(plan of 100,000 functions, { maxConcurrency: 1000 })",
  async measure({ folder, quick }): Promise<Outcome> {
    const count = quick ? 20_000 : 100_000;
    const next = folders(folder);
    const openworkflow = versionOf("openworkflow");
    const rivals: Contestant<Answer>[] =
      openworkflow === undefined
        ? []
        : [
            asked("openworkflow", () => program("peers/in-process/openworkflow.mjs", 1000, next()), {
              rounds: 3,
              note: `${openworkflow}, its SQLite backend, 1,000 steps in one workflow`,
            }),
          ];
    const table = await ask(
      [
        asked("raw SQLite", () => program("programs/raw-journal.ts", count * ROWS_PER_STEP, next()), {
          note: "a plain insert of each event's text, batches of 1,000, WAL at FULL",
        }),
        asked("our journal alone", () => program("programs/append.ts", count * ROWS_PER_STEP, next()), {
          note: "checked, summed, batches of 1,000",
        }),
        asked("heddle", () => program("programs/engine.ts", count, next()), { note: "two rows a step" }),
        ...rivals,
      ],
      quick ? 3 : 5,
    );
    const rate = (answer: Answer): number => ((count * ROWS_PER_STEP) / answer.ms) * 1000;
    const own = table.of("heddle", rate);
    return {
      kind: "measured",
      entries: [
        ...table.entry("raw SQLite", "rows/s", (answer) => answer.rowsPerSecond),
        ...table.entry("our journal alone", "rows/s", (answer) => answer.rowsPerSecond),
        ...table.entry("heddle", "rows/s", rate),
        ...table.entry("heddle", "steps/s", (answer) => (answer.steps / answer.ms) * 1000, "heddle, steps"),
        ...table.entry("openworkflow", "steps/s", (answer) => (answer.steps / answer.ms) * 1000),
        ...NOT_RUN,
      ],
      verdicts: [
        {
          what: "rows/s / raw SQLite",
          ours: own / table.of("raw SQLite", (answer) => answer.rowsPerSecond),
          bar: 0.6,
          atLeast: true,
          unit: "x",
        },
      ],
      notes: [...(quick ? [`${count} steps in the quick mode`] : []), ...table.failures],
    };
  },
};

export const inMemory: Row = {
  id: "memory",
  title: "1,000,000 steps in memory",
  bar: "2 x the hand-written loop, 1 KB a step",
  command: "project.runs.start(plan of 1,000,000 functions), journal in memory",
  async measure({ quick }): Promise<Outcome> {
    const count = quick ? 100_000 : 1_000_000;
    const table = await ask(
      [
        asked("hand-written loop", () => program("programs/by-hand.ts", count), {
          note: "in-degrees in typed arrays, async functions, records nothing",
        }),
        asked("heddle", () => program("programs/engine.ts", count, "memory"), {
          note: "every event made, checked, folded and kept",
        }),
        asked("p-graph", () => program("peers/in-process/p-graph.mjs", 100_000), {
          rounds: 2,
          note: `${versionOf("p-graph") ?? ""}, 100,000 steps`,
        }),
        asked("async.auto", () => program("peers/in-process/async-auto.mjs", 3000), {
          rounds: 2,
          note: `${versionOf("async") ?? ""}, 3,000 steps; its time grows with their square`,
        }),
      ],
      3,
    );
    const perStep = (answer: Answer): number => (answer.ms * 1000) / answer.steps;
    const bytes = (answer: Answer): number => answer.bytesPerStep;
    return {
      kind: "measured",
      entries: [
        ...["hand-written loop", "heddle", "p-graph", "async.auto"].flatMap((who) => table.entry(who, "us", perStep)),
        ...table.entry("heddle", "bytes", bytes, "heddle, memory a step"),
        ...table.entry("p-graph", "bytes", bytes, "p-graph, memory a step"),
      ],
      verdicts: [
        {
          what: "time / hand-written loop",
          ours: table.of("heddle", perStep) / table.of("hand-written loop", perStep),
          bar: 2,
          unit: "x",
        },
        { what: "memory a step", ours: table.of("heddle", bytes), bar: 1024, unit: "bytes" },
      ],
      notes: [...(quick ? [`${count} steps in the quick mode`] : []), ...table.failures],
    };
  },
};

export const resume: Row = {
  id: "resume",
  title: "resume of 100,000 recorded steps",
  bar: "5 s, 300 MB",
  command: "project.runs.resume(run of which the last of 100,000 steps failed)",
  async measure({ folder, quick }): Promise<Outcome> {
    const count = quick ? 20_000 : 100_000;
    const next = folders(folder);
    let recorded = "";
    const record = (): string => {
      recorded = next();
      askProgram(program("programs/resume.ts", "record", count, recorded));
      return recorded;
    };
    const table = await ask(
      [
        asked("raw read", () => program("programs/resume.ts", "read", count, record()), {
          note: "every row by plain SQL, its JSON parsed",
        }),
        asked("heddle", () => program("programs/resume.ts", "resume", count, recorded), {
          note: "opened, folded, checked, the last step run, ended",
        }),
      ],
      3,
    );
    const ms = (answer: Answer): number => answer.ms;
    const rss = (answer: Answer): number => answer.rssMb;
    return {
      kind: "measured",
      entries: [
        ...table.entry("raw read", "ms", ms),
        ...table.entry("heddle", "ms", ms),
        ...table.entry("heddle", "MB", rss, "heddle, most memory of the process"),
      ],
      verdicts: [
        { what: "resume", ours: table.of("heddle", ms), bar: 5000, unit: "ms" },
        { what: "memory", ours: table.of("heddle", rss), bar: 300, unit: "MB" },
      ],
      notes: [...(quick ? [`${count} steps in the quick mode`] : []), ...table.failures],
    };
  },
};

export const scale: Row = {
  id: "scale",
  title: "growth: 1k, 10k, 100k, 1M steps side by side",
  bar: "time and memory a step stay level",
  command: "project.runs.start(plan of N functions), journal in memory and on disk",
  async measure({ folder, quick }): Promise<Outcome> {
    const next = folders(folder);
    const entries: Entry[] = [];
    const notes: string[] = [];
    for (const [size, inMemoryOnly] of [
      [1000, false],
      [10_000, false],
      [100_000, false],
      [1_000_000, true],
    ] as const) {
      if (quick && size > 100_000) continue;
      const table = await ask(
        [
          asked("memory", () => program("programs/engine.ts", size, "memory")),
          ...(inMemoryOnly ? [] : [asked("disk", () => program("programs/engine.ts", size, next()))]),
        ],
        size < 100_000 ? 5 : size < 1_000_000 ? 3 : 1,
      );
      const label = size.toLocaleString("en-US");
      const perStep = (answer: Answer): number => (answer.ms * 1000) / answer.steps;
      entries.push(
        ...table.entry("memory", "us", perStep, `${label}, in memory`),
        ...table.entry("disk", "us", perStep, `${label}, on disk`),
        ...table.entry("memory", "bytes", (answer) => answer.bytesPerStep, `${label}, memory a step`),
      );
      notes.push(...table.failures);
    }
    return { kind: "measured", entries, verdicts: [], notes };
  },
};

export const upToDate: Row = {
  id: "up-to-date",
  title: "up-to-date check of 10,000 files",
  bar: "2 x the stat loop",
  command: "heddle run (everything unchanged)",
  measure: () =>
    Promise.resolve({
      kind: "not-run",
      reason: "the cache and its up-to-date checks belong to a later version of heddle",
    }),
};
