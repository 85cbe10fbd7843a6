/**
 * Plans of chance and what their steps do, from a seed: the same seed gives the same plan and the same attempts on every machine.
 * Every kind of step, edge, limit and failure that the engine knows comes up; what an attempt does depends on step and attempt alone, so that
 * two runs of one plan end the same way whatever their timing.
 */
import { defined } from "../../src/base/defined.ts";
import type { Json } from "../../src/base/json.ts";
import { seededRandom, type Random } from "../../src/base/random.ts";
import {
  DEFAULT_RETRY,
  FAILURE_CLASSES,
  type Action,
  type FailureClass,
  type Plan,
  type Retry,
  type Step,
} from "../../src/plan/plan.ts";

/** Shares from 0 to 1 of steps that have something; counts are upper bounds. */
export interface PlanShape {
  readonly steps: number;
  readonly deps: number;
  readonly soft: number;
  readonly conditions: number;
  readonly optional: number;
  readonly retries: number;
  readonly containers: number;
  readonly approvals: number;
  readonly agents: number;
  readonly resources: number;
  readonly locks: number;
  /** Of steps that say what they write, in a plan in which such steps take turns; 0: none, and the plan lets them not. */
  readonly writes: number;
  readonly undos: number;
  readonly interrupts: number;
  /** Of steps with a time limit: what ends by it depends on timing. */
  readonly timeouts: number;
  /** Of attempts that fail. */
  readonly failures: number;
  /** Of successes that add steps. */
  readonly additions: number;
  /** How deep containers may stand in containers. */
  readonly depth: number;
  /** Of plans inside steps that have limits of their own, or go on after a failure. */
  readonly settings: number;
  /** Of plans inside steps that a failure ends: how the rest of them ends depends on timing. */
  readonly stops: number;
  /** Of steps that are always to run; absent: none is. */
  readonly always?: number;
  /** Of steps that wait for a time or a signal; absent: none does. */
  readonly waits?: number;
}

export const USUAL_SHAPE: PlanShape = {
  steps: 14,
  deps: 0.5,
  soft: 0.15,
  conditions: 0.12,
  optional: 0.15,
  retries: 0.4,
  containers: 0.2,
  approvals: 0.05,
  agents: 0.1,
  resources: 0.25,
  locks: 0.2,
  writes: 0,
  undos: 0.3,
  interrupts: 0.15,
  timeouts: 0.3,
  failures: 0.15,
  additions: 0.08,
  depth: 2,
  settings: 0.4,
  stops: 0,
};

/** Everything ends well, and the same way whatever engines it takes. */
export const KIND_SHAPE: PlanShape = {
  ...USUAL_SHAPE,
  failures: 0,
  approvals: 0,
  interrupts: 0,
  timeouts: 0,
  additions: 0,
};

export const POOLS: { readonly [pool: string]: number } = { cpu: 3, gpu: 1, license: 2 };
const LOCKS = ["db", "port", "cache"] as const;
const GLOBS = ["src/**", "src/*.ts", "src/api", "docs/{a,b}.md", "docs/b*", "*.json"] as const;

export function generatePlan(seed: number, shape: PlanShape = USUAL_SHAPE): Plan {
  const random = seededRandom(seed);
  const mode = pick(random, ["fail-fast", "continue"] as const);
  return {
    name: `plan-${seed}`,
    failure: mode,
    rollback: pick(random, ["none", "none", "dependents", "all"] as const),
    resources: POOLS,
    graceMs: 100,
    ...(shape.writes > 0 && { agents: { conflicts: "serialize" } }),
    steps: generateSteps(random, shape, shape.depth, 1 + whole(random, shape.steps)),
  };
}

function generateSteps(random: Random, shape: PlanShape, depth: number, size: number): readonly Step[] {
  const steps: Step[] = [];
  // Half of the plans list steps in an order that is not topological.
  const isShuffled = random() < 0.5;
  for (let at = 0; at < size; at++) {
    const ids = steps.map(({ id }) => id);
    steps.push(generateStep(random, shape, depth, `s${at}`, ids));
  }
  return isShuffled ? shuffled(random, steps) : steps;
}

