/** Statuses of steps by what they mean for others. */
import type { StepStatus } from "heddle/view";

/** It gives what others need. */
export const FINE: ReadonlySet<StepStatus> = new Set<StepStatus>(["succeeded", "cached", "skipped"]);

/** Nothing more comes of it by itself. */
export const ENDED: ReadonlySet<StepStatus> = new Set<StepStatus>([...FINE, "failed", "cancelled"]);
