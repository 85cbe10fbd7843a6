/** Checked plan: what a plan file is and what is wrong with it, once its name has not changed for a moment. */
import { useEffect, useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { ApiProblem, type PlanDocument } from "heddle/client";
import { useHeddle } from "../store/heddle.tsx";

export type CheckedPlan =
  /** No file is named, or it is being looked at. */
  | { readonly kind: "none" }
  | { readonly kind: "known"; readonly document: PlanDocument }
  /** To know its plan it would have to be run. */
  | { readonly kind: "program" }
  | { readonly kind: "refused"; readonly thrown: unknown };

const QUIET_MS = 300;

export function useCheckedPlan(project: string, file: string | undefined): CheckedPlan {
  const { client } = useHeddle();
  const [settled, setSettled] = useState(file);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(file), QUIET_MS);
    return () => clearTimeout(timer);
  }, [file]);
  const { data, error } = useQuery({
    queryKey: ["plan", project, settled],
    queryFn: ({ signal }) => client.project(project).plans.get(settled ?? "", { signal }),
    enabled: settled !== undefined,
    // A file that was mended meanwhile is looked at again.
    staleTime: 0,
  });
  if (file === undefined || settled !== file) return { kind: "none" };
  if (data !== undefined) return { kind: "known", document: data };
  if (error === null) return { kind: "none" };
  const isProgram = error instanceof ApiProblem && error.code === "plan-module-refused";
  return isProgram ? { kind: "program" } : { kind: "refused", thrown: error };
}
