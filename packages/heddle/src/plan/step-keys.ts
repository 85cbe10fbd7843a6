/**
 * Key table: what each key of a step does on each kind of step. The one source of what the checker refuses, of the types
 * of the TypeScript helpers, and of the reference page; a test makes the effect of each cell visible.
 *
 * Invariant: no key is without effect and without an error. A cell that no code honours is `refused`.
 */
import type { WrittenStep } from "./document.ts";
import type { Action } from "./plan.ts";

/** `call`: functions of TypeScript plans too. */
export type StepKind = "run" | "call" | "agent" | "approve" | "plan" | "sleep" | "signal";

/** All keys but the id and those that say what the step does. */
export type StepKey = Exclude<
  keyof WrittenStep,
  "id" | "run" | "call" | "function" | "agent" | "approve" | "plan" | "sleep" | "signal"
>;

/** They act on work that is carried out in one attempt after another. */
type WorkKey =
  | "retry"
  | "verify"
  | "runsOn"
  | "onInterrupt"
  | "priority"
  | "inputs"
  | "outputs"
  | "cache"
  | "writes"
  | "limits";
/** A step that only waits runs nothing, and takes nothing. */
type WaitKey =
  | WorkKey
  | "resources"
  | "locks"
  | "totalTimeout"
  | "grace"
  | "env"
  | "envMode"
  | "secrets"
  | "cwd"
  | "shell"
  | "undo"
  | "group"
  | "isolate"
  | "with"
  | "params";
/** The keys that a kind of step refuses whatever is beside them; the table below has to say the same. */
export type RefusedKey<Kind extends StepKind> = Kind extends "run" | "agent"
  ? "isolate" | "with" | "params" | "onTimeout"
  : Kind extends "call"
    ? "params" | "onTimeout"
    : Kind extends "approve"
      ? WorkKey | "resources" | "locks" | "totalTimeout" | "output" | "isolate" | "with" | "params"
      : Kind extends "plan"
        ? WorkKey | "isolate" | "with" | "onTimeout"
        : Kind extends "sleep"
          ? WaitKey | "timeout" | "output" | "onTimeout"
          : WaitKey;

interface Refused {
  readonly is: "refused";
  readonly hint: string;
}
type Effective =
  /** It acts on the step itself. */
  | { readonly is: "applies" }
  /** It is handed down to the steps inside, which may say otherwise. */
  | { readonly is: "inside" }
  /** It acts on something that one of these keys brings, and is refused without. */
  | { readonly is: "beside"; readonly keys: readonly StepKey[]; readonly hint: string };
export type KeyCell = Effective | Refused;

export type KeyRow<Key extends StepKey = StepKey> = {
  readonly [Kind in StepKind]: StepKey extends Key ? KeyCell : Key extends RefusedKey<Kind> ? Refused : Effective;
} & {
  /** Beside `forEach`: each item has it, or the step that stands for all items. */
  readonly each: "item" | "whole";
};

const applies: Effective = { is: "applies" };
const inside: Effective = { is: "inside" };
const refused = (hint: string): Refused => ({ is: "refused", hint });
const beside = (keys: readonly StepKey[], hint: string): Effective => ({ is: "beside", keys, hint });

const ON_STEPS = refused("set it on the steps of that plan");
const ON_WORK = refused("set it on the step that does the work");
const WITH_VALUES = 'a function has the environment of its process: pass values by "with"';
const OF_UNDO = beside(["undo"], "a question runs nothing: it acts on the command of `undo` alone");

const IN_WAIT = refused("a step that waits runs nothing: set it on the step that does the work");

const everywhere = {
  run: applies,
  call: applies,
  agent: applies,
  approve: applies,
  plan: applies,
  sleep: applies,
  signal: applies,
};
const butInWaits = { ...everywhere, sleep: IN_WAIT, signal: IN_WAIT };
/** Of what carries out work in one attempt after another. */
const ofWork = {
  run: applies,
  call: applies,
  agent: applies,
  approve: ON_WORK,
  plan: ON_STEPS,
  sleep: IN_WAIT,
  signal: IN_WAIT,
};
const only = (hint: string): Readonly<Record<StepKind, Refused>> => {
  const cell = refused(hint);
  return { run: cell, call: cell, agent: cell, approve: cell, plan: cell, sleep: cell, signal: cell };
};
const OF_ITEMS = beside(
  ["forEach"],
  "it bounds the items of `forEach`: set it for the whole plan, or use a pool of `resources`",
);

