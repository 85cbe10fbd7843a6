/**
 * The plans of the suite that people wrote: those of the documentation, with the files of their page, and of the examples. Of those,
 * the ones whose steps end by what they are and see: a model without time, people, agents and modules carries them out.
 */
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { LoadedPlan } from "../../src/graph/loaded-plan.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { loadPlanFile } from "../../src/project/load-plan.ts";
import { blocksOf, PAGES, ROOT, valueOf } from "../docs/markdown.ts";

export interface WrittenPlan {
  /** Where it stands. */
  readonly name: string;
  /** With `failure: continue`, as a run in parts has to be compared. */
  readonly loaded: LoadedPlan;
  /** The folder with the files that it names. */
  readonly folder: string;
}

/** `under`: an empty folder, for the files of the plans. */
export async function writtenPlans(under: string): Promise<readonly WrittenPlan[]> {
  const found: WrittenPlan[] = [];
  const add = async (name: string, folder: string, file: string): Promise<void> => {
    const loaded = await loadPlanFile(file, {}, { folder, allowMissingParams: true });
    if (!loaded.ok || !isTellable(loaded.value.plan)) return;
    const plan: Plan = { ...loaded.value.plan, failure: "continue", rollback: "none" };
    found.push({ name, loaded: { ...loaded.value, plan }, folder });
  };
  for (const [at, page] of PAGES.entries()) {
    const folder = path.join(under, `page-${at}`);
    for (const [number, block] of blocksOf(page).entries()) {
      const isPlan = block.language === "yaml" && block.words.includes("plan");
      const file = valueOf(block, "file") ?? (isPlan ? `block-${number}.yaml` : undefined);
      if (file === undefined) continue;
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      writeFileSync(path.join(folder, file), block.text);
      if (isPlan) await add(`${page}:${block.line}`, folder, file);
    }
  }
  for (const file of globSync("examples/**/*.yaml", { cwd: ROOT })) {
    const text = readFileSync(path.join(ROOT, file), "utf8");
    if (/^(?:steps|phases):/m.test(text)) await add(file, path.dirname(path.join(ROOT, file)), path.basename(file));
  }
  return found;
}

function isTellable({ steps }: Plan): boolean {
  return steps.every(({ action, retry, output, verify }) => {
    if (retry !== undefined || output !== undefined || verify !== undefined) return false;
    return action.kind === "plan" ? action.plan === undefined || isTellable(action.plan) : action.kind === "run";
  });
}
