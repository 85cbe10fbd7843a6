/** Start values: texts that a person typed for the parameters of a plan, as the values that a start is given. Pure. */
import type { PlanParam, StartRequest } from "heddle/client";

export type ParamTexts = Readonly<Record<string, string>>;
type Values = NonNullable<StartRequest["params"]>;

export interface StartValues {
  readonly params: Values;
  /** What is wrong, by parameter. */
  readonly wrong: ReadonlyMap<string, string>;
}

/** Nothing is sent for what is left empty: the plan's own default holds. */
export function startValues(params: readonly PlanParam[], texts: ParamTexts): StartValues {
  const values: (readonly [string, Values[string]])[] = [];
  const wrong = new Map<string, string>();
  for (const { name, type, default: otherwise } of params) {
    const text = (Object.hasOwn(texts, name) ? (texts[name] ?? "") : "").trim();
    if (text === "") {
      if (otherwise === undefined) wrong.set(name, "needs a value");
      continue;
    }
    const value = valueOf(type, text);
    if (value === undefined) wrong.set(name, `must be ${type === "json" ? "JSON" : `a ${type}`}`);
    else values.push([name, value]);
  }
  return { params: Object.fromEntries(values), wrong };
}

function valueOf(type: PlanParam["type"], text: string): Values[string] | undefined {
  switch (type) {
    case "string":
      return text;
    case "number":
      return Number.isFinite(Number(text)) ? Number(text) : undefined;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "json":
      try {
        return JSON.parse(text) as Values[string];
      } catch {
        return undefined;
      }
  }
}
