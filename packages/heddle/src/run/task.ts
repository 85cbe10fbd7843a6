/**
 * Task scope: what an attempt may see of its run: outputs and statuses of its deps, under the names that its plan uses.
 */
import { present } from "../base/assert.ts";
import { defined } from "../base/defined.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { AgentsConfig } from "../plan/agents-config.ts";
import { DEFAULT_GRACE_MS, type Step } from "../plan/plan.ts";
import type { Scope } from "../plan/expression/cel.ts";
import { enclosingContainer } from "./add-steps.ts";
import type { StepPhase } from "./facts.ts";
import { hasEnded, lastMerge, outputOf, phaseOf, stepAt, type RunState } from "./state.ts";
import type { AgentTask, Task } from "./attempt.ts";

const NO_DEPS: JsonObject = {};
const NO_AGENTS: AgentsConfig = {};
const NOTHING_SEEN: SeenDeps = { deps: NO_DEPS, depStatus: {} };

/** The task of an attempt that is about to start. */
export function taskOf(state: RunState, index: number, attempt: number): Task {
  const step = stepAt(state, index);
  const container = enclosingContainer(state, index);
  const item = state.items.get(index);
  const seen =
    step.deps === undefined && step.after === undefined ? NOTHING_SEEN : seenDeps(state, step, container?.prefix ?? "");
  const task: Task = {
    run: state.run,
    step,
    attempt,
    params: container?.params ?? state.plan.params ?? NO_DEPS,
    deps: seen.deps,
    depStatus: seen.depStatus,
    graceMs: step.graceMs ?? state.plan.graceMs ?? DEFAULT_GRACE_MS,
    shell: shellOf(step, state.rules),
  };
  if (step.action.kind === "plan") return defined({ ...task, item, within: filesAround(state, index) });
  if (step.action.kind !== "agent") return item === undefined ? task : { ...task, item };
  return defined({ ...task, item, agent: agentTaskOf(state, index, container?.prefix ?? "") });
}

/** The plan files that a step is inside of, outermost first. */
function filesAround(state: RunState, index: number): readonly string[] | undefined {
  const files: string[] = [];
  for (let at = state.parents[index] ?? -1; at !== -1; at = state.parents[at] ?? -1) {
    const { action } = stepAt(state, at);
    // The items of a `forEach` are the plan; the `forEach` around them is not.
    if (state.containers.get(at)?.kind === "plan" && action.kind === "plan" && action.file !== undefined)
      files.unshift(action.file);
  }
  return files.length === 0 ? undefined : files;
}

/**
 * The shell of a step's commands. A line that fails ends a command, as CI systems do; a shell that is written with options or
 * as a path is taken as written. Under the first rules every line of a command ran, whatever came of the one before.
 */
export function shellOf({ shell = "sh" }: Pick<Step, "shell">, rules: number): string {
  if (rules < 2) return shell;
  if (shell === "sh") return "sh -e";
  return shell === "bash" ? "bash -eo pipefail" : shell;
}

function agentTaskOf(state: RunState, index: number, prefix: string): AgentTask {
  const step = stepAt(state, index);
  const { plan, agentRecords } = state;
  const user = step.group === undefined ? undefined : state.groupUsers.get(step.group);
  const open = user === undefined ? undefined : agentRecords.get(user)?.open;
  const isSharing = (other: Step): boolean =>
    step.group !== undefined && other.group === step.group && other.action.kind === "agent" && other.id !== step.id;
  const texts = (step.deps ?? []).flatMap((id): [string, string][] => {
    const { description } = stepAt(state, present(state.index.byId.get(id), `dep ${id}`));
    return description === undefined ? [] : [[id.startsWith(prefix) ? id.slice(prefix.length) : id, description]];
  });
  return defined({
    plan: plan.name,
    config: plan.agents ?? NO_AGENTS,
    maxAgents: state.options.maxAgents,
    order: index,
    ...beginningOf(state),
    group: state.steps.flatMap((other, at) =>
      isSharing(other)
        ? [defined({ id: other.id, isDone: hasEnded(phaseOf(state, at)), description: other.description })]
        : [],
    ),
    lastUser: user === undefined ? undefined : defined({ step: user, open }),
    id: step.id.slice(prefix.length),
    ids: state.steps.flatMap(({ id }) => (id.startsWith(prefix) ? [id.slice(prefix.length)] : [])),
    depTexts: Object.fromEntries(texts),
    before: agentRecords.get(step.id) ?? {},
  });
}

/** Where the run's agents begin, and where their work may land. */
export function beginningOf(state: RunState): Pick<AgentTask, "base" | "begin" | "branch" | "recorded"> {
  const { gitHead, begin, branch } = state;
  return defined({ base: gitHead, begin, branch, recorded: lastMerge(state) });
}

interface SeenDeps {
  readonly deps: JsonObject;
  readonly depStatus: Readonly<Record<string, string>>;
}

/** Deps with their outputs; what comes before by `after`, for its status; and outputs of farther steps that expressions read. */
function seenDeps(state: RunState, step: Step, prefix: string): SeenDeps {
  // Without a prototype: any id, `__proto__` too, is a key like others, and a million different keys make no million shapes.
  const deps = Object.create(null) as Record<string, Json>;
  const depStatus = Object.create(null) as Record<string, string>;
  for (const list of [step.deps, step.after, step.reads]) {
    for (const id of list ?? []) {
      const name = prefix !== "" && id.startsWith(prefix) ? id.slice(prefix.length) : id;
      const phase = phaseOf(state, present(state.index.byId.get(id), "predecessor", id));
      const output = outputOf(phase);
      depStatus[name] = statusForExpressions(phase);
      if (output !== undefined) deps[name] = output;
    }
  }
  return { deps, depStatus };
}

/**
 * The status of a step that has ended, as conditions and templates see it: where its result came from makes no difference to
 * whoever builds on it.
 */
function statusForExpressions(phase: StepPhase): string {
  if (phase.tag === "skipped" && phase.reason.kind === "earlier") return phase.reason.status;
  const isReused = phase.tag === "cached" || (phase.tag === "skipped" && phase.reason.kind === "up-to-date");
  return isReused ? "succeeded" : phase.tag;
}

/** What the expressions of a task may read. */
export function scopeOf(task: Task, environment: Readonly<Record<string, string | undefined>>): Scope {
  const deps = Object.fromEntries(
    Object.entries(task.depStatus).map(([id, status]) => {
      const output = task.deps[id];
      return [id, output === undefined ? { status } : { status, output }];
    }),
  );
  const env: [string, string][] = [];
  for (const name of task.step.passEnv ?? []) {
    const value = environment[name];
    if (value !== undefined) env.push([name, value]);
  }
  return defined({ params: task.params, deps, run: { id: task.run }, item: task.item, env: Object.fromEntries(env) });
}
