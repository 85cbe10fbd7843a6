/** Samples and medians. Contestants take turns within one round, so that a slow minute of the machine meets all of them. */
import { spawnSync } from "node:child_process";

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? Number.NaN;
  const lower = sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
  return (upper + lower) / 2;
}

/** A program as it is started. */
export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export class RunFailed extends Error {}

/** Milliseconds from the start to the end of a program, its output thrown away. Throws {@link RunFailed} with what it said. */
export function timeProgram(launch: Launch): number {
  const options = { cwd: launch.cwd, env: { ...process.env, ...launch.env }, timeout: 120_000 } as const;
  const from = performance.now();
  const ended = spawnSync(launch.file, launch.args, { ...options, stdio: "ignore" });
  const ms = performance.now() - from;
  if (ended.status === 0) return ms;
  const again = spawnSync(launch.file, launch.args, { ...options, encoding: "utf8" });
  const said = `${again.stdout}${again.stderr}`.trim().split("\n").slice(-3).join(" | ");
  throw new RunFailed(`exit ${ended.status ?? ended.signal ?? ended.error?.message}: ${said}`);
}

/** Runs a program that prints one line of JSON. */
export function askProgram<T>(launch: Launch): T {
  const ended = spawnSync(launch.file, launch.args, {
    cwd: launch.cwd,
    env: { ...process.env, ...launch.env },
    encoding: "utf8",
    timeout: 300_000,
    maxBuffer: 1 << 24,
  });
  const line = ended.stdout.trim().split("\n").at(-1) ?? "";
  if (ended.status !== 0 || !line.startsWith("{")) {
    throw new RunFailed(
      `exit ${ended.status ?? ended.signal}: ${ended.stderr.trim().split("\n").slice(0, 6).join(" | ")}`,
    );
  }
  return JSON.parse(line) as T;
}

export interface Contestant<T> {
  readonly who: string;
  readonly note?: string;
  /** One sample. */
  readonly sample: () => T | Promise<T>;
  /** Once, before the first sample, not counted. */
  readonly warm?: () => unknown;
  /** Of all the rounds, only so many: for those that take long. */
  readonly rounds?: number;
}

export interface Samples<T> {
  readonly who: string;
  readonly note?: string;
  readonly values: readonly T[];
}

/** `rounds` samples of each, interleaved. One that fails is out of the contest, and told of. */
export async function interleave<T>(
  contestants: readonly Contestant<T>[],
  rounds: number,
): Promise<{ readonly samples: readonly Samples<T>[]; readonly failures: readonly string[] }> {
  const values = new Map<string, T[]>();
  const failures = new Map<string, string>();
  const attempt = async (who: string, work: () => unknown): Promise<void> => {
    try {
      await work();
    } catch (thrown) {
      if (!(thrown instanceof RunFailed)) throw thrown;
      failures.set(who, thrown.message);
    }
  };
  for (const { who, warm } of contestants) if (warm !== undefined) await attempt(who, warm);
  for (let round = 0; round < rounds; round++) {
    for (const { who, sample, rounds: most = rounds } of contestants) {
      if (failures.has(who) || round >= most) continue;
      await attempt(who, async () => {
        const value = await sample();
        const known = values.get(who);
        if (known === undefined) values.set(who, [value]);
        else known.push(value);
      });
    }
  }
  const samples = contestants.flatMap(({ who, note }) => {
    const found = values.get(who);
    return found === undefined || failures.has(who)
      ? []
      : [{ who, ...(note === undefined ? {} : { note }), values: found }];
  });
  return { samples, failures: [...failures].map(([who, message]) => `${who} did not run: ${message}`) };
}
