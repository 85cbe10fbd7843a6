/**
 * Canonical form of a plan: writes a plan as a file. Reading that file gives an equal plan (with the same parameters).
 * Functions of a TypeScript plan cannot be in a file and are printed as `function:`, which no file may contain.
 */
import { dump } from "js-yaml";
import { writeDuration } from "../base/duration.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { DEFAULT_RETRY, type Action, type Plan, type Retry, type Step } from "./plan.ts";
import { kindOf, refusalOf, type StepKey } from "./step-keys.ts";
import { WRITTEN_SCHEMA } from "./yaml-schema.ts";

export function planToYaml(plan: Plan): string {
  return dump(planToDocument(plan), { lineWidth: 100, noRefs: true, schema: WRITTEN_SCHEMA });
}

/** The document that {@link planToYaml} writes. */
export function planToDocument(plan: Plan): JsonObject {
  return present({
    name: plan.name,
    description: plan.description,
    params: plan.paramSpecs as JsonObject | undefined,
    maxConcurrency: plan.maxConcurrency,
    maxAgents: plan.maxAgents,
    schedule: plan.schedule,
    failure: plan.failure,
    rollback: plan.rollback,
    timeout: duration(plan.timeoutMs),
    grace: duration(plan.graceMs),
    resources: plan.resources,
    limits: plan.limits as JsonObject | undefined,
    budget: plan.budget,
    agents: plan.agents === undefined ? undefined : asJson(plan.agents),
    notify: plan.notify as readonly JsonObject[] | undefined,
    defaults: plan.defaults,
    steps: plan.steps.map((step) => withoutDefaults(stepToDocument(step), step, plan.defaults ?? {})),
  });
}

/** What takes a default away from a step that has none of it. */
const NOTHING: JsonObject = {
  labels: [],
  passEnv: [],
  secrets: [],
  verify: [],
  runsOn: [],
  resources: {},
  limits: {},
  locks: {},
  retry: 0,
  timeout: 0,
  totalTimeout: 0,
  optional: false,
  priority: 0,
};

/** The step's document, which says nothing of a default where the step does not have it. */
function withoutDefaults(document: JsonObject, step: Step, defaults: JsonObject): JsonObject {
  const missing = Object.keys(defaults).filter((key) => key in NOTHING && document[key] === undefined);
  const kind = kindOf(step.action);
  const has = (key: StepKey): boolean => document[key] !== undefined && document[key] !== false;
  const taken = missing.filter((key) => refusalOf(key as StepKey, kind, has) === undefined);
  if (taken.length === 0) return document;
  return present({ ...document, ...Object.fromEntries(taken.map((key) => [key, NOTHING[key]])) });
}

function stepToDocument(step: Step): JsonObject {
  return present({
    id: step.id,
    description: step.description,
    labels: step.labels,
    acceptance: step.acceptance,
    deps: step.deps,
    after: step.after,
    if: step.forEach?.if ?? step.if,
    forEach: step.forEach?.items,
    maxConcurrency: step.forEach?.maxConcurrency,
    ...actionToDocument(step.action),
    group: step.group,
    env: step.env,
    envMode: step.envMode,
    passEnv: step.passEnv,
    secrets: step.secrets,
    cwd: step.cwd,
    shell: step.shell,
    isolate: step.isolate,
    inputs: step.inputs,
    outputs: step.outputs,
    cache: step.cache,
    writes: step.writes,
    timeout: duration(step.timeoutMs),
    totalTimeout: duration(step.totalTimeoutMs),
    grace: duration(step.graceMs),
    retry: step.retry === undefined ? undefined : retryToDocument(step.retry),
    resources: step.resources,
    locks: step.locks as JsonObject | undefined,
    limits: step.limits as JsonObject | undefined,
    runsOn: step.runsOn,
    optional: step.optional,
    always: step.always,
    onInterrupt: step.onInterrupt,
    undo: step.undo,
    verify: step.verify,
    priority: step.priority,
    estimate: duration(step.estimateMs),
    output: step.output,
  });
}

type Members = { readonly [key: string]: Json | undefined };

function actionToDocument(action: Action): Members {
  switch (action.kind) {
    case "run":
      return { run: action.command };
    case "call":
      return { call: `${action.module}#${action.export}`, with: action.with };
    case "agent":
      return {
        agent: action.options === undefined ? action.prompt : asJson({ prompt: action.prompt, ...action.options }),
      };
    case "approve":
      return { approve: action.question, onTimeout: action.onTimeout };
    case "sleep":
      return { sleep: action.time };
    case "signal":
      return { signal: action.name, onTimeout: action.onTimeout };
    case "plan":
      return { plan: action.plan === undefined ? action.file : planToDocument(action.plan), params: action.params };
    case "function":
      return { function: present({ source: action.source, needs: action.needs, schema: action.schema }) };
  }
}

/** Only what reading would not fill in. */
function retryToDocument(retry: Retry): JsonObject {
  const { attempts, delayMs, factor, maxDelayMs, jitter, on } = retry;
  const impliedMaxMs = Math.max(DEFAULT_RETRY.maxDelayMs, delayMs);
  return present({
    attempts,
    delay: delayMs === DEFAULT_RETRY.delayMs ? undefined : duration(delayMs),
    factor: factor === DEFAULT_RETRY.factor ? undefined : factor,
    maxDelay: maxDelayMs === impliedMaxMs ? undefined : duration(maxDelayMs),
    jitter: jitter === DEFAULT_RETRY.jitter ? undefined : jitter,
    on,
  });
}

/** What has a type of its own is JSON all the same. */
function asJson(written: object): JsonObject {
  return written as JsonObject;
}

function duration(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : writeDuration(ms);
}

function present(members: Members): JsonObject {
  return Object.fromEntries(Object.entries(members).filter((entry): entry is [string, Json] => entry[1] !== undefined));
}
