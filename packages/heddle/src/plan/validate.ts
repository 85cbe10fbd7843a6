/**
 * Validator: converts a parsed document to a {@link Plan}, or returns everything that is wrong with it. Knows shapes,
 * defaults, parameters and pools; edges between steps belong to the graph, expressions to `expression/check.ts`.
 *
 * All issues are returned at once: a step with an error does not keep the others from being checked.
 */
import { defined } from "../base/defined.ts";
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import type { AgentsConfig } from "./agents-config.ts";
import { readAgents } from "./check-agents.ts";
import { readNotify } from "./check-notify.ts";
import { heldProblem, type Pools, poolsWithin, type StepAround } from "./held.ts";
import { keysOfRun } from "./subplan-keys.ts";
import type { DocumentPath } from "./diagnostic.ts";
import type { WrittenPlan } from "./document.ts";
import { checkValue, type PlanIssues, shorten, unknownKey } from "./issues.ts";
import { LIMITS } from "./limits.ts";
import { paramValues } from "./params.ts";
import { foreignPlanKey, isOwnKey } from "./other-tools.ts";
import type { Action, Plan, Step } from "./plan.ts";
import { SHAPES } from "./schema/plan.ts";
import type { Draft, ExpressionSite, StepReadContext } from "./read-context.ts";
import { addShared, toMs, toStep } from "./step.ts";

export interface ValidateOptions {
  /** The plan's name where it gives none. */
  readonly name: string;
  /** Values of parameters. Texts are converted to the declared type, as the command line gives nothing else. */
  readonly params?: Readonly<Record<string, Json>>;
  /** Parameters without a value are not an error: the plan is inspected, not run. */
  readonly allowMissingParams?: boolean;
  /** The parameters are given by a step of another plan. */
  readonly paramsFromPlan?: boolean;
  /** The document comes from code, which may hold functions. */
  readonly allowFunctions?: boolean;
  /**
   * The agents of the run that the document's steps join, instead of its own. `unknown`: the document is read apart
   * from the run's plan, and no name of an agent is checked.
   */
  readonly agents?: AgentsConfig | "unknown";
  /** Where in this document they are written; absent with them: in another one. */
  readonly agentsAt?: DocumentPath;
  /** The document is a step of this plan, or inside of one: what belongs to the run has to be as here. */
  readonly outermost?: Partial<Plan>;
  /** Pools of plans around the document, which its steps may ask for too. */
  readonly pools?: Pools;
  /** The steps around the document, from inside out: what they hold bounds what is asked for inside. */
  readonly around?: readonly StepAround[];
}

/** A list of steps that becomes a graph, and its position in the document. */
export interface StepList {
  readonly steps: readonly Step[];
  readonly written: readonly unknown[];
  readonly path: DocumentPath;
}

export interface Validated {
  readonly plan: Plan;
  /** The plan's own steps first, then those of plans inside steps. */
  readonly lists: readonly StepList[];
  readonly sites: readonly ExpressionSite[];
}

/** A plan inside a plan inside a plan ...: more than this is a mistake. */
const DEEPEST_PLAN = 10;

/** Validates; the returned plan is only worth something where `issues` stayed empty. */
export function validateDocument(document: unknown, options: ValidateOptions, issues: PlanIssues): Validated {
  const lists: StepList[] = [];
  const sites: ExpressionSite[] = [];
  const plan = toPlan(document, [], options, { issues, lists, sites });
  checkHeld(plan, options.around ?? [], { lists, issues, runPools: options.outermost?.resources ?? plan.resources });
  return { plan, lists, sites };
}

interface HeldCheck {
  readonly runPools: Pools | undefined;
  readonly lists: readonly StepList[];
  readonly issues: PlanIssues;
}

/** Steps of plans inside steps, with what these hold. Those of the run's own plan have been checked alone. */
function checkHeld(plan: Plan, around: readonly StepAround[], check: HeldCheck): void {
  const { runPools, lists, issues } = check;
  const path = lists.find(({ steps }) => steps === plan.steps)?.path ?? [];
  for (const [at, step] of plan.steps.entries()) {
    const problem = around.length === 0 ? undefined : heldProblem(step, around, runPools);
    // Where no plan has the pool, that has been told.
    const isTold = problem?.key === "resources" && !Object.hasOwn(poolsWithin(around, runPools), problem.name);
    if (problem !== undefined && !isTold) {
      const { key, message, hint } = problem;
      issues.add({
        code: key === "locks" ? "LockNotHeld" : "ResourceTooLarge",
        message,
        hint,
        path: [...path, at, key],
      });
    }
    const { action } = step;
    if (action.kind === "plan" && action.plan !== undefined)
      checkHeld(action.plan, [aroundBy(step, action.plan.resources), ...around], check);
  }
}