function generateStep(random: Random, shape: PlanShape, depth: number, id: string, earlier: readonly string[]): Step {
  const has = (share: number): boolean => random() < share;
  const deps = has(shape.deps) ? some(random, earlier, 3) : [];
  const after = has(shape.soft) ? some(random, earlier, 2) : [];
  const isContainer = depth > 0 && has(shape.containers);
  const action = generateAction(random, shape, isContainer ? depth - 1 : 0, isContainer && has(0.5));
  const isForEach = isContainer && action.kind !== "plan" ? true : isContainer && has(0.2);
  const step: Step = {
    id,
    action,
    ...(deps.length > 0 && { deps }),
    ...(after.length > 0 && { after }),
    ...(has(shape.conditions) && { if: has(0.5) ? "true" : "false" }),
    ...(deps.length > 0 && has(0.1) && { reads: [pick(random, deps)] }),
    ...(isForEach && { forEach: generateItems(random) }),
    ...(has(shape.optional) && { optional: true }),
    ...(has(shape.retries) && { retry: generateRetry(random) }),
    ...(has(shape.resources) && { resources: generateResources(random) }),
    ...(has(shape.locks) && { locks: { [has(0.5) ? "read" : "write"]: some(random, LOCKS, 2) } }),
    // Asked first, so that plans without them stay what they were.
    ...(shape.writes > 0 && has(shape.writes) && { writes: some(random, GLOBS, 2) }),
    ...(has(shape.undos) && { undo: "true" }),
    ...(has(shape.interrupts) && { onInterrupt: pick(random, ["rerun", "fail", "ask"] as const) }),
    ...(has(0.1) && { priority: whole(random, 5) - 2 }),
    ...(has(shape.timeouts) && { timeoutMs: 500 }),
    ...(has(shape.timeouts / 3) && { totalTimeoutMs: 3000 }),
    ...(has(0.5) && { estimateMs: whole(random, 1000) }),
  };
  return withinHold(withTime(step, shape));
}

/** By a chance of its own: plans without it stay what they were. */
function withTime(step: Step, shape: PlanShape): Step {
  const { always = 0, waits = 0 } = shape;
  if (always + waits === 0) return step;
  const random = seededRandom(hash(JSON.stringify(step)));
  const isAlways = random() < always;
  const isWait = random() < waits && (step.action.kind === "run" || step.action.kind === "approve");
  return { ...(isWait ? waitOf(step, random) : step), ...(isAlways && { always: true }) };
}

/** Without what a wait cannot have. */
function waitOf(step: Step, random: Random): Step {
  const { id, deps, after, if: condition, reads, forEach, optional, timeoutMs } = step;
  const name = pick(random, ["go", "stop"]);
  const isSleep = random() < 0.5;
  const action: Action = isSleep
    ? { kind: "sleep", time: pick(random, ["0s", "200ms", "2s", "1970-01-01T00:00:03Z"]) }
    : { kind: "signal", name, ...(random() < 0.5 && { onTimeout: pick(random, ["fail", "continue"] as const) }) };
  return defined({
    id,
    action,
    deps,
    after,
    if: condition,
    reads,
    forEach,
    optional,
    timeoutMs: isSleep ? undefined : timeoutMs,
  });
}

/** What a plan inside a step says of its steps, by a chance of its own: plans without it stay what they were. */
function generateSettings(steps: readonly Step[], shape: PlanShape): Partial<Plan> {
  const random = seededRandom(hash(JSON.stringify(steps)));
  const has = (share: number): boolean => random() < share;
  const pools = new Map<string, number>();
  forEachInside(steps, ({ resources = {} }) => {
    for (const [pool, units] of Object.entries(resources)) pools.set(pool, Math.max(units, pools.get(pool) ?? 1));
  });
  return {
    ...(has(shape.settings) && { maxConcurrency: 1 + whole(random, 2) }),
    ...(has(shape.settings) && { maxAgents: 1 }),
    ...(has(shape.settings) && pools.size > 0 && { resources: Object.fromEntries(pools) }),
    ...(has(shape.settings) && { failure: "continue" as const }),
    ...(has(shape.stops) && { failure: "fail-fast" as const }),
    ...(has(shape.settings) && has(shape.timeouts) && { timeoutMs: 700 }),
  };
}

function forEachInside(steps: readonly Step[], visit: (step: Step) => void): void {
  for (const step of steps) {
    visit(step);
    if (step.action.kind === "plan") forEachInside(step.action.plan?.steps ?? [], visit);
  }
}

/** Inside a step that holds locks or pools while it is open, steps ask for no more than it holds. */
function withinHold(step: Step): Step {
  const { action, locks, resources } = step;
  if (action.kind !== "plan" || action.plan === undefined || (locks ?? resources) === undefined) return step;
  const kept = (inside: Step): Step => {
    const { locks: wanted, resources: units, ...rest } = inside;
    const read = wanted?.read?.filter((name) => locks?.read?.includes(name) || locks?.write?.includes(name)) ?? [];
    const write = wanted?.write?.filter((name) => locks?.write?.includes(name)) ?? [];
    const held =
      resources === undefined
        ? units
        : Object.fromEntries(
            Object.entries(units ?? {}).flatMap(([pool, many]): [string, number][] =>
              resources[pool] === undefined ? [] : [[pool, Math.min(many, resources[pool])]],
            ),
          );
    const own = rest.action.kind === "plan" ? rest.action : undefined;
    const left: Step = {
      ...rest,
      ...(own?.plan && { action: { ...own, plan: { ...own.plan, steps: own.plan.steps.map(kept) } } }),
      ...(read.length + write.length > 0 && {
        locks: { ...(read.length > 0 && { read }), ...(write.length > 0 && { write }) },
      }),
      ...(held !== undefined && Object.keys(held).length > 0 && { resources: held }),
    };
    // What it holds itself may be less now.
    return withinHold(left);
  };
  return { ...step, action: { ...action, plan: { ...action.plan, steps: action.plan.steps.map(kept) } } };
}

