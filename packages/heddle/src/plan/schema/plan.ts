/**
 * Plan schema: what a plan file may contain, key by key: the one source of its validation and of the JSON Schema for
 * editors. Only shapes are here; checks that need more than one key (unknown deps, pools, expressions) are in
 * `validate.ts` and the graph. Knows nothing of positions, files or other plans.
 *
 * Invariant: a schema accepts or refuses and never transforms, so the JSON Schema describes exactly what is accepted.
 */
import * as z from "zod/mini";
import { AGENT_SHAPES } from "./agents.ts";
import type { WrittenPlan, WrittenRetry, WrittenShared, WrittenStep } from "../document.ts";
import { FAILURE_CLASSES, type ParamSpec } from "../plan.ts";
import {
  command,
  count,
  duration,
  envName,
  flag,
  json,
  jsonMap,
  type Lazy,
  lazy,
  list,
  NAME,
  NOTES,
  oneOf,
  optional,
  type Schema,
  type ShapeOf,
  strict,
  text,
  texts,
  wholeNumber,
} from "./parts.ts";

export const ID_PATTERN: RegExp = /^[A-Za-z0-9._/-]{1,100}$/;
const id = lazy(() =>
  z.union(
    [
      z.string().check(z.regex(ID_PATTERN, "an id has 1 to 100 characters: letters, digits, and . _ - /")),
      z.number().check(z.nonnegative()),
    ],
    "expected an id of letters, digits, and . _ - /",
  ),
);
const ids = lazy(() => z.union([list(id)(), id()], "expected a list of step ids"));

const name = lazy(() =>
  z.string("expected a name").check(z.regex(NAME, "expected a name: letters, digits, and . _ -")),
);
const env = lazy(() =>
  z.record(
    envName().check(z.regex(/^(?!HEDDLE_)/, "names that begin with HEDDLE_ are reserved")),
    z.union([text(), z.number(), z.boolean()], "expected text"),
    "expected a mapping of names to strings",
  ),
);
const pools = lazy(() => z.record(name(), count(), "expected a mapping of pool names to numbers"));

const share = lazy(() =>
  z.number("expected a number").check(z.minimum(0, "must be 0 to 1"), z.maximum(1, "must be 0 to 1")),
);
const factor = lazy(() =>
  z.number("expected a number").check(z.minimum(1, "must be at least 1"), z.maximum(100, "must be at most 100")),
);
const failureClass = oneOf(FAILURE_CLASSES, `expected one of ${FAILURE_CLASSES.join(", ")}`);
const retryShape: ShapeOf<WrittenRetry> = {
  attempts: optional(count),
  delay: optional(duration),
  factor: optional(factor),
  maxDelay: optional(duration),
  jitter: optional(share),
  on: optional(list(failureClass)),
};
const retry = lazy(() =>
  z.union([
    wholeNumber().check(z.minimum(0, "must not be negative"), z.maximum(1000, "must be at most 1000")),
    strict(retryShape, "expected a number of retries or a mapping such as {attempts: 3, delay: 1s}")(),
  ]),
);

// A worker's labels are one word each, as `--labels gpu,mac` names them.
const label = lazy(() =>
  text().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/, "a label has letters, digits, and . _ -")),
);
const labels = lazy(() => z.union([label(), list(label)()], "expected a label or a list of labels"));

const lockShape: ShapeOf<NonNullable<WrittenShared["locks"]>> = {
  read: optional(list(name)),
  write: optional(list(name)),
};
const locks = strict(lockShape, "expected {read: [...], write: [...]}");
const stepLimits = strict({ maxMemoryMb: optional(count) }, "expected a mapping such as {maxMemoryMb: 512}");
const agentObject = strict(AGENT_SHAPES.step, "expected a prompt or a mapping such as {prompt: ..., model: ...}");

/** Keys that `defaults` may give to every step. */
const shared: ShapeOf<WrittenShared> = {
  labels: optional(texts),
  env: optional(env, "Environment variables of the step; values may contain ${{ }}."),
  envMode: optional(oneOf(["inherit", "strict"], "expected inherit or strict")),
  passEnv: optional(list(envName)),
  secrets: optional(list(envName), "Variables whose values are masked in logs, outputs and errors."),
  cwd: optional(command),
  shell: optional(command),
  cache: optional(flag),
  timeout: optional(duration, "Limit of one attempt; 0 removes a default."),
  totalTimeout: optional(duration, "Limit of all attempts together, waits included."),
  grace: optional(duration, "Time from SIGTERM to SIGKILL."),
  retry: optional(retry, "The number of further attempts, or a mapping in which `attempts` counts the first too."),
  resources: optional(pools),
  locks: optional(locks),
  limits: optional(stepLimits),
  runsOn: optional(
    labels,
    "Labels of the workers that may run the step: each worker that has all of them. No effect without workers.",
  ),
  optional: optional(flag, "May fail without failing the run."),
  onInterrupt: optional(oneOf(["rerun", "fail", "ask"], "expected rerun, fail or ask")),
  verify: optional(() => z.union([command(), list(command)()], "expected a command or a list of commands")),
  priority: optional(wholeNumber),
};

/** Other names of keys, from the plans of other tools. */
export const OTHER_NAMES = {
  depends_on: "deps",
  needs: "deps",
  parallel_group: "group",
  epic: "group",
  runs_on: "runsOn",
  "runs-on": "runsOn",
} as const;

