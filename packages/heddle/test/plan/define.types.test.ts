/** What the compiler infers from a TypeScript plan. */
import { expectTypeOf, test } from "vitest";
import { load } from "../../src/api/plan.ts";
import { run } from "../../src/api/run.ts";
import type { Json } from "../../src/base/json.ts";
import {
  agent,
  type AgentOptions,
  type ApproveOptions,
  command,
  type CommandOptions,
  forEach,
  parallel,
  plan,
  type PlanDefinition,
  type PlanOptions,
  sequence,
  step,
  type StepOptions,
  type SignalOptions,
  type SleepOptions,
  type StepValue,
  subplan,
  type SubplanOptions,
  when,
} from "../../src/plan/define.ts";
import type { WrittenAgent, WrittenPlan, WrittenStep } from "../../src/plan/document.ts";
import type { RefusedKey } from "../../src/plan/step-keys.ts";
import type { StepContext } from "../../src/plan/plan.ts";
import type { StandardSchema } from "../../src/plan/standard-schema.ts";

const schema = step("schema", async () => ({ tables: 4 }));
const list = step("list", () => ["a", "b"]);

test("outputs come from the function", () => {
  expectTypeOf(schema).toEqualTypeOf<StepValue<{ tables: number }, "schema">>();
  expectTypeOf(step("n", () => 1)).toEqualTypeOf<StepValue<number, "n">>();
  expectTypeOf(command("c", "true")).toEqualTypeOf<StepValue<Json, "c">>();
});

test("inputs come from deps by name", () => {
  const both = step(
    "both",
    { deps: { schema, names: list, said: agent("x", { prompt: "y" }) }, retry: 2 },
    (inputs, context) => {
      expectTypeOf(inputs.schema).toEqualTypeOf<{ tables: number }>();
      expectTypeOf(inputs.names).toEqualTypeOf<string[]>();
      expectTypeOf(inputs.said).toEqualTypeOf<Json>();
      expectTypeOf(context).toEqualTypeOf<StepContext>();
      // @ts-expect-error -- no dep has this name
      void inputs.other;
      return inputs.schema.tables;
    },
  );
  expectTypeOf(both).toEqualTypeOf<StepValue<number, "both">>();
});

test("undefined arrives as null", () => {
  interface User {
    readonly id: number;
    readonly name?: string | undefined;
  }
  const users: readonly User[] = [];
  const find = step("find", () => users.find(({ id }) => id === 2));
  expectTypeOf(find).toEqualTypeOf<StepValue<User | null, "find">>();
  const nothing = step("nothing", async () => {});
  expectTypeOf(nothing).toEqualTypeOf<StepValue<null, "nothing">>();
  step("use", { deps: { find, nothing } }, (inputs) => {
    expectTypeOf(inputs.find).toEqualTypeOf<User | null>();
    expectTypeOf(inputs.nothing).toEqualTypeOf<null>();
  });
  const each = forEach("each", { items: [1] }, (item) => (item > 1 ? item : undefined));
  expectTypeOf(each).toEqualTypeOf<StepValue<readonly (number | null)[], "each">>();
  const text = {} as StandardSchema<string, string | undefined>;
  const parsed = (): StepValue<string | null> => step("a", { output: text }, () => "x");
  void parsed;
  step("b", { deps: { read: step("any", () => JSON.parse("1")) } }, (inputs) => expectTypeOf(inputs.read).toBeAny());
  expectTypeOf(step("unknown", (): unknown => 1)).toEqualTypeOf<StepValue<unknown, "unknown">>();
  expectTypeOf(
    step("throws", () => {
      throw new Error("x");
    }),
  ).toEqualTypeOf<StepValue<never, "throws">>();
});

test("what JSON cannot hold is a type error", () => {
  const dep = { deps: { schema } };
  // @ts-expect-error -- a bigint
  step("a", () => 1n);
  // @ts-expect-error -- a date, in a promise, with options
  step("a", dep, async ({ schema: { tables } }) => ({ when: new Date(tables) }));
  // @ts-expect-error -- a map, deep in a list
  step("a", () => [{ found: new Map<string, number>() }]);
  // @ts-expect-error -- a set, in a union
  step("a", dep, ({ schema: { tables } }) => (tables > 1 ? new Set([1]) : 1));
  // @ts-expect-error -- a function
  step("a", () => () => 1);
  // @ts-expect-error -- a symbol
  step("a", () => ({ mark: Symbol("x") }));
  // @ts-expect-error -- an item's output
  forEach("a", { items: [1, 2] }, (item) => BigInt(item));
  interface Tree {
    readonly name: string;
    readonly children: readonly Tree[];
  }
  const tree: Tree = { name: "root", children: [] };
  // What JSON holds is not in the way: recursive types, Json, tuples, optional members. Generic code says Json.
  expectTypeOf(step("tree", () => tree)).toEqualTypeOf<StepValue<Tree, "tree">>();
  expectTypeOf(step("json", (): Json => 1)).toEqualTypeOf<StepValue<Json, "json">>();
  expectTypeOf(step("pair", () => [1, "a"] as const)).toEqualTypeOf<StepValue<readonly [1, "a"], "pair">>();
  const generic = <T extends Json>(value: T): unknown => step("generic", (): Json => value);
  void generic;
});

