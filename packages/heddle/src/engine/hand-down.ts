/** Steps of a plan inside a step: what they are handed down by that step, and what they are called in the run. Pure. */
import { defined } from "../base/defined.ts";
import type { Plan, Step } from "../plan/plan.ts";
import type { HandedDown } from "../run/event.ts";

/** What a step that stands for a plan says of commands, with its environment filled in; the plan's own `grace` comes first. */
export function handedBy(outer: Step, env: NonNullable<Step["env"]>, plan: Pick<Plan, "graceMs">): HandedDown {
  const { envMode, passEnv, secrets, cwd, shell } = outer;
  return defined({
    env: Object.keys(env).length === 0 ? undefined : env,
    envMode,
    passEnv,
    secrets,
    cwd,
    shell,
    graceMs: plan.graceMs ?? outer.graceMs,
  });
}

/** The step with what is handed down to it, where it says nothing else. */
export function handDown(handed: HandedDown, step: Step): Step {
  const env = { ...handed.env, ...step.env };
  const passEnv = [...new Set([...(handed.passEnv ?? []), ...(step.passEnv ?? [])])];
  const secrets = [...new Set([...(handed.secrets ?? []), ...(step.secrets ?? [])])];
  return defined<Step>({
    ...step,
    env: Object.keys(env).length === 0 ? undefined : env,
    passEnv: passEnv.length === 0 ? undefined : passEnv,
    secrets: secrets.length === 0 ? undefined : secrets,
    envMode: step.envMode ?? handed.envMode,
    cwd: step.cwd ?? handed.cwd,
    shell: step.shell ?? handed.shell,
    graceMs: step.graceMs ?? handed.graceMs,
  });
}

/** The step under its name in the run; `prefix`: the name of the step around it and a slash. */
export function withinPlan(step: Step, prefix: string): Step {
  const inside = (ids: readonly string[]): string[] => ids.map((id) => `${prefix}${id}`);
  return defined({
    ...step,
    id: `${prefix}${step.id}`,
    deps: step.deps === undefined ? undefined : inside(step.deps),
    after: step.after === undefined ? undefined : inside(step.after),
    reads: step.reads === undefined ? undefined : inside(step.reads),
  });
}
