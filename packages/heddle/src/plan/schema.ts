/**
 * What a plan file may say, key by key: the one source of its validation and of the JSON Schema that editors use. Only
 * shapes live here; what needs more than one key to judge (unknown deps, pools, expressions) is `validate.ts`'s and the
 * graph's. Knows nothing of positions, files or other plans.
 *
 * Invariant: a schema here accepts or refuses, it never transforms, so the JSON Schema says exactly what is accepted.
 */
import { z } from "zod";
import { parseDuration } from "../base/duration.ts";
import { FAILURE_CLASSES } from "./plan.ts";

export const ID_PATTERN: RegExp = /^[A-Za-z0-9._/-]{1,100}$/;
/** Names of environment variables. */
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Names of parameters, pools and locks: what an expression and a command line can hold without quoting. */
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,99}$/;
const DURATION = /^\s*\d+(\.\d+)?\s*(ms|s|m|h|d)?\s*$/;
// oxlint-disable-next-line no-control-regex -- NUL ends a string in every system call: nothing that holds one can be run
const WITHOUT_NUL = /^[^\u0000]*$/;

const text = z.string("expected text").regex(WITHOUT_NUL, "must not contain NUL characters");
const command = text.regex(/\S/, "must not be empty");
const flag = z.boolean("expected true or false");
const count = z.int("expected a whole number").min(1, "must be at least 1");
const wholeNumber = z.int("expected a whole number");
/** Any data: that it is JSON was seen to before (`limits.ts`), at a fraction of the cost. */
const json = z.unknown();
const jsonMap = z.record(z.string(), json, "expected a mapping");
const list = <T extends z.ZodType>(item: T): z.ZodArray<T> => z.array(item, "expected a list");
const texts = list(text);

const id = z.union(
  [
    z.string().regex(ID_PATTERN, "an id has 1 to 100 characters: letters, digits, and . _ - /"),
    z.number().nonnegative(),
  ],
  "expected an id: text of letters, digits, and . _ - /",
);
const ids = z.union([list(id), id], "expected a list of step ids");

const duration = z.union(
  [
    z
      .string()
      .regex(DURATION, { error: "expected a duration: 500ms, 30s, 10m, 2h, 1d, or a number of seconds", abort: true })
      .refine((value) => parseDuration(value) !== undefined, "the duration is too long"),
    z
      .number()
      .nonnegative({ error: "a duration is not negative", abort: true })
      .refine((value) => parseDuration(value) !== undefined, "the duration is too long"),
  ],
  "expected a duration: 500ms, 30s, 10m, 2h, 1d, or a number of seconds",
);

const envName = text.regex(ENV_NAME, "expected the name of an environment variable");
const envValue = z.union([text, z.number(), z.boolean()], "expected text");
const env = z.record(
  envName.regex(/^(?!HEDDLE_)/, "names that begin with HEDDLE_ are the engine's own"),
  envValue,
  "expected a mapping of names to text",
);
const pools = z.record(
  z.string().regex(NAME, "expected a name: letters, digits, and . _ -"),
  count,
  "expected a mapping of pool names to numbers",
);
const lockNames = list(z.string("expected a name").regex(NAME, "expected a name: letters, digits, and . _ -"));

const retryObject = z.strictObject(
  {
    attempts: count.optional(),
    delay: duration.optional(),
    factor: z.number("expected a number").min(1, "must be at least 1").max(100, "must be at most 100").optional(),
    maxDelay: duration.optional(),
    jitter: z.number("expected a number").min(0, "must be 0 to 1").max(1, "must be 0 to 1").optional(),
    on: list(z.enum(FAILURE_CLASSES, `expected one of ${FAILURE_CLASSES.join(", ")}`)).optional(),
  },
  "expected a number of retries or a mapping such as {attempts: 3, delay: 1s}",
);
const retry = z
  .union([wholeNumber.min(0, "must not be negative").max(1000, "must be at most 1000"), retryObject])
  .describe("A number of further attempts after the first, or a mapping in which `attempts` counts the first as well.");

const locks = z.strictObject(
  { read: lockNames.optional(), write: lockNames.optional() },
  "expected {read: [...], write: [...]}",
);
const stepLimits = z.strictObject({ maxMemoryMb: count.optional() }, "expected a mapping such as {maxMemoryMb: 512}");
const agentObject = z.looseObject(
  { prompt: command.optional(), model: text.optional() },
  "expected a prompt or a mapping such as {prompt: ..., model: ...}",
);

/** Keys that `defaults` may give to every step. */
const shared = {
  labels: texts.optional(),
  env: env.optional(),
  envMode: z.enum(["inherit", "strict"], "expected inherit or strict").optional(),
  passEnv: list(envName).optional(),
  secrets: list(envName).optional(),
  cwd: command.optional(),
  shell: command.optional(),
  cache: flag.optional(),
  timeout: duration.optional(),
  totalTimeout: duration.optional(),
  grace: duration.optional(),
  retry: retry.optional(),
  resources: pools.optional(),
  locks: locks.optional(),
  limits: stepLimits.optional(),
  optional: flag.optional(),
  onInterrupt: z.enum(["rerun", "fail", "ask"], "expected rerun, fail or ask").optional(),
  verify: z.union([command, list(command)], "expected a command or a list of commands").optional(),
  priority: wholeNumber.optional(),
};

