/** Diagnostics of a plan: what is wrong, where, and how it is mended. */
import type { ReactNode } from "react";
import type { DiagnosticLine } from "heddle/client";
import { countOf } from "./format.ts";
import { Glyph } from "./glyph.tsx";
import "./diagnostics.css";

export interface DiagnosticsProps {
  readonly diagnostics: readonly DiagnosticLine[];
  /** How many there are; of many the first ones are told. */
  readonly inAll: number;
}

/** With their count as a heading. */
export function Diagnostics({ diagnostics, inAll }: DiagnosticsProps): ReactNode {
  if (diagnostics.length === 0) return null;
  const hasErrors = diagnostics.some(({ severity }) => severity === "error");
  return (
    <section className="panel diagnostics-panel" aria-label="Problems">
      <h2>{countOf(inAll, hasErrors ? "problem" : "warning")}</h2>
      <DiagnosticList diagnostics={diagnostics} inAll={inAll} />
    </section>
  );
}

export function DiagnosticList({ diagnostics, inAll }: DiagnosticsProps): ReactNode {
  return (
    <>
      <ol className="diagnostics">
        {diagnostics.map((one, at) => (
          <li key={at}>
            <Glyph
              name={one.severity === "error" ? "failed" : "interrupted"}
              label={one.severity === "error" ? "Error" : "Warning"}
            />
            <div>
              <p>{one.message}</p>
              {one.hint === undefined ? null : <p className="dim">{one.hint}</p>}
              <p className="dim mono">
                {one.file}:{one.line}:{one.column} {one.code}
              </p>
            </div>
          </li>
        ))}
      </ol>
      {inAll > diagnostics.length ? (
        <p className="dim">and {countOf(inAll - diagnostics.length, "more", "more")}</p>
      ) : null}
    </>
  );
}
