/** Diagnostics of a plan: what is wrong, where, and how it is mended. */
import type { ReactNode } from "react";
import type { DiagnosticLine } from "heddle/client";
import { countOf } from "../ui/format.ts";
import { Glyph } from "../ui/glyph.tsx";
import "./diagnostics.css";

export function Diagnostics({
  diagnostics,
  inAll,
}: {
  readonly diagnostics: readonly DiagnosticLine[];
  readonly inAll: number;
}): ReactNode {
  if (diagnostics.length === 0) return null;
  const hasErrors = diagnostics.some(({ severity }) => severity === "error");
  return (
    <section className="panel diagnostics" aria-label="Problems">
      <h2>{countOf(inAll, hasErrors ? "problem" : "warning")}</h2>
      <ol>
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
    </section>
  );
}
