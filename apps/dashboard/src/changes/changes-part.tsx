/** Changes as a part of the run page: files by step, and the diff of the one that is looked at. Follows agents while they work. */
import { useMemo, useRef, type ReactNode } from "react";
import { getRouteApi, Link } from "@tanstack/react-router";
import type { ChangesDocument } from "heddle/client";
import { useKeys } from "../app/keys.ts";
import { setPreference, usePreferences } from "../app/preferences.ts";
import { useShownRun } from "../run/shown-run.tsx";
import { Button } from "../ui/button.tsx";
import { CodeText } from "../ui/code-text.tsx";
import { countOf, countText } from "../ui/format.ts";
import { useIsNarrow } from "../ui/narrow.ts";
import { ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { AgentComment } from "./agent-comment.tsx";
import { ChangeList } from "./change-list.tsx";
import { changeRows, nextFile, sharedFiles } from "./change-rows.ts";
import { DiffView } from "./diff-view.tsx";
import { useChanges, useFileDiff } from "./use-changes.ts";
import "./changes-part.css";

const route = getRouteApi("/p/$project/runs/$run");

export function ChangesPart(): ReactNode {
  const { project, run, seq } = useShownRun();
  const { file, of, q = "", shared } = route.useSearch();
  const navigate = route.useNavigate();
  const { run: id, live } = run.head;
  const { pages, error, more } = useChanges({ project, run: id, live, seq: run.seq });
  const rows = useMemo(() => changeRows(pages ?? [], { text: q, isShared: shared === "1" }), [pages, q, shared]);
  const step = (by: 1 | -1): void | false => {
    const next = nextFile(rows, { file, step: of }, by);
    if (next === undefined) return false;
    void navigate({ search: (before) => ({ ...before, file: next.file.file, of: next.step }), replace: true });
  };
  const field = useRef<HTMLInputElement>(null);
  useKeys([
    { key: "/", what: "Find a file or step", run: () => field.current?.focus() },
    { key: "j", what: "Next file", run: () => step(1) },
    { key: "k", what: "Previous file", run: () => step(-1) },
  ]);
  if (pages === undefined)
    return (
      <div className="page">
        {error === null ? (
          <Waiting what="the changes" />
        ) : (
          <ProblemPanel title="The changes cannot be shown" thrown={error} />
        )}
      </div>
    );
  if (
    pages.every(
      ({ items, integration, unreadable }) => items.length + unreadable.length === 0 && integration === undefined,
    )
  )
    return (
      <div className="page">
        <p className="dim">
          Nothing was changed in a worktree of this run. What commands change in your checkout is not followed:{" "}
          <code>git diff</code> shows it.
        </p>
      </div>
    );
  return (
    <div className={file === undefined ? "changes" : "changes has-file"}>
      <div className="changes-side">
        <div className="changes-filter">
          <input
            ref={field}
            type="search"
            aria-label="Text in the name of a file or step"
            placeholder="File or step"
            value={q}
            onChange={(event) => {
              const text = event.target.value;
              void navigate({ search: (before) => ({ ...before, q: text === "" ? undefined : text }), replace: true });
            }}
          />
          <Button
            aria-pressed={shared === "1"}
            onClick={() =>
              void navigate({ search: (before) => ({ ...before, shared: shared === "1" ? undefined : "1" }) })
            }
          >
            Changed by several
          </Button>
        </div>
        <ChangeList rows={rows} file={file} of={of} steps={run.steps} onMore={more} />
        {seq === undefined ? null : <p className="changes-note dim">Changes are shown as they are now.</p>}
        <Unreadable pages={pages} />
      </div>
      {file === undefined ? <Summary pages={pages} /> : <FileDiff pages={pages} file={file} step={of} />}
    </div>
  );
}

function Unreadable({ pages }: { readonly pages: readonly ChangesDocument[] }): ReactNode {
  const all = pages.flatMap(({ unreadable }) => unreadable);
  if (all.length === 0) return null;
  return (
    <ul className="changes-note">
      {all.map(({ step, problem }) => (
        <li key={step}>
          {step} cannot be read: {problem}
        </li>
      ))}
    </ul>
  );
}

/** Where no file is chosen: what several steps changed, for that is what is looked for. */
function Summary({ pages }: { readonly pages: readonly ChangesDocument[] }): ReactNode {
  const shared = sharedFiles(pages);
  const items = pages.flatMap((page) => page.items);
  return (
    <div className="page changes-summary" tabIndex={0} role="region" aria-label="Summary of the changes">
      <h2>
        {countOf(new Set(items.flatMap(({ files }) => files.map(({ file }) => file))).size, "file")} in{" "}
        {countOf(items.length, "step")}
      </h2>
      {shared.length === 0 ? (
        <p className="dim">No file was changed by more than one step.</p>
      ) : (
        <>
          <h3>Changed by several steps</h3>
          <ul className="changes-shared">
            {shared.slice(0, MOST_SHARED).map(([file, steps]) => (
              <li key={file}>
                <code>
                  <CodeText text={file} />
                </code>
                <span className="dim">
                  {steps.map((step, at) => (
                    <span key={step}>
                      {at === 0 ? "" : ", "}
                      <Link
                        className="link"
                        from="/p/$project/runs/$run"
                        search={(before) => ({ ...before, file, of: step })}
                      >
                        {step}
                      </Link>
                    </span>
                  ))}
                </span>
              </li>
            ))}
          </ul>
          {shared.length > MOST_SHARED ? (
            <p className="dim">and {countText(shared.length - MOST_SHARED)} more</p>
          ) : null}
        </>
      )}
    </div>
  );
}

const MOST_SHARED = 100;

function FileDiff({
  pages,
  file,
  step,
}: {
  readonly pages: readonly ChangesDocument[];
  readonly file: string;
  readonly step: string | undefined;
}): ReactNode {
  const { project, run } = useShownRun();
  const { splitsDiffs } = usePreferences();
  // A phone has no room for two columns.
  const isNarrow = useIsNarrow();
  const isSplit = splitsDiffs && !isNarrow;
  const set =
    step === undefined ? pages[0]?.integration : pages.flatMap(({ items }) => items).find((one) => one.step === step);
  const diff = useFileDiff({ project, run: run.head.run }, { file, step, to: set?.to ?? null });
  useKeys([{ key: "d", what: "One or two columns", run: () => setPreference("splitsDiffs", !splitsDiffs) }]);
  const { data } = diff;
  const others = set?.files.find((one) => one.file === file)?.others ?? [];
  return (
    <section className="changes-diff" aria-label="The file">
      <div className="changes-diff-head">
        <Link
          className="changes-back link"
          from="/p/$project/runs/$run"
          search={(before) => ({ ...before, file: undefined, of: undefined })}
        >
          All files
        </Link>
        <h2 className="changes-name">
          {data?.from === undefined ? null : (
            <>
              <span className="dim">
                <CodeText text={data.from} /> →{" "}
              </span>
            </>
          )}
          <CodeText text={file} />
        </h2>
        <span className="dim">{data === undefined ? "" : sourceText(data.of, step, data.attempt)}</span>
        <span className="changes-space" />
        <Button
          className="changes-split"
          aria-pressed={splitsDiffs}
          onClick={() => setPreference("splitsDiffs", !splitsDiffs)}
        >
          Side by side <kbd>d</kbd>
        </Button>
      </div>
      {others.length === 0 ? null : (
        <p className="changes-overlap">
          {step === undefined ? "Changed by" : "Changed too by"}{" "}
          {others.map((other, at) => (
            <span key={other}>
              {at === 0 ? "" : ", "}
              <Link className="link" from="/p/$project/runs/$run" search={(before) => ({ ...before, of: other })}>
                {other}
              </Link>
            </span>
          ))}
        </p>
      )}
      {step === undefined ? null : <AgentComment step={step} file={file} />}
      {diff.isPending ? <Waiting what="the diff" /> : null}
      {diff.isError ? <ProblemPanel title="The diff cannot be shown" thrown={diff.error} /> : null}
      {data === undefined ? null : (
        <>
          {data.isBinary ? <p className="changes-note">This file is not text. It was {data.status}.</p> : null}
          <DiffView patch={data.patch} isSplit={isSplit} label={`Diff of ${file}`} />
          {data.cut === undefined ? null : (
            <p className="changes-note" role="note">
              Cut here: {countOf(data.cut.added, "added line")} and {countOf(data.cut.removed, "removed line")} more.
              All of it:{" "}
              <code>
                heddle diff {run.head.run}
                {step === undefined ? "" : ` ${step}`}
              </code>
            </p>
          )}
        </>
      )}
    </section>
  );
}

function sourceText(
  of: ChangesDocument["items"][number]["of"],
  step: string | undefined,
  attempt: number | undefined,
): string {
  switch (of) {
    case "integration":
      return "all that was merged";
    case "merged":
      return `as ${step ?? ""} was merged`;
    case "captured":
      return `as attempt ${attempt ?? 1} of ${step ?? ""} left it, not merged`;
    case "worktree":
      return `in the worktree of ${step ?? ""} now`;
  }
}
