/** Rows about what pages ask the server for: what other numbers of workers would bring, and a run at any of its events. */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { askProgram, interleave, median, type Launch } from "../kit/measure.ts";
import type { Entry, Outcome, Row } from "../kit/row.ts";

const BENCH = resolve(import.meta.dirname, "..");

function program(name: string, ...args: readonly (string | number)[]): Launch {
  const flags = ["--disable-warning=ExperimentalWarning"];
  return { file: process.execPath, args: [...flags, join(BENCH, "programs", name), ...args.map(String)] };
}

interface Times {
  readonly ms: number;
  /** Of 60 looks, the fourth worst. */
  readonly worst?: number;
  readonly first?: number;
  readonly patch?: number;
  readonly back?: number;
  readonly marks?: number;
}

function entryOf(who: string, values: readonly number[], note?: string): Entry {
  const entry = { who, value: median(values), unit: "ms", samples: values.length } as const;
  return note === undefined ? entry : { ...entry, note };
}

export const whatIfCurve: Row = {
  id: "what-if",
  title: "what-if: 12 numbers of workers for 2,000 steps",
  bar: "300 ms",
  command: "POST .../plans/simulate",
  async measure({ folder, quick }): Promise<Outcome> {
    const asked = (mode: string, steps: number) => ({
      who: `${mode}, ${steps.toLocaleString("en-US")} steps`,
      sample: () => askProgram<Times>(program("what-if.ts", mode, steps, folder)),
    });
    const contestants = [asked("rules", 2000), asked("thread", 2000), asked("rules", 10_000), asked("thread", 10_000)];
    const { samples, failures } = await interleave(contestants, quick ? 3 : 7);
    const notes = [
      "rules: the scheduler's rules alone, compiled; thread: as a page asks, with the plan read and validated",
      ...failures,
    ];
    const msOf = (at: number): readonly number[] =>
      samples.find(({ who }) => who === contestants[at]?.who)?.values.map(({ ms }) => ms) ?? [];
    return {
      kind: "measured",
      entries: contestants.map(({ who }, at) => entryOf(who, msOf(at))),
      verdicts: [{ what: "12 counts, 2,000 steps", ours: median(msOf(0)), bar: 300, unit: "ms" }],
      notes,
    };
  },
};

export const replayAt: Row = {
  id: "replay",
  title: "a run at any of 100,000 events",
  bar: "50 ms",
  command: "GET .../runs/RUN/live?at=SEQ",
  async measure({ folder, quick }): Promise<Outcome> {
    const sizes = [2000, 20_000];
    const folderOf = (steps: number): string => join(folder, String(steps));
    for (const steps of sizes) {
      mkdirSync(folderOf(steps));
      askProgram(program("replay.ts", "record", steps, folderOf(steps)));
    }
    const contestants = sizes.map((steps) => ({
      who: `${steps.toLocaleString("en-US")} steps`,
      sample: () => askProgram<Times>(program("replay.ts", "at", steps, folderOf(steps))),
    }));
    const { samples, failures } = await interleave(contestants, quick ? 1 : 3);
    const entries = samples.flatMap(({ who, values }) => [
      entryOf(
        `${who}: any event`,
        values.map(({ ms }) => ms),
        "as JSON",
      ),
      entryOf(
        `${who}: the fourth worst of 60`,
        values.map(({ worst = 0 }) => worst),
      ),
      entryOf(
        `${who}: 100 events on`,
        values.map(({ patch = 0 }) => patch),
        "a patch",
      ),
      entryOf(
        `${who}: 10 events back`,
        values.map(({ back = 0 }) => back),
        "a patch",
      ),
      entryOf(
        `${who}: the first look`,
        values.map(({ first = 0 }) => first),
        "once for each server",
      ),
    ]);
    const small = samples.find(({ who }) => who === contestants[0]?.who)?.values.map(({ ms }) => ms) ?? [];
    return {
      kind: "measured",
      entries,
      verdicts: [{ what: "any event, 2,000 steps", ours: median(small), bar: 50, unit: "ms" }],
      notes: failures,
    };
  },
};
