/**
 * Step reader: converts one written step to a {@link Step}: resolves aliases of keys, merges defaults, converts units,
 * omits what is absent. Checks what one step alone can be checked for; unknown deps and cycles belong to the graph.
 *
 * Invariant: a step is returned whatever is wrong with it, so that positions in the list stay those of the plan and
 * later checks can continue. Errors are in the issues, and a plan with issues is never run.
 */
import { defined } from "../base/defined.ts";
import { parseDuration, type WrittenDuration } from "../base/duration.ts";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { toAction } from "./action.ts";
import type { DocumentPath } from "./diagnostic.ts";
import { type WrittenId, type WrittenRetry, type WrittenShared, type WrittenStep } from "./document.ts";
import { checkValue, type PlanIssues, shorten, unknownKey } from "./issues.ts";
import { hasTemplate, unwrapped } from "./expression/templates.ts";
import { DEFAULT_RETRY, type Retry, type Step } from "./plan.ts";
import { OTHER_NAMES, SHAPES } from "./schema/plan.ts";
import { foreignStepKey, isOwnKey, meansElsewhere } from "./other-tools.ts";
import { kindOf, refusalOf, STEP_KEYS, type StepKey } from "./step-keys.ts";
import { addTemplates, type Draft, isEmpty, type SiteContext, type StepReadContext } from "./read-context.ts";

export function toStep(raw: unknown, path: DocumentPath, index: number, scope: StepReadContext): Step {
  const { issues } = scope;
  // No written id begins with NUL: the name of a step without a usable one meets no other.
  const nameless = `\u0000${index}`;
  if (!isJsonObject(raw)) {
    issues.add({
      code: "InvalidValue",
      message: "a step is a mapping",
      hint: "write `- id: name` and an action such as `run:`",
      path,
    });
    return { id: nameless, action: { kind: "run", command: "" } };
  }
  const written = checkKeys(raw, path, scope);
  if (raw["id"] === undefined && !meansElsewhere(raw, "id")) {
    issues.add({ code: "MissingId", message: "a step needs an id", hint: "add `id: name`", path });
  }
  const id = written.id ?? (typeof raw["id"] === "string" && raw["id"] !== "" ? raw["id"] : undefined);
  // The one object that expressions know and the plan gets: filled in at the end, noted on by the check of expressions.
  const step: Draft = {};
  const context = siteContext(step, written, scope);
  const own: Draft = { id: id === undefined ? nameless : String(id) };
  own.action = toAction(raw, written, path, context, scope);
  addTexts(own, written);
  addOrder(own, written);
  addExpressions(own, written, path, context, scope);
  addShared(own, written);
  addRest(own, written);
  Object.assign(step, merged(scope.defaults, own));
  dropMeaningless(raw, step, path, scope);
  checkStep(raw, step, path, scope);
  for (const [name, value] of Object.entries(step.env ?? {})) {
    const isOwn = own.env !== undefined && Object.hasOwn(own.env, name);
    addTemplates(value, [...(isOwn ? path : scope.defaultsPath), "env", name], context, scope);
  }
  return step as Step;
}

/** Keys that have no effect on the step: written there they are an error, from `defaults` they do not apply. */
function dropMeaningless(raw: JsonObject, step: Draft, path: DocumentPath, { issues }: StepReadContext): void {
  const { action } = step;
  if (action === undefined) return;
  const kind = kindOf(action);
  const writtenAs = new Map(Object.keys(raw).map((name) => [mainName(name), name]));
  const has = (key: StepKey): boolean => isSaid(step[draftKey(key)]) || isSaid(raw[writtenAs.get(key) ?? key]);
  for (const key of Object.keys(STEP_KEYS) as StepKey[]) {
    const written = writtenAs.get(key);
    const isWritten = written !== undefined && raw[written] !== undefined;
    if (!isWritten && step[draftKey(key)] === undefined) continue;
    const refusal = refusalOf(key, kind, has);
    if (refusal === undefined) continue;
    delete step[draftKey(key)];
    if (!isWritten) continue;
    const { hint, without } = refusal;
    const name = action.kind === "function" ? "a function" : `"${kind}"`;
    const others = without.map((other) => `"${other}"`).join(" or ");
    const message =
      others === ""
        ? `"${written}" cannot be used together with ${name}`
        : `"${written}" has no effect beside ${name} without ${others}`;
    issues.add({ code: "MisplacedKey", message, hint, path: [...path, written], isKey: true });
  }
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== false;
}

/** What a key is called in a {@link Step}. */
function draftKey(key: StepKey): keyof Step {
  return Object.hasOwn(IN_STEP, key) ? IN_STEP[key as keyof typeof IN_STEP] : (key as keyof Step);
}

const IN_STEP = {
  timeout: "timeoutMs",
  totalTimeout: "totalTimeoutMs",
  grace: "graceMs",
  estimate: "estimateMs",
} as const;

/** What a key is called here; plans in other forms have other names for some. */
function mainName(key: string): string {
  return Object.hasOwn(OTHER_NAMES, key) ? OTHER_NAMES[key as keyof typeof OTHER_NAMES] : key;
}

