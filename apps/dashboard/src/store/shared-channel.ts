/**
 * Shared channels: what the page shows live beside runs, each opened once however many components show it, and kept for a moment after
 * the last one is gone. Offline, what was told last stays.
 */
import { useCallback, useSyncExternalStore } from "react";
import type { ApiProblem, LiveConnection } from "heddle/client";
import { useHeddle } from "./heddle.tsx";

export type Told<Value> =
  | { readonly kind: "loading" }
  | { readonly kind: "shown"; readonly value: Value }
  | { readonly kind: "problem"; readonly problem: ApiProblem };

interface Opened<Value> {
  told: Told<Value>;
  users: number;
  readonly close: () => void;
  cancelEnd: (() => void) | undefined;
}

/** How long a channel stays open that nothing shows. */
const KEPT_MS = 2000;

const LOADING = { kind: "loading" } as const;

export class SharedChannels<Value> {
  readonly #open: (
    live: LiveConnection,
    key: string,
    listener: { onValue(value: Value): void; onProblem(problem: ApiProblem): void },
  ) => () => void;
  readonly #opened = new WeakMap<LiveConnection, Map<string, Opened<Value>>>();
  readonly #listeners = new Set<() => void>();
  /** Another one after each change. */
  version = 0;

  constructor(
    open: (
      live: LiveConnection,
      key: string,
      listener: { onValue(value: Value): void; onProblem(problem: ApiProblem): void },
    ) => () => void,
  ) {
    this.#open = open;
  }

  read(live: LiveConnection, key: string): Told<Value> {
    return this.#opened.get(live)?.get(key)?.told ?? LOADING;
  }

  /** Until what it gives back is called. */
  use(live: LiveConnection, keys: readonly string[], changed: () => void): () => void {
    const used = keys.map((key) => this.#take(live, key));
    this.#listeners.add(changed);
    return () => {
      this.#listeners.delete(changed);
      for (const [at, one] of used.entries()) this.#leave(live, keys[at] ?? "", one);
    };
  }

  #take(live: LiveConnection, key: string): Opened<Value> {
    const all = this.#opened.get(live) ?? new Map<string, Opened<Value>>();
    this.#opened.set(live, all);
    const known = all.get(key);
    if (known !== undefined) {
      known.users++;
      known.cancelEnd?.();
      known.cancelEnd = undefined;
      return known;
    }
    const publish = (told: Told<Value>): void => {
      one.told = told;
      this.version++;
      for (const listener of this.#listeners) listener();
    };
    const close = this.#open(live, key, {
      onValue: (value) => publish({ kind: "shown", value }),
      onProblem: (problem) => publish({ kind: "problem", problem }),
    });
    const one: Opened<Value> = { told: LOADING, users: 1, close, cancelEnd: undefined };
    all.set(key, one);
    return one;
  }

  #leave(live: LiveConnection, key: string, one: Opened<Value>): void {
    if (--one.users > 0) return;
    const timer = setTimeout(() => {
      one.close();
      this.#opened.get(live)?.delete(key);
    }, KEPT_MS);
    one.cancelEnd = () => clearTimeout(timer);
  }
}

/** What each of the channels has told, in the order of their keys. */
export function useSharedChannels<Value>(
  channels: SharedChannels<Value>,
  keys: readonly string[],
): readonly Told<Value>[] {
  const { live } = useHeddle();
  const joined = JSON.stringify(keys);
  const subscribe = useCallback(
    (changed: () => void) => channels.use(live, JSON.parse(joined) as readonly string[], changed),
    [channels, live, joined],
  );
  useSyncExternalStore(subscribe, () => channels.version);
  return keys.map((key) => channels.read(live, key));
}
