/** Programs side by side: each prepares its project in a folder of its own and is timed in turn with the others. */
import { join } from "node:path";
import { interleave, median, timeProgram, type Contestant, type Launch } from "./measure.ts";
import type { Command, Contest } from "./projects.ts";
import type { Entry } from "./row.ts";

export interface Sized {
  readonly contest: Contest;
  /** At most so many samples. */
  readonly rounds?: number;
}

/** A contestant that runs `commands`; warmed by one run, so that what each keeps between runs is there. */
export function contestant(
  { contest, rounds }: Sized,
  folder: string,
  commands: readonly Command[],
  jobs: number,
): Contestant<number> {
  let launch: Launch | undefined;
  return {
    who: contest.who,
    note: contest.note,
    ...(rounds === undefined ? {} : { rounds }),
    warm() {
      launch = contest.prepare(join(folder, contest.who.replaceAll(/\W/g, "")), commands, jobs);
      return timeProgram(launch);
    },
    sample: () => timeProgram(launch as Launch),
  };
}

export interface Times {
  readonly entries: readonly Entry[];
  readonly failures: readonly string[];
  /** The median of a contestant, in ms; NaN: it did not run. */
  of(who: string): number;
}

/** Times contestants in turn, in ms. */
export async function times(contestants: readonly Contestant<number>[], rounds: number): Promise<Times> {
  const { samples, failures } = await interleave(contestants, rounds);
  const entries = samples.map(({ who, note, values }): Entry => {
    const about = note === undefined || note === "" ? {} : { note };
    return { who, value: median(values), unit: "ms", samples: values.length, ...about };
  });
  const of = (who: string): number => entries.find((entry) => entry.who === who)?.value ?? Number.NaN;
  return { entries, failures, of };
}
