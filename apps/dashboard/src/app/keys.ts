/**
 * Keys: what single keys do on the page that is shown, and the list of them for the help. The one that was added last wins, so that a
 * part's keys come before its page's. Nothing happens in text fields, under a dialog, with a modifier, or where a person has turned them off.
 */
import { useEffect, useRef } from "react";
import { preferences } from "./preferences.ts";

export interface KeyBinding {
  /** As `KeyboardEvent.key` has it: `g`, `N`, `Enter`, `]`. */
  readonly key: string;
  readonly what: string;
  /** Gives `false` where it does nothing now: the next binding is asked. */
  readonly run: (event: KeyboardEvent) => void | false;
  /** Works with letters turned off too: arrows, Enter, Escape. Absent: it is a letter or a sign. */
  readonly isNamed?: boolean;
  /** Asks for something: a key that is held down asks once. */
  readonly isAction?: boolean;
}

const layers: { readonly current: readonly KeyBinding[] }[] = [];

/** For as long as the component is shown. */
export function useKeys(bindings: readonly KeyBinding[]): void {
  const layer = useRef(bindings);
  layer.current = bindings;
  useEffect(() => {
    layers.push(layer);
    return () => void layers.splice(layers.indexOf(layer), 1);
  }, []);
}

/** What the keys do now, the nearest first. */
export function keysNow(): readonly KeyBinding[] {
  const seen = new Set<string>();
  return layers
    .toReversed()
    .flatMap((layer) => layer.current)
    .filter(({ key }) => !seen.has(key) && seen.add(key));
}

export function listenForKeys(): void {
  addEventListener("keydown", (event) => {
    // An editor in a shadow root is seen from here as the element around it.
    const target = event.composedPath()[0] ?? event.target;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(target)) return;
    // What a dialog asks is answered before anything else is.
    if (document.querySelector("[role=dialog]") !== null) return;
    for (const layer of layers.toReversed())
      for (const binding of layer.current) {
        if (binding.key !== event.key || (binding.isNamed !== true && !preferences().hasLetterKeys)) continue;
        if (event.repeat && binding.isAction === true) return;
        if (binding.run(event) === false) continue;
        event.preventDefault();
        return;
      }
  });
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches("textarea, select")) return true;
  return target instanceof HTMLInputElement && !/^(checkbox|radio|button|range)$/.test(target.type);
}

/** Whether the event goes to something that does what a key says itself: Enter on a button or a link. */
export function isOnControl({ target }: KeyboardEvent): boolean {
  return target instanceof Element && target.closest("a, button, input, select, summary, [role=separator]") !== null;
}
