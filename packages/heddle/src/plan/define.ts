/**
 * Plan definition in TypeScript. Runs, registers and checks nothing: each function returns a frozen plain value, of which
 * `definition-document.ts` makes the document that a file would contain.
 *
 * Copies of a step that `sequence` or `when` made share their origin.
 */
import { defined } from "../base/defined.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { AGENT_STEP_KEYS, type AgentLimitsConfig } from "./agents-config.ts";
import type { WrittenDuration } from "../base/duration.ts";
import type { WrittenAgent, WrittenPlan, WrittenStep } from "./document.ts";
import type { NoParams, OptionsWith, ParamSpecs, ParamsOf, SubplanParams } from "./param-values.ts";
import type { StepContext, StepFunction } from "./plan.ts";
import type { RefusedKey } from "./step-keys.ts";
import type { Storable, Stored } from "./storable.ts";
import {
  checkStandard,
  isStandardSchema,
  type SchemaInput,
  type SchemaOutput,
  type StandardSchema,
} from "./standard-schema.ts";

/** A step of a TypeScript plan; `Output` is what its dependents get. */
export interface StepValue<Output = unknown, Id extends string = string> {
  readonly kind: "step";
  /** The step's id in its plan. */
  readonly id: Id;
  /** As a file would have it, without deps. */
  readonly written: WrittenStep;
  /** Steps that it names as values: part of the plan even where the plan does not list them. */
  readonly uses: readonly StepValue[];
  /** Ids of steps that must succeed first. */
  readonly deps: readonly string[];
  /** The function of a step that has one; absent: the step is data. */
  readonly fn?: StepFunction;
  /** Shared by all copies of one step. */
  readonly origin: object;
  /** Only a type: what the step gives. */
  readonly output?: Output;
}

/** Several steps that `sequence` and `parallel` combine. */
export interface StepGroup<Member extends StepValue = StepValue> {
  readonly kind: "group";
  /** All of them. */
  readonly steps: readonly StepValue[];
  /** Steps that start when the group may start. */
  readonly first: readonly string[];
  /** Steps at whose end the group has ended. */
  readonly last: readonly string[];
  /** Only a type: what its steps are. */
  readonly member?: Member;
}

export type Steps = StepValue | StepGroup;

/** Steps by the name under which a function gets their outputs, or a list of steps and ids that only have to succeed. */
export type Deps = { readonly [name: string]: StepValue } | readonly (StepValue | string)[];

export type InputsOf<D> = D extends readonly unknown[]
  ? Record<never, never>
  : { readonly [Name in keyof D]: D[Name] extends StepValue<infer Output> ? Output : never };

/** Keys that a helper has in a form of its own. */
type OwnForm = "id" | "deps" | "output" | "forEach" | "maxConcurrency" | "isolate";
type ActionKey =
  | "run"
  | "call"
  | "with"
  | "agent"
  | "approve"
  | "onTimeout"
  | "plan"
  | "params"
  | "sleep"
  | "signal"
  | "function";

/** What every kind of step may have beside its action: the keys of the plan file. */
export interface CommonOptions<D extends Deps = Deps> extends Omit<WrittenStep, ActionKey | OwnForm> {
  /** Steps that must succeed first: by the names under which a function gets their outputs, or a list of steps and ids; default: none. */
  readonly deps?: D;
}

export interface StepOptions<D extends Deps = Deps, P extends ParamSpecs = ParamSpecs> extends CommonOptions<D> {
  /** Parameters that the function reads, declared as in the plan, which must have them too: the types of `context.params`; default: any. */
  readonly params?: P;
  /** Run the function in a worker thread that can be killed; default: false. */
  readonly isolate?: boolean;
}

/** What a step that is data may have: a command, an agent, a question, another plan. */
export interface DataOptions extends CommonOptions {
  /** One step per item: a step whose output is the list, the list, or a CEL expression that gives one; default: one step. */
  readonly forEach?: StepValue<readonly unknown[]> | readonly Json[] | string;
  /** Items of `forEach` at the same time; default: no limit. */
  readonly maxConcurrency?: number;
  /** JSON Schema that the step's output must match; default: any output. */
  readonly output?: JsonObject;
}

