/** Graph choices of the page that is shown: the same object until one of them changes. */
import { useMemo } from "react";
import { graphChoices, type GraphChoices, type GraphSearch } from "./choices.ts";

export function useGraphChoices({ colour, path, q, folds }: GraphSearch): GraphChoices {
  return useMemo(() => graphChoices({ colour, path, q, folds }), [colour, path, q, folds]);
}