/** Every key of a step as it is written; `depends_on`, `needs`, `parallel_group` and `epic` are other names. */
const stepShape = {
  id,
  description: text.optional(),
  acceptance: texts.optional(),
  run: command.describe("A shell command.").optional(),
  call: command
    .regex(/^[^#]+(#[^#]+)?$/, "expected a module, or module#export")
    .describe("module#export")
    .optional(),
  with: jsonMap.optional(),
  agent: z
    .union([command, agentObject], "expected a prompt or a mapping")
    .describe("A coding agent's task.")
    .optional(),
  approve: command.describe("A question to a person.").optional(),
  onTimeout: z.enum(["reject", "approve"], "expected reject or approve").optional(),
  plan: z
    .union([command, z.lazy((): z.ZodType => planSchema)], "expected a file or a plan")
    .describe("Another plan as one step.")
    .optional(),
  params: jsonMap.optional(),
  deps: ids.describe("Steps that must succeed first.").optional(),
  depends_on: ids.optional(),
  needs: ids.optional(),
  after: ids.describe("Steps that must end first, however they end.").optional(),
  if: z.union([text, flag], "expected an expression").describe("CEL; false skips the step.").optional(),
  forEach: z.union([command, list(json)], "expected an expression or a list").optional(),
  maxConcurrency: count.optional(),
  group: command.optional(),
  parallel_group: command.optional(),
  epic: z.union([command, z.number()], "expected text").optional(),
  isolate: flag.optional(),
  inputs: texts.optional(),
  outputs: texts.optional(),
  writes: texts.optional(),
  undo: command.optional(),
  estimate: duration.optional(),
  output: jsonMap.describe("The JSON Schema of the step's output.").optional(),
  ...shared,
};

const paramSpec = z.strictObject(
  {
    type: z.enum(["string", "number", "boolean", "json"], "expected string, number, boolean or json"),
    enum: list(json).min(1, "must name at least one value").optional(),
    default: json.optional(),
    description: text.optional(),
  },
  "expected a mapping such as {type: string, default: staging}",
);

const topShape = {
  name: command.max(200, "a name has at most 200 characters").optional(),
  description: text.optional(),
  params: z
    .record(
      z.string().regex(NAME, "expected a name: letters, digits, and . _ -"),
      paramSpec,
      "expected a mapping of names",
    )
    .optional(),
  maxConcurrency: count.optional(),
  maxAgents: count.optional(),
  schedule: z.enum(["ready", "layers"], "expected ready or layers").optional(),
  failure: z.enum(["fail-fast", "continue"], "expected fail-fast or continue").optional(),
  rollback: z.enum(["none", "dependents", "all"], "expected none, dependents or all").optional(),
  timeout: duration.optional(),
  grace: duration.optional(),
  resources: pools.optional(),
  limits: z
    .strictObject(
      {
        maxMemoryMb: count.optional(),
        maxCpuPercent: z
          .number("expected a number")
          .gt(0, "must be more than 0")
          .max(100, "must be at most 100")
          .optional(),
      },
      "expected a mapping such as {maxMemoryMb: 8192, maxCpuPercent: 80}",
    )
    .optional(),
  budget: z
    .strictObject(
      {
        usd: z.number("expected a number").gt(0, "must be more than 0"),
        onReached: z.enum(["pause", "stop"], "expected pause or stop").optional(),
      },
      "expected a mapping such as {usd: 20, onReached: pause}",
    )
    .optional(),
  agents: jsonMap.optional(),
  defaults: z.strictObject(shared, "expected a mapping of step keys").optional(),
};

const stepSchema: z.ZodType = z.strictObject(stepShape).meta({ id: "step" });
const stepList: z.ZodType = z.array(stepSchema).min(1);
const planSchema: z.ZodType = z
  .strictObject({
    ...topShape,
    steps: stepList.optional(),
    phases: stepList.describe("Another name of `steps`.").optional(),
  })
  .meta({ id: "plan" });

/** Known keys of the mappings inside a plan or a step, by the key that holds them: for did-you-mean. */
export const NESTED_KEYS: Readonly<Record<string, readonly string[]>> = {
  defaults: Object.keys(shared),
  retry: Object.keys(retryObject.shape),
  locks: Object.keys(locks.shape),
  limits: ["maxMemoryMb", "maxCpuPercent"],
  budget: ["usd", "onReached"],
  params: Object.keys(paramSpec.shape),
};

/** The schemas of one mapping by key: of a plan (all but its steps), a step, or `defaults`. */
export const SHAPES: Readonly<Record<"plan" | "step" | "defaults", Readonly<Record<string, z.ZodType>>>> = {
  plan: topShape,
  step: stepShape,
  defaults: shared,
};

/** The JSON Schema of a plan file (draft 2020-12). */
export function planJsonSchema(): object {
  const schema = z.toJSONSchema(z.union([planSchema, stepList]), {
    io: "input",
    reused: "inline",
    unrepresentable: "any",
  });
  return { title: "heddle plan", description: "A plan of dependent steps.", ...schema };
}
