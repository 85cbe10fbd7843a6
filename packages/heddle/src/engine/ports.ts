/**
 * Engine ports: everything that the engine gets as an argument. Nothing in this folder picks an implementation, reads a
 * clock or starts a process.
 */
import type { AgentRun, Reverted, RevertWork } from "../agent/port.ts";
import type { Clock } from "../base/clock.ts";
import type { Problem } from "../base/errors.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { Random } from "../base/random.ts";
import type { Result } from "../base/result.ts";
import type { Backend } from "../backend/port.ts";
import type { EventLog, Holder, Leases, Locks, Mailbox, Statistics } from "../journal/port.ts";
import type { Plan } from "../plan/plan.ts";
import type { Landing, Task } from "../run/attempt.ts";
import type { Finding } from "../run/input-events.ts";
import type { World } from "../run/transition.ts";
import type { Tracing } from "../telemetry/port.ts";

/** What the machine can still bear. */
export interface Probe {
  /** Memory in use on the machine, in MiB. */
  usedMemoryMb(): number;
  /** Use of all cores since the last call, 0 to 100. */
  cpuPercent(): number;
}

/** What running a plan takes of a journal; its upkeep and its end are others'. */
export type EngineJournal = EventLog & Leases & Mailbox & Locks & Statistics;

/** A plan file that a step stands for. */
export interface SubplanCall {
  /** Relative to the folder of the run's plan. */
  readonly file: string;
  readonly params: JsonObject;
  /** The files of the steps around it, outermost first; absent: none. */
  readonly within?: readonly string[];
  /** Pools of the plans around it, which its steps may ask for too; absent: none. */
  readonly pools?: { readonly [pool: string]: number };
}

/** A plan file as it joins a run. */
export interface Subplan {
  readonly plan: Plan;
  /** Hash of what the file says. */
  readonly content: string;
}

/** What is wrong with an output by a schema, in one line; `undefined`: nothing. */
export interface OutputCheck {
  /** In a moment, or not at all. */
  readonly now: World["outputProblem"];
  /** Ends, whatever schema and output are; given up at once with the signal. */
  readonly later: (schema: JsonObject, output: Json, signal: AbortSignal) => Promise<string | undefined>;
}

export interface EnginePorts {
  readonly journal: EngineJournal;
  readonly backend: Backend;
  readonly clock: Clock;
  readonly random: Random;
  readonly holder: Holder;
  readonly probe: Probe;
  /** Of this program, for the record. */
  readonly version: string;
  /** Commit and branch of the project's checkout: where a new run begins. */
  readonly gitHead: () => { readonly commit: string; readonly branch?: string } | undefined;
  /** Reads the plan behind a `plan: FILE` step; module paths in it come back relative to the outer plan's folder. */
  readonly loadSubplan: (run: string, subplan: SubplanCall) => Promise<Result<Subplan, Problem>>;
  /**
   * Hash of what the file of a subplan says now; `undefined`: it cannot be read. `planFile`: the run's own, relative to the
   * project folder; absent: the run's plan stands in none.
   */
  readonly subplanContent: (planFile: string | undefined, file: string) => Promise<string | undefined>;
  /** The check of an output that the run itself makes, or is sent. */
  readonly loadOutputCheck: () => Promise<OutputCheck>;
  /**
   * Resolves when what has ended by now has had the chance to say so: after this turn of the event loop. Ends that come
   * together then share a commit; a lone one is not delayed.
   */
  readonly batchTick: () => Promise<void>;
  /** The environment that `env` in expressions may name. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How often to look for requests from other processes; 0: never (a journal that no other process has). */
  readonly pollMs: number;
  /**
   * Finds out, before a step that may be cached starts, whether a stored result can be used. Absent: none is cached.
   */
  readonly examine?: (task: Task) => Promise<Result<Finding, string>>;
  /** Takes the work of a step back out of a run, verified. Absent: nothing can. */
  readonly revertAgents?: (run: AgentRun, work: RevertWork) => Promise<Result<Reverted, Problem>>;
  /** Called when the journal has words for people outside to send. */
  readonly onNotices?: () => void;
  /** Asked for with each run. Absent, as is what it gives: runs are not traced. */
  readonly openTracing?: () => Promise<Tracing | undefined>;
  /** The run came to a stop: what agents left in it is put in order, and lands where the run is done. `undefined`: nothing was left. */
  readonly finishAgents?: (run: AgentRun, isDone: boolean) => Promise<Landing | undefined>;
}
