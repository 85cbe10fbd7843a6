/**
 * Workflow steps: makes the steps of a plan of one job. A job with one command is one step; one with several is a plan of
 * its own, in which they come one after another, as they do on GitHub's machines.
 */
import { defined } from "../../base/defined.ts";
import type { Json } from "../../base/json.ts";
import { shellWord } from "../../base/shell-word.ts";
import { shorten } from "../issues.ts";
import { DraftPlan, DraftStep } from "./draft.ts";
import type { Findings } from "./findings.ts";
import { isBlank, isTrue, memberOf, scalarText, type SourceNode } from "./source.ts";
import { literalText } from "./text.ts";
import {
  celCondition,
  celMember,
  celOptional,
  noReads,
  type WorkflowReads,
  type WorkflowScope,
} from "./workflow-cel.ts";
import { type Cel } from "./workflow-value.ts";
import type { JobCommand, WorkflowJob } from "./workflow-job.ts";
import { type MatrixKind, matrixKinds } from "./workflow-matrix.ts";
import { commandText, envText, variablesIn } from "./workflow-text.ts";

type Place = { readonly offset: number };

/** What a job stands in. */
export interface JobSurroundings {
  readonly findings: Findings;
  /** Mappings of variables, the outermost first. */
  readonly env: readonly SourceNode[];
  /** Mappings of `defaults.run`, the innermost first. */
  readonly defaults: readonly SourceNode[];
  readonly input: (name: string) => Cel | undefined;
  /** The jobs that it needs, without those that were left out. */
  readonly needs: readonly NeededJob[];
  /** Every job that has to end before it. */
  readonly ancestors: readonly Ancestor[];
  /** Notes variables that come from the environment of the run. */
  readonly variables: WorkflowReads;
}

export interface Ancestor {
  readonly id: string;
  readonly place: Place;
  /** See {@link NeededJob.isOptional}. */
  readonly isOptional: boolean;
}

export interface NeededJob {
  readonly job: WorkflowJob;
  readonly place: Place;
  /** It may be skipped, by a condition or for what it needs, and whoever needs it is skipped with it. */
  readonly mayBeSkipped: boolean;
  /** It may fail, and whoever needs it runs all the same. */
  readonly isOptional: boolean;
}

/** Shells in which a variable is `$NAME`, as a plan names them; GitHub's own choice is bash without `pipefail`. */
const SHELLS: ReadonlyMap<string | undefined, string | undefined> = new Map([
  [undefined, "bash -e"],
  ["bash", "bash"],
  ["sh", undefined],
]);

export class JobSteps {
  readonly #job: WorkflowJob;
  #kinds: ReadonlyMap<string, MatrixKind> | undefined;
  readonly #around: JobSurroundings;
  readonly #findings: Findings;

  constructor(job: WorkflowJob, around: JobSurroundings) {
    this.#job = job;
    this.#around = around;
    this.#findings = around.findings;
  }

  /** The step of the job; before it the approval that its environment asks for, if it has one. */
  make(approvalId: string): readonly DraftStep[] {
    const { id, node, place, items } = this.#job;
    const step = new DraftStep(id, place);
    step.set("description", scalarText(memberOf(node, "name")), memberOf(node, "name"));
    const scope = this.#scope();
    this.#addOrder(step, scope);
    const approval = this.#approval(approvalId, step);
    if (items !== undefined) {
      step.set("forEach", [...items], memberOf(node, "strategy"));
      const most = scalarText(memberOf(memberOf(node, "strategy"), "max-parallel"));
      if (most !== undefined && /^[1-9]\d*$/.test(most)) step.set("maxConcurrency", Number(most));
    }
    this.#addLimits(step, node);
    const [only] = this.#job.commands;
    if (only !== undefined && isAlone(this.#job)) {
      this.#addCommand(step, only, scope);
      if (memberOf(only.node, "timeout-minutes") !== undefined) this.#addLimits(step, only.node);
    } else this.#addPlan(step, scope);
    return approval === undefined ? [step] : [approval, step];
  }

  /** Values of a matrix are texts here, whatever they are in the workflow. */
  #matrixValue(text: string, path: readonly string[]): Cel {
    this.#kinds ??= matrixKinds(memberOf(memberOf(this.#job.node, "strategy"), "matrix"));
    const kind = this.#kinds.get(path.join(".")) ?? "mixed";
    return defined({ text, type: "text", written: kind === "text" ? undefined : kind });
  }

