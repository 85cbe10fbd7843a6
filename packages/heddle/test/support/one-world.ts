/**
 * One world: plans of chance whose steps read all that a step may read, run whole, in part, from a step on, and again, each also after
 * a change of what they read. What a step makes depends on its definition and on what it sees, and on nothing else: two steps that
 * made the same saw the same. A reduced or continued run has to end each of its steps as a whole run of the changed plan does.
 */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import type { Backend } from "../../src/backend/port.ts";
import { defined } from "../../src/base/defined.ts";
import { canonicalJson, type Json, type JsonObject } from "../../src/base/json.ts";
import { seededRandom, type Random } from "../../src/base/random.ts";
import type { RunHandle, StartOptions } from "../../src/engine/api.ts";
import { resumeRun, startRun } from "../../src/engine/engine.ts";
import type { EnginePorts } from "../../src/engine/ports.ts";
import type { LoadedPlan } from "../../src/graph/loaded-plan.ts";
import { memoryJournal, memoryStore, type MemoryStore } from "../../src/journal/memory.ts";
import type { Journal } from "../../src/journal/port.ts";
import { asText, fillTemplates } from "../../src/plan/expression/cel.ts";
import { loadPlanFile, loadSubplanFile } from "../../src/project/load-plan.ts";
import { planFileContent } from "../../src/project/plan-content.ts";
import { rerunFrom } from "../../src/project/rerun.ts";
import { reuseFor } from "../../src/project/reuse.ts";
import { buildGraph } from "../../src/graph/build.ts";
import { NO_FUNCTIONS, type Plan } from "../../src/plan/plan.ts";
import { generatePlan, USUAL_SHAPE, type PlanShape } from "./plans.ts";
import type { Outcome, Task } from "../../src/run/attempt.ts";
import { checkEvent } from "../../src/run/event-schema.ts";
import { outputOf, phaseOf, type RunState } from "../../src/run/state.ts";
import { scopeOf } from "../../src/run/task.ts";

/** The files of a plan and of the plans in it, and its parameters. */
export interface WorldPlan {
  readonly files: Readonly<Record<string, string>>;
  readonly params: JsonObject;
}

const below = (random: Random, n: number): number => Math.floor(random() * n);
const one = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)] as T;
const may = (random: Random, share: number): boolean => random() < share;
const some = <T>(random: Random, list: readonly T[], share: number): readonly T[] =>
  list.filter(() => may(random, share));

/** A plan from a seed, with at most two plan files in it. */
export function worldPlan(seed: number): WorldPlan {
  const random = seededRandom(seed);
  const files: Record<string, string> = {
    "child.yaml": childText(random, "child", ["other.yaml"]),
    "other.yaml": childText(random, "other", []),
  };
  const ids = ["a", "b", "c", "d", "e", "f"].slice(0, 3 + below(random, 4));
  const steps = ids.map((id, at) => stepText(random, id, ids.slice(0, at), ["child.yaml", "other.yaml"]));
  const params = `params:\n  p: {type: string, default: p1}\n  q: {type: string, default: q1}\n`;
  files["heddle.yaml"] = `name: world\nfailure: continue\n${params}steps:\n${steps.join("\n")}\n`;
  return { files, params: {} };
}

function childText(random: Random, name: string, children: readonly string[]): string {
  const ids = ["x", "y", "z"].slice(0, 1 + below(random, 3));
  const steps = ids.map((id, at) => stepText(random, id, ids.slice(0, at), children, "r"));
  return `name: ${name}\nparams:\n  r: {type: string, default: r1}\nsteps:\n${steps.join("\n")}\n`;
}

/** `param`: of its plan. */
function stepText(
  random: Random,
  id: string,
  before: readonly string[],
  children: readonly string[],
  param = one(random, ["p", "q"]),
): string {
  const deps = some(random, before, 0.4);
  const after = some(
    random,
    before.filter((each) => !deps.includes(each)),
    0.3,
  );
  const known = [...deps, ...after];
  const reads = [
    `S${id}: "${known.map((each) => `\${{ deps.${each}.status }}`).join(" ")}"`,
    ...(may(random, 0.4) ? [`P: "\${{ params.${param} }}"`] : []),
    ...(known.length > 0 && may(random, 0.4) ? [`O: "\${{ deps.${one(random, known)}.output }}"`] : []),
  ];
  const conditions = [
    `params.${param} != '${param}2'`,
    ...known.flatMap((each) => [
      `deps.${each}.status == 'succeeded'`,
      `deps.${each}.status != 'failed'`,
      `deps.${each}.status in ['failed', 'skipped']`,
    ]),
  ];
  const kind = below(random, 10);
  const command = `run: "${may(random, 0.2) ? "fail" : "work"} ${below(random, 100)}"`;
  const action =
    kind === 0 && children.length > 0
      ? `plan: ./${one(random, children)}\n    params: {r: "\${{ params.${param} }}"}`
      : kind === 1 && children.length > 0
        ? `plan: ./${one(random, children)}\n    forEach: [1, 2]`
        : kind === 2
          ? `plan: {steps: [{id: i, ${command}}${children.length > 0 ? `, {id: j, after: [i], plan: ./${one(random, children)}}` : ""}]}`
          : kind === 3
            ? `forEach: "[params.${param}, 'two']"\n    env: {I: "\${{ item }}"}\n    ${command}`
            : `env: {${reads.join(", ")}}\n    ${command}`;
  return [
    `  - id: ${id}`,
    `    ${action}`,
    ...(deps.length > 0 ? [`    deps: [${deps.join(", ")}]`] : []),
    ...(after.length > 0 ? [`    after: [${after.join(", ")}]`] : []),
    ...(may(random, 0.35) ? [`    if: "${one(random, conditions)}"`] : []),
    ...(may(random, 0.2) ? ["    optional: true"] : []),
  ].join("\n");
}

