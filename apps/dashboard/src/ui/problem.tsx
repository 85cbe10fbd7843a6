/** Problem: what was refused or could not be had, and what to do next. */
import type { ReactNode } from "react";
import { ApiProblem } from "heddle/client";
import { Glyph } from "./glyph.tsx";
import "./problem.css";

export interface ProblemText {
  readonly detail: string;
  readonly hint: string | undefined;
}

/** What went wrong, as a person reads it. */
export function problemText(thrown: unknown): ProblemText {
  if (thrown instanceof ApiProblem) return { detail: thrown.detail, hint: thrown.hint };
  return { detail: thrown instanceof Error ? thrown.message : String(thrown), hint: undefined };
}

/** Beside the control that led to it. */
export function InlineProblem({ thrown }: { readonly thrown: unknown }): ReactNode {
  const { detail, hint } = problemText(thrown);
  return (
    <p className="problem-inline" role="alert">
      <Glyph name="failed" label="Refused" />
      <span>
        {detail}
        {hint === undefined ? null : <span className="dim"> {hint}</span>}
      </span>
    </p>
  );
}

/** In the place of what could not be shown. */
export function ProblemPanel({
  title,
  thrown,
  children,
}: {
  readonly title: string;
  readonly thrown?: unknown;
  readonly children?: ReactNode;
}): ReactNode {
  const text = thrown === undefined ? undefined : problemText(thrown);
  return (
    <section className="problem-panel" role="alert">
      <h2>{title}</h2>
      {text === undefined ? null : <p>{text.detail}</p>}
      {text?.hint === undefined ? null : <p className="dim">{text.hint}</p>}
      {children}
    </section>
  );
}
