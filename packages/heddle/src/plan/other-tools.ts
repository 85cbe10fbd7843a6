/** Words of other tools: what people who come from them mean by a key or a function, and how it is written here. Pure. */

/** A key of a step elsewhere. */
export interface ForeignKey {
  /** The key that stands for it here; what is missing because of it is not told as well. */
  readonly means?: "id" | "action";
  readonly hint: string;
}

const RUN: ForeignKey = { means: "action", hint: "write the shell command as `run:`" };
const ITEMS: ForeignKey = { hint: "write `forEach:` with a list: one step per item, which commands get as $ITEM" };
const DEPS: ForeignKey = { hint: "write `deps:` with the ids of the steps that must succeed first" };
const FOLDER: ForeignKey = { hint: "write `cwd:`" };
const RETRY: ForeignKey = { hint: "write `retry:` with the number of further attempts" };
const MAY_FAIL: ForeignKey = { hint: "write `optional: true`" };
const CONDITION: ForeignKey = { hint: "write `if:` with a CEL expression" };
const PLAN_FILE: ForeignKey = { means: "action", hint: "write `plan:` with the file of the other plan" };

const STEP_KEYS_ELSEWHERE: Readonly<Record<string, ForeignKey>> = {
  name: { means: "id", hint: "write `id:`: it names the step everywhere; a text for people is its `description`" },
  key: { means: "id", hint: "write `id:`" },
  command: RUN,
  commands: RUN,
  cmd: RUN,
  cmds: RUN,
  script: RUN,
  sh: RUN,
  bash: RUN,
  exec: RUN,
  prompt: { means: "action", hint: "write it as `agent:`" },
  uses: {
    means: "action",
    hint: "write what it does as `run:` or `call:`; `heddle import FILE` takes over a whole workflow",
  },
  steps: PLAN_FILE,
  workflow: PLAN_FILE,
  matrix: ITEMS,
  strategy: ITEMS,
  loop: ITEMS,
  with_items: ITEMS,
  for: ITEMS,
  dependencies: DEPS,
  "depends-on": DEPS,
  dependsOn: DEPS,
  requires: DEPS,
  when: CONDITION,
  unless: CONDITION,
  only: CONDITION,
  environment: { hint: "write `env:`" },
  "working-directory": FOLDER,
  working_directory: FOLDER,
  workdir: FOLDER,
  dir: FOLDER,
  "timeout-minutes": { hint: "write `timeout:` with a unit, such as 10m" },
  timeout_minutes: { hint: "write `timeout:` with a unit, such as 10m" },
  retries: RETRY,
  attempts: RETRY,
  "continue-on-error": MAY_FAIL,
  continue_on_error: MAY_FAIL,
  allow_failure: MAY_FAIL,
  ignore_errors: MAY_FAIL,
  ignore_error: MAY_FAIL,
  before_script: { hint: "write its lines at the beginning of `run:`, or a step that this one depends on" },
  after_script: { hint: "write a step with `after:` and `always: true`" },
  finally: { hint: "write a step with `after:` and `always: true`" },
  concurrency: { hint: "write `locks: {write: [NAME]}`: one at a time, over all runs of the project" },
  resource_group: { hint: "write `locks: {write: [NAME]}`: one at a time, over all runs of the project" },
  artifacts: { hint: "write `outputs:` with globs of files" },
  image: { hint: "start the container in `run:`" },
};

const STEPS_HINT = "write the steps as a list under `steps:`";
const PLAN_KEYS_ELSEWHERE: Readonly<Record<string, string>> = {
  jobs: "write the steps as a list under `steps:`; `heddle import FILE` takes over a workflow with `jobs:`",
  tasks: STEPS_HINT,
  stages: STEPS_HINT,
  nodes: STEPS_HINT,
  env: "write `defaults: {env: {...}}`: it holds for all steps",
  environment: "write `defaults: {env: {...}}`: it holds for all steps",
  on: "a plan is run by `heddle run`: what starts it is not part of it",
  concurrency: "write `maxConcurrency:` for the steps of one run; `locks` of steps hold over all runs",
  parallelism: "write `maxConcurrency:`",
  vars: "write `params:`: {NAME: {type: string, default: ...}}",
  variables: "write `params:`: {NAME: {type: string, default: ...}}",
  inputs: "write `params:`: {NAME: {type: string, default: ...}}",
};

/** Whether the key of a plan or step is the user's own: it is ignored, and a home for what anchors name. */
export function isOwnKey(key: string): boolean {
  return key.startsWith("x-");
}

/** What a key that no step has means in another tool; `undefined`: nothing that is known. */
export function foreignStepKey(key: string): ForeignKey | undefined {
  return Object.hasOwn(STEP_KEYS_ELSEWHERE, key) ? STEP_KEYS_ELSEWHERE[key] : undefined;
}

/** Whether a key of another tool says what is missing in the step: that is told already. */
export function meansElsewhere(step: object, what: NonNullable<ForeignKey["means"]>): boolean {
  return Object.keys(step).some((key) => foreignStepKey(key)?.means === what);
}

/** How what the key of another tool's plan says is written here. */
export function foreignPlanKey(key: string): string | undefined {
  return Object.hasOwn(PLAN_KEYS_ELSEWHERE, key) ? PLAN_KEYS_ELSEWHERE[key] : undefined;
}

const FUNCTIONS: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [/\balways\s*\(/, "write `always: true` on the step: it runs however the steps before it end"],
  [/\bfailure\s*\(/, "write `after: [ID]` and `if: deps.ID.status == 'failed'`"],
  [/\bcancelled\s*\(/, "write `always: true`, and `if: deps.ID.status == 'cancelled'`"],
  [/\bsuccess\s*\(/, "leave it out: a step runs only if its `deps` succeeded"],
];

/** How what a function of another tool's conditions says is written here; `undefined`: the text calls none. */
export function foreignFunction(text: string): string | undefined {
  return FUNCTIONS.find(([pattern]) => pattern.test(text))?.[1];
}
