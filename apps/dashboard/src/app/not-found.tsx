/** What stands at an address that no page has. */
import type { ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import { ProblemPanel } from "../ui/problem.tsx";
import { usePageTitle } from "./page-title.ts";

export function NotFound(): ReactNode {
  usePageTitle("Not found");
  return (
    <main id="main" className="page">
      <ProblemPanel title="Nothing is shown at this address">
        <p>
          <Link className="link" to="/">
            All runs
          </Link>
        </p>
      </ProblemPanel>
    </main>
  );
}
