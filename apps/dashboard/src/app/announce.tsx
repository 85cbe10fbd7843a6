/** Announcements: what screen readers are told of what happens while somebody is elsewhere on the page: failures, questions, ends. */
import { useRef, useSyncExternalStore, type ReactNode } from "react";

let text = "";
const listeners = new Set<() => void>();

/** A sentence that is said again is said differently to the eye of the browser, which tells no text that has not changed. */
const AGAIN = "\u00a0";

export function announce(said: string): void {
  text = said === text ? `${said}${AGAIN}` : said;
  for (const listener of listeners) listener();
}

/** What a live region says: the text as it was when one of these changed last. They are what a person does, and not what a run does. */
export function useSaid(text: string, by: readonly unknown[]): string {
  const said = useRef({ text, by });
  if (by.some((one, at) => one !== said.current.by[at])) said.current = { text, by };
  return said.current.text;
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
