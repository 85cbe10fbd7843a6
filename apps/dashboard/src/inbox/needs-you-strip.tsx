/** Needs-you strip: what waits for people, above the runs: how much, the first of it, and the way to all of it. */
import type { ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import { useAttention } from "../store/attention.ts";
import { useNow } from "../store/now.ts";
import { countText, runningText } from "../ui/format.ts";
import { Glyph } from "../ui/glyph.tsx";
import { askedText, kindGlyph, needText } from "./attention-text.ts";
import "./needs-you.css";

const MOST_NAMED = 2;

/** `project`: what waits in it alone. Nothing where nothing waits. */
export function NeedsYouStrip({ project }: { readonly project: string | undefined }): ReactNode {
  const attention = useAttention();
  const now = useNow();
  if (attention.kind !== "shown") return null;
  const items = attention.value.items.filter((item) => project === undefined || item.project === project);
  const [first] = items;
  if (first === undefined) return null;
  return (
    <section className="needs-strip" aria-label="Needs you">
      <Glyph name={kindGlyph(first)} />
      <b>{needText(items.length)}</b>
      <ul className="needs-strip-items">
        {items.slice(0, MOST_NAMED).map((item) => (
          <li key={`${item.run} ${item.step ?? ""} ${item.waitingSince}`}>
            <span className="ellipsis">
              {item.step ?? item.plan}: {askedText(item).split("\n", 1)}
            </span>
            <span className="dim needs-strip-since">
              {runningText(now - item.waitingSince)}
              {item.holdsUp === 0 ? "" : `, holds up ${countText(item.holdsUp)}`}
            </span>
          </li>
        ))}
      </ul>
      <Link className="button primary" to="/inbox">
        Open
      </Link>
    </section>
  );
}
