/**
 * Plan schema: what a plan file may contain, key by key: the one source of its validation and of the JSON Schema for
 * editors. Only shapes are here; checks that need more than one key (unknown deps, pools, expressions) are in
 * `validate.ts` and the graph. Knows nothing of positions, files or other plans.
 *
 * Invariant: a schema accepts or refuses and never transforms, so the JSON Schema describes exactly what is accepted.
 */
import * as z from "zod/mini";
import { AGENT_SHAPES } from "./agents.ts";
import { notifySchema } from "./notify.ts";
import type { WrittenPlan, WrittenRetry, WrittenShared, WrittenStep } from "../document.ts";
import { hasTemplate } from "../expression/templates.ts";
import { FAILURE_CLASSES, type ParamSpec } from "../plan.ts";
import { parseDurationOrTime } from "../../base/timestamp.ts";
import {
  commandSchema,
  countSchema,
  durationSchema,
  envName,
  flagSchema,
  jsonSchema,
  jsonMapSchema,
  type Lazy,
  lazySchema,
  listSchema,
  NAME_PATTERN,
  NOTES,
  oneOfSchema,
  optionalSchema,
  type Schema,
  type ShapeOf,
  strictSchema,
  textSchema,
  textsSchema,
  wholeNumberSchema,
} from "./parts.ts";

/** A number that becomes text. A file's keeps its digits; one that comes from code may have lost some. */
const exactNumber = lazySchema(() =>
  z
    .number()
    .check(
      z.refine(
        (value) => !Number.isInteger(value) || Number.isSafeInteger(value),
        "the number is too large to be exact: write it in quotes",
      ),
    ),
);

/** A number is its text, as an id. */
const groupSchema = lazySchema(() => z.union([commandSchema(), exactNumber()], "expected text"));

export const ID_PATTERN: RegExp = /^[A-Za-z0-9._/-]{1,100}$/;
const id = lazySchema(() =>
  z.union(
    [
      z.string().check(z.regex(ID_PATTERN, "an id has 1 to 100 characters: letters, digits, and . _ - /")),
      exactNumber().check(z.nonnegative("an id has no sign")),
    ],
    "expected an id of letters, digits, and . _ - /",
  ),
);
const ids = lazySchema(() => z.union([listSchema(id)(), id()], "expected a list of step ids"));

const name = lazySchema(() =>
  z.string("expected a name").check(z.regex(NAME_PATTERN, "expected a name: letters, digits, and . _ -")),
);
const env = lazySchema(() =>
  z.record(
    envName().check(z.regex(/^(?!HEDDLE_)/, "names that begin with HEDDLE_ are reserved")),
    z.union([textSchema(), exactNumber(), z.boolean()], "expected text"),
    "expected a mapping of names to strings",
  ),
);
const pools = lazySchema(() => z.record(name(), countSchema(), "expected a mapping of pool names to numbers"));

const share = lazySchema(() =>
  z.number("expected a number").check(z.minimum(0, "must be 0 to 1"), z.maximum(1, "must be 0 to 1")),
);
const factor = lazySchema(() =>
  z.number("expected a number").check(z.minimum(1, "must be at least 1"), z.maximum(100, "must be at most 100")),
);
const failureClass = oneOfSchema(FAILURE_CLASSES, `expected one of ${FAILURE_CLASSES.join(", ")}`);
const retryShape: ShapeOf<WrittenRetry> = {
  attempts: optionalSchema(countSchema),
  delay: optionalSchema(durationSchema),
  factor: optionalSchema(factor),
  maxDelay: optionalSchema(durationSchema),
  jitter: optionalSchema(share),
  on: optionalSchema(listSchema(failureClass)),
};
const retry = lazySchema(() =>
  z.union(
    [
      wholeNumberSchema().check(z.minimum(0, "must not be negative"), z.maximum(1000, "must be at most 1000")),
      strictSchema(retryShape)(),
    ],
    "expected a number of retries or a mapping such as {attempts: 3, delay: 1s}",
  ),
);

// A worker's labels are one word each, as `--labels gpu,mac` names them.
const label = lazySchema(() =>
  textSchema().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/, "a label has letters, digits, and . _ -")),
);
const labels = lazySchema(() => z.union([label(), listSchema(label)()], "expected a label or a list of labels"));