function siteContext(step: Draft, written: WrittenStep, scope: StepReadContext): SiteContext {
  const hasItem = written.forEach !== undefined;
  const { siblings, params } = scope;
  return defined({ step, siblings, hasItem, params });
}

/** What the key of another tool is called here; of a step that is its own key, `- build: {run: make}`, how it is written. */
function hintFor(raw: JsonObject, key: string): string | undefined {
  const isWhole = Object.keys(raw).length === 1 && isJsonObject(raw[key]);
  return isWhole ? `write the name of the step as its id: \`- id: ${shorten(key)}\`` : foreignStepKey(key)?.hint;
}

/** The keys of a step whose values have the right shape, under their own names. */
function checkKeys(raw: JsonObject, path: DocumentPath, scope: StepReadContext): WrittenStep {
  const shape = SHAPES.step;
  const checked: Record<string, unknown> = {};
  const writtenAs = new Map<string, string>();
  for (const key in raw) {
    const value = raw[key];
    if (value === undefined || isOwnKey(key)) continue;
    const at = [...path, key];
    if (key === "function" && scope.allowFunctions) {
      checked[key] = value;
      continue;
    }
    const schema = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (key === "function") {
      const hint = "write the function in a module and name it: call: ./steps.ts#name";
      scope.issues.add({
        code: "MisplacedKey",
        message: "a file cannot contain a function",
        hint,
        path: at,
        isKey: true,
      });
      continue;
    }
    if (schema === undefined) {
      scope.issues.add(unknownKey(at, Object.keys(shape), "a step", hintFor(raw, key)));
      continue;
    }
    const name = mainName(key);
    const twin = writtenAs.get(name);
    if (twin !== undefined) {
      const message = `"${key}" and "${twin}" are two names of one key`;
      scope.issues.add({ code: "ConflictingKeys", message, hint: `keep "${name}" alone`, path: at, isKey: true });
      continue;
    }
    writtenAs.set(name, key);
    // A plan inside a step is validated on its own, with issues of its own.
    if (key === "run" && Array.isArray(value)) {
      const hint = "write the commands as the lines of one text: run: |";
      scope.issues.add({ code: "InvalidValue", message: '"run": expected one text, not a list', hint, path: at });
      continue;
    }
    const isInnerPlan = key === "plan" && typeof value === "object";
    if (isInnerPlan || checkValue(schema(), value, at, scope.issues)) checked[name] = value;
  }
  return checked as WrittenStep;
}

function addTexts(step: Draft, written: WrittenStep): void {
  if (written.description !== undefined) step.description = written.description;
  if (written.acceptance !== undefined && written.acceptance.length > 0) step.acceptance = written.acceptance;
}

function addOrder(step: Draft, written: WrittenStep): void {
  const deps = idList(written.deps);
  if (deps !== undefined) step.deps = deps;
  const after = idList(written.after);
  if (after !== undefined) step.after = after;
  if (written.group !== undefined) step.group = String(written.group);
}

function idList(ids: WrittenId | readonly WrittenId[] | undefined): readonly string[] | undefined {
  if (ids === undefined) return undefined;
  const list = typeof ids === "object" ? ids.map(String) : [String(ids)];
  return list.length === 0 ? undefined : list;
}

function addExpressions(
  step: Draft,
  written: WrittenStep,
  path: DocumentPath,
  context: SiteContext,
  scope: StepReadContext,
): void {
  if (written.if !== undefined && written.if !== true) {
    const text = unwrapped(String(written.if));
    step.if = text;
    scope.sites.push({ kind: "expression", text, path: [...path, "if"], context });
  }
  const { forEach, maxConcurrency } = written;
  if (forEach !== undefined) {
    const items = typeof forEach === "string" ? unwrapped(forEach) : forEach;
    step.forEach = defined({ items, maxConcurrency });
    // The list is made before there is an item.
    const outside = { ...context, hasItem: false };
    if (typeof items === "string")
      scope.sites.push({ kind: "expression", text: items, path: [...path, "forEach"], context: outside });
  }
}

/** The keys that `defaults` can give as well. */
export function addShared(step: Draft, written: WrittenShared): void {
  for (const key of ["labels", "passEnv", "secrets"] as const) {
    const list = written[key];
    if (list !== undefined) step[key] = list;
  }
  if (written.env !== undefined) step.env = textMap(written.env);
  if (written.envMode !== undefined) step.envMode = written.envMode;
  if (written.cwd !== undefined) step.cwd = written.cwd;
  if (written.shell !== undefined) step.shell = written.shell;
  if (written.cache !== undefined) step.cache = written.cache;
  if (written.timeout !== undefined) step.timeoutMs = toMs(written.timeout);
  if (written.totalTimeout !== undefined) step.totalTimeoutMs = toMs(written.totalTimeout);
  if (written.grace !== undefined) step.graceMs = toMs(written.grace);
  if (written.retry !== undefined) step.retry = toRetry(written.retry);
  if (written.resources !== undefined) step.resources = written.resources;
  if (written.locks !== undefined) step.locks = written.locks;
  if (written.limits !== undefined) step.limits = written.limits;
  if (written.optional !== undefined) step.optional = written.optional;
  if (written.onInterrupt !== undefined) step.onInterrupt = written.onInterrupt;
  if (written.verify !== undefined)
    step.verify = typeof written.verify === "string" ? [written.verify] : written.verify;
  if (written.runsOn !== undefined)
    step.runsOn = typeof written.runsOn === "string" ? [written.runsOn] : [...new Set(written.runsOn)];
  if (written.priority !== undefined) step.priority = written.priority;
}

