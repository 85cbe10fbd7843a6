/** Facts of the step: its error, output, prompt, what it does, what its agent used, where it works, what it changed. */
import type { ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { StepDocument } from "heddle/client";
import { plainLine } from "../logs/styled-line.ts";
import { useShownRun } from "../run/shown-run.tsx";
import { useHeddle } from "../store/heddle.tsx";
import { CopyButton } from "../ui/copy-button.tsx";
import { countOf, countText } from "../ui/format.ts";

/** Characters that are shown of a long text at once. */
const MOST_SHOWN = 4000;
const MOST_FILES = 8;

/** What its last attempt failed with. */
export function StepError({ step: { error } }: Pick<StepDocument, "step">): ReactNode {
  if (error === undefined) return null;
  return (
    <Part title="Error">
      <p className="panel-error">{error.message}</p>
      {error.output === undefined ? null : <Text text={plainText(error.output)} what="output" />}
    </Part>
  );
}

export function StepFacts({ document }: { readonly document: StepDocument }): ReactNode {
  const { step, detail, notices, merged, prompt } = document;
  const { output } = step;
  return (
    <>
      {notices.length === 0 ? null : (
        <Part title="Warnings">
          <ul className="panel-list">
            {notices.map(({ attempt, text }, at) => (
              <li key={at}>
                <span className="dim">attempt {attempt}</span> {text}
              </li>
            ))}
          </ul>
        </Part>
      )}
      {output === undefined || output === null ? null : (
        <Part title="Output">
          <Text text={typeof output === "string" ? output : JSON.stringify(output, undefined, 2)} what="output" />
        </Part>
      )}
      {merged === undefined ? null : (
        <Part title={`Changed ${countOf(merged.count, "file")}`}>
          <ul className="panel-list mono">
            {merged.files.slice(0, MOST_FILES).map((file) => (
              <li key={file} className="ellipsis" title={file}>
                {file}
              </li>
            ))}
          </ul>
          <Link
            className="link"
            from="/p/$project/runs/$run"
            search={(before) => ({ ...before, view: "changes" as const, step: step.id })}
          >
            {merged.count > MOST_FILES ? `All ${countText(merged.count)} files with their diffs` : "Diffs"}
          </Link>
        </Part>
      )}
      {detail.kind === "agent" ? <AgentFacts document={document} /> : null}
      {detail.does === "" || prompt !== undefined || step.question === detail.does ? null : (
        <details className="panel-part panel-fold" open={detail.kind === "run"}>
          <summary>{DOES[detail.kind]}</summary>
          <Text text={detail.does} what={DOES[detail.kind].toLowerCase()} />
        </details>
      )}
      {prompt === undefined ? null : (
        <details className="panel-part panel-fold">
          <summary>Prompt, as the agent got it</summary>
          <Text text={prompt} what="prompt" />
        </details>
      )}
    </>
  );
}

const DOES = {
  run: "Command",
  call: "Function",
  function: "Function",
  agent: "Prompt",
  approve: "Question",
  sleep: "Time",
  signal: "Signal",
  plan: "Plan",
} as const;

/** What its agents told that they used, and where it works. */
function AgentFacts({ document: { step, detail } }: { readonly document: StepDocument }): ReactNode {
  const { project, run } = useShownRun();
  const { client } = useHeddle();
  const last = detail.attempts.findLast(({ kind }) => kind === "attempt");
  const { data } = useQuery({
    queryKey: ["worktrees", project, run.head.run],
    queryFn: ({ signal }) => client.project(project).work.worktrees({ run: run.head.run, signal }),
    enabled: last !== undefined,
    staleTime: 30_000,
  });
  const tree = data?.worktrees.find(({ name }) => name === step.id || name === `@${detail.group ?? ""}`);
  const { input, cachedRead, output } = last?.tokens ?? {};
  const tokens = [
    input === undefined ? undefined : `${countText(input)} in`,
    cachedRead === undefined ? undefined : `${countText(cachedRead)} cached`,
    output === undefined ? undefined : `${countText(output)} out`,
  ].filter((one) => one !== undefined);
  if (tokens.length === 0 && tree === undefined) return null;
  return (
    <Part title="Agent">
      <dl className="panel-facts">
        {tokens.length === 0 ? null : (
          <>
            <dt>Tokens</dt>
            <dd>{tokens.join(", ")}</dd>
          </>
        )}
        {tree === undefined ? null : (
          <>
            <dt>Worktree</dt>
            <dd>
              <code>{tree.path}</code> <CopyButton text={tree.path} what="path" />
            </dd>
            {tree.branch === null ? null : (
              <>
                <dt>Branch</dt>
                <dd>
                  <code>{tree.branch}</code>
                </dd>
              </>
            )}
          </>
        )}
      </dl>
    </Part>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ReactNode }): ReactNode {
  return (
    <section className="panel-part" aria-label={title}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function Text({ text, what }: { readonly text: string; readonly what: string }): ReactNode {
  const more = text.length - MOST_SHOWN;
  return (
    <>
      <pre className="panel-text" tabIndex={0} role="region" aria-label={`Text of the ${what}`}>
        {more > 0 ? text.slice(0, MOST_SHOWN).toWellFormed() : text}
      </pre>
      <p className="panel-text-foot">
        {more > 0 ? <span className="dim">{countOf(more, "more character")}</span> : null}
        <CopyButton text={text} what={what} />
      </p>
    </>
  );
}

function plainText(text: string): string {
  return text.split("\n").map(plainLine).join("\n");
}