const lockShape: ShapeOf<NonNullable<WrittenShared["locks"]>> = {
  read: optionalSchema(listSchema(name)),
  write: optionalSchema(listSchema(name)),
};
const locks = strictSchema(lockShape, "expected {read: [...], write: [...]}");
/** Letters and digits, as a command line takes them without quotes. */
const SIGNAL_PATTERN = /^[A-Za-z0-9._/:-]{1,200}$/;
const AS_SLEEP = "expected a duration (30s, 2h, a number of seconds) or a time with its zone (2026-12-24T18:00:00Z)";
const sleep = lazySchema(() =>
  z.union(
    [
      z.string().check(z.refine((text) => hasTemplate(text) || parseDurationOrTime(text) !== undefined, AS_SLEEP)),
      z.number().check(z.nonnegative(AS_SLEEP)),
    ],
    AS_SLEEP,
  ),
);
const signalName = lazySchema(() =>
  textSchema().check(
    z.refine(
      (text) => hasTemplate(text) || SIGNAL_PATTERN.test(text),
      "a signal's name has 1 to 200 characters: letters, digits, and . _ - / :",
    ),
  ),
);

const stepLimits = strictSchema(
  { maxMemoryMb: optionalSchema(countSchema) },
  "expected a mapping such as {maxMemoryMb: 512}",
);
const agentObject = strictSchema(AGENT_SHAPES.step, "expected a prompt or a mapping such as {prompt: ..., model: ...}");