/** Of a step that is always to run a dep may have failed: its input is `null` then. */
type InputsWith<D, Always extends boolean> = true extends Always
  ? { readonly [Name in keyof InputsOf<D>]: InputsOf<D>[Name] | null }
  : InputsOf<D>;

type StepBody<D, Output, P extends ParamSpecs = ParamSpecs, Always extends boolean = false> = (
  inputs: InputsWith<D, Always>,
  context: StepContext<ParamsOf<P>>,
) => Output;

type NoInputs = Record<never, never>;

/** A step that runs a function: its inputs are the outputs of `deps`, its output is what it returns. */
export function step<Output, const Id extends string>(
  id: Id,
  run: StepBody<NoInputs, Output> & Storable<Output>,
): StepValue<Stored<Output>, Id>;
/** A Standard Schema as `output` checks and converts what the function returns. */
export function step<
  S extends StandardSchema,
  const Id extends string,
  const D extends Deps = NoInputs,
  const P extends ParamSpecs = ParamSpecs,
  const Always extends boolean = false,
>(
  id: Id,
  options: StepOptions<D, P> & { readonly output: S; readonly always?: Always },
  run: StepBody<D, SchemaInput<S> | Promise<SchemaInput<S>>, P, Always>,
): StepValue<Stored<SchemaOutput<S>>, Id>;
/** A JSON Schema as `output` checks what the function returns. */
export function step<
  Output,
  const Id extends string,
  const D extends Deps = NoInputs,
  const P extends ParamSpecs = ParamSpecs,
  const Always extends boolean = false,
>(
  id: Id,
  options: StepOptions<D, P> & { readonly output?: JsonObject; readonly always?: Always },
  run: StepBody<D, Output, P, Always> & Storable<Output>,
): StepValue<Stored<Output>, Id>;
export function step(id: string, ...rest: readonly unknown[]): StepValue {
  const [options, run] = (rest.length === 1 ? [{}, rest[0]] : rest) as [FunctionOptions, AnyBody];
  return functionStep(id, options, run, (inputs, context) => run(inputs, context));
}

export interface ForEachOptions<Item, D extends Deps = Deps, P extends ParamSpecs = ParamSpecs> extends StepOptions<
  D,
  P
> {
  /** The list: a step whose output it is, the values themselves, or a CEL expression. */
  readonly items: StepValue<readonly Item[]> | readonly Item[] | string;
  /** Items at the same time; default: no limit. */
  readonly maxConcurrency?: number;
  /** JSON Schema that the output for each item must match; default: any output. */
  readonly output?: JsonObject;
}

/** A step that runs its function once per item; its output is the list of the items' outputs, in their order. */
export function forEach<
  Item,
  Output,
  const Id extends string,
  const D extends Deps = NoInputs,
  const P extends ParamSpecs = ParamSpecs,
  const Always extends boolean = false,
>(
  id: Id,
  options: ForEachOptions<Item, D, P> & { readonly always?: Always },
  run: ((item: Item, inputs: InputsWith<D, Always>, context: StepContext<ParamsOf<P>>) => Output) & Storable<Output>,
): StepValue<readonly Stored<Output>[], Id> {
  const { items, maxConcurrency, ...others } = options;
  const body = run as (item: unknown, inputs: object, context: StepContext) => unknown;
  const made = functionStep(id, others as FunctionOptions, body, (inputs, context) =>
    body(context.item, inputs, context),
  );
  return withItems(made, items as Items, maxConcurrency) as StepValue<readonly Stored<Output>[], Id>;
}

export interface CommandOptions extends DataOptions {}

/** A step that runs a shell command. */
export function command<const Id extends string>(
  id: Id,
  run: string,
  options: CommandOptions = {},
): StepValue<Json, Id> {
  return dataStep(id, { run }, options);
}

/** The keys of a step and those of its `agent:` side by side, as none of them but `limits` is in both. */
export interface AgentOptions extends Omit<DataOptions, "limits">, Omit<WrittenAgent, "limits"> {
  /** The step's memory, and how long its agent and the agent's provider are waited for; each has a default of its own. */
  readonly limits?: StepLimits & AgentLimitsConfig;
}

