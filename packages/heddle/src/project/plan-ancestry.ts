/**
 * Plan ancestry: finds plan files that stand among their own ancestors, before a run and while one grows. Reads files
 * and their `plan:` keys; what else is wrong with them is found by whoever loads them.
 */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { isJsonObject } from "../base/json.ts";
import type { Diagnostic, DocumentPath, SourceMap } from "../plan/diagnostic.ts";
import { LIMITS } from "../plan/limits.ts";
import { parseDocument } from "../plan/parse.ts";
import type { Plan } from "../plan/plan.ts";

/** A `plan:` step that names a file. */
export interface PlanFileUse {
  /** Relative to the folder of the plan that it stands in. */
  readonly file: string;
  /** Of the value, in the document. */
  readonly path: DocumentPath;
}

/** Files that one check reads at most; a cycle behind them is found by the run. */
const MOST_FILES = 1000;

/** The files that a plan's steps name, in plans inside it too. */
export function planFilesOf(plan: Plan): readonly PlanFileUse[] {
  return plan.steps.flatMap(({ action }): readonly PlanFileUse[] => {
    if (action.kind !== "plan") return [];
    return action.plan === undefined ? [{ file: action.file ?? "", path: [] }] : planFilesOf(action.plan);
  });
}

/** As {@link planFilesOf}, of a document as it is written. */
export function planFilesIn(document: unknown, path: DocumentPath = []): readonly PlanFileUse[] {
  if (isJsonObject(document))
    return ["steps", "phases"].flatMap((key) =>
      Array.isArray(document[key]) ? planFilesIn(document[key], [...path, key]) : [],
    );
  if (!Array.isArray(document)) return [];
  return document.flatMap((step: unknown, index): readonly PlanFileUse[] => {
    const plan = isJsonObject(step) ? step["plan"] : undefined;
    const at = [...path, index, "plan"];
    return typeof plan === "string" ? [{ file: plan, path: at }] : planFilesIn(plan, at);
  });
}

export interface RootPlan {
  /** As the reader named it. */
  readonly file: string;
  /** Absolute. */
  readonly path: string;
  readonly uses: readonly PlanFileUse[];
  readonly source: SourceMap;
}

/** An error for each step of the plan that leads to a file which contains itself. `mayRead`: asked with absolute paths. */
export async function ancestryErrors(
  { file, path, uses, source }: RootPlan,
  mayRead: (path: string) => boolean = () => true,
): Promise<readonly Diagnostic[]> {
  const search = new Search(mayRead);
  const errors: Diagnostic[] = [];
  for (const use of uses) {
    const chain = await search.chainFrom([path], resolve(dirname(path), use.file));
    if (chain === undefined) continue;
    const names = chain.map((each) => join(dirname(file), relative(dirname(path), each)));
    errors.push({ ...selfContained(names), severity: "error", file, ...source.at(use.path) });
  }
  return errors;
}

/** The error for a chain of files whose last stands in it before. */
export function selfContained(
  names: readonly string[],
): Pick<Diagnostic, "code" | "message"> & { readonly hint: string } {
  return {
    code: "PlanContainsItself",
    message: `the plan file ${names.at(-1)} contains itself: ${names.join(" -> ")}`,
    hint: "remove one of these `plan:` steps; for each item of a list, use `forEach`",
  };
}

/** Whether two absolute paths lead to one file. */
export function isSameFile(a: string, b: string): boolean {
  return a === b || realPathOf(a) === realPathOf(b);
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

class Search {
  /** By real path: nothing below them contains itself. */
  readonly #clean = new Set<string>();
  #files = 0;
  readonly #mayRead: (path: string) => boolean;

  constructor(mayRead: (path: string) => boolean) {
    this.#mayRead = mayRead;
  }

  /** The chain of files down to one that stands in it already; `undefined`: there is none. */
  async chainFrom(above: readonly string[], path: string): Promise<readonly string[] | undefined> {
    const chain = [...above, path];
    if (above.some((each) => isSameFile(each, path))) return chain;
    const real = realPathOf(path);
    if (this.#clean.has(real)) return undefined;
    this.#clean.add(real);
    for (const { file } of await this.#usesOf(path)) {
      const found = await this.chainFrom(chain, resolve(dirname(path), file));
      if (found !== undefined) {
        this.#clean.delete(real);
        return found;
      }
    }
    return undefined;
  }

  async #usesOf(path: string): Promise<readonly PlanFileUse[]> {
    if (++this.#files > MOST_FILES || !this.#mayRead(path)) return [];
    let text: string;
    try {
      const stats = statSync(path);
      if (!stats.isFile() || stats.size > LIMITS.bytes) return [];
      text = readFileSync(path, "utf8");
    } catch {
      return [];
    }
    const parsed = await parseDocument({ text, file: path });
    return parsed.ok ? planFilesIn(parsed.value.document) : [];
  }
}
