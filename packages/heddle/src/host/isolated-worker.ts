/** Program of worker threads for isolated functions: connects the runner's part with the plan's functions. */
import { pathToFileURL } from "node:url";
import { isPlanDefinition } from "../plan/define.ts";
import { definitionDocument } from "../plan/definition-document.ts";
import { serveIsolated } from "../runner/isolated.ts";

/** The places of a step and its parents among their siblings. */
const INDEX = /\[\d+\]/g;

await serveIsolated(async (planModule, step) => {
  const module: { readonly default?: unknown } = await import(pathToFileURL(planModule).href);
  if (!isPlanDefinition(module.default)) throw new TypeError(`the default export of ${planModule} is not a plan`);
  const { functions } = definitionDocument(module.default);
  const fn = functions.get(step) ?? functions.get(step.replaceAll(INDEX, ""));
  if (fn === undefined) throw new TypeError(`${planModule} has no function for step ${step}`);
  return fn;
});