test("a list of deps gives order, no inputs", () => {
  step("ordered", { deps: [schema, "other"] }, (inputs) => {
    // @ts-expect-error -- nothing is named
    void inputs.schema;
  });
});

test("a Standard Schema says what goes in and what comes out", () => {
  const text = {} as StandardSchema<{ n: number }, { n: string }>;
  const build = (): StepValue<{ n: string }> => step("a", { output: text }, () => ({ n: 1 }));
  expectTypeOf(build).returns.toEqualTypeOf<StepValue<{ n: string }>>();
  // @ts-expect-error -- the schema wants a number
  const wrong = (): unknown => step("a", { output: text }, () => ({ n: "x" }));
  void wrong;
});

test("what a step that is always to run is given may be null", () => {
  step("after", { deps: { schema }, always: true }, ({ schema: given }) => {
    expectTypeOf(given).toEqualTypeOf<{ tables: number } | null>();
  });
  step("plain", { deps: { schema }, always: false }, ({ schema: given }) => {
    expectTypeOf(given).toEqualTypeOf<{ tables: number }>();
  });
  forEach("each", { items: [1], deps: { schema }, always: true }, (_item, { schema: given }) => {
    // @ts-expect-error -- it may have failed
    return given.tables;
  });
});

test("forEach hands over one item", () => {
  const each = forEach("each", { items: list, deps: { schema } }, (item, inputs) => {
    expectTypeOf(item).toEqualTypeOf<string>();
    expectTypeOf(inputs.schema.tables).toEqualTypeOf<number>();
    return item.length;
  });
  expectTypeOf(each).toEqualTypeOf<StepValue<readonly number[], "each">>();
});

test("options are the keys of the plan file", () => {
  // @ts-expect-error -- a typo is seen by the compiler
  step("a", { timeot: "1m" }, () => 1);
  // @ts-expect-error -- an action belongs to a helper of its own
  command("a", "true", { agent: "x" });
});

test("a step's options are every key of the file that its kind may have", () => {
  type Action =
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
  type Data = Exclude<keyof WrittenStep, "id" | "isolate" | Action>;
  expectTypeOf<keyof CommandOptions>().toEqualTypeOf<Data>();
  expectTypeOf<keyof AgentOptions>().toEqualTypeOf<Data | keyof WrittenAgent>();
  expectTypeOf<keyof ApproveOptions>().toEqualTypeOf<Exclude<Data, RefusedKey<"approve">> | "onTimeout">();
  expectTypeOf<keyof SleepOptions>().toEqualTypeOf<Exclude<Data, RefusedKey<"sleep">>>();
  expectTypeOf<keyof SignalOptions>().toEqualTypeOf<Exclude<Data, RefusedKey<"signal">> | "onTimeout">();
  expectTypeOf<keyof SubplanOptions>().toEqualTypeOf<Exclude<Data, RefusedKey<"plan">> | "params">();
  expectTypeOf<keyof StepOptions>().toEqualTypeOf<
    Exclude<Data, "output" | "forEach" | "maxConcurrency"> | "isolate" | "params"
  >();
  expectTypeOf<keyof PlanOptions>().toEqualTypeOf<Exclude<keyof WrittenPlan, "name"> | "steps">();
});

test("an option has the type that its key has in a file", () => {
  type Same<Key extends keyof WrittenAgent & keyof AgentOptions> = AgentOptions[Key];
  expectTypeOf<Pick<AgentOptions, Exclude<keyof WrittenAgent, "limits">>>().toEqualTypeOf<
    Omit<WrittenAgent, "limits">
  >();
  expectTypeOf<Same<"permissions">>().toEqualTypeOf<WrittenAgent["permissions"]>();
  expectTypeOf<Pick<CommandOptions, "retry" | "runsOn" | "env">>().toEqualTypeOf<
    Pick<WrittenStep, "retry" | "runsOn" | "env">
  >();
  // One key alone belongs to both a step and its agent.
  expectTypeOf<keyof WrittenStep & keyof WrittenAgent>().toEqualTypeOf<"limits">();
  // @ts-expect-error -- an agent that may not be asked for
  agent("a", { prompt: "p", expect: "something" });
  agent("a", { prompt: "p", use: "mine", limits: { idle: "5m", maxMemoryMb: 512 }, retry: 1, runsOn: ["gpu"] });
});

