/** Link to the page on which a conflict is resolved. */
import type { ReactNode } from "react";
import { Link } from "@tanstack/react-router";

export interface ResolveLinkProps {
  readonly project: string;
  readonly run: string;
  readonly step: string;
  readonly className?: string;
  readonly text?: string;
}

export function ResolveLink({ project, run, step, className = "link", text = "Resolve" }: ResolveLinkProps): ReactNode {
  return (
    <Link className={className} to="/p/$project/runs/$run/steps/$step/resolve" params={{ project, run, step }}>
      {text}
    </Link>
  );
}
