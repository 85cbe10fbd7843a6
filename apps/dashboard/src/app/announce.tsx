/** Announcements: what screen readers are told of what happens while somebody is elsewhere on the page: failures, questions, ends. */
import { useSyncExternalStore, type ReactNode } from "react";

let text = "";
const listeners = new Set<() => void>();

export function announce(said: string): void {
  text = said;
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
