/**
 * Schemas of everything that `--json` prints, for programs that read it. Fields may be added to each shape, none
 * removed.
 */
import { z } from "zod";
import { REASON_KINDS } from "../run/reasons.ts";
import { RUN_STATUSES, STEP_STATUSES } from "./status.ts";

const time = z.number().int().nonnegative();
const durationMs = z.number().nonnegative();
const count = z.number().int().nonnegative();
const id = z.string().min(1);

export const RunStatusSchema: z.ZodType = z.enum(RUN_STATUSES);
export const StepStatusSchema: z.ZodType = z.enum(STEP_STATUSES);

const counts = z.looseObject({
  succeeded: count,
  failed: count,
  cancelled: count,
  skipped: count,
  cached: count,
  waiting: count,
  running: count,
  upToDate: count.optional(),
});

/** One line of `run --json` and `history --json`. */
export const EventSchema: z.ZodType = z.looseObject({
  run: id,
  seq: z.number().int().positive(),
  time,
  type: id,
  step: id.optional(),
  attempt: z.number().int().positive().optional(),
  data: z.record(z.string(), z.unknown()),
});

/** One line of `history --canonical --json`. */
export const CanonicalEventSchema: z.ZodType = z.strictObject({
  seq: z.number().int().positive(),
  type: id,
  step: id.optional(),
  attempt: z.number().int().positive().optional(),
  data: z.record(z.string(), z.unknown()),
});

const diagnostic = z.looseObject({
  code: id,
  severity: z.enum(["error", "warning"]),
  message: z.string(),
  file: z.string(),
  line: z.number().int().positive(),
  column: z.number().int().positive(),
  hint: z.string().optional(),
});

const planStep = z.looseObject({
  id,
  description: z.string().optional(),
  deps: z.array(id),
  after: z.array(id),
  layer: z.number().int().positive(),
  kind: z.enum(["run", "call", "function", "agent", "approve", "plan", "sleep", "signal"]),
  group: z.string().optional(),
  resources: z.record(z.string(), z.number()).optional(),
  locks: z.looseObject({ read: z.array(z.string()).optional(), write: z.array(z.string()).optional() }).optional(),
});

/** `plan --json`. */
export const PlanSchema: z.ZodType = z.looseObject({
  name: z.string(),
  steps: z.array(planStep),
  layers: z.array(z.array(id)),
  maxParallelism: z.number().int().positive(),
  criticalPath: z.array(id),
  criticalPathMs: durationMs.nullable(),
  expectedMakespanMs: durationMs.nullable(),
  workers: z.number().int().positive(),
  warnings: z.array(diagnostic).optional(),
});

/** `plan --json` of a plan with errors. */
export const DiagnosticsSchema: z.ZodType = z.looseObject({
  diagnostics: z.array(diagnostic),
});

const stepError = z.looseObject({
  code: id,
  message: z.string(),
  exitCode: z.number().int().optional(),
  signal: z.string().optional(),
  output: z.string().optional(),
});

const reason = z.looseObject({
  kind: z.enum(REASON_KINDS),
  steps: z.array(id).optional(),
  resource: z.string().optional(),
  lock: z.string().optional(),
  run: z.string().optional(),
  signal: z.string().optional(),
  until: z.number().optional(),
  have: count.optional(),
  want: count.optional(),
  of: count.optional(),
  used: z.number().optional(),
  limit: z.number().optional(),
});

const step = z.looseObject({
  id,
  status: StepStatusSchema,
  layer: z.number().int().positive(),
  attempts: count,
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  durationMs: durationMs.nullable(),
  queuedMs: durationMs.optional(),
  output: z.unknown().optional(),
  error: stepError.optional(),
  reason: z.enum(["dependency", "condition", "earlier", "up-to-date"]).optional(),
  cause: id.optional(),
  reasons: z.array(reason),
  usage: z.looseObject({ peakMemoryMb: z.number().optional(), cpuMs: z.number().optional() }).optional(),
  cost: z.number().optional(),
  log: z.string().nullable(),
  signal: z.string().optional(),
  until: z.number().optional(),
});

/** A member of `steps` of `show --json`. */
export const StepSchema: z.ZodType = step;

const run = z.looseObject({
  run: id,
  plan: z.string(),
  status: RunStatusSchema,
  startedAt: time,
  endedAt: time.nullable(),
  counts,
});

/** `show --json`. */
export const RunSchema: z.ZodType = run.extend({
  byStatus: z.record(z.enum(STEP_STATUSES), count),
  maxConcurrency: z.number().int().positive(),
  steps: z.array(step),
  sequentialMs: durationMs,
  parallelMs: durationMs,
  speedup: z.number().nonnegative().nullable(),
  criticalPathMs: durationMs,
  cost: z.number().nullable(),
  turnsWithoutCost: count,
  changedBySeveral: z
    .looseObject({
      count,
      files: z.array(z.looseObject({ file: z.string(), steps: z.array(id), count: z.number().int().min(2) })),
    })
    .optional(),
});

/** `runs --json`. */
export const RunsSchema: z.ZodType = z.looseObject({ runs: z.array(run) });

/** `replay --json`. */
export const ReplaySchema: z.ZodType = z.looseObject({
  run: id,
  seq: count,
  ok: z.boolean(),
  violations: z.array(z.looseObject({ rule: id, seq: count, message: z.string() })),
  state: RunSchema.nullable(),
});

/** `report --json`. */
export const ReportSchema: z.ZodType = run.extend({
  attempts: count,
  sequentialMs: durationMs,
  parallelMs: durationMs,
  speedup: z.number().nonnegative().nullable(),
  criticalPath: z.array(id),
  criticalPathMs: durationMs,
  slots: z.number().int().positive(),
  utilisation: z.number().min(0).max(1).nullable(),
  slowest: z.array(z.looseObject({ step: id, durationMs })),
  cost: z.number().nullable(),
  turnsWithoutCost: count,
});

/** `doctor --json`. */
export const DoctorSchema: z.ZodType = z.looseObject({
  ok: z.boolean(),
  checks: z.array(
    z.looseObject({
      check: id,
      level: z.enum(["ok", "warning", "error"]),
      message: z.string(),
      hint: z.string().optional(),
    }),
  ),
});
