/**
 * Runner port: carries out one attempt of a command or function. Knows no graph, no retry and no journal: it gets all
 * that it needs and returns one {@link Outcome}. It ends what it started: when `outcome` settles, no process of the
 * attempt runs in its process group, and escaped descendants are found by the tag in their environment.
 */
import type { Json, JsonObject } from "../base/json.ts";
import type { StepFunction } from "../plan/plan.ts";
import type { StopReason, Outcome } from "../run/attempt.ts";

/** What kind of work; resolved: templates are filled in, defaults applied, paths absolute. */
export type Work =
  | { readonly kind: "run"; readonly command: string; readonly shell: string }
  | { readonly kind: "call"; readonly module: string; readonly export: string; readonly with: JsonObject }
  | {
      readonly kind: "function";
      readonly inputs: Readonly<Record<string, unknown>>;
      readonly fn: StepFunction;
      /** The module whose default export is the plan: where an isolated function is found again. */
      readonly planModule?: string | undefined;
    };

export type WorkKind = Work["kind"];

export interface Attempt {
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  readonly work: Work;
  /** Absolute. */
  readonly cwd: string;
  /** Set for the attempt, over what `envMode` lets through. */
  readonly env: Readonly<Record<string, string>>;
  readonly envMode: "inherit" | "strict";
  /** Names let through in `strict` mode besides PATH, HOME, LANG, TERM and TMPDIR. */
  readonly passEnv: readonly string[];
  /** Names of variables whose values are masked in log, output and errors: raw, base64, URL-encoded, split over chunks. */
  readonly secrets: readonly string[];
  readonly isolate: boolean;
  /** What the command prints is shown with colours: it is told so (`FORCE_COLOR`), unless somebody has told it already. */
  readonly colour?: boolean | undefined;
  /** Outputs of the deps by id, for `$HEDDLE_DEPS`; absent: the step has no deps. */
  readonly deps?: JsonObject | undefined;
  readonly params: JsonObject;
  readonly item?: Json | undefined;
  /** The log file; `null`: no log (a run in memory). Its folder exists. */
  readonly logFile: string | null;
  /** Base name for the attempt's exchange files (`$HEDDLE_OUTPUT`, ...); its folder exists; `null` only for functions. */
  readonly exchangeBase: string | null;
  readonly graceMs: number;
  readonly maxMemoryMb?: number | undefined;
  /** Called for progress that the step reports. */
  readonly onProgress?: (data: JsonObject) => void;
}

export interface RunningAttempt {
  /** Settles once; never rejects. */
  readonly outcome: Promise<Outcome>;
  /** Asks the attempt to end: SIGTERM to its group (or its AbortSignal), after `graceMs` SIGKILL. The first reason counts. */
  stop(reason: StopReason): void;
  /** Ends it at once, without grace (the second Ctrl-C). */
  kill(): void;
}

export interface Runner extends AsyncDisposable {
  /** Kinds of work that it carries out. */
  readonly kinds: readonly WorkKind[];
  start(attempt: Attempt): RunningAttempt;
  /** Makes ready what can be made ready early (helper processes); optional to call. */
  warm?(): void;
}

/** Ends what earlier attempts left behind. */
export interface Sweeper {
  /**
   * Ends every process tagged with `run` (of whatever engine), TERM, grace, KILL, until two sweeps in a row find nothing.
   * `keep`: attempts that are running now (`step` + `attempt`). Returns how many processes were found.
   */
  sweep(
    run: string,
    options?: { readonly graceMs?: number; readonly keep?: (step: string, attempt: number) => boolean },
  ): Promise<number>;
}