type StepLimits = NonNullable<WrittenStep["limits"]>;
const STEP_LIMITS: Readonly<Record<keyof StepLimits, true>> = { maxMemoryMb: true };

/** A step that a coding agent carries out. */
export function agent<const Id extends string>(id: Id, options: AgentOptions): StepValue<Json, Id> {
  const { prompt, limits, ...others } = options;
  const [settings, rest] = divided(others, AGENT_STEP_KEYS);
  const [ofStep, ofAgent] = divided(limits ?? {}, STEP_LIMITS);
  const written: WrittenAgent = defined({ prompt, ...settings, limits: nonEmpty(ofAgent) });
  const action: WrittenStep = defined({ agent: written, limits: nonEmpty(ofStep) });
  return dataStep(id, action, rest);
}

/** A question, and another plan, do no work of their own that could be checked or tried again. */
export interface ApproveOptions extends Omit<DataOptions, RefusedKey<"approve">> {
  /** The answer when `timeout` has passed; default: `reject`. */
  readonly onTimeout?: "reject" | "approve";
}

/** A step that asks a person. */
export function approve<const Id extends string>(
  id: Id,
  question: string,
  options: ApproveOptions = {},
): StepValue<Json, Id> {
  const { onTimeout, ...others } = options;
  return dataStep(id, defined({ approve: question, onTimeout }), others);
}

export interface SleepOptions extends Omit<DataOptions, RefusedKey<"sleep">> {}

/**
 * A step that waits. It takes no slot, and time goes on while no process works on the run.
 * @param time a duration, as in `"2h"`, a number of seconds, or a point in time with its zone, as in `"2026-12-24T18:00:00Z"`
 */
export function sleep<const Id extends string>(
  id: Id,
  time: WrittenDuration,
  options: SleepOptions = {},
): StepValue<null, Id> {
  return dataStep(id, { sleep: time }, options) as StepValue<null, Id>;
}

export interface SignalOptions extends Omit<DataOptions, RefusedKey<"signal">> {
  /** What comes of it when `timeout` has passed: the step fails, or succeeds with `null`; default: `fail`. */
  readonly onTimeout?: "fail" | "continue";
}

/**
 * A step that waits for the signal of this name, as `heddle signal RUN NAME [JSON]` and `signal` of a run send it; its output is
 * the signal's value. It takes no slot. A signal that comes before the step waits is kept for it; each signal is taken by one step.
 */
export function signal<const Id extends string>(
  id: Id,
  name: string,
  options: SignalOptions = {},
): StepValue<Json, Id> {
  const { onTimeout, ...others } = options;
  return dataStep(id, defined({ signal: name, onTimeout }), others);
}

export interface SubplanOptions extends Omit<DataOptions, RefusedKey<"plan">> {
  /** Parameters of the other plan; values may contain `${{ }}`; default: none. */
  readonly params?: JsonObject;
}

type SubplanArguments<P extends ParamSpecs> = OptionsWith<Omit<SubplanOptions, "params">, SubplanParams<P>>;

/** The last argument where the other plan runs once per item. */
type ItemsArguments<P extends ParamSpecs> = [Required<SubplanArguments<P>>[0] & Required<Pick<DataOptions, "forEach">>];

/** Another plan as one step, once per item: its output is the list of what {@link subplan} gives. */
export function subplan<const Id extends string, P extends ParamSpecs, Outputs>(
  id: Id,
  inner: PlanDefinition<P, Outputs>,
  ...[options]: ItemsArguments<P>
): StepValue<readonly Outputs[], Id>;
/**
 * Another plan as one step: wants its parameters, and gives the outputs of its steps by their ids; `null` of a step that was
 * skipped, or failed and is optional.
 */
