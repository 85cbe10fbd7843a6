/** Inputs that several tools have. All are flat and bounded; a member that no tool has is refused. */
import * as z from "zod";
import type { Json, JsonObject } from "../base/json.ts";
import type { AskedPlan } from "../project/asked-plan.ts";
import { defined } from "../base/defined.ts";

const RUN = z.string().min(1).max(64);

/** To look at: the latest run is meant where none is named. */
export const anyRun: z.ZodOptional<z.ZodString> = RUN.optional().describe(
  "Id of the run, or the beginning of one; absent: the latest run.",
);

/** To act on: it has to be named. */
export const namedRun: z.ZodString = RUN.describe("Id of the run, or the beginning of one.");

export const stepOfRun: z.ZodString = z.string().min(1).max(1000).describe("Id of the step.");

export const workers: z.ZodOptional<z.ZodInt> = z
  .int()
  .min(1)
  .max(10_000)
  .optional()
  .describe("Steps at once; absent: what the plan says, else the number of cores.");

export const planFile: z.ZodOptional<z.ZodString> = z
  .string()
  .min(1)
  .max(4096)
  .optional()
  .describe("Path of a plan file in the project; absent: the project's own plan (heddle.yaml).");

export const planDocument: z.ZodOptional<z.ZodString> = z
  .string()
  .min(1)
  .max(4 * 1024 * 1024)
  .optional()
  .describe("Text of a whole plan file, YAML or JSON, instead of a path.");

export const planParams: z.ZodOptional<z.ZodRecord<z.ZodString, z.ZodUnknown>> = z
  .record(z.string().max(1000), z.unknown())
  .optional()
  .describe("Values of the plan's parameters, by name.");

/** `undefined`: two plans were named. */
export function askedPlanOf(input: {
  readonly plan?: string | undefined;
  readonly document?: string | undefined;
}): AskedPlan | undefined {
  const { plan, document } = input;
  return plan !== undefined && document !== undefined ? undefined : defined<AskedPlan>({ file: plan, document });
}

/** They came as JSON. */
export function paramsOf(params: Readonly<Record<string, unknown>> | undefined): JsonObject {
  return (params ?? {}) as Record<string, Json>;
}
