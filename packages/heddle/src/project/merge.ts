/**
 * Merge commands: land the integration branch of a run, or revert a step. Knows which runs may land; the agent port
 * knows git.
 */
import type { AgentMaintenance, AgentRun, Reverted } from "../agent/port.ts";
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import type { Step } from "../plan/plan.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { EventLog } from "../journal/port.ts";
import type { Landing, LandMode, Task } from "../run/attempt.ts";
import { lastMerge, type RunState, stepAt } from "../run/state.ts";
import { beginningOf, taskOf } from "../run/task.ts";
import { findStep } from "./find-run.ts";
import type { Engine } from "../engine/open.ts";
import { readRun } from "./read-run.ts";

export interface MergePorts {
  readonly log: Pick<EventLog, "get" | "read">;
  readonly agents: () => Promise<AgentMaintenance>;
  readonly engine: () => Promise<Engine>;
}

export interface MergeOptions {
  /** `merge`: into the user's branch. `ff`: the same, only by moving it forward. `branch`: as a branch of its own. */
  readonly kind: LandMode;
  /** Of a `branch`. */
  readonly name?: string | undefined;
  /** What is merged so far of a run that goes on: a part of its work. */
  readonly partial?: boolean;
  /** Called before git is, where the run has ended without success: what it has merged so far lands. */
  readonly onUnfinished?: () => void;
}

/** Lands the work of a run, and notes it in its history. */
export async function landWork(
  { log, agents, engine }: MergePorts,
  run: string,
  { kind, name, partial = false, onUnfinished }: MergeOptions,
): Promise<Result<Landing, Problem>> {
  const read = await readRun(log, run);
  if (!read.ok) return read;
  const { state, live } = read.value;
  if (live && !partial) return err(goesOn(run));
  if (!live && state.phase.tag !== "succeeded") onUnfinished?.();
  const landed = await (
    await agents()
  ).land(run, kind, defined({ name, target: state.branch, recorded: lastMerge(state) }));
  if (!landed.ok) return landed;
  const { problem } = landed.value;
  if (problem !== undefined) return err(problem);
  await (await engine()).recordLanding(run, landed.value);
  return landed;
}

/** Landing a part silently would only be noticed when the rest does not come. */
function goesOn(run: string): Problem {
  return {
    code: "RunGoesOn",
    message: `run ${run} has not ended: only a part of it would land`,
    hint: `Wait for its end (\`heddle watch ${run}\`), or land what has been merged so far with --partial.`,
  };
}

/** Agents' steps that began with the work of a step: those that depend on it, directly or not. */
function buildersOn(steps: readonly Step[], step: string): readonly string[] {
  const below = new Set([step]);
  // A step comes after its deps, except where it was added later; each round finds at least one.
  for (let size = 0; size < below.size;) {
    size = below.size;
    for (const { id, deps = [] } of steps) if (deps.some((dep) => below.has(dep))) below.add(id);
  }
  return steps.flatMap(({ id, action }) => (id !== step && below.has(id) && action.kind === "agent" ? [id] : []));
}

/**
 * The step is looked for in the history, so that a mistyped name is distinguished from a step without work. What is left has to
 * pass the plan's checks, and those of the steps that were built on it.
 */
export async function takeOut(
  { log, agents, engine }: MergePorts,
  run: string,
  step: string,
): Promise<Result<Reverted, Problem>> {
  const read = await readRun(log, run);
  if (!read.ok) return read;
  const { state } = read.value;
  const found = findStep(state, step);
  if (!found.ok) return found;
  const builders = buildersOn(state.steps, step);
  const tasks = [step, ...builders].flatMap((id) => checkedTask(state, id));
  const hasChecks = tasks.some((task) =>
    task.step.id === step ? hasCommands(state.plan.agents?.verify) : hasCommands(task.step.verify),
  );
  const reverted = hasChecks
    ? await (await engine()).revert(agentRunOf(state), { step, tasks })
    : await (await agents()).revert(run, defined({ step, recorded: lastMerge(state) }));
  return reverted.ok && builders.length > 0 ? ok({ ...reverted.value, builders }) : reverted;
}

function agentRunOf(state: RunState): AgentRun {
  const { run, plan, options } = state;
  return { run, config: plan.agents ?? {}, maxAgents: options.maxAgents, ...beginningOf(state) };
}

/** What the checks of an agent's step are run with: as for its attempts. */
function checkedTask(state: RunState, id: string): readonly Task[] {
  const index = state.index.byId.get(id);
  if (index === undefined || stepAt(state, index).action.kind !== "agent") return [];
  return [taskOf(state, index, 1)];
}

function hasCommands(commands: string | readonly string[] | undefined): boolean {
  return commands !== undefined && commands.length > 0;
}