export function subplan<const Id extends string, P extends ParamSpecs, Outputs>(
  id: Id,
  inner: PlanDefinition<P, Outputs>,
  ...[options]: SubplanArguments<P>
): StepValue<Outputs, Id>;
/** The plan of a file, relative to the plan's folder, as one step. */
export function subplan<const Id extends string>(id: Id, file: string, options?: SubplanOptions): StepValue<Json, Id>;
export function subplan(id: string, inner: PlanDefinition | string, options: SubplanOptions = {}): StepValue {
  const { params, ...others } = options;
  const given = params === undefined ? {} : { params };
  if (typeof inner === "string") return dataStep(id, { plan: inner, ...given }, others);
  return freeze({ ...dataStep(id, given, others), inner } as StepValue<Json>);
}

/** The steps one after another. */
export function sequence<const S extends readonly Steps[]>(...parts: S): StepGroup<MemberOf<S[number]>> {
  const steps: StepValue[] = [];
  let last: readonly string[] = [];
  for (const part of parts) {
    const group = asGroup(part);
    const starts = new Set(group.first);
    for (const each of group.steps)
      steps.push(starts.has(each.id) ? freeze({ ...each, deps: [...each.deps, ...last] }) : each);
    last = group.last;
  }
  const [first] = parts;
  return freeze({ kind: "group", steps, first: first === undefined ? [] : asGroup(first).first, last });
}

/** The steps side by side. */
export function parallel<const S extends readonly Steps[]>(...parts: S): StepGroup<MemberOf<S[number]>> {
  const groups = parts.map(asGroup);
  return freeze({
    kind: "group",
    steps: groups.flatMap((group) => group.steps),
    first: groups.flatMap((group) => group.first),
    last: groups.flatMap((group) => group.last),
  });
}

/** The step, or each of the steps, only where `condition` (CEL) holds. */
export function when<S extends Steps>(condition: string, part: S): S;
export function when(condition: string, part: Steps): Steps {
  if (part.kind === "group") return freeze({ ...part, steps: part.steps.map((each) => when(condition, each)) });
  const { if: known } = part.written;
  const both = known === undefined || known === true ? condition : `(${condition}) && (${String(known)})`;
  return freeze({ ...part, written: { ...part.written, if: both } });
}

const PLAN = Symbol.for("heddle.plan.1");

export interface PlanOptions<
  P extends ParamSpecs = ParamSpecs,
  S extends readonly Steps[] = readonly Steps[],
> extends Omit<WrittenPlan, "name" | "params"> {
  /** Declared parameters by name; default: none. */
  readonly params?: P;
  /** The plan's steps; those that they name as `deps` are part of it too. */
  readonly steps: S;
}

/** A whole plan, not yet validated. `P`: its parameters; `Outputs`: what it gives where it is a step of another plan. */
export interface PlanDefinition<P extends ParamSpecs = ParamSpecs, Outputs = unknown> {
  /** The plan's name. */
  readonly name: string;
  /** As they were given. */
  readonly options: PlanOptions;
  /** Only a type. */
  readonly types?: {
    /** Its declared parameters. */
    readonly params: P;
    /** What its listed steps give. */
    readonly outputs: Outputs;
  };
}

type MemberOf<S extends Steps> = S extends StepGroup<infer Member> ? Member : Extract<S, StepValue>;

/** Outputs by id. Of a step that was skipped, or failed and is optional, there is none. */
type OutputsOf<S extends Steps> = {
  readonly [Member in MemberOf<S> as Member["id"]]: Member extends StepValue<infer Output> ? Output | null : never;
};

/** A plan: plain data until it is run, loaded, or made a step of another by {@link subplan}. */
export function plan<const P extends ParamSpecs = NoParams, const S extends readonly Steps[] = readonly Steps[]>(
  name: string,
  options: PlanOptions<P, S>,
): PlanDefinition<P, OutputsOf<S[number]>> {
  return freeze({ [PLAN]: true, name, options });
}

export function isPlanDefinition(value: unknown): value is PlanDefinition {
  return typeof value === "object" && value !== null && PLAN in value;
}

type AnyBody = (inputs: object, context: StepContext) => unknown;
type FunctionOptions = StepOptions & { readonly output?: JsonObject | StandardSchema };

