/**
 * Plan compiler: parses and validates a text and builds its graph; returns all errors at once, each with its position.
 * The only file that sees a plan's text and its graph together. The expression language is loaded only for plans with
 * expressions.
 */
import { defined } from "../base/defined.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { Json } from "../base/json.ts";
import type { PlanDefinition } from "../plan/define.ts";
import type { Diagnostic, DocumentPath, SourceMap } from "../plan/diagnostic.ts";
import { PlanIssues, shorten } from "../plan/issues.ts";
import { dataExcess } from "../plan/limits.ts";
import { type ParsedDocument, parseDocument, type PlanFormat } from "../plan/parse.ts";
import type { Functions, Plan, Step } from "../plan/plan.ts";
import { noSourceMap } from "../plan/source-map.ts";
import { type StepList, validateDocument, type Validated, type ValidateOptions } from "../plan/validate.ts";
import { buildGraph, checkAddition } from "./build.ts";
import type { CycleEdge, Graph, GraphProblem } from "./graph.ts";
import type { GraphedList } from "./write-order.ts";

export interface CompileInput {
  readonly text: string;
  /** As the user named it: it is in every message, and its base name is the plan's name if it has none. */
  readonly file: string;
  /** Absent: `json` for names that end in `.json`, else `yaml`. */
  readonly format?: PlanFormat;
  /** Values of parameters; texts are converted to the declared types. */
  readonly params?: Readonly<Record<string, Json>>;
  /** Parameters without a value are not an error: the plan is inspected, not run. */
  readonly allowMissingParams?: boolean;
  /** The parameters are given by a step of another plan. */
  readonly paramsFromPlan?: boolean;
  /** The run's agents, in place of the plan's own; `unknown`: no name of an agent is checked. */
  readonly agents?: ValidateOptions["agents"];
  /** Of a plan that is a step of another one: what is around it. */
  readonly inside?: Pick<ValidateOptions, "outermost" | "pools" | "around">;
}

export interface CompiledPlan {
  readonly plan: Plan;
  readonly graph: Graph;
  /** What a person should know of a plan that can run; absent: nothing. */
  readonly warnings?: readonly Diagnostic[];
}

export async function compilePlan(input: CompileInput): Promise<Result<CompiledPlan, readonly Diagnostic[]>> {
  const parsed = await parseDocument(input);
  return parsed.ok ? compileParsed(parsed.value, input) : parsed;
}

/** As {@link compilePlan}, of a text that is parsed. */
export function compileParsed(
  { document, source }: ParsedDocument,
  input: Omit<CompileInput, "text" | "format">,
): Promise<Result<CompiledPlan, readonly Diagnostic[]>> {
  const options: ValidateOptions = defined({
    name: nameOf(input.file),
    params: input.params,
    allowMissingParams: input.allowMissingParams,
    paramsFromPlan: input.paramsFromPlan,
    agents: input.agents,
    ...input.inside,
  });
  return compileDocument(document, options, source);
}

/** The second half of {@link compilePlan}, for documents that come from elsewhere than a text. */
export async function compileDocument(
  document: unknown,
  options: ValidateOptions,
  places: () => Promise<SourceMap>,
): Promise<Result<CompiledPlan, readonly Diagnostic[]>> {
  const issues = new PlanIssues();
  const validated = validateDocument(document, options, issues);
  await checkSites(validated, issues);
  const problems = validated.lists.map((list) => ({ list, graph: buildGraph(list.steps) }));
  const isWhole = issues.size === 0 && problems.every(({ graph }) => graph.ok);
  const graph = problems[0]?.graph;
  if (isWhole && graph?.ok === true) {
    const lists = problems.flatMap(({ list, graph: built }) => (built.ok ? [{ list, graph: built.value }] : []));
    const warnings = await warningsOf(validated.plan, lists, places);
    return ok(
      defined({ plan: validated.plan, graph: graph.value, warnings: warnings.length > 0 ? warnings : undefined }),
    );
  }
  const source = await places();
  for (const each of problems) {
    if (!each.graph.ok) addProblems(each.graph.error, each.list, source, issues);
  }
  return err(issues.locate(source));
}

