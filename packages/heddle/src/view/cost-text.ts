/** Cost texts: what agents cost, for people. What nobody told is said as unknown, and a sum without it as a part. Pure. */
import { plural } from "../base/plural.ts";
import type { RunView } from "./run-view.ts";

/** `undefined`: no agent took a turn. */
export function costText({ cost, turnsWithoutCost }: Pick<RunView, "cost" | "turnsWithoutCost">): string | undefined {
  const untold = `${plural(turnsWithoutCost, "turn")} of agents told none`;
  if (cost === null) return turnsWithoutCost === 0 ? undefined : `unknown (${untold})`;
  const known = `${cost.toFixed(2)} USD`;
  return turnsWithoutCost === 0 ? known : `at least ${known} (${untold})`;
}
