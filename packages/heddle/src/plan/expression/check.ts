/**
 * Expression check: checks that a plan's expressions are well-formed and that the names they use exist for their step.
 * Stores on each step which outputs of deps it reads. Loads the expression language, so it is loaded only if there are
 * expressions.
 */
import { suggest } from "../../base/suggest.ts";
import { compileExpression, compileTemplate, type Expression, type ExpressionError, outputsOf } from "./cel.ts";
import type { NameUse } from "./names.ts";
import { type PlanIssues, shorten } from "../issues.ts";
import { foreignFunction } from "../other-tools.ts";
import type { Step } from "../plan.ts";
import type { ExpressionSite, SiteContext } from "../read-context.ts";

export function checkExpressions(sites: readonly ExpressionSite[], issues: PlanIssues): void {
  const ancestors = new Ancestors();
  for (const site of sites) {
    const compiled = compile(site);
    if (!compiled.ok) {
      const { message, offset } = compiled.error;
      issues.add({
        code: "InvalidExpression",
        message: `${message}, at "${shorten(site.text.slice(offset, offset + 30), 30)}"`.replace(
          /, at ""$/,
          ", at its end",
        ),
        hint:
          foreignFunction(site.text) ??
          idWithoutBrackets(site) ??
          "expressions are CEL over params, deps.ID.output, deps.ID.status, run.id, item and env",
        path: site.path,
      });
      continue;
    }
    for (const expression of compiled.value) {
      for (const use of expression.names) checkUse(use, site, ancestors, issues);
      noteReads(expression, site);
      noteParams(expression, site);
      if (isCondition(site) && expression.names.some(({ root }) => root === "item")) askForEachItem(site);
    }
  }
}

const NAME = /^[A-Za-z_]\w*$/;

/** Of an id that is written as if it were a name: `deps.my-step` is a subtraction, `deps.a.b` a field, `deps.1.10` nothing. */
function idWithoutBrackets({ text, context }: ExpressionSite): string | undefined {
  const known = [...(context.step.deps ?? []), ...(context.step.after ?? [])].filter((id) => !NAME.test(id));
  const id =
    known.toSorted((a, b) => b.length - a.length).find((each) => text.includes(`deps.${each}`)) ??
    /\bdeps\.(\w+(?:-\w+)+)/.exec(text)?.[1];
  return id === undefined
    ? undefined
    : `an id that is not a name is written in brackets: deps[${JSON.stringify(shorten(id))}]`;
}

function isCondition({ kind, path }: ExpressionSite): boolean {
  return kind === "expression" && path.at(-1) === "if";
}

/** There is no item before the list is made: such a condition is that of each item. */
function askForEachItem({ context }: ExpressionSite): void {
  const { step } = context;
  if (step.forEach === undefined || step.if === undefined) return;
  step.forEach = { ...step.forEach, if: step.if };
  delete step.if;
}

function noteParams(expression: Expression, { context }: ExpressionSite): void {
  const { step } = context;
  const names = expression.names.flatMap(({ root, name }) => (root === "params" ? [name ?? "*"] : []));
  if (names.length > 0) step.readsParams = [...new Set([...(step.readsParams ?? []), ...names])];
}

function compile(
  site: ExpressionSite,
): { ok: true; value: readonly Expression[] } | { ok: false; error: ExpressionError } {
  if (site.kind === "expression") {
    const compiled = compileExpression(site.text);
    return compiled.ok ? { ok: true, value: [compiled.value] } : compiled;
  }
  const compiled = compileTemplate(site.text);
  return compiled.ok ? { ok: true, value: compiled.value.expressions.map((entry) => entry.expression) } : compiled;
}

function noteReads(expression: Expression, site: ExpressionSite): void {
  const { step } = site.context;
  // An `after` may have failed and have no output, and a dep of a step that always runs: an expression that reads it says itself
  // what then.
  const outputs = outputsOf(expression).filter((id) =>
    step.deps?.includes(id) === true ? step.always !== true : step.after?.includes(id) !== true,
  );
  if (outputs.length === 0) return;
  step.reads = [...new Set([...(step.reads ?? []), ...outputs])];
}

/** Words for steps, also those that a step which has ended never has, and no word: such a comparison may be meant to hold for all. */
const STATUSES: ReadonlySet<string> = new Set([
  "",
  "succeeded",
  "failed",
  "cancelled",
  "skipped",
  "cached",
  "waiting",
  "running",
  "retrying",
  "interrupted",
  "needs-approval",
  "needs-resolution",
]);

function checkUse(use: NameUse, site: ExpressionSite, ancestors: Ancestors, issues: PlanIssues): void {
  const { step, params, hasItem } = site.context;
  const refuse = (message: string, hint: string): void =>
    issues.add({ code: "UnknownName", message, hint, path: site.path });
  const name = use.name ?? "";
  switch (use.root) {
    case "deps": {
      const never = use.field === "status" ? use.comparedWith?.find((text) => !STATUSES.has(text)) : undefined;
      if (never !== undefined)
        refuse(
          `"${shorten(never)}" is no status of a step`,
          'a step before this one is "succeeded", "failed", "cancelled" or "skipped"',
        );
      const known = [...(step.deps ?? []), ...(step.after ?? [])];
      if (known.includes(name)) return;
      // An output may come from further up; a status there would always be the same.
      if (use.field !== "status" && ancestors.has(site.context, name)) return;
      const meant = suggest(name, known);
      const bare = use.field === undefined ? idWithoutBrackets(site) : undefined;
      const hint =
        bare ??
        (meant === undefined
          ? `add it to the step's deps: deps: [${[...(step.deps ?? []), name].slice(-4).join(", ")}]`
          : `did you mean "${meant}"?`);
      return refuse(`"${shorten(name)}" is not in this step's deps`, hint);
    }
    case "params": {
      if (use.name === undefined || params === undefined || params.includes(name)) return;
      const meant = suggest(name, params);
      return refuse(
        `the plan has no parameter "${shorten(name)}"`,
        meant === undefined ? "declare it under `params:`" : `did you mean "${meant}"?`,
      );
    }
    case "env": {
      if (step.passEnv?.includes(name) === true) return;
      return refuse(
        `the environment variable "${shorten(name)}" is not passed to this step`,
        `add it: passEnv: [${shorten(name)}]`,
      );
    }
    case "item":
      if (!hasItem) refuse('"item" has a value only in a step with "forEach"', "add `forEach:`, or remove it");
      return;
    case "run":
      if (use.name !== "id") refuse('"run" has only "id"', "write run.id");
      return;
  }
}

/** Work that one plan's questions for ancestors may take: past it the answer is yes, and a wrong name fails when it is read. */
const MOST_VISITS = 2_000_000;

/** Whether a step depends on another, directly or not. */
class Ancestors {
  readonly #byId = new WeakMap<object, ReadonlyMap<string, Step>>();
  #visits = 0;

  has(context: SiteContext, id: string): boolean {
    let steps = this.#byId.get(context.siblings);
    if (steps === undefined) {
      steps = new Map(context.siblings.list.map((step) => [step.id, step]));
      this.#byId.set(context.siblings, steps);
    }
    if (!steps.has(id)) return false;
    const seen = new Set<string>();
    const waiting = [...(context.step.deps ?? [])];
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      if (name === id || ++this.#visits > MOST_VISITS) return true;
      if (seen.has(name)) continue;
      seen.add(name);
      waiting.push(...(steps.get(name)?.deps ?? []));
    }
    return false;
  }
}
