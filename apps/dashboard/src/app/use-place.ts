/** Place of the page: what its address is of. */
import { useMatches } from "@tanstack/react-router";

export interface PagePlace {
  readonly project?: string;
  readonly run?: string;
  /** The address is of the project as a whole: of no run, plan file or comparison. */
  readonly isOfProject: boolean;
}

/** Of the innermost route, which has the parameters of all. */
export function usePlace(): PagePlace {
  const params: { readonly project?: string; readonly run?: string } = useMatches().at(-1)?.params ?? {};
  return { ...params, isOfProject: Object.keys(params).join() === "project" };
}
