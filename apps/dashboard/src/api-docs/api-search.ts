/** Search parameters of the page of the API. */
import { textOf } from "../app/search-params.ts";

export interface ApiSearch {
  /** Text that is looked for. */
  readonly q?: string | undefined;
}

export function apiSearch(search: Readonly<Record<string, unknown>>): ApiSearch {
  return { q: textOf(search["q"]) };
}