function functionStep(
  id: string,
  options: FunctionOptions,
  source: (...args: never[]) => unknown,
  run: StepFunction["run"],
): StepValue {
  const { output, deps, params, ...others } = options;
  const schema = isStandardSchema(output) ? output : undefined;
  const needs = namedIds(deps);
  const action: WrittenStep["function"] = defined({
    source: sourceHash(source),
    needs: Object.keys(needs).length === 0 ? undefined : needs,
    schema: schema === undefined ? undefined : true,
    params,
  });
  const written: WrittenStep = defined({
    ...others,
    function: action,
    output: output === undefined || schema !== undefined ? undefined : (output as JsonObject),
  });
  const fn: StepFunction = schema === undefined ? { run } : { run, check: (value) => checkStandard(schema, value) };
  return freeze({ kind: "step", id, written, uses: usedSteps(deps), deps: depIds(deps), fn, origin: {} });
}

/** Loads the hash at the first function: who only asks whether something is a plan does not pay for it. */
function sourceHash(source: (...args: never[]) => unknown): string {
  return process.getBuiltinModule("node:crypto").hash("sha256", String(source)).slice(0, 32);
}

function dataStep<Id extends string>(id: Id, action: WrittenStep, options: DataOptions): StepValue<Json, Id> {
  const { deps, forEach: items, maxConcurrency, ...others } = options;
  const made: StepValue<Json, Id> = {
    kind: "step",
    id,
    written: { ...others, ...action },
    uses: usedSteps(deps),
    deps: depIds(deps),
    origin: {},
  };
  return withItems(made, items, maxConcurrency);
}

type Items = StepValue | readonly Json[] | string | undefined;

/** The step with what it is expanded by; a step whose output that is becomes a dep. */
function withItems<S extends StepValue>(made: S, items: Items, maxConcurrency: number | undefined): S {
  const { written, deps, uses } = made;
  const list = isStep(items) ? `deps[${JSON.stringify(items.id)}].output` : items;
  return freeze({
    ...made,
    written: defined<WrittenStep>({ ...written, forEach: list, maxConcurrency }),
    deps: isStep(items) ? [...deps, items.id] : deps,
    uses: isStep(items) ? [...uses, items] : uses,
  });
}

function nonEmpty<T extends object>(value: T): T | undefined {
  return Object.keys(value).length === 0 ? undefined : value;
}

/** The members whose keys `table` has, and the others; without those that are `undefined`. */
function divided<T extends object, K extends string>(
  members: T,
  table: Readonly<Record<K, true>>,
): [Pick<T, K & keyof T>, Omit<T, K>] {
  const inside: [string, unknown][] = [];
  const outside: [string, unknown][] = [];
  for (const entry of Object.entries(members))
    if (entry[1] !== undefined) (Object.hasOwn(table, entry[0]) ? inside : outside).push(entry);
  return [Object.fromEntries(inside) as Pick<T, K & keyof T>, Object.fromEntries(outside) as Omit<T, K>];
}

function namedIds(deps: Deps | undefined): Record<string, string> {
  if (deps === undefined || isList(deps)) return {};
  return Object.fromEntries(Object.entries(deps).map(([name, value]) => [name, value.id]));
}

function depIds(deps: Deps | undefined): readonly string[] {
  if (deps === undefined) return [];
  const values: readonly (StepValue | string)[] = isList(deps) ? deps : Object.values(deps);
  return values.map((value) => (typeof value === "string" ? value : value.id));
}

function usedSteps(deps: Deps | undefined): readonly StepValue[] {
  if (deps === undefined) return [];
  const values: readonly (StepValue | string)[] = isList(deps) ? deps : Object.values(deps);
  return values.filter((value) => typeof value !== "string");
}

function isList(deps: Deps): deps is readonly (StepValue | string)[] {
  return Array.isArray(deps);
}

function isStep(value: unknown): value is StepValue {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "step" && "origin" in value;
}

/** A step as a group of its own. */
export function asGroup(part: Steps): StepGroup {
  if (part.kind === "group") return part;
  return { kind: "group", steps: [part], first: [part.id], last: [part.id] };
}

function freeze<T extends object>(value: T): Readonly<T> {
  return Object.freeze(value);
}