/** Keys that `defaults` may give to every step. */
const shared: ShapeOf<WrittenShared> = {
  labels: optionalSchema(textsSchema),
  env: optionalSchema(env, "Environment variables of the step; values may contain ${{ }}."),
  envMode: optionalSchema(oneOfSchema(["inherit", "strict"], "expected inherit or strict")),
  passEnv: optionalSchema(listSchema(envName)),
  secrets: optionalSchema(listSchema(envName), "Variables whose values are masked in logs, outputs and errors."),
  cwd: optionalSchema(commandSchema),
  shell: optionalSchema(commandSchema),
  cache: optionalSchema(flagSchema),
  timeout: optionalSchema(durationSchema, "Limit of one attempt; 0 removes a default."),
  totalTimeout: optionalSchema(durationSchema, "Limit of all attempts together, waits included."),
  grace: optionalSchema(durationSchema, "Time from SIGTERM to SIGKILL."),
  retry: optionalSchema(
    retry,
    "The number of further attempts, or a mapping in which `attempts` counts the first too.",
  ),
  resources: optionalSchema(pools),
  locks: optionalSchema(locks),
  limits: optionalSchema(stepLimits),
  runsOn: optionalSchema(
    labels,
    "Labels of the workers that may run the step: each worker that has all of them. No effect without workers.",
  ),
  optional: optionalSchema(
    flagSchema,
    "May fail without failing the run: what depends on it is skipped, and the run succeeds (exit code 0).",
  ),
  onInterrupt: optionalSchema(oneOfSchema(["rerun", "fail", "ask"], "expected rerun, fail or ask")),
  verify: optionalSchema(() =>
    z.union([commandSchema(), listSchema(commandSchema)()], "expected a command or a list of commands"),
  ),
  priority: optionalSchema(wholeNumberSchema),
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
  description: optionalSchema(textSchema),
  acceptance: optionalSchema(textsSchema),
  run: optionalSchema(commandSchema, "A shell command."),
  call: optionalSchema(
    () => commandSchema().check(z.regex(/^[^#]+(#[^#]+)?$/, "expected a module, or module#export")),
    "A function of a module: ./steps.ts#name.",
  ),
  with: optionalSchema(jsonMapSchema, "The argument of the called function; strings may contain ${{ }}."),
  agent: optionalSchema(
    () => z.union([commandSchema(), agentObject()], "expected a prompt or a mapping"),
    "A prompt for a coding agent.",
  ),
  approve: optionalSchema(commandSchema, "A question to a person."),
  sleep: optionalSchema(sleep, "A wait: a duration, or a time with its zone. It takes no slot."),
  signal: optionalSchema(signalName, "A wait for the signal of this name: `heddle signal RUN NAME [JSON]`."),
  onTimeout: optionalSchema(
    oneOfSchema(["reject", "approve", "fail", "continue"], "expected reject or approve, of a signal fail or continue"),
    "When `timeout` has passed: reject or approve (a question), fail or continue (a signal).",
  ),
  plan: optionalSchema(
    () => z.union([commandSchema(), z.lazy((): Schema => planSchema())], "expected a file or a plan"),
    "Another plan as one step.",
  ),
  params: optionalSchema(jsonMapSchema, "Parameters of the other plan."),
  deps: optionalSchema(ids, "Steps that must succeed first."),
  depends_on: optionalSchema(ids, "Another name of `deps`."),
  needs: optionalSchema(ids, "Another name of `deps`."),
  after: optionalSchema(ids, "Steps that must end first, also if they fail."),
  if: optionalSchema(
    () => z.union([textSchema(), flagSchema()], "expected an expression"),
    "A CEL condition; if false, the step is skipped.",
  ),
  forEach: optionalSchema(
    () => z.union([commandSchema(), listSchema(jsonSchema)()], "expected an expression or a list"),
    "One step per item.",
  ),
  maxConcurrency: optionalSchema(countSchema, "Items of `forEach` at the same time."),
  group: optionalSchema(groupSchema, "Agent steps of one group share a worktree and take turns."),
  parallel_group: optionalSchema(groupSchema, "Another name of `group`."),
  epic: optionalSchema(groupSchema, "Another name of `group`."),
  runs_on: optionalSchema(labels, "Another name of `runsOn`."),
  "runs-on": optionalSchema(labels, "Another name of `runsOn`."),
  isolate: optionalSchema(flagSchema),
  always: optionalSchema(
    flagSchema,
    "Run it once its deps and `after` have ended, however they ended, also while the run is cancelled.",
  ),
  inputs: optionalSchema(textsSchema),
  outputs: optionalSchema(textsSchema),
  writes: optionalSchema(textsSchema),
  undo: optionalSchema(commandSchema),
  estimate: optionalSchema(durationSchema),
  output: optionalSchema(jsonMapSchema, "JSON Schema that the step's output must match."),
  ...shared,
};

const paramShape: ShapeOf<ParamSpec> = {
  type: oneOfSchema(["string", "number", "boolean", "json"], "expected string, number, boolean or json"),
  enum: optionalSchema(() =>
    z.array(jsonSchema(), "expected a list").check(z.minLength(1, "must name at least one value")),
  ),
  default: optionalSchema(jsonSchema),
  description: optionalSchema(textSchema),
};
const paramSpec = strictSchema(paramShape, "expected a mapping such as {type: string, default: staging}");

const positive = lazySchema(() => z.number("expected a number").check(z.gt(0, "must be more than 0")));
const percent = lazySchema(() => positive().check(z.maximum(100, "must be at most 100")));
const topShape: ShapeOf<WrittenPlan> = {
  name: optionalSchema(() => commandSchema().check(z.maxLength(200, "a name has at most 200 characters"))),
  description: optionalSchema(textSchema),
  params: optionalSchema(() => z.record(name(), paramSpec(), "expected a mapping of names")),
  maxConcurrency: optionalSchema(countSchema, "Steps at the same time; default: the number of cores."),
  maxAgents: optionalSchema(countSchema),
  schedule: optionalSchema(oneOfSchema(["ready", "layers"], "expected ready or layers")),
  failure: optionalSchema(oneOfSchema(["fail-fast", "continue"], "expected fail-fast or continue")),
  rollback: optionalSchema(oneOfSchema(["none", "dependents", "all"], "expected none, dependents or all")),
  timeout: optionalSchema(
    durationSchema,
    "Limit of the whole run: the time in which heddle works on it, over resumes.",
  ),
  grace: optionalSchema(durationSchema, "Time from SIGTERM to SIGKILL."),
  resources: optionalSchema(pools, "Counted pools."),
  limits: optionalSchema(
    strictSchema(
      { maxMemoryMb: optionalSchema(countSchema), maxCpuPercent: optionalSchema(percent) },
      "expected a mapping such as {maxMemoryMb: 8192, maxCpuPercent: 80}",
    ),
  ),
  budget: optionalSchema(
    strictSchema(
      { usd: positive, onReached: optionalSchema(oneOfSchema(["pause", "stop"], "expected pause or stop")) },
      "expected a mapping such as {usd: 20, onReached: pause}",
    ),
  ),
  agents: optionalSchema(
    strictSchema(AGENT_SHAPES.plan, "expected a mapping such as {default: claude, verify: npm test}"),
    "Settings of coding agents and of merging their work.",
  ),
  notify: optionalSchema(notifySchema, "Who is told of ends and questions of the run."),
  defaults: optionalSchema(strictSchema(shared, "expected a mapping of step keys"), "Default values for all steps."),
};

const stepSchema = lazySchema(() => strictSchema(stepShape)().register(NOTES, { id: "step" }));
const stepList = lazySchema(() => z.array(stepSchema()).check(z.minLength(1)));
const planShape = {
  ...topShape,
  steps: optionalSchema(stepList),
  phases: optionalSchema(stepList, "Another name of `steps`."),
};
const planSchema: Lazy = lazySchema(() => strictSchema(planShape)().register(NOTES, { id: "plan" }));

/** A whole plan file, for the JSON Schema; validation goes key by key, by {@link SHAPES}. */
export const planFileSchema: () => Schema = lazySchema(() => z.union([planSchema(), stepList()]));

/** The schemas of one mapping by key: of a plan (all but its steps), a step, or `defaults`. */
export const SHAPES: Readonly<Record<"plan" | "step" | "defaults", Readonly<Record<string, Lazy>>>> = {
  plan: topShape,
  step: stepShape,
  defaults: shared,
};
