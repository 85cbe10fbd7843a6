/**
 * Keys of a subplan: what becomes of the keys of a plan that is a step of another one. Pure; for texts and for plans that join a
 * run alike.
 */
import { canonicalJson, type Json } from "../base/json.ts";
import type { WrittenPlan } from "./document.ts";
import type { Plan } from "./plan.ts";

/**
 * `inside`: it holds inside the plan, as in a run of its own. `run`: it is one for the whole run; a subplan may only say what
 * the outermost says.
 */
export const SUBPLAN_KEYS: Readonly<Record<keyof WrittenPlan, "inside" | "run">> = {
  name: "inside",
  description: "inside",
  params: "inside",
  maxConcurrency: "inside",
  maxAgents: "inside",
  failure: "inside",
  timeout: "inside",
  grace: "inside",
  resources: "inside",
  defaults: "inside",
  schedule: "run",
  rollback: "run",
  limits: "run",
  budget: "run",
  agents: "run",
  notify: "run",
};

export interface KeyOfRun {
  /** Of the key, from the subplan on. */
  readonly path: readonly string[];
  readonly hint: string;
}

/** What the subplan says of a whole run, and the outermost says otherwise. */
export function keysOfRun(inner: Partial<Plan>, outermost: Partial<Plan>): readonly KeyOfRun[] {
  const found: KeyOfRun[] = [];
  const outside = "set it in the outermost plan, where it holds for the whole run";
  if (inner.schedule === "layers") {
    const hint = "inside another plan a step starts when its own dependencies have ended: order the steps with `after`";
    found.push({ path: ["schedule"], hint });
  }
  if (inner.rollback !== undefined && inner.rollback !== (outermost.rollback ?? "none"))
    found.push({ path: ["rollback"], hint: outside });
  for (const key of ["limits", "budget", "notify"] as const)
    if (inner[key] !== undefined && differ(inner[key], outermost[key])) found.push({ path: [key], hint: outside });
  const { use = {}, ...settings } = inner.agents ?? {};
  for (const [key, value] of Object.entries(settings)) {
    const outer = (outermost.agents as Readonly<Record<string, unknown>> | undefined)?.[key];
    if (differ(value, outer)) found.push({ path: ["agents", key], hint: outside });
  }
  for (const [name, entry] of Object.entries(use))
    if (differ(entry, outermost.agents?.use?.[name]))
      found.push({
        path: ["agents", "use", name],
        hint: "declare it in the outermost plan: its agents are those of the whole run",
      });
  return found;
}

function differ(a: unknown, b: unknown): boolean {
  return canonicalJson(a as Json) !== canonicalJson((b ?? null) as Json);
}
