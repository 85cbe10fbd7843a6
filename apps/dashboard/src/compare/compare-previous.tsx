/** Link to the comparison of the run that is shown with the one before it of the same plan; nothing where there is none. */
import type { ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useShownRun } from "../run/shown-run.tsx";
import { useHeddle } from "../store/heddle.tsx";

export function ComparePrevious(): ReactNode {
  const { project, run } = useShownRun();
  const { client } = useHeddle();
  const { run: id, plan, startedAt } = run.head;
  const before = useQuery({
    queryKey: ["run before", project, id],
    queryFn: async ({ signal }) => {
      const { runs } = await client.project(project).runs.list({ plan, until: startedAt, limit: 5, signal });
      return runs.find((one) => one.run !== id)?.run ?? null;
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
  const other = before.data ?? null;
  if (other === null) return null;
  return (
    <Link className="button" to="/p/$project/compare/$a/$b" params={{ project, a: other, b: id }}>
      Compare with the run before
    </Link>
  );
}
