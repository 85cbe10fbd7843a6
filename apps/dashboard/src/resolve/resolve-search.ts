/** Search parameters of the page of a conflict: the file and the place in it that are looked at. */
import { textOf, wholeNumber } from "../app/search-params.ts";

export interface ResolveSearch {
  readonly file?: string | undefined;
  /** From 1. */
  readonly hunk?: number | undefined;
}

export function resolveSearch(search: Readonly<Record<string, unknown>>): ResolveSearch {
  return { file: textOf(search["file"]), hunk: wholeNumber(search["hunk"], 1) };
}