const release = plan("release", {
  params: {
    env: { type: "string", enum: ["staging", "production"], default: "staging" },
    replicas: { type: "number" },
    tags: { type: "json", default: [] },
  },
  steps: [
    sequence(schema, parallel(list, command("lint", "true"))),
    when(
      "params.replicas > 1",
      step("size", () => 1n + 1n > 1),
    ),
  ],
});

test("a plan knows its parameters: who runs it gives those without a default", () => {
  const start = (): void => {
    void run(release, { params: { replicas: 2 } });
    void run(release, { params: { replicas: 2, env: "production", tags: ["a"] }, memory: true });
    // @ts-expect-error -- `replicas` has no default
    void run(release);
    // @ts-expect-error -- of another type
    void run(release, { params: { replicas: "2" } });
    // @ts-expect-error -- not one of the values
    void run(release, { params: { replicas: 2, env: "prod" } });
    // @ts-expect-error -- not declared
    void run(release, { params: { replicas: 2, envs: "staging" } });
    // @ts-expect-error -- a plan without parameters takes none
    void run(plan("none", { steps: [schema] }), { params: { env: "x" } });
    void run(plan("none", { steps: [schema] }));
    // @ts-expect-error -- the same where a plan is loaded
    void load(release);
    void load(release, { replicas: 1 });
    // Of a plan that is not known, any will do.
    const some = release as PlanDefinition;
    void run(some);
    void run(some, { params: { anything: true } });
  };
  void start;
});

test("a function that names the parameters it reads gets them typed", () => {
  const params = { env: { type: "string", enum: ["staging", "production"] }, replicas: { type: "number" } } as const;
  step("a", { params }, (_inputs, context) => {
    expectTypeOf(context.params.env).toEqualTypeOf<"staging" | "production">();
    expectTypeOf(context.params.replicas).toEqualTypeOf<number>();
    // @ts-expect-error -- not named
    void context.params.other;
  });
  step("b", { deps: { schema }, params: { dry: { type: "boolean" } } }, (inputs, { params: { dry } }) => {
    expectTypeOf(dry).toEqualTypeOf<boolean>();
    expectTypeOf(inputs.schema).toEqualTypeOf<{ tables: number }>();
  });
  forEach("c", { items: [1], params }, (_item, _inputs, context) => {
    expectTypeOf(context.params.replicas).toEqualTypeOf<number>();
  });
});

test("a plan as a step gives the outputs of its steps, and wants its parameters", () => {
  const inner = subplan("release", release, {
    params: { replicas: "${{ deps.schema.output.tables }}" },
    deps: [schema],
  });
  step("after", { deps: { inner } }, (inputs) => {
    expectTypeOf(inputs.inner.schema).toEqualTypeOf<{ tables: number } | null>();
    expectTypeOf(inputs.inner.list).toEqualTypeOf<string[] | null>();
    expectTypeOf(inputs.inner.lint).toEqualTypeOf<Json>();
    expectTypeOf(inputs.inner.size).toEqualTypeOf<boolean | null>();
    // @ts-expect-error -- no step of it
    void inputs.inner.lst;
  });
  const each = subplan("each", release, { forEach: list, params: { replicas: 1, env: "${{ item }}" } });
  step("collect", { deps: { each } }, (inputs) => {
    expectTypeOf(inputs.each[0]?.size).toEqualTypeOf<boolean | null | undefined>();
  });
  // @ts-expect-error -- `replicas` has no default
  subplan("release", release);
  // @ts-expect-error -- neither a number nor a template
  subplan("release", release, { params: { replicas: "two" } });
  // @ts-expect-error -- what means nothing to a step that stands for a plan
  subplan("release", release, { params: { replicas: 1 }, retry: 1 });
  expectTypeOf(subplan("file", "./other.yaml", { params: { any: 1 } })).toEqualTypeOf<StepValue<Json, "file">>();
  const steps: StepValue<number>[] = [];
  const many = subplan("many", plan("many", { steps }));
  step("use", { deps: { many } }, (inputs) =>
    expectTypeOf(inputs.many["x"]).toEqualTypeOf<number | null | undefined>(),
  );
});