/** Most plans foretell no writes, and what compares them is not loaded. */
async function warningsOf(
  plan: Plan,
  lists: readonly GraphedList[],
  places: () => Promise<SourceMap>,
): Promise<readonly Diagnostic[]> {
  if (!lists.some(({ list }) => list.steps.some((step) => step.writes !== undefined))) return [];
  const { overlapWarnings } = await import("./write-overlap.ts");
  return overlapWarnings(plan, lists, places);
}

export interface ResolvedPlan extends CompiledPlan {
  readonly functions: Functions;
}

/** A TypeScript plan, by the very validation of files; its places are the first line of `file`. */
export async function resolvePlan(
  definition: PlanDefinition,
  params?: Readonly<Record<string, Json>>,
  options: { readonly file?: string; readonly allowMissingParams?: boolean } = {},
): Promise<Result<ResolvedPlan, readonly Diagnostic[]>> {
  const { definitionDocument } = await import("../plan/definition-document.ts");
  const { document, functions } = definitionDocument(definition);
  const file = options.file ?? definition.name;
  const data = plainData(document, file);
  if (!data.ok) return data;
  const compiled = await compileDocument(
    document,
    defined({ name: definition.name, allowFunctions: true, params, allowMissingParams: options.allowMissingParams }),
    () => Promise.resolve(noSourceMap(file)),
  );
  return compiled.ok ? ok({ ...compiled.value, functions }) : compiled;
}

/** Values that code made in memory cannot unfold without end as those of a text can: only mistakes are bounded. */
const NODES_FROM_CODE = 100_000_000;

/** Values that come from code, not from a parser, are looked at before anything walks them. */
function plainData(document: unknown, file: string): Result<void, readonly Diagnostic[]> {
  const excess = dataExcess(document, NODES_FROM_CODE);
  if (excess === undefined) return ok(undefined);
  const { code, hint, path } = excess;
  const message = path.length === 0 ? excess.message : `${excess.message}, at ${path.map(String).join(".")}`;
  return err([{ code, severity: "error", message, file, line: 1, column: 1, hint }]);
}

export interface AddedStepsOptions {
  /** The plan that they join: its pools, parameters, agents and defaults hold for added steps as well. */
  readonly plan: { readonly [K in "name" | "paramSpecs" | "resources" | "agents" | "defaults"]?: Plan[K] | undefined };
  /** The name of the steps' source in messages; default: `added steps`. */
  readonly file?: string;
}

/** Steps that join a run: validated as a plan's steps are; `known` ids may be named as deps and not be taken again. */
export async function compileSteps(
  list: readonly unknown[],
  known: { has(id: string): boolean },
  options: AddedStepsOptions,
): Promise<Result<readonly Step[], readonly Diagnostic[]>> {
  const { plan, file = "added steps" } = options;
  const source = noSourceMap(file);
  const data = plainData(list, file);
  if (!data.ok) return data;
  const document = defined<Readonly<Record<string, unknown>>>({
    params: plan.paramSpecs,
    resources: plan.resources,
    defaults: plan.defaults,
    steps: list,
  });
  const issues = new PlanIssues();
  const validated = validateDocument(
    document,
    { name: plan.name ?? "", allowMissingParams: true, agents: plan.agents ?? {} },
    issues,
  );
  await checkSites(validated, issues);
  for (const [i, inner] of validated.lists.entries()) {
    if (i === 0)
      addProblems(
        checkAddition(inner.steps, (id) => known.has(id)),
        inner,
        source,
        issues,
      );
    else {
      const graph = buildGraph(inner.steps);
      if (!graph.ok) addProblems(graph.error, inner, source, issues);
    }
  }
  return issues.size === 0 ? ok(validated.plan.steps) : err(issues.locate(source));
}

async function checkSites(validated: Validated, issues: PlanIssues): Promise<void> {
  if (validated.sites.length > 0) {
    const { checkExpressions } = await import("../plan/expression/check.ts");
    checkExpressions(validated.sites, issues);
  }
  for (const { steps, path } of validated.lists) {
    if (steps.some((step) => step.output !== undefined)) await checkOutputs(steps, path, issues);
  }
}

