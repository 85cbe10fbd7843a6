/** Event types of runs without agents, git and earlier runs: all that the reducer decides on by itself. Generated runs have each of them. */
import type { Event } from "../../src/run/event.ts";

/** In order of the alphabet. */
export const EVENTS_OF_THE_REDUCER: readonly Event["type"][] = [
  "approval.given",
  "approval.requested",
  "machine.short",
  "rollback.ended",
  "rollback.failed",
  "rollback.started",
  "run.cancelled",
  "run.created",
  "run.failed",
  "run.options",
  "run.paused",
  "run.resumed",
  "run.started",
  "run.succeeded",
  "run.unpaused",
  "signal.received",
  "step.cached",
  "step.cancelled",
  "step.examined",
  "step.failed",
  "step.progress",
  "step.rolledback",
  "step.skipped",
  "step.started",
  "step.succeeded",
  "steps.added",
  "timer.fired",
  "timer.set",
];
