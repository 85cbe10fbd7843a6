/** Search parameters of the comparison of two runs. */
import { oneOf, textOf } from "../app/search-params.ts";

export const ONLY = [
  ["changed", "Definition changed"],
  ["status", "Ended otherwise"],
  ["one", "In one alone"],
] as const;
export type ComparedOnly = (typeof ONLY)[number][0];

export interface CompareSearch {
  /** Which steps are shown; absent: all. */
  readonly only?: ComparedOnly | undefined;
  /** Text in their ids. */
  readonly q?: string | undefined;
}

export function compareSearch(search: Readonly<Record<string, unknown>>): CompareSearch {
  return {
    only: oneOf(
      ONLY.map(([name]) => name),
      search["only"],
    ),
    q: textOf(search["q"]),
  };
}
