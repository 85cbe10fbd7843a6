/** Status line: whether what is shown is up to date, up to which event, and the keys that matter here. */
import type { ReactNode } from "react";
import { countText } from "../ui/format.ts";
import { useLiveState } from "../store/heddle.tsx";

export interface StatusLineProps {
  /** Of the last event that is shown. */
  readonly seq?: number | undefined;
  readonly keys?: readonly (readonly [key: string, what: string])[];
}

export function StatusLine({ seq, keys = [] }: StatusLineProps): ReactNode {
  return (
    <footer className="status-line">
      <ConnectionState />
      {seq === undefined ? null : <span>seq {countText(seq)}</span>}
      <span className="status-line-space" />
      {[["?", "keys"] as const, ...keys].map(([key, what]) => (
        <span key={key} className="keys">
          <kbd>{key}</kbd> {what}
        </span>
      ))}
    </footer>
  );
}

function ConnectionState(): ReactNode {
  const state = useLiveState();
  switch (state.kind) {
    case "live":
      return (
        <span>
          <span className="status-dot live" />
          live
        </span>
      );
    case "offline":
      return (
        <span>
          <span className="status-dot offline" />
          offline since {new Date(state.since).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}
        </span>
      );
    default:
      return (
        <span>
          <span className="status-dot" />
          {state.kind === "idle" ? "ready" : "catching up"}
        </span>
      );
  }
}