/** What the steps of a plan of the simulation's generator do that can be told from what they are and see. */
const TELLABLE: PlanShape = {
  ...USUAL_SHAPE,
  agents: 0,
  approvals: 0,
  interrupts: 0,
  timeouts: 0,
  additions: 0,
  retries: 0,
  undos: 0,
};

/** A plan of the simulation's generator, whose steps fail by their ids. */
export function simulationPlan(seed: number): LoadedPlan {
  const generated = generatePlan(seed, TELLABLE);
  const plan: Plan = { ...generated, failure: "continue", rollback: "none" };
  const graph = buildGraph(plan.steps);
  if (!graph.ok) throw new Error("a generated plan is not a graph");
  return { plan, graph: graph.value, functions: NO_FUNCTIONS };
}

/** What may change between two runs. */
export const CHANGES: Readonly<Record<string, (plan: WorldPlan) => WorldPlan>> = {
  nothing: (plan) => plan,
  "a parameter": (plan) => ({ ...plan, params: { p: "p2" } }),
  "a plan file": (plan) => edited(plan, "child.yaml"),
  "a plan file in a plan file": (plan) => edited(plan, "other.yaml"),
  "a command": (plan) => edited(plan, "heddle.yaml"),
};

/** The first command of the file is another one; what failed succeeds. */
function edited(plan: WorldPlan, name: string): WorldPlan {
  const text = (plan.files[name] ?? "").replace(/run: "(?:fail|work) (\d+)"/, 'run: "work 1$1"');
  return { ...plan, files: { ...plan.files, [name]: text } };
}

/** How a step ended, to whoever builds on it, and what it made. */
export type Ends = ReadonlyMap<string, string>;

