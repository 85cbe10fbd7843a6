/** Rows about commands: one, a hundred, ten thousand that do nothing; sleeps whose order matters. */
import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";
import { contestant, times, type Sized } from "../kit/contest.ts";
import { asSleeps, boundMs, independent, sleepers, trap, type TimedStep } from "../kit/graphs.ts";
import { timeProgram, type Contestant } from "../kit/measure.ts";
import { HEDDLE, heddle, lage, make, ninja, nodeLaunch, nx, pnpm, turbo, wireit } from "../kit/projects.ts";
import type { Entry, Outcome, Row, Settings } from "../kit/row.ts";

const nodeStart: Contestant<number> = {
  who: "Node start",
  note: "node -e 0",
  sample: () => timeProgram(nodeLaunch(["-e", "0"])),
};

/** Those that take a second for nothing are asked less often, in the quick mode not at all. */
function peers(quick: boolean): readonly Sized[] {
  const slow = quick ? [] : [lage, nx].map((contest) => ({ contest, rounds: 3 }));
  return [make, ninja, pnpm, turbo, wireit].map((contest): Sized => ({ contest })).concat(slow);
}

export const oneCommand: Row = {
  id: "one",
  title: "`run` of one no-op command, cold",
  bar: "2.2 x Node start",
  command: "heddle run (a plan of one step `run: true`)",
  async measure({ folder, quick }) {
    const all = [{ contest: heddle }, ...peers(quick)].map((each) => contestant(each, folder, independent(1), 2));
    const found = await times([nodeStart, ...all], quick ? 5 : 15);
    return {
      kind: "measured",
      entries: found.entries,
      verdicts: [{ what: "run / Node start", ours: found.of("heddle") / found.of("Node start"), bar: 2.2, unit: "x" }],
      notes: found.failures,
    };
  },
};

/** A C program that forks the commands, where there is a compiler. */
function forkLimit(folder: string, count: number): readonly Contestant<number>[] {
  const program = join(folder, "fork");
  try {
    execFileSync("cc", ["-O2", "-o", program, resolve(import.meta.dirname, "../programs/fork.c")], { stdio: "ignore" });
  } catch {
    return [];
  }
  const sample = (): number => timeProgram({ file: program, args: [String(count)] });
  return [{ who: "C fork + sh", note: "bench/programs/fork.c", sample }];
}

export const hundredCommands: Row = {
  id: "hundred",
  title: "100 independent no-op commands, -j2",
  bar: "2.5 x make, everything journalled",
  command: "heddle run -j 2",
  async measure({ folder, quick }) {
    const commands = independent(100);
    const all = [{ contest: heddle }, ...peers(quick)].map((each) => contestant(each, folder, commands, 2));
    const found = await times([...forkLimit(folder, 100), ...all], quick ? 5 : 9);
    return {
      kind: "measured",
      entries: found.entries,
      verdicts: [{ what: "run / make", ours: found.of("heddle") / found.of("make"), bar: 2.5, unit: "x" }],
      notes: found.failures,
    };
  },
};

export const manyCommands: Row = {
  id: "many",
  title: "10,000 independent no-op commands, -j2",
  bar: "1.5 x make",
  command: "heddle run -j 2",
  async measure({ folder, quick }) {
    const count = quick ? 2000 : 10_000;
    const commands = independent(count);
    const all = [heddle, make, ninja].map((contest) => contestant({ contest }, folder, commands, 2));
    const found = await times([...forkLimit(folder, count), ...all], 3);
    return {
      kind: "measured",
      entries: found.entries,
      verdicts: [{ what: "run / make", ours: found.of("heddle") / found.of("make"), bar: 1.5, unit: "x" }],
      notes: quick ? [`${count} commands in the quick mode`, ...found.failures] : found.failures,
    };
  },
};

async function againstBound(
  { folder, quick }: Settings,
  steps: readonly TimedStep[],
  bar: number,
  rivals: readonly Sized[],
): Promise<Outcome> {
  const bound = boundMs(steps, 4);
  const all = [{ contest: heddle }, ...rivals].map((each) => contestant(each, folder, asSleeps(steps), 4));
  const found = await times(all, quick ? 2 : 5);
  const atBest: Entry = {
    who: "bound",
    value: bound,
    unit: "ms",
    samples: 0,
    note: "longest path, or all work over 4",
  };
  const impossible = found.entries.filter(({ value }) => value < bound);
  return {
    kind: "measured",
    entries: [atBest, ...found.entries],
    verdicts: [{ what: "run / bound", ours: found.of("heddle") / bound, bar, unit: "x" }],
    notes: [
      ...impossible.map(({ who }) => `${who} was faster than can be: it did not run the commands`),
      ...found.failures,
    ],
  };
}

/** Found by trying seeds: with this one plain list scheduling meets the bound, so order and overhead show. */
const SLEEPS_SEED = 1262;

export const sleeps: Row = {
  id: "sleeps",
  title: "60 sleeps with dependencies, -j4",
  bar: "1.06 x bound",
  command: "heddle run -j 4",
  measure: (settings) =>
    againstBound(settings, sleepers(60, SLEEPS_SEED), 1.06, [
      { contest: make },
      { contest: ninja },
      ...(settings.quick ? [] : [turbo, wireit, nx].map((contest) => ({ contest, rounds: 3 }))),
    ]),
};

export const criticalPath: Row = {
  id: "trap",
  title: "critical-path trap: 48 short steps ahead of a chain of 12, -j4",
  bar: "1.03 x bound from the second run on",
  command: "heddle run -j 4 (durations known from a run before)",
  measure: (settings) =>
    againstBound(settings, trap(), 1.03, [
      { contest: make },
      { contest: ninja },
      ...(settings.quick ? [] : [turbo, wireit].map((contest) => ({ contest, rounds: 3 }))),
    ]),
};

export const looking: Row = {
  id: "looking",
  title: "`plan`, `show`, `--version`",
  bar: "1.6 x Node start",
  command: "heddle plan; heddle show; heddle --version",
  async measure({ folder, quick }) {
    const run = contestant(
      { contest: heddle },
      folder,
      asSleeps(sleepers(12, 1).map((step) => ({ ...step, ms: 1 }))),
      4,
    );
    await run.warm?.();
    const ours = ["plan", "show", "--version"].map((word): Contestant<number> => {
      const sample = (): number => timeProgram(nodeLaunch([HEDDLE, word], join(folder, "heddle")));
      return { who: word, note: word === "--version" ? "" : "a plan of 12 steps", warm: sample, sample };
    });
    const found = await times([nodeStart, ...ours], quick ? 7 : 15);
    const node = found.of("Node start");
    return {
      kind: "measured",
      entries: found.entries,
      verdicts: ours.map(({ who }) => ({
        what: `${who} / Node start`,
        ours: found.of(who) / node,
        bar: 1.6,
        unit: "x" as const,
      })),
      notes: found.failures,
    };
  },
};