function generateAction(random: Random, shape: PlanShape, depth: number, isPlan: boolean): Action {
  if (isPlan) {
    const steps = generateSteps(random, shape, depth, 1 + whole(random, 4));
    return { kind: "plan", plan: { name: "inner", steps, ...generateSettings(steps, shape) } };
  }
  const roll = random();
  if (roll < shape.approvals) return { kind: "approve", question: "go on?" };
  if (roll < shape.approvals + shape.agents) return { kind: "agent", prompt: "do it" };
  return { kind: "run", command: "true" };
}

function generateItems(random: Random): NonNullable<Step["forEach"]> {
  const items: Json[] = Array.from({ length: whole(random, 5) }, (_, at): Json => (at === 1 ? null : at));
  return { items, ...(random() < 0.5 && { maxConcurrency: 1 + whole(random, 2) }) };
}

function generateRetry(random: Random): Retry {
  return {
    ...DEFAULT_RETRY,
    attempts: 1 + whole(random, 3),
    delayMs: whole(random, 300),
    jitter: pick(random, [0, 0.1, 1]),
    ...(random() < 0.2 && { on: some(random, FAILURE_CLASSES, 3) }),
  };
}

function generateResources(random: Random): { readonly [pool: string]: number } {
  const pools = some(random, Object.keys(POOLS), 2);
  return Object.fromEntries(pools.map((pool) => [pool, 1 + whole(random, (POOLS[pool] ?? 1) - 1)]));
}

/** What an attempt does when it is carried out. */
export interface GeneratedAttempt {
  readonly kind: "succeeds" | "fails" | "hangs";
  readonly durationMs: number;
  /** Of a failure. */
  readonly code: FailureClass;
  readonly output: Json;
  readonly adds: readonly Step[];
  /** It goes on for so long after it was asked to stop; more than the grace: it is ended by force. */
  readonly stopMs: number;
}

export function generatedAttempt(seed: number, shape: PlanShape, step: Step, attempt: number): GeneratedAttempt {
  const random = seededRandom(hash(`${seed} ${step.id} ${attempt}`));
  const roll = random();
  const durationMs = random() < 0.1 ? 0 : whole(random, 400);
  const hangs = step.timeoutMs !== undefined && roll < shape.failures / 3;
  const kind = hangs ? "hangs" : roll < shape.failures ? "fails" : "succeeds";
  const code = pick(random, ["error", "exit", "memory", "lost", "output", "spawn"] as const);
  const stopMs = random() < 0.3 ? whole(random, 300) : 0;
  const isAdded = step.id.includes(".x");
  const adds =
    kind === "succeeds" && !isAdded && random() < shape.additions ? generateAdditions(random, shape, step.id) : [];
  return { kind, durationMs, code, output: { of: step.id, attempt }, adds, stopMs };
}

function generateAdditions(random: Random, shape: PlanShape, adder: string): readonly Step[] {
  const name = adder.slice(adder.lastIndexOf("/") + 1).replaceAll(/[[\]]/g, "_");
  const steps: Step[] = [];
  for (let at = 0; at < 1 + whole(random, 3); at++) {
    const deps = some(
      random,
      steps.map(({ id }) => id),
      2,
    );
    const action: Action = { kind: "run", command: "true" };
    steps.push({
      id: `${name}.x${at}`,
      action,
      ...(deps.length > 0 && { deps }),
      ...(random() < 0.3 && { optional: true }),
      ...(shape.writes > 0 && random() < shape.writes && { writes: some(random, GLOBS, 2) }),
    });
  }
  return steps.toReversed();
}

/** A seed from a text (FNV-1a). */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

/** 0 to `most`. */
export function whole(random: Random, most: number): number {
  return Math.floor(random() * (most + 1));
}

/** Up to `most` of `from`, each once, at least one where there is one. */
function some<T>(random: Random, from: readonly T[], most: number): T[] {
  const wanted = Math.min(from.length, 1 + whole(random, most - 1));
  return shuffled(random, from).slice(0, wanted);
}

export function shuffled<T>(random: Random, from: readonly T[]): T[] {
  const list = [...from];
  for (let at = list.length - 1; at > 0; at--) {
    const other = whole(random, at);
    const kept = list[at] as T;
    list[at] = list[other] as T;
    list[other] = kept;
  }
  return list;
}
