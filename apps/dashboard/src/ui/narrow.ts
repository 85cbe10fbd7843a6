/** Narrow screens: phones, and windows as narrow as one. The width is that of the style sheets. */
import { useSyncExternalStore } from "react";

const narrow = matchMedia("(max-width: 640px)");

export function useIsNarrow(): boolean {
  return useSyncExternalStore(onNarrow, () => narrow.matches);
}

function onNarrow(listener: () => void): () => void {
  narrow.addEventListener("change", listener);
  return () => narrow.removeEventListener("change", listener);
}
