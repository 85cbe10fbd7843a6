/** Announcements: what screen readers are told of what happens while somebody is elsewhere on the page: failures, questions, ends. */
import { useSyncExternalStore, type ReactNode } from "react";

let text = "";
const listeners = new Set<() => void>();

/** A sentence that is said again is said differently to the eye of the browser, which tells no text that has not changed. */
const AGAIN = "\u00a0";

export function announce(said: string): void {
  text = said === text ? `${said}${AGAIN}` : said;
  for (const listener of listeners) listener();
}

export function Announcer(): ReactNode {
  const said = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => text,
  );
  return (
    <div className="visually-hidden" role="status" aria-live="polite">
      {said}
    </div>
  );
}
