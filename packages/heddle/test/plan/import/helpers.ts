/** What the tests of imports share: importing a text, and what came of it in a short form. */
import { compileDocument, compilePlan } from "../../../src/graph/compile.ts";
import { planToYaml } from "../../../src/plan/canonical.ts";
import type { Diagnostic } from "../../../src/plan/diagnostic.ts";
import { type ImportOptions, importPlan } from "../../../src/plan/import/plan-import.ts";
import type { WorkspaceFiles } from "../../../src/plan/import/packages.ts";
import type { Plan } from "../../../src/plan/plan.ts";

export interface Imported {
  /** Absent: it was refused. */
  readonly plan?: Plan;
  /** `Code line:column` of every error. */
  readonly errors: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
  /** `line:column message`. */
  readonly notes: readonly string[];
}

/** As the command does it: converted, then checked as a plan. */
export async function imported(
  text: string,
  file: string,
  options: ImportOptions & { readonly beside?: WorkspaceFiles } = {},
): Promise<Imported> {
  const { beside, ...rest } = options;
  const result = await importPlan(beside === undefined ? { text, file } : { text, file, beside }, rest);
  if (!result.ok) return refused(result.error);
  const { document, sourceMap, notes } = result.value;
  const compiled = await compileDocument(document, { name: "imported", allowMissingParams: true }, () =>
    Promise.resolve(sourceMap),
  );
  if (!compiled.ok) return refused(compiled.error);
  const texts = notes.map(({ line, column, message }) => `${line}:${column} ${message}`);
  return { plan: compiled.value.plan, errors: [], diagnostics: [], notes: texts };
}

function refused(diagnostics: readonly Diagnostic[]): Imported {
  const errors = diagnostics.map(({ code, line, column }) => `${code} ${line}:${column}`);
  return { errors, diagnostics, notes: [] };
}

export async function importedPlan(
  text: string,
  file: string,
  options?: ImportOptions & { readonly beside?: WorkspaceFiles },
): Promise<Plan> {
  const { plan, diagnostics } = await imported(text, file, options);
  if (plan === undefined)
    throw new Error(diagnostics.map(({ line, column, message }) => `${line}:${column} ${message}`).join("\n"));
  return plan;
}

/** `from -> to` of every dependency. */
export function edgesOf(plan: Plan): readonly string[] {
  return plan.steps.flatMap(({ id, deps = [] }) => deps.map((dep) => `${id} -> ${dep}`));
}

/** The plan that is read from the file that is written for `plan`. */
export async function readBack(plan: Plan): Promise<Plan> {
  const compiled = await compilePlan({ text: planToYaml(plan), file: "heddle.yaml", allowMissingParams: true });
  if (!compiled.ok) throw new Error(compiled.error.map(({ line, message }) => `${line}: ${message}`).join("\n"));
  return compiled.value.plan;
}

/** `line:column` of the first `part` in `text`, or of its occurrence number `nth` from 0. */
export function placeIn(text: string, part: string, nth = 0): string {
  let offset = text.indexOf(part);
  for (let i = 0; i < nth; i++) offset = text.indexOf(part, offset + 1);
  if (offset < 0) throw new Error(`there is no ${part}`);
  const before = text.slice(0, offset).split("\n");
  return `${before.length}:${(before.at(-1) ?? "").length + 1}`;
}

/** A repository in memory: texts, or values that are written as JSON, by path. */
export function filesOf(files: Readonly<Record<string, unknown>>): WorkspaceFiles {
  const textOf = (content: unknown): string => (typeof content === "string" ? content : JSON.stringify(content));
  return {
    read: (path) => Promise.resolve(path in files ? textOf(files[path]) : undefined),
    has: (path) => Promise.resolve(path in files),
    folders: (patterns) => {
      const folders = Object.keys(files).flatMap((path) => /^(.+)\/package\.json$/.exec(path)?.[1] ?? []);
      const matches = (folder: string, pattern: string): boolean =>
        new RegExp(`^${pattern.replaceAll("**", ".+").replaceAll("*", "[^/]+")}$`).test(folder);
      return Promise.resolve(folders.filter((folder) => patterns.some((pattern) => matches(folder, pattern))));
    },
  };
}