/** Every key of a step as it is written, a function of a TypeScript plan apart. */
const stepShape: ShapeOf<Omit<WrittenStep, "function">> & Readonly<Record<keyof typeof OTHER_NAMES, Lazy>> = {
  id,
  description: optional(text),
  acceptance: optional(texts),
  run: optional(command, "A shell command."),
  call: optional(
    () => command().check(z.regex(/^[^#]+(#[^#]+)?$/, "expected a module, or module#export")),
    "A function of a module: ./steps.ts#name.",
  ),
  with: optional(jsonMap, "The argument of the called function; strings may contain ${{ }}."),
  agent: optional(
    () => z.union([command(), agentObject()], "expected a prompt or a mapping"),
    "A prompt for a coding agent.",
  ),
  approve: optional(command, "A question to a person."),
  onTimeout: optional(oneOf(["reject", "approve"], "expected reject or approve")),
  plan: optional(
    () => z.union([command(), z.lazy((): Schema => planSchema())], "expected a file or a plan"),
    "Another plan as one step.",
  ),
  params: optional(jsonMap, "Parameters of the other plan."),
  deps: optional(ids, "Steps that must succeed first."),
  depends_on: optional(ids, "Another name of `deps`."),
  needs: optional(ids, "Another name of `deps`."),
  after: optional(ids, "Steps that must end first, also if they fail."),
  if: optional(
    () => z.union([text(), flag()], "expected an expression"),
    "A CEL condition; if false, the step is skipped.",
  ),
  forEach: optional(() => z.union([command(), list(json)()], "expected an expression or a list"), "One step per item."),
  maxConcurrency: optional(count, "Items of `forEach` at the same time."),
  group: optional(command, "Agent steps of one group share a worktree and take turns."),
  parallel_group: optional(command, "Another name of `group`."),
  epic: optional(() => z.union([command(), z.number()], "expected text"), "Another name of `group`."),
  runs_on: optional(labels, "Another name of `runsOn`."),
  "runs-on": optional(labels, "Another name of `runsOn`."),
  isolate: optional(flag),
  inputs: optional(texts),
  outputs: optional(texts),
  writes: optional(texts),
  undo: optional(command),
  estimate: optional(duration),
  output: optional(jsonMap, "JSON Schema that the step's output must match."),
  ...shared,
};

const paramShape: ShapeOf<ParamSpec> = {
  type: oneOf(["string", "number", "boolean", "json"], "expected string, number, boolean or json"),
  enum: optional(() => z.array(json(), "expected a list").check(z.minLength(1, "must name at least one value"))),
  default: optional(json),
  description: optional(text),
};
const paramSpec = strict(paramShape, "expected a mapping such as {type: string, default: staging}");

const positive = lazy(() => z.number("expected a number").check(z.gt(0, "must be more than 0")));
const percent = lazy(() => positive().check(z.maximum(100, "must be at most 100")));
const topShape: ShapeOf<WrittenPlan> = {
  name: optional(() => command().check(z.maxLength(200, "a name has at most 200 characters"))),
  description: optional(text),
  params: optional(() => z.record(name(), paramSpec(), "expected a mapping of names")),
  maxConcurrency: optional(count, "Steps at the same time; default: the number of cores."),
  maxAgents: optional(count),
  schedule: optional(oneOf(["ready", "layers"], "expected ready or layers")),
  failure: optional(oneOf(["fail-fast", "continue"], "expected fail-fast or continue")),
  rollback: optional(oneOf(["none", "dependents", "all"], "expected none, dependents or all")),
  timeout: optional(duration, "Limit of the whole run."),
  grace: optional(duration, "Time from SIGTERM to SIGKILL."),
  resources: optional(pools, "Counted pools."),
  limits: optional(
    strict(
      { maxMemoryMb: optional(count), maxCpuPercent: optional(percent) },
      "expected a mapping such as {maxMemoryMb: 8192, maxCpuPercent: 80}",
    ),
  ),
  budget: optional(
    strict(
      { usd: positive, onReached: optional(oneOf(["pause", "stop"], "expected pause or stop")) },
      "expected a mapping such as {usd: 20, onReached: pause}",
    ),
  ),
  agents: optional(
    strict(AGENT_SHAPES.plan, "expected a mapping such as {default: claude, verify: npm test}"),
    "Settings of coding agents and of merging their work.",
  ),
  defaults: optional(strict(shared, "expected a mapping of step keys"), "Default values for all steps."),
};

const stepSchema = lazy(() => strict(stepShape)().register(NOTES, { id: "step" }));
const stepList = lazy(() => z.array(stepSchema()).check(z.minLength(1)));
const planShape = { ...topShape, steps: optional(stepList), phases: optional(stepList, "Another name of `steps`.") };
const planSchema: Lazy = lazy(() => strict(planShape)().register(NOTES, { id: "plan" }));

/** A whole plan file, for the JSON Schema; validation goes key by key, by {@link SHAPES}. */
export const planFileSchema: () => Schema = lazy(() => z.union([planSchema(), stepList()]));

/** The schemas of one mapping by key: of a plan (all but its steps), a step, or `defaults`. */
export const SHAPES: Readonly<Record<"plan" | "step" | "defaults", Readonly<Record<string, Lazy>>>> = {
  plan: topShape,
  step: stepShape,
  defaults: shared,
};