/** The step as what is around the steps of its plan. Each item of a `forEach` stands for the plan. */
export function aroundBy({ forEach: _forEach, ...item }: Step, pools: Pools | undefined): StepAround {
  return { step: item, pools };
}

interface Collected {
  readonly issues: PlanIssues;
  readonly lists: StepList[];
  readonly sites: ExpressionSite[];
}

function toPlan(document: unknown, path: DocumentPath, options: ValidateOptions, collected: Collected): Plan {
  const { issues } = collected;
  if (!isJsonObject(document) && !Array.isArray(document)) {
    issues.add({
      code: "InvalidPlan",
      message: "a plan is a mapping with `steps:`, or a list of steps",
      hint: "`heddle init` writes an example",
      path,
    });
    return { name: options.name, steps: [] };
  }
  const raw: JsonObject = isJsonObject(document) ? document : {};
  const written = checkTop(raw, path, issues);
  const steps = stepsOf(document, raw, path, issues);
  const name = written.name ?? options.name;
  const params = paramValues(written.params, options, path, issues);
  const top = topKeys(written);
  if (options.outermost !== undefined) refuseKeysOfRun(top, options.outermost, path, issues);
  const agents = options.agents === "unknown" ? undefined : (options.agents ?? written.agents ?? {});
  const pools = { ...options.pools, ...written.resources };
  const agentsAt = options.agents === undefined ? [...path, "agents"] : options.agentsAt;
  const scope: StepReadContext = defined({
    issues,
    sites: collected.sites,
    siblings: { list: [] as readonly Step[] },
    defaults: defaultsOf(written, raw, path, issues),
    defaultsPath: [...path, "defaults"],
    params: Object.keys(written.params ?? {}),
    paramSpecs: written.params,
    pools,
    agents,
    agentsAt,
    allowFunctions: options.allowFunctions === true,
    inner: (inner: JsonObject, at: DocumentPath, step: string): Action & { kind: "plan" } => {
      const deep = at.filter((key) => key === "plan").length > DEEPEST_PLAN;
      if (deep)
        issues.add({
          code: "PlanTooLarge",
          message: `plans inside plans are more than ${DEEPEST_PLAN} deep`,
          path: at,
        });
      const plan: Plan = deep
        ? { name: step, steps: [] }
        : toPlan(
            inner,
            at,
            defined({
              ...options,
              name: step,
              params: {},
              allowMissingParams: true,
              agents: agents ?? ("unknown" as const),
              agentsAt,
              outermost: options.outermost ?? top,
              pools,
            }),
            collected,
          );
      return { kind: "plan", plan };
    },
  });
  // Reserve the place: the plan's own list comes before those of plans inside its steps.
  const place = collected.lists.push({ steps: [], written: [], path }) - 1;
  const list = steps.list.map((entry, index) => toStep(entry, [...steps.path, index], index, scope));
  scope.siblings.list = list;
  collected.lists[place] = { steps: list, written: steps.list, path: steps.path };
  return { name, ...top, ...params, steps: list };
}

/** Top-level keys whose values have the right shape. */
function checkTop(raw: JsonObject, path: DocumentPath, issues: PlanIssues): WrittenPlan {
  const checked: Record<string, unknown> = {};
  for (const key of Object.keys(raw)) {
    if (key === "steps" || key === "phases" || isOwnKey(key) || raw[key] === undefined) continue;
    const schema = Object.hasOwn(SHAPES.plan, key) ? SHAPES.plan[key] : undefined;
    if (schema === undefined)
      issues.add(
        unknownKey([...path, key], [...Object.keys(SHAPES.plan), "steps", "phases"], "a plan", foreignPlanKey(key)),
      );
    else if (key === "agents") checked[key] = readAgents(raw[key], [...path, key], issues);
    else if (key === "notify") checked[key] = readNotify(raw[key], [...path, key], issues);
    else if (checkValue(schema(), raw[key], [...path, key], issues)) checked[key] = raw[key];
  }
  return checked as WrittenPlan;
}