/** Projects in memory, one after the other, in one folder with plan files. */
export class OneWorld {
  readonly #folder: string;
  readonly #loaded = new Map<WorldPlan, LoadedPlan>();
  readonly #written = new Map<string, string>();
  #store: MemoryStore = memoryStore();
  #journal: Journal = memoryJournal({ store: this.#store, validate: checkEvent });
  #runs = 0;
  /** Steps that were carried out since it was last asked, with what they made. */
  #carriedOut: string[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** All runs of now. */
  snapshot(): MemoryStore {
    return structuredClone(this.#store);
  }

  /** Forgets all runs but those of the snapshot. */
  reset(snapshot: MemoryStore = memoryStore()): void {
    this.#store = structuredClone(snapshot);
    this.#journal = memoryJournal({ store: this.#store, validate: checkEvent });
  }

  takeCarriedOut(): readonly string[] {
    const taken = this.#carriedOut;
    this.#carriedOut = [];
    return taken;
  }

  async load(plan: WorldPlan): Promise<LoadedPlan> {
    const { files, params } = plan;
    for (const [name, text] of Object.entries(files)) {
      if (this.#written.get(name) === text) continue;
      writeFileSync(path.join(this.#folder, name), text);
      this.#written.set(name, text);
    }
    const known = this.#loaded.get(plan);
    if (known !== undefined) return known;
    const loaded = await loadPlanFile("heddle.yaml", params, { folder: this.#folder });
    if (!loaded.ok)
      throw new Error(`${loaded.error.map(({ message }) => message).join("\n")}\n${files["heddle.yaml"]}`);
    this.#loaded.set(plan, loaded.value);
    return loaded.value;
  }

  /** A plan that is in no file. */
  known(plan: WorldPlan, loaded: LoadedPlan): void {
    this.#loaded.set(plan, loaded);
  }

  async whole(plan: LoadedPlan): Promise<RunHandle> {
    return this.#start(plan, {});
  }

  async #start(plan: LoadedPlan, options: StartOptions): Promise<RunHandle> {
    const run = `r${++this.#runs}`;
    const started = await startRun(this.#ports(), plan, {
      planFile: "heddle.yaml",
      run,
      ...options,
      maxConcurrency: 4,
    });
    if (!started.ok) throw new Error(started.error.message);
    await started.value.result;
    return started.value;
  }

  /** `undefined`: it was refused. */
  async part(plan: LoadedPlan, step: string, kind: "only" | "from"): Promise<RunHandle | undefined> {
    const selection = kind === "only" ? { only: [step], from: undefined } : { only: [], from: step };
    const chosen = await reuseFor(this.#reusePorts(), plan, selection);
    if (!chosen.ok) return undefined;
    const { only, reuse, plan: part } = chosen.value;
    return await this.#start(part, defined({ only, reuse }));
  }

  async rerun(plan: LoadedPlan, run: string, from: string): Promise<RunHandle | undefined> {
    const start = async (part: LoadedPlan, options: StartOptions) =>
      ({ ok: true, value: await this.#start(part, defined({ ...options, run: undefined })) }) as const;
    const begun = await rerunFrom({ ...this.#reusePorts(), start }, run, { from, plan });
    return begun.ok ? begun.value.handle : undefined;
  }

  async goOn(
    current: LoadedPlan,
    run: string,
    mode: "resume" | "retry",
    acceptChanges?: true,
  ): Promise<RunHandle | undefined> {
    const resumed = await resumeRun(this.#ports(), run, defined({ mode, current, acceptChanges }));
    if (!resumed.ok) return undefined;
    await resumed.value.result;
    return resumed.value;
  }

  #reusePorts() {
    return { dir: this.#folder, log: this.#journal, agents: () => Promise.reject<never>(new Error("no agents")) };
  }

  #ports(): EnginePorts {
    const folder = this.#folder;
    let now = 0;
    return {
      journal: this.#journal,
      backend: this.#backend(),
      clock: { now: () => ++now, after: () => () => undefined },
      random: seededRandom(1),
      holder: { pid: 1, started: "1", title: "one world" },
      probe: { usedMemoryMb: () => 0, cpuPercent: () => 0 },
      version: "test",
      gitHead: () => undefined,
      loadSubplan: (_run, call) => loadSubplanFile({ folder, root: path.join(folder, "heddle.yaml") }, call),
      subplanContent: (_planFile, file) => planFileContent(folder, file),
      loadOutputCheck: () => Promise.reject<never>(new Error("no outputs are checked")),
      batchTick: () => new Promise<void>((resolve) => setImmediate(resolve)),
      environment: {},
      pollMs: 0,
    };
  }

  #backend(): Backend {
    return {
      dispatch: (task) => {
        const outcome = outcomeOf(task);
        this.#carriedOut.push(task.step.id);
        return {
          outcome: Promise.resolve(outcome),
          stop: () => undefined,
          kill: () => undefined,
          release: () => undefined,
        };
      },
      warm: () => undefined,
      sweep: () => Promise.resolve(0),
      async [Symbol.asyncDispose]() {},
    };
  }
}

/** A function of what the step is and sees. */
function outcomeOf(task: Task): Outcome {
  const { action, env = {}, deps = [], id } = task.step;
  const command = action.kind === "run" ? action.command : action.kind;
  const scope = scopeOf(task, {});
  const seen: Record<string, Json> = { command, id };
  for (const [name, text] of Object.entries(env)) {
    const filled = fillTemplates(text, scope);
    if (!filled.ok) return { kind: "failed", error: { code: "spawn", message: filled.error } };
    seen[name] = asText(filled.value);
  }
  for (const dep of deps) {
    const name = dep.slice(dep.lastIndexOf("/") + 1);
    seen[`dep ${name}`] = task.deps[name] ?? null;
  }
  // Of a plan of the simulation nothing else says it.
  const isDoomed = !command.startsWith("work") && createHash("sha256").update(id).digest().readUInt8(0) < 25;
  if (command.startsWith("fail") || isDoomed) return { kind: "failed", error: { code: "exit", message: "fails" } };
  const digest = createHash("sha256").update(canonicalJson(seen)).digest("hex").slice(0, 12);
  return { kind: "succeeded", output: `${id} ${digest}` };
}

/** Of the steps of the plan itself. */
export function endsOf(state: RunState): Ends {
  return new Map(
    state.plan.steps.map(({ id }) => {
      const phase = phaseOf(state, state.index.byId.get(id) ?? -1);
      const status =
        phase.tag === "cached"
          ? "succeeded"
          : phase.tag === "skipped" && phase.reason.kind === "earlier"
            ? phase.reason.status
            : phase.tag;
      return [id, `${status} ${JSON.stringify(outputOf(phase) ?? null)}`];
    }),
  );
}
