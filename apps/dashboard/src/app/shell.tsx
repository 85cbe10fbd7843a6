/** Shell: what stands around every page: the place, the way to what needs somebody, the help, and what screen readers are told. */
import { Suspense, useEffect, type ReactNode } from "react";
import { Link, Outlet } from "@tanstack/react-router";
import { NeedsYouLink } from "../inbox/needs-you-link.tsx";
import { useLiveState } from "../store/heddle.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { Announcer } from "./announce.tsx";
import { Help } from "./help.tsx";
import { Palette } from "./palette.tsx";
import { usePlace } from "./use-place.ts";
import "./shell.css";

export function Shell(): ReactNode {
  const isOffline = useLiveState().kind === "offline";
  useEffect(() => {
    document.documentElement.toggleAttribute("data-offline", isOffline);
    return () => document.documentElement.removeAttribute("data-offline");
  }, [isOffline]);
  return (
    <div className="shell">
      <a className="skip" href="#main">
        To the content
      </a>
      <header className="top">
        <Link className="top-name" to="/">
          heddle
        </Link>
        <Place />
        <span className="top-space" />
        <Palette />
        <NeedsYouLink />
        <Link className="top-settings" to="/settings">
          Settings
        </Link>
      </header>
      <ProjectTabs />
      <Suspense fallback={<Waiting what="the page" />}>
        <Outlet />
      </Suspense>
      <Help />
      <Announcer />
    </div>
  );
}

/** Pages of the project in the address; a run has tabs of its own. */
function ProjectTabs(): ReactNode {
  const { project, isOfProject } = usePlace();
  if (project === undefined || !isOfProject) return null;
  return (
    <nav className="tabs" aria-label="Pages of the project">
      <Link to="/p/$project" params={{ project }} activeOptions={{ exact: true }}>
        Runs
      </Link>
      <Link to="/p/$project/plans" params={{ project }}>
        Plans
      </Link>
      <Link to="/p/$project/costs" params={{ project }}>
        Costs
      </Link>
      <Link to="/p/$project/worktrees" params={{ project }}>
        Worktrees
      </Link>
    </nav>
  );
}

/** Where the page is: the project and the run of the address. */
function Place(): ReactNode {
  const { project, run } = usePlace();
  if (project === undefined) return null;
  return (
    <nav className="top-place" aria-label="Place">
      <Link to="/p/$project" params={{ project }} className="ellipsis">
        {project}
      </Link>
      {run === undefined ? null : (
        <>
          <span aria-hidden="true">/</span>
          <Link to="/p/$project/runs/$run" params={{ project, run }} className="ellipsis" aria-current="page">
            run {run}
          </Link>
        </>
      )}
    </nav>
  );
}
