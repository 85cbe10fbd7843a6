/**
 * Needs-you link: on every page, how much waits for people, and the way there. Says it also in the title and the icon of the tab, to screen
 * readers, and, where the person has chosen so, outside of the page.
 */
import { useEffect, useRef, type ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import type { AttentionItem } from "heddle/client";
import { announce } from "../app/announce.tsx";
import { setIcon, setTitleState } from "../app/page-title.ts";
import { usePreferences } from "../app/preferences.ts";
import { attentionKey, useAttention } from "../store/attention.ts";
import { askedText, kindText, needText } from "./attention-text.ts";
import "./needs-you.css";

export function NeedsYouLink(): ReactNode {
  const attention = useAttention();
  const { notifies } = usePreferences();
  const items = attention.kind === "shown" ? attention.value.items : undefined;
  const count = items?.length ?? 0;
  useEffect(() => {
    setTitleState(count === 0 ? "" : needText(count));
    setIcon(count === 0 ? "calm" : "needed");
  }, [count]);
  const known = useRef<ReadonlySet<string>>(undefined);
  useEffect(() => {
    if (items === undefined) return;
    const before = known.current;
    known.current = new Set(items.map(attentionKey));
    // What waits already when the page is opened is no news.
    if (before === undefined) return;
    const fresh = items.filter((item) => !before.has(attentionKey(item)));
    if (fresh[0] !== undefined) announce(`${needText(count)}: ${askedText(fresh[0])}`);
    if (notifies && document.hidden) for (const item of fresh) notify(item);
  }, [items, count, notifies]);
  return (
    <Link className="needs-link button" to="/inbox">
      Needs you
      {count === 0 ? null : (
        <span className="needs-count">
          {count > 99 ? "99+" : count}
          <span className="visually-hidden"> waiting</span>
        </span>
      )}
    </Link>
  );
}

function notify(item: AttentionItem): void {
  const { project, plan } = item;
  if (!("Notification" in globalThis) || Notification.permission !== "granted") return;
  // With the same tag it is one, however many tabs say it.
  const said = new Notification(`${project} / ${plan}: ${kindText(item)}`, {
    body: askedText(item),
    tag: attentionKey(item),
  });
  said.addEventListener("click", () => {
    focus();
    said.close();
  });
}