async function checkOutputs(steps: readonly Step[], path: DocumentPath, issues: PlanIssues): Promise<void> {
  const { schemaProblem } = await import("../plan/schema/output-check.ts");
  for (const [i, step] of steps.entries()) {
    const problem = step.output === undefined ? undefined : schemaProblem(step.output);
    if (problem === undefined) continue;
    const hint = "write a valid JSON Schema (draft 2020-12)";
    issues.add({
      code: "InvalidOutputSchema",
      message: `the output schema is invalid: ${problem}`,
      hint,
      path: [...path, i, "output"],
    });
  }
}

function nameOf(file: string): string {
  const base = file.slice(file.lastIndexOf("/") + 1).replace(/\.(ya?ml|json|[cm]?[jt]s)$/, "");
  return base === "" || base === "-" ? "plan" : base;
}

function addProblems(problems: readonly GraphProblem[], list: StepList, source: SourceMap, issues: PlanIssues): void {
  for (const problem of problems) addProblem(problem, list, source, issues);
}

function addProblem(problem: GraphProblem, list: StepList, source: SourceMap, issues: PlanIssues): void {
  const { steps, path } = list;
  switch (problem.kind) {
    case "empty": {
      const what = path.at(-1) === "phases" ? "phases" : "steps";
      issues.add({
        code: "EmptyPlan",
        message: `the plan has no ${what}`,
        hint: `write at least one step under \`${what}:\``,
        path,
      });
      return;
    }
    case "duplicate": {
      const first =
        problem.first < 0 ? "the run already has" : `${placeText(source, [...path, problem.first, "id"])} already has`;
      const message = `${first} a step "${shorten(problem.id)}"`;
      issues.add({
        code: "DuplicateStep",
        message,
        hint: "give each step a unique id",
        path: [...path, problem.second, "id"],
      });
      return;
    }
    case "unknown-dep": {
      const message = `step "${shorten(steps[problem.step]?.id ?? "")}" depends on "${shorten(problem.name)}", and no step has this id`;
      const hint =
        problem.suggestion === undefined
          ? "name a step of this plan, or remove it"
          : `did you mean "${problem.suggestion}"?`;
      issues.add({ code: "UnknownDependency", message, hint, path: edgePath(problem, list) });
      return;
    }
    case "self-dep": {
      const message = `step "${shorten(steps[problem.step]?.id ?? "")}" depends on itself`;
      issues.add({
        code: "SelfDependency",
        message,
        hint: "remove it from its own `deps` or `after`",
        path: edgePath(problem, list),
      });
      return;
    }
    case "cycle": {
      const first = problem.edges[1] ?? problem.edges[0];
      const at = first === undefined ? path : edgePath(first, list);
      issues.add({ code: "CycleDetected", message: cycleMessage(problem.edges, list, source), path: at });
      return;
    }
  }
}

/** Names under which the lists of a step may have been written. */
const FIELD_NAMES = { deps: ["deps", "depends_on", "needs"], after: ["after"] } as const;

function edgePath(edge: Pick<CycleEdge, "step" | "field" | "position">, list: StepList): DocumentPath {
  const written = list.written[edge.step];
  const names: readonly string[] = FIELD_NAMES[edge.field];
  const key = names.find((name) => typeof written === "object" && written !== null && name in written) ?? edge.field;
  return [...list.path, edge.step, key, edge.position];
}

function cycleMessage(edges: readonly CycleEdge[], list: StepList, source: SourceMap): string {
  const nameAt = (step: number): string => shorten(list.steps[step]?.id ?? "", 100);
  const names = edges.map((edge) => nameAt(edge.step));
  // The edge into the first step closes the cycle, so it is listed last.
  const told = [...edges.slice(1), ...edges.slice(0, 1)];
  const sentences = told.map((edge, i) => `  ${i + 1}. ${nameAt(edge.step)} depends on ${nameAt(edge.dependsOn)}`);
  const width = Math.max(...sentences.map((sentence) => sentence.length));
  const lines = told.map(
    (edge, i) => `${(sentences[i] ?? "").padEnd(width)}   (${placeText(source, edgePath(edge, list))})`,
  );
  return [
    `Circular dependency detected: ${[...names, names[0] ?? ""].join(" -> ")}`,
    "",
    "Steps involved in the cycle:",
    ...lines,
    "",
    "Fix: remove one dependency to break the cycle.",
  ].join("\n");
}

function placeText(source: SourceMap, path: DocumentPath): string {
  const { line, column } = source.at(path);
  return `${source.file}:${line}:${column}`;
}