interface Steps {
  readonly list: readonly unknown[];
  readonly path: DocumentPath;
}

function stepsOf(document: unknown, raw: JsonObject, path: DocumentPath, issues: PlanIssues): Steps {
  if (Array.isArray(document)) return limited({ list: document, path }, issues);
  if (raw["steps"] !== undefined && raw["phases"] !== undefined) {
    const message = '"phases" and "steps" are two names of one key';
    issues.add({
      code: "ConflictingKeys",
      message,
      hint: 'keep "steps" alone',
      path: [...path, "phases"],
      isKey: true,
    });
  }
  const key = raw["steps"] === undefined && "phases" in raw ? "phases" : "steps";
  const list = raw[key];
  const at = [...path, key];
  if (Array.isArray(list)) return limited({ list, path: at }, issues);
  if (list !== undefined && list !== null) {
    const [first] = isJsonObject(list) ? Object.keys(list) : [];
    const hint =
      first === undefined
        ? "write steps as `- id: name`"
        : `write each step as an entry of a list, with its name as its id: \`- id: ${shorten(first)}\``;
    issues.add({ code: "InvalidValue", message: `"${key}": expected a list of steps`, hint, path: at });
    // One placeholder keeps the list from being reported as empty as well.
    return { list: [{ id: "steps", run: "true" }], path: at };
  }
  return { list: [], path: list === undefined ? path : at };
}

function limited(steps: Steps, issues: PlanIssues): Steps {
  if (steps.list.length <= LIMITS.steps) return steps;
  const message = `the plan has ${steps.list.length} steps; at most ${LIMITS.steps} are allowed`;
  issues.add({
    code: "PlanTooLarge",
    message,
    hint: "split it with `plan:` steps",
    path: [...steps.path, LIMITS.steps],
  });
  return { list: steps.list.slice(0, 1), path: steps.path };
}

function topKeys(written: WrittenPlan): Partial<Plan> {
  const top: { -readonly [K in keyof Plan]?: Plan[K] } = {};
  if (written.description !== undefined) top.description = written.description;
  for (const key of ["maxConcurrency", "maxAgents"] as const) if (written[key] !== undefined) top[key] = written[key];
  if (written.schedule !== undefined) top.schedule = written.schedule;
  if (written.failure !== undefined) top.failure = written.failure;
  if (written.rollback !== undefined) top.rollback = written.rollback;
  const timeoutMs = written.timeout === undefined ? 0 : toMs(written.timeout);
  if (timeoutMs > 0) top.timeoutMs = timeoutMs;
  if (written.grace !== undefined) top.graceMs = toMs(written.grace);
  if (written.resources !== undefined && Object.keys(written.resources).length > 0) top.resources = written.resources;
  if (written.limits !== undefined && Object.keys(written.limits).length > 0) top.limits = written.limits;
  if (written.budget !== undefined)
    top.budget = { usd: written.budget.usd, onReached: written.budget.onReached ?? "pause" };
  if (written.defaults !== undefined && Object.keys(written.defaults).length > 0)
    top.defaults = written.defaults as JsonObject;
  if (written.agents !== undefined && Object.keys(written.agents).length > 0) top.agents = written.agents;
  const notify = [written.notify ?? []].flat();
  if (notify.length > 0) top.notify = notify;
  return top;
}

/** What holds for a whole run cannot be otherwise for a part of it. */
function refuseKeysOfRun(inner: Partial<Plan>, outermost: Partial<Plan>, path: DocumentPath, issues: PlanIssues): void {
  for (const { path: key, hint } of keysOfRun(inner, outermost)) {
    const message = `"${key.join(".")}" cannot be set in a plan inside another`;
    issues.add({ code: "MisplacedKey", message, hint, path: [...path, ...key], isKey: true });
  }
}

function defaultsOf(written: WrittenPlan, raw: JsonObject, path: DocumentPath, issues: PlanIssues): Draft {
  const defaults: Draft = {};
  if (written.defaults === undefined) return defaults;
  addShared(defaults, written.defaults);
  const commands = (raw["defaults"] as JsonObject)["verify"];
  if (commands !== undefined && JSON.stringify(commands).includes("${{")) {
    const hint = "pass values as environment variables";
    issues.add({
      code: "ExpressionInCommand",
      message: "an expression in a command would become shell code",
      hint,
      path: [...path, "defaults", "verify"],
    });
  }
  return defaults;
}
