/** Worktrees of a project: where agents work or worked, what each holds, and what would be lost with it. */
import { useState, type ReactNode } from "react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { WorktreeDocument } from "heddle/client";
import { usePageTitle } from "../app/page-title.ts";
import { StatusLine } from "../app/status-line.tsx";
import { useHeddle } from "../store/heddle.tsx";
import { useNow } from "../store/now.ts";
import { Button } from "../ui/button.tsx";
import { CodeText } from "../ui/code-text.tsx";
import { CopyButton } from "../ui/copy-button.tsx";
import { agoText, bytesText, countOf } from "../ui/format.ts";
import { Glyph } from "../ui/glyph.tsx";
import { ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import "./worktrees-page.css";

const route = getRouteApi("/p/$project/worktrees");

const AGAIN_MS = 5000;

export function WorktreesPage(): ReactNode {
  const { project } = route.useParams();
  const { client } = useHeddle();
  const [hasSizes, setSizes] = useState(false);
  usePageTitle(`Worktrees · ${project}`);
  const asked = useQuery({
    queryKey: ["worktrees", project, hasSizes],
    queryFn: ({ signal }) => client.project(project).work.worktrees({ signal, sizes: hasSizes }),
    refetchInterval: hasSizes ? false : AGAIN_MS,
    placeholderData: keepPreviousData,
  });
  const { data } = asked;
  return (
    <>
      <main id="main" className="page">
        <div className="page-head">
          <h1>Worktrees of {project}</h1>
          {data === undefined ? null : (
            <span className="dim">{totalOf(data.worktrees, hasSizes && !asked.isPlaceholderData)}</span>
          )}
          <Button aria-pressed={hasSizes} onClick={() => setSizes(!hasSizes)}>
            {hasSizes && asked.isFetching ? "Measuring…" : "Sizes"}
          </Button>
        </div>
        {asked.isPending ? <Waiting what="the worktrees" /> : null}
        {asked.isError ? <ProblemPanel title="The worktrees cannot be shown" thrown={asked.error} /> : null}
        {data?.worktrees.length === 0 ? (
          <p className="dim">
            There are none: no agent of this project has a worktree. Those of merged steps are removed.
          </p>
        ) : null}
        {data === undefined || data.worktrees.length === 0 ? null : (
          <>
            <div className="worktrees" tabIndex={0} role="region" aria-label="Worktrees">
              <Worktrees project={project} worktrees={data.worktrees} hasSizes={hasSizes && !asked.isPlaceholderData} />
            </div>
            <p className="dim worktrees-note">
              <code>heddle worktrees clean</code> removes those that hold nothing of their own, of runs that have ended.
            </p>
          </>
        )}
      </main>
      <StatusLine />
    </>
  );
}

function totalOf(worktrees: readonly WorktreeDocument[], hasSizes: boolean): string {
  const count = countOf(worktrees.length, "worktree");
  return hasSizes ? `${count}, ${bytesText(worktrees.reduce((sum, { bytes }) => sum + bytes, 0))}` : count;
}

interface WorktreesProps {
  readonly project: string;
  readonly worktrees: readonly WorktreeDocument[];
  readonly hasSizes: boolean;
}

function Worktrees({ project, worktrees, hasSizes }: WorktreesProps): ReactNode {
  const now = useNow();
  return (
    <table>
      <thead>
        <tr>
          <th>Step</th>
          <th>Run</th>
          <th>State</th>
          <th>Branch</th>
          <th className="num">Made</th>
          {hasSizes ? <th className="num">Size</th> : null}
          <th>Folder</th>
        </tr>
      </thead>
      <tbody>
        {worktrees.map((tree) => (
          <tr key={tree.path}>
            <td>
              <Owner project={project} tree={tree} />
            </td>
            <td>
              {tree.project === null ? (
                <Link className="link" to="/p/$project/runs/$run" params={{ project, run: tree.run }}>
                  {tree.run}
                </Link>
              ) : (
                <span className="dim" title={tree.project}>
                  of another project
                </span>
              )}
            </td>
            <td>
              <State tree={tree} />
            </td>
            <td className="mono worktrees-wide">{tree.branch === null ? "" : <CodeText text={tree.branch} />}</td>
            <td className="num">{tree.createdAt === null ? "" : agoText(tree.createdAt, now)}</td>
            {hasSizes ? <td className="num">{bytesText(tree.bytes)}</td> : null}
            <td>
              <CopyButton text={tree.path} what="its path" />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A step, or a group of steps that take turns; those for verifying are nobody's. */
function Owner({
  project,
  tree: { name, run, project: other },
}: {
  readonly project: string;
  readonly tree: WorktreeDocument;
}): ReactNode {
  if (name.startsWith("@@")) return <span className="dim">for verifying</span>;
  if (name.startsWith("@"))
    return (
      <>
        <CodeText text={name.slice(1)} /> <span className="dim">group</span>
      </>
    );
  if (other !== null) return <CodeText text={name} />;
  return (
    <Link className="link" to="/p/$project/runs/$run" params={{ project, run }} search={{ view: "changes", of: name }}>
      <CodeText text={name} />
    </Link>
  );
}

const GLYPHS = { saved: "succeeded", unsaved: "interrupted", unfinished: "waiting", stray: "skipped" } as const;
const WORDS = {
  saved: "all of it is on a branch or under a ref",
  unsaved: "has work that exists nowhere else",
  unfinished: "no step has worked there",
  stray: "git or heddle does not know it",
} as const;

function State({ tree: { state, inUse, loss } }: { readonly tree: WorktreeDocument }): ReactNode {
  return (
    <span className="worktrees-state">
      <Glyph name={GLYPHS[state]} />
      <span>
        {state}
        {inUse ? " · in use" : ""}
        <span className="dim worktrees-about">
          {loss === undefined ? (
            WORDS[state]
          ) : (
            <>
              would be lost: <CodeText text={loss} />
            </>
          )}
        </span>
      </span>
    </span>
  );
}
