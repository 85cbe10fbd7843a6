/**
 * Local runners: combines the runners of this machine: commands by helpers, functions in this process, and the sweep for
 * both.
 */
import type { Clock } from "../base/clock.ts";
import { defined } from "../base/defined.ts";
import { type BaseEnvironments, baseEnvironments } from "../process/environment.ts";
import { type HelperCommands, helperCommands } from "./helper.ts";
import { type MemoryWatch, memoryWatch } from "../process/memory.ts";
import { moduleRunner } from "./module.ts";
import type { Runner, Sweeper } from "./port.ts";
import { systemProcessTable } from "../process/process.ts";
import { type ProcessTable, sharedTable } from "../process/table.ts";
import { runnerRegistry } from "./registry.ts";
import { shellRunner } from "./shell.ts";
import { sweeper } from "./sweep.ts";

export interface LocalRunnersOptions {
  readonly clock: Clock;
  /** The environment of heddle's caller. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Random text, new for each process: letters and digits. */
  readonly owner: string;
  /** The program of worker threads (the compiled `isolated.ts` beside the composition root); absent: no `isolate`. */
  readonly workerEntry?: URL;
}

export interface LocalRunners {
  readonly runner: Runner;
  readonly sweeper: Sweeper;
  /** Whether commands of the run may have left processes behind since the last call. */
  readonly mayHaveLeftovers: (run: string) => boolean;
  readonly commands: HelperCommands;
  /** What other runners on this machine share with these. */
  readonly shared: SharedParts;
}

export interface SharedParts {
  readonly bases: BaseEnvironments;
  readonly memory: MemoryWatch;
  readonly world: {
    readonly clock: Clock;
    readonly table: ProcessTable;
    readonly owner: string;
    readonly path: string;
    /** Makes sure that somebody is there to end what is started, should this process die. */
    readonly guard: () => void;
  };
  /** Called for each run that may have left a process behind. */
  readonly onLeftovers: (run: string) => void;
}

export function localRunners({ clock, env, owner, workerEntry }: LocalRunnersOptions): LocalRunners {
  const bases = baseEnvironments(env);
  const table = sharedTable(systemProcessTable());
  const commands = helperCommands({ clock, table, bases, owner });
  const leftovers = new Set<string>();
  const memory = memoryWatch(clock);
  const onLeftovers = (run: string): void => void leftovers.add(run);
  const shell = shellRunner({ commands, bases, memory, onLeftovers });
  const modules = moduleRunner(defined({ clock, bases, workerEntry }));
  const world = { clock, table, owner, path: env["PATH"] ?? "", guard: () => commands.warm() };
  return {
    runner: runnerRegistry([shell, modules]),
    sweeper: sweeper({ clock, table, spare: (pid) => commands.isHelper(pid) }),
    mayHaveLeftovers: (run) => leftovers.delete(run),
    commands,
    shared: { bases, memory, world, onLeftovers },
  };
}