  /** Names as the job sees them. */
  #scope(): WorkflowScope {
    const { needs, input, ancestors } = this.#around;
    const of = (id: string): NeededJob | undefined => needs.find(({ job }) => job.id === id);
    const { items = [], hasUnknownMatrix } = this.#job;
    return {
      input,
      matrix: ([name = "", ...more]) => {
        // Said once, where the matrix is.
        if (hasUnknownMatrix && !this.#findings.isLenient) return { text: '""', type: "text" };
        if (!items.some((item) => Object.hasOwn(item, name))) return undefined;
        return this.#matrixValue([name, ...more].reduce(celMember, "item"), [name, ...more]);
      },
      env: this.#variables(undefined),
      output: (kind, id, name) => (kind === "needs" ? outputOf(of(id)?.job, name) : undefined),
      status: (kind, id) => {
        const needed = kind === "needs" ? of(id) : undefined;
        return needed === undefined ? undefined : conclusionOf(id, needed.isOptional);
      },
      succeeded:
        needs.map(({ job, isOptional }) => `${conclusionOf(job.id, isOptional)} == "succeeded"`).join(" && ") || "true",
      failed: anyFailed(ancestors.flatMap(({ id, isOptional }) => (isOptional ? [] : [id]))),
    };
  }

  /**
   * What `env` holds for a condition. One that cannot be said is refused where it is set, and where a condition asks for it.
   * `own`: of the step; `scope`: absent for a job, whose condition cannot ask for computed ones.
   */
  #variables(
    own: SourceNode | undefined,
    scope?: WorkflowScope,
    reads: WorkflowReads = noReads(),
  ): ReadonlyMap<string, string | undefined> {
    const values = new Map<string, string | undefined>();
    for (const level of [...this.#around.env, own]) {
      const outer = new Map(values);
      for (const [name, { value }] of level?.kind === "mapping" ? level.entries : []) {
        const text = scalarText(value) ?? "";
        if (!text.includes("${{")) values.set(name, JSON.stringify(text));
        else if (scope === undefined) values.set(name, undefined);
        else {
          const said = envText(text, { ...scope, env: outer }, reads);
          values.set(name, said.ok ? said.value.cel : undefined);
        }
      }
    }
    return values;
  }

  #addOrder(step: DraftStep, scope: WorkflowScope): void {
    const { needs, ancestors } = this.#around;
    const reads = noReads();
    const node = memberOf(this.#job.node, "if");
    const condition = node === undefined ? undefined : this.#condition(node, scope, reads);
    const conditions = condition === undefined ? [] : [condition];
    if (reads.asksStatus) for (const { id, place } of ancestors) step.addTo("after", id, place);
    else {
      for (const { job, place, isOptional, mayBeSkipped } of needs) {
        step.addTo(isOptional ? "after" : "deps", job.id, place);
        if (mayBeSkipped) conditions.unshift(`${statusOf(job.id)} ${isOptional ? '!= "skipped"' : '== "succeeded"'}`);
      }
    }
    const texts = conditions.length === 1 ? conditions : conditions.map((text) => `(${text})`);
    step.set("if", texts.length === 0 ? undefined : texts.join(" && "), node ?? this.#job.place);
    this.#addReads(step, reads);
  }

  /** `undefined`: always true. */
  #condition(node: SourceNode, scope: WorkflowScope, reads: WorkflowReads): string | undefined {
    const written = (scalarText(node) ?? "").trim();
    const source = /^\$\{\{((?:(?!\}\}).)*)\}\}$/s.exec(written)?.[1] ?? written;
    if (source.trim() === "" || source.trim() === "true") return undefined;
    const said = celCondition(source, scope, reads);
    if (said.ok) return said.value === "true" ? undefined : said.value;
    this.#findings.loss(node, {
      code: "CannotImport",
      message: `the condition \`${shorten(source.trim(), 100)}\` cannot be imported: ${said.error}`,
      hint: "--lenient imports it as `if: false`, so that it never runs",
      otherwise: "imported as `if: false`",
    });
    return "false";
  }

  /** People may have to agree to an environment on GitHub: a plan asks. */
  #approval(id: string, step: DraftStep): DraftStep | undefined {
    const node = memberOf(this.#job.node, "environment");
    if (node === undefined || isBlank(node)) return undefined;
    const name = scalarText(node) ?? scalarText(memberOf(node, "name")) ?? "";
    const approval = new DraftStep(id, node);
    approval.set("approve", literalText(`Run ${this.#job.id} in the environment ${name}?`));
    const order = step.document;
    for (const key of ["deps", "after", "if", "passEnv"]) {
      const value = order[key];
      approval.set(key, Array.isArray(value) ? [...(value as readonly Json[])] : value, node);
    }
    step.addTo("deps", id, node);
    const message = `the environment "${shorten(name)}" may ask people: the job waits for the approval "${id}"`;
    this.#findings.note(node, `${message}; its secrets and variables are not imported`);
    return approval;
  }

  #addLimits(step: DraftStep, node: SourceNode): void {
    const limit = memberOf(node, "timeout-minutes");
    const minutes = scalarText(limit);
    if (limit !== undefined && minutes !== undefined) {
      if (/^\d+(?:\.\d+)?$/.test(minutes)) step.set("timeout", `${minutes}m`, limit);
      else this.#findings.note(limit, 'not imported: "timeout-minutes", which is computed');
    }
    const goesOn = memberOf(node, "continue-on-error");
    if (goesOn === undefined) return;
    if (isTrue(goesOn)) step.set("optional", true, goesOn);
    else if (scalarText(goesOn) !== "false") {
      this.#findings.note(goesOn, 'not imported: "continue-on-error", which is computed');
    }
  }

  #addReads(step: DraftStep, reads: WorkflowReads): void {
    for (const name of reads.variables) this.#around.variables.variables.add(name);
    for (const name of reads.secrets) this.#around.variables.secrets.add(name);
    const names = (key: string, more: Iterable<string>): string[] => [
      ...new Set([...((step.document[key] ?? []) as readonly string[]), ...more]),
    ];
    if (reads.variables.size > 0) step.set("passEnv", names("passEnv", reads.variables));
    if (reads.secrets.size > 0) step.set("secrets", names("secrets", reads.secrets));
  }

  #addCommand(step: DraftStep, { node }: JobCommand, scope: WorkflowScope): void {
    const run = memberOf(node, "run");
    if (run === undefined) return;
    const { defaults } = this.#around;
    const shellNode = firstOf([node, ...defaults], "shell");
    const shell = scalarText(shellNode);
    const folder = firstOf([node, ...defaults], "working-directory");
    const isShell = SHELLS.has(shell);
    const reads = noReads();
    const problems: string[] = [];
    const env = this.#env([...this.#around.env, memberOf(node, "env")], scope, { reads, problems });
    const known = { ...scope, env: new Map([...env].map(([name, { cel }]) => [name, cel])) };
    const text = scalarText(run) ?? "";
    const made = isShell || shell === "python" ? commandText(text, { scope: known, reads, isShell }) : undefined;
    if (made === undefined) this.#refuse(shellNode ?? run, `the shell ${shell}: no step can use it`, problems);
    else if (!made.ok) this.#refuse(run, `this command: ${made.error}`, problems);
    if (folder !== undefined) this.#addFolder(step, folder, problems);
    const [problem] = problems;
    step.set("run", problem === undefined && made?.ok === true ? made.value.command : failing(problem ?? ""), run);
    const values: [string, Json][] = [...env].map(([name, { template }]) => [name, template]);
    for (const [name, template] of made?.ok === true ? made.value.env : []) values.push([name, template]);
    if (values.length > 0) step.set("env", Object.fromEntries(values), memberOf(node, "env") ?? run);
    if (problem === undefined) step.set("shell", isShell ? SHELLS.get(shell) : shell, shellNode);
    this.#addRunner(step);
    this.#addReads(step, reads);
    for (const name of variablesIn(text)) this.#around.variables.variables.add(name);
  }

  /** Without this part a command would do something else: where the import is lenient, its step fails instead. */
  #refuse(place: SourceNode, what: string, problems: string[]): void {
    problems.push(what);
    this.#findings.loss(place, {
      code: "CannotImport",
      message: `cannot import ${shorten(what, 200)}`,
      hint: "rewrite it in the workflow; --lenient imports a step that fails and says so",
      otherwise: "its step fails and says so",
    });
  }

  #addFolder(step: DraftStep, folder: SourceNode, problems: string[]): void {
    const text = scalarText(folder) ?? "";
    if (text.includes("${{")) this.#refuse(folder, "a `working-directory` that is computed", problems);
    else if (text !== "" && text !== ".") step.set("cwd", text.replace(/^\.\//, "").replace(/\/+$/, ""), folder);
  }

  #addRunner(step: DraftStep): void {
    const node = memberOf(this.#job.node, "runs-on");
    if (node === undefined) return;
    const items = node.kind === "list" ? node.items : [node];
    const labels = items.map((item) => scalarText(item) ?? "${{");
    if (labels.some((label) => label.includes("${{"))) {
      this.#findings.note(node, 'not imported: "runs-on", which is computed');
    } else step.set("runsOn", labels, node);
  }

  #env(
    levels: readonly (SourceNode | undefined)[],
    scope: WorkflowScope,
    { reads, problems }: { readonly reads: WorkflowReads; readonly problems: string[] },
  ): ReadonlyMap<string, { readonly template: string; readonly cel: string }> {
    const values = new Map<string, { readonly template: string; readonly cel: string }>();
    for (const level of levels) {
      // A level sees those around it, not its own.
      const outer = { ...scope, env: new Map([...values].map(([name, { cel }]) => [name, cel])) };
      for (const [name, { value }] of level?.kind === "mapping" ? level.entries : []) {
        const own = noReads();
        const said = envText(scalarText(value) ?? "", outer, own);
        if (!said.ok) {
          this.#refuse(value, `the variable ${name}: ${said.error}`, problems);
          continue;
        }
        values.set(name, said.value);
        for (const variable of own.variables) reads.variables.add(variable);
        for (const secret of own.secrets) reads.secrets.add(secret).add(name);
      }
    }
    return values;
  }

  #addPlan(step: DraftStep, scope: WorkflowScope): void {
    const plan = new DraftPlan();
    const handed = new HandedParams();
    const before: EarlierCommand[] = [];
    let hard: string[] = [];
    let soft: string[] = [];
    for (const command of this.#job.commands) {
      const { node, id } = command;
      const inner = new DraftStep(id, node);
      const reads = noReads();
      const own = this.#innerScope(scope, handed, before);
      const ofVariables = noReads();
      const seen = { ...own.scope, env: this.#variables(memberOf(node, "env"), own.scope, ofVariables) };
      const test = memberOf(node, "if");
      const condition = test === undefined ? undefined : this.#condition(test, seen, reads);
      inner.set("if", condition, test);
      if (condition?.includes("env.?") === true) {
        for (const name of ofVariables.variables) reads.variables.add(name);
        for (const name of ofVariables.secrets) reads.secrets.add(name);
      }
      if (reads.asksStatus) for (const each of before) inner.addTo("after", each.command.id, node);
      else {
        for (const dep of hard) inner.addTo("deps", dep, node);
        for (const dep of soft) inner.addTo("after", dep, node);
        for (const dep of own.asked) if (!hard.includes(dep)) inner.addTo("after", dep, node);
      }
      inner.set("description", scalarText(memberOf(node, "name")), memberOf(node, "name"));
      this.#addLimits(inner, node);
      this.#addCommand(inner, command, own.scope);
      this.#addReads(inner, reads);
      plan.add(inner);
      const isHard = !inner.has("optional");
      before.push({ command, isHard });
      if (!isHard) soft.push(id);
      else if (reads.asksStatus) hard.push(id);
      else {
        hard = [id];
        soft = [];
      }
    }
    if (handed.params.size > 0) {
      const types: [string, Json][] = [...handed.params].map(([name, { type }]) => [name, { type }]);
      plan.set("params", Object.fromEntries(types));
      const values: [string, Json][] = [...handed.params].map(([name, { text }]) => [name, `\${{ ${text} }}`]);
      step.set("params", Object.fromEntries(values), this.#job.place);
    }
    step.setPlan(plan, memberOf(this.#job.node, "steps") ?? this.#job.place);
  }

  /** Names as a step of the job sees them: what is outside of its plan is handed in by parameters. */
  #innerScope(
    outer: WorkflowScope,
    handed: HandedParams,
    before: readonly EarlierCommand[],
  ): { readonly scope: WorkflowScope; readonly asked: ReadonlySet<string> } {
    const asked = new Set<string>();
    const of = (written: string): EarlierCommand | undefined =>
      before.find(({ command }) => command.written === written);
    const { items = [] } = this.#job;
    const hard = before.flatMap(({ command, isHard }) => (isHard ? [command.id] : []));
    const scope: WorkflowScope = {
      input: (name) => {
        const cel = outer.input(name);
        return cel === undefined
          ? undefined
          : { text: handed.add(`input_${name}`, cel.text, cel.type), type: cel.type };
      },
      matrix: ([name = "", ...more]) => {
        const text = outer.matrix([name])?.text;
        if (text === undefined) return undefined;
        const isText = items.every((item) => typeof item[name] === "string");
        const own = handed.add(`matrix_${name}`, text, isText ? "text" : "data");
        return this.#matrixValue(more.reduce(celMember, own), [name, ...more]);
      },
      env: outer.env,
      output: (kind, id, name) => {
        if (kind === "steps") return of(id) === undefined ? undefined : stepOutput(of(id)?.command.id ?? "", name);
        const text = outer.output(kind, id, name);
        return text === undefined ? undefined : handed.add(`output_${id}_${name}`, text, "text");
      },
      status: (kind, written, member) => {
        const earlier = kind === "steps" ? of(written) : undefined;
        if (earlier === undefined) return undefined;
        const { id } = earlier.command;
        asked.add(id);
        return conclusionOf(id, !earlier.isHard && member === "conclusion");
      },
      succeeded: hard.map((id) => `${statusOf(id)} != "failed"`).join(" && ") || "true",
      failed: anyFailed(hard),
    };
    return { scope, asked };
  }
}

interface EarlierCommand {
  readonly command: JobCommand;
  /** Its failure fails the job. */
  readonly isHard: boolean;
}

function statusOf(id: string): string {
  return `${celMember("deps", id)}.status`;
}

/** The status as it counts: what may fail counts as succeeded where it did (`continue-on-error`). */
function conclusionOf(id: string, isOptional: boolean): string {
  const status = statusOf(id);
  return isOptional ? `(${status} == "failed" ? "succeeded" : ${status})` : status;
}

function anyFailed(ids: readonly string[]): string {
  return ids.map((id) => `${statusOf(id)} == "failed"`).join(" || ") || "false";
}

/** A command in place of one that cannot be imported. */
function failing(problem: string): string {
  const text = `Not imported: ${problem}.`.replaceAll("${{", "$ {{");
  return `echo ${shellWord(text)} >&2\nexit 1`;
}

/** Whether a job is one step: it has one command, and nothing that only a step of its own can have. */
export function isAlone({ commands }: WorkflowJob): boolean {
  const [only] = commands;
  if (commands.length !== 1 || only === undefined) return false;
  const goesOn = scalarText(memberOf(only.node, "continue-on-error")) ?? "false";
  return memberOf(only.node, "if") === undefined && goesOn === "false";
}

/** The parameters of a job's own plan. */
class HandedParams {
  readonly params = new Map<string, { readonly text: string; readonly type: string }>();

  /** `text`: its value, as the job's step sees it. Gives the parameter as the plan inside sees it. */
  add(name: string, text: string, type: "text" | "number" | "flag" | "data"): string {
    let param = name.replace(/\W/g, "_");
    while (this.params.has(param) && this.params.get(param)?.text !== text) param += "_";
    const types = { text: "string", number: "number", flag: "boolean", data: "json" };
    this.params.set(param, { text, type: types[type] });
    return celMember("params", param);
  }
}

function stepOutput(id: string, name: string): string {
  return celOptional(`${celMember("deps", id)}.output`, name);
}

/** An output of a needed job: of its one step, or of a step of its plan. */
function outputOf(job: WorkflowJob | undefined, name: string): string | undefined {
  const output = job?.outputs.get(name);
  if (job === undefined || output === undefined || job.items !== undefined) return undefined;
  const command = job.commands.find(({ written }) => written === output.step);
  if (command === undefined) return undefined;
  if (isAlone(job)) return stepOutput(job.id, output.name);
  return celOptional(celMember(`${celMember("deps", job.id)}.output`, command.id), output.name);
}

function firstOf(nodes: readonly SourceNode[], key: string): SourceNode | undefined {
  for (const node of nodes) {
    const found = memberOf(node, key);
    if (found !== undefined) return found;
  }
  return undefined;
}
