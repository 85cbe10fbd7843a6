/** Inbox: what waits for people in all projects, what holds up most first. Nothing in it moves while somebody looks at it. */
import { useEffect, useState, type ReactNode } from "react";
import type { AttentionItem, AttentionList } from "heddle/client";
import { useKeys } from "../app/keys.ts";
import { usePageTitle } from "../app/page-title.ts";
import { StatusLine } from "../app/status-line.tsx";
import { attentionKey, useAttention } from "../store/attention.ts";
import { ProblemPanel } from "../ui/problem.tsx";
import { Waiting } from "../ui/waiting.tsx";
import { heldList, wholeList, type HeldItem } from "./held-order.ts";
import { InboxItem } from "./inbox-item.tsx";
import "../ui/notice.css";
import "./inbox-page.css";

export function InboxPage(): ReactNode {
  usePageTitle("Inbox");
  const attention = useAttention();
  return (
    <>
      <main id="main" className="page">
        <div className="page-head">
          <h1>Inbox</h1>
          <p className="dim">What waits for you, what holds up most first</p>
        </div>
        {attention.kind === "loading" ? <Waiting what="what needs you" /> : null}
        {attention.kind === "problem" ? (
          <ProblemPanel title="What needs you cannot be shown" thrown={attention.problem} />
        ) : null}
        {attention.kind === "shown" ? <Items list={attention.value} /> : null}
      </main>
      <StatusLine
        keys={[
          ["j k", "next, before"],
          ["a", "approve"],
          ["x", "reject"],
        ]}
      />
    </>
  );
}

function Items({ list }: { readonly list: AttentionList }): ReactNode {
  const [shown, setShown] = useState<readonly HeldItem<AttentionItem>[]>([]);
  const { items, fresh } = heldList(shown, list.items, attentionKey);
  useEffect(() => setShown((before) => heldList(before, list.items, attentionKey).items), [list]);
  useKeys([
    { key: "j", what: "Next item", run: () => moveTo(1) },
    { key: "k", what: "Item before", run: () => moveTo(-1) },
    { key: "a", what: "Approve", isAction: true, run: () => press("Approve") },
    { key: "x", what: "Reject", isAction: true, run: () => press("Reject") },
    {
      key: "n",
      what: "Show new items",
      run: () => (fresh > 0 ? setShown(wholeList(list.items, attentionKey)) : false),
    },
  ]);
  return (
    <>
      {list.unreadable.map(({ project, run, problem }, at) => (
        <p key={at} className="notice-warning" role="status">
          <b>
            {project}
            {run === undefined ? "" : ` ${run}`}
          </b>{" "}
          cannot be looked at: {problem}
        </p>
      ))}
      {fresh === 0 ? null : (
        <button
          type="button"
          className="notice-fresh human"
          onClick={() => setShown(wholeList(list.items, attentionKey))}
        >
          {fresh} new
        </button>
      )}
      {items.length === 0 ? (
        <ProblemPanel title="Nothing waits for you">
          <p className="dim">Questions, conflicts, and runs whose process died come here by themselves.</p>
        </ProblemPanel>
      ) : (
        <ul className="panel inbox">
          {items.map(({ key, item, isSettled }) => (
            <InboxItem key={key} item={item} isSettled={isSettled} />
          ))}
        </ul>
      )}
      {list.isPartial || list.next !== undefined ? (
        <p className="dim inbox-more">There may be more: the first of them are shown.</p>
      ) : null}
    </>
  );
}

function entries(): readonly HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>(".inbox-item")];
}

function moveTo(by: 1 | -1): void {
  const all = entries();
  const at = all.findIndex((entry) => entry.contains(document.activeElement));
  const next = all[at === -1 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))];
  next?.querySelector<HTMLElement>("[data-inbox]")?.focus();
}

/** The answer of the item that has the focus; `false`: there is none. */
function press(name: string): void | false {
  const entry = entries().find((one) => one.contains(document.activeElement));
  const button = entry?.querySelector<HTMLElement>(`[data-answer="${name}"]`);
  if (button === null || button === undefined) return false;
  button.click();
}
