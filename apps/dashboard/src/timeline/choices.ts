/** Choices of the timeline: what a person decides about how it is shown. */

export const ROW_MODES = ["step", "slot", "agent"] as const;
export type RowMode = (typeof ROW_MODES)[number];
export const ATTEMPT_FILTERS = ["all", "last", "retried"] as const;
export type AttemptFilter = (typeof ATTEMPT_FILTERS)[number];
