/**
 * Subplan files: checks the files that the steps of a plan name, and those named in them, as parts of the run that they
 * will join: its agents, pools and locks. Errors have the place in the file that has to be mended.
 */
import { dirname, join, relative, resolve } from "node:path";
import { defined } from "../base/defined.ts";
import { compileParsed } from "../graph/compile.ts";
import type { Diagnostic, DocumentPath, SourceMap } from "../plan/diagnostic.ts";
import { poolsWithin, type StepAround } from "../plan/held.ts";
import { PlanIssues } from "../plan/issues.ts";
import { paramValues } from "../plan/params.ts";
import type { ParsedDocument } from "../plan/parse.ts";
import type { Plan, Step } from "../plan/plan.ts";
import { noSourceMap } from "../plan/source-map.ts";
import { aroundBy } from "../plan/validate.ts";
import { isSameFile } from "./plan-ancestry.ts";
import type { Result } from "../base/result.ts";

/** Files that one check reads at most; the others are checked when they join the run. */
const MOST_CHECKS = 1000;

export interface SubplanFilesCheck {
  /** The outermost plan. */
  readonly plan: Plan;
  /** As the reader named it. */
  readonly file: string;
  /** Absolute. */
  readonly path: string;
  readonly source: SourceMap;
  /** As it is written; of a plan made by code its steps stand nowhere. */
  readonly document: unknown;
  /** Reads and parses a file; the first path is for messages, the second absolute. */
  readonly read: (file: string, path: string) => Promise<Result<ParsedDocument, readonly Diagnostic[]>>;
  /** Files that cannot be read are no errors: they may have been read before. */
  readonly allowMissing: boolean;
  /** Asked with the absolute path of each: those that may not be read are not checked. */
  readonly mayRead: (path: string) => boolean;
}

/** Where a list of steps stands. */
interface Place {
  readonly file: string;
  readonly path: string;
  readonly source: SourceMap;
  readonly document: unknown;
  /** Of the plan, in the document. */
  readonly at: DocumentPath;
  /** Files around it, outermost first, itself included. */
  readonly chain: readonly string[];
}

export async function subplanFileErrors(check: SubplanFilesCheck): Promise<readonly Diagnostic[]> {
  const { file, path, source, document } = check;
  const search = new SubplanFiles(check);
  await search.visit(check.plan, { file, path, source, document, at: [], chain: [path] }, []);
  return search.errors;
}

class SubplanFiles {
  readonly #check: SubplanFilesCheck;
  readonly #found = new Map<string, Diagnostic>();
  #files = 0;

  constructor(check: SubplanFilesCheck) {
    this.#check = check;
  }

  get errors(): readonly Diagnostic[] {
    return [...this.#found.values()];
  }

  /** One file may be the plan of several steps: each error is told once. */
  #add(diagnostic: Diagnostic): void {
    const { file, line, column, code, message } = diagnostic;
    this.#found.set(JSON.stringify([file, line, column, code, message]), diagnostic);
  }

  async visit(plan: Plan, place: Place, around: readonly StepAround[]): Promise<void> {
    for (const [index, step] of plan.steps.entries()) {
      const { action } = step;
      if (action.kind !== "plan") continue;
      const at = [...listPath(place), index];
      if (action.plan !== undefined)
        await this.visit(action.plan, { ...place, at: [...at, "plan"] }, [
          aroundBy(step, action.plan.resources),
          ...around,
        ]);
      else await this.#visitFile(step, action.file ?? "", { ...place, at }, around);
    }
  }

  async #visitFile(step: Step, name: string, place: Place, around: readonly StepAround[]): Promise<void> {
    const { plan: run, read, allowMissing, mayRead } = this.#check;
    const path = resolve(dirname(place.path), name);
    if (!mayRead(path)) return;
    // A file among its own ancestors is told by whoever looks for those.
    if (++this.#files > MOST_CHECKS || place.chain.some((each) => isSameFile(each, path))) return;
    const file = join(dirname(place.file), relative(dirname(place.path), path));
    const parsed = await read(file, path);
    const where = placeOf(place, [...place.at, "plan"]);
    if (!parsed.ok) {
      const [first] = parsed.error;
      const isMissing = first?.code === "PlanNotFound" || first?.code === "PlanUnreadable";
      if (isMissing && allowMissing) return;
      // Of a file that is there, the place in it; of one that is not, the step that names it.
      for (const error of parsed.error)
        this.#add(
          isMissing
            ? {
                ...error,
                ...where,
                message: `the plan file ${file}: ${error.message}`,
                hint: "correct its name, or write the file",
              }
            : error,
        );
      return;
    }
    const self = aroundBy(step, undefined);
    const compiled = await compileParsed(parsed.value, {
      file,
      agents: run.agents ?? {},
      allowMissingParams: true,
      paramsFromPlan: true,
      inside: { outermost: run, pools: poolsWithin([self, ...around], run.resources), around: [self, ...around] },
    });
    if (!compiled.ok) return compiled.error.forEach((error) => this.#add(error));
    const { plan } = compiled.value;
    this.#checkParams(step, plan, file, place);
    const { document } = parsed.value;
    const source = await parsed.value.source();
    await this.visit(plan, { file, path, source, document, at: [], chain: [...place.chain, path] }, [
      aroundBy(step, plan.resources),
      ...around,
    ]);
  }

  /** The parameters that the step gives, by name, and by value where no template stands for it. */
  #checkParams({ action }: Step, { paramSpecs = {} }: Plan, file: string, place: Place): void {
    const given = action.kind === "plan" ? (action.params ?? {}) : {};
    const where = placeOf(place, [...place.at, Object.keys(given).length === 0 ? "plan" : "params"]);
    const issues = new PlanIssues();
    const known = Object.entries(given).filter(
      ([name, value]) => !Object.hasOwn(paramSpecs, name) || !JSON.stringify(value).includes("${{"),
    );
    paramValues(
      paramSpecs,
      { params: Object.fromEntries(known), paramsFromPlan: true, allowMissingParams: true },
      [],
      issues,
    );
    for (const { code, message, hint } of issues.locate(noSourceMap(place.file))) {
      const told = code === "UnknownParam" ? hint : undefined;
      this.#add(
        defined({ code, severity: "error" as const, message: `the plan ${file}: ${message}`, hint: told, ...where }),
      );
    }
    for (const [name, spec] of Object.entries(paramSpecs)) {
      if (spec.default !== undefined || Object.hasOwn(given, name)) continue;
      const message = `the plan ${file} has a parameter "${name}", which gets no value here`;
      this.#add({ code: "MissingParam", severity: "error", message, hint: `add params: {${name}: ...}`, ...where });
    }
  }
}

function placeOf({ file, source }: Place, path: DocumentPath): Pick<Diagnostic, "file" | "line" | "column"> {
  return { file, ...source.at(path) };
}

/** Where the steps of the plan stand in its document. */
function listPath({ document, at }: Place): DocumentPath {
  let value = document;
  for (const key of at) value = isObject(value) ? value[key] : undefined;
  if (!isObject(value) || Array.isArray(value)) return at;
  return [...at, value["steps"] === undefined ? "phases" : "steps"];
}

function isObject(value: unknown): value is Readonly<Record<string | number, unknown>> {
  return typeof value === "object" && value !== null;
}