export const STEP_KEYS: { readonly [Key in StepKey]: KeyRow<Key> } = {
  description: { ...everywhere, each: "item" },
  acceptance: { ...everywhere, each: "item" },
  labels: { ...everywhere, each: "item" },
  deps: { ...everywhere, each: "whole" },
  after: { ...everywhere, each: "whole" },
  if: { ...everywhere, each: "whole" },
  forEach: { ...everywhere, each: "whole" },
  maxConcurrency: {
    run: OF_ITEMS,
    call: OF_ITEMS,
    agent: OF_ITEMS,
    approve: OF_ITEMS,
    plan: OF_ITEMS,
    sleep: OF_ITEMS,
    signal: OF_ITEMS,
    each: "whole",
  },
  group: { ...butInWaits, each: "item" },
  estimate: { ...everywhere, each: "item" },
  optional: { ...everywhere, each: "whole" },
  undo: { ...butInWaits, each: "item" },
  timeout: { ...everywhere, sleep: refused("`sleep` itself says how long the step waits"), each: "item" },
  always: { ...everywhere, each: "whole" },
  totalTimeout: {
    ...butInWaits,
    approve: refused("use `timeout`: a question is asked once"),
    signal: refused("use `timeout`: there is one attempt"),
    each: "item",
  },
  grace: { ...butInWaits, approve: OF_UNDO, plan: inside, each: "item" },
  retry: { ...ofWork, each: "item" },
  verify: { ...ofWork, each: "item" },
  runsOn: { ...ofWork, each: "item" },
  onInterrupt: { ...ofWork, each: "item" },
  priority: { ...ofWork, each: "item" },
  inputs: { ...ofWork, each: "item" },
  outputs: { ...ofWork, each: "item" },
  cache: { ...ofWork, each: "item" },
  writes: { ...ofWork, each: "item" },
  resources: { ...ofWork, plan: applies, each: "item" },
  locks: { ...ofWork, plan: applies, each: "item" },
  output: {
    ...everywhere,
    approve: refused("the output of a question always is `{approved, by, comment?}`"),
    sleep: refused("a wait for a time has no output"),
    each: "item",
  },
  limits: {
    ...ofWork,
    call: beside(
      ["isolate", "verify", "undo"],
      "add `isolate: true`: the memory of a function is bounded only in a thread of its own",
    ),
    each: "item",
  },
  env: {
    ...butInWaits,
    call: beside(["verify", "undo", "secrets"], WITH_VALUES),
    approve: OF_UNDO,
    plan: inside,
    each: "item",
  },
  envMode: {
    ...butInWaits,
    call: beside(["verify", "undo"], WITH_VALUES),
    approve: OF_UNDO,
    plan: inside,
    each: "item",
  },
  passEnv: { ...everywhere, plan: inside, each: "item" },
  secrets: { ...butInWaits, approve: OF_UNDO, plan: inside, each: "item" },
  cwd: {
    ...butInWaits,
    call: beside(["verify", "undo"], 'a function runs in the folder of its process: pass the folder by "with"'),
    approve: OF_UNDO,
    plan: inside,
    each: "item",
  },
  shell: {
    ...butInWaits,
    call: beside(["verify", "undo"], "it is the shell of commands, and this step has none"),
    approve: OF_UNDO,
    plan: inside,
    each: "item",
  },
  isolate: { ...only('"isolate" goes with "call"'), call: applies, each: "item" },
  with: { ...only('"with" goes with "call"'), call: applies, each: "item" },
  params: { ...only('"params" goes with "plan"'), plan: applies, each: "item" },
  onTimeout: {
    ...only('"onTimeout" goes with "approve" or "signal"'),
    approve: applies,
    signal: applies,
    each: "item",
  },
};

export function kindOf({ kind }: Pick<Action, "kind">): StepKind {
  return kind === "function" ? "call" : kind;
}

/** Why the key has no effect on a step of the kind that has these other keys; `undefined`: it has one. */
export function refusalOf(key: StepKey, kind: StepKind, has: (key: StepKey) => boolean): KeyRefusal | undefined {
  const cell: KeyCell = STEP_KEYS[key][kind];
  if (cell.is === "refused") return { hint: cell.hint, without: [] };
  if (cell.is !== "beside" || cell.keys.some(has)) return undefined;
  return { hint: cell.hint, without: cell.keys };
}

export interface KeyRefusal {
  readonly hint: string;
  /** Beside one of these it would have an effect; none: it has no place on the kind. */
  readonly without: readonly StepKey[];
}
