/** Tabs of the run page: links, since each part has an address. */
import type { ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import { PARTS } from "./run-parts.tsx";
import type { RunViewName } from "./run-search.ts";

export function RunTabs({ shown }: { readonly shown: RunViewName }): ReactNode {
  return (
    <nav className="tabs" aria-label="Parts of the run">
      {PARTS.map(({ view, label }) => (
        <Link
          key={view}
          from="/p/$project/runs/$run"
          search={(before) => ({ ...before, view, line: undefined })}
          aria-current={view === shown ? "page" : undefined}
        >
          {label}
        </Link>
      ))}
    </nav>
  );
}
