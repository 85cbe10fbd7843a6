/** Preferences: what is taste and not place. Kept in this browser, told to all of its tabs. */
import { useSyncExternalStore } from "react";

export interface Preferences {
  readonly theme: "system" | "light" | "dark";
  /** Rows of tables: 12/16 instead of 13/20. */
  readonly isDense: boolean;
  /** Keys without a modifier do something. */
  readonly hasLetterKeys: boolean;
  /** Notifications of the browser when somebody is needed. */
  readonly notifies: boolean;
  /** Of the step panel, in pixels. */
  readonly panelWidth: number;
  readonly wrapsLogs: boolean;
  /** Times that programs write at the beginning of lines. */
  readonly hidesLogTimes: boolean;
  /** Both sides of a diff beside each other. */
  readonly splitsDiffs: boolean;
}

const KEY = "heddle.preferences";
const DEFAULTS: Preferences = {
  theme: "system",
  isDense: false,
  hasLetterKeys: true,
  notifies: false,
  panelWidth: 420,
  wrapsLogs: false,
  hidesLogTimes: false,
  splitsDiffs: false,
};

const listeners = new Set<() => void>();
let current = read();

function read(): Preferences {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Record<string, unknown>;
    const known = Object.entries(DEFAULTS).map(([name, value]) => [
      name,
      typeof stored[name] === typeof value ? stored[name] : value,
    ]);
    return Object.fromEntries(known) as unknown as Preferences;
  } catch {
    return DEFAULTS;
  }
}

function publish(next: Preferences): void {
  current = next;
  for (const listener of listeners) listener();
}

addEventListener("storage", (event) => {
  if (event.key === KEY) publish(read());
});

export function setPreference<Name extends keyof Preferences>(name: Name, value: Preferences[Name]): void {
  publish({ ...current, [name]: value });
  localStorage.setItem(KEY, JSON.stringify(current));
}

export function preferences(): Preferences {
  return current;
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(onPreferences, preferences);
}

/** Calls `listener` after each change; what it gives back ends that. */
export function onPreferences(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
