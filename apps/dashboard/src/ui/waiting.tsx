/** Waiting: what stands where data is not there yet. Nothing for the first moment, so that quick answers do not flicker. */
import { useEffect, useState, type ReactNode } from "react";
import "./waiting.css";

const QUIET_MS = 200;

export function Waiting({ what, rows = 6 }: { readonly what: string; readonly rows?: number }): ReactNode {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), QUIET_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!isLate) return null;
  return (
    <div className="waiting" role="status">
      <span className="visually-hidden">Loading {what}</span>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="waiting-row" style={{ width: `${92 - ((row * 17) % 40)}%` }} />
      ))}
    </div>
  );
}