function addRest(step: Draft, written: WrittenStep): void {
  for (const key of ["inputs", "outputs", "writes"] as const) {
    const list = written[key];
    if (list !== undefined && list.length > 0) step[key] = list;
  }
  if (written.isolate === true) step.isolate = true;
  if (written.always === true) step.always = true;
  if (written.undo !== undefined) step.undo = written.undo;
  if (written.estimate !== undefined) step.estimateMs = toMs(written.estimate);
  if (written.output !== undefined) step.output = written.output;
}

function textMap(map: Readonly<Record<string, string | number | boolean>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, String(value)]));
}

/** Only for what the schema accepted. */
export function toMs(duration: WrittenDuration): number {
  return parseDuration(duration) ?? 0;
}

/** A number counts attempts after the first, as in the CI systems that people write `retry: 2` for. */
function toRetry(written: number | WrittenRetry): Retry {
  if (typeof written === "number") return { ...DEFAULT_RETRY, attempts: written + 1 };
  const { attempts, delay, factor, maxDelay, jitter, on } = written;
  const delayMs = delay === undefined ? DEFAULT_RETRY.delayMs : toMs(delay);
  return defined({
    attempts: attempts ?? DEFAULT_RETRY.attempts,
    delayMs,
    factor: factor ?? DEFAULT_RETRY.factor,
    maxDelayMs: maxDelay === undefined ? Math.max(DEFAULT_RETRY.maxDelayMs, delayMs) : toMs(maxDelay),
    jitter: jitter ?? DEFAULT_RETRY.jitter,
    on: on === undefined || on.length === 0 ? undefined : on,
  });
}

/** `own` over `defaults`; then what says nothing is taken out. */
function merged(defaults: Draft, own: Draft): Draft {
  const { id, action } = own;
  const step: Draft = defined({ id, action, ...defaults, ...own });
  if (defaults.env !== undefined && own.env !== undefined) step.env = { ...defaults.env, ...own.env };
  for (const key of ["labels", "passEnv", "secrets", "verify", "runsOn"] as const)
    if (step[key]?.length === 0) delete step[key];
  for (const key of ["env", "resources", "limits"] as const)
    if (step[key] !== undefined && isEmpty(step[key])) delete step[key];
  if (step.locks !== undefined) {
    const { read = [], write = [] } = step.locks;
    if (read.length === 0 && write.length === 0) delete step.locks;
    else
      step.locks = defined({ read: read.length > 0 ? read : undefined, write: write.length > 0 ? write : undefined });
  }
  if (step.retry?.attempts === 1) delete step.retry;
  // Zero switches a default's timeout off.
  if (step.timeoutMs === 0) delete step.timeoutMs;
  if (step.totalTimeoutMs === 0) delete step.totalTimeoutMs;
  if (step.optional === false) delete step.optional;
  if (step.priority === 0) delete step.priority;
  return step;
}

function checkStep(raw: JsonObject, step: Draft, path: DocumentPath, scope: StepReadContext): void {
  checkCommands(raw, path, scope.issues);
  const { pools, issues } = scope;
  if (step.resources === undefined) return;
  const isOwn = raw["resources"] !== undefined;
  for (const [pool, wanted] of Object.entries(step.resources)) {
    const at = isOwn ? [...path, "resources", pool] : path;
    const capacity = Object.hasOwn(pools, pool) ? pools[pool] : undefined;
    if (capacity === undefined) {
      const hint = `declare it at the top of the plan: resources: {${pool}: ${wanted}}`;
      issues.add({
        code: "UnknownResource",
        message: `there is no pool "${shorten(pool)}"`,
        hint,
        path: at,
        isKey: true,
      });
    } else if (wanted > capacity) {
      const message = `this step needs ${wanted} of "${pool}", but the plan has ${capacity}`;
      issues.add({
        code: "ResourceTooLarge",
        message,
        hint: `use at most ${capacity}, or make the pool larger`,
        path: at,
      });
    }
  }
}

/** A value put into a command's text would become code there. */
function checkCommands(raw: JsonObject, path: DocumentPath, issues: PlanIssues): void {
  const refuse = (text: unknown, at: DocumentPath): void => {
    if (typeof text !== "string" || !hasTemplate(text)) return;
    issues.add({
      code: "ExpressionInCommand",
      message: "an expression in a command would become shell code",
      hint: 'hand the value over as environment: env: {X: "${{ ... }}"}, and write "$X" in the command',
      path: at,
    });
  };
  for (const key of ["run", "undo", "verify"]) {
    const value = raw[key];
    if (Array.isArray(value)) for (const [i, text] of value.entries()) refuse(text, [...path, key, i]);
    else refuse(value, [...path, key]);
  }
}
