/** Whether the page is as narrow as a phone: where rows have another height, which style sheets cannot say. */
import { useSyncExternalStore } from "react";

const NARROW = matchMedia("(max-width: 640px)");

function subscribe(listener: () => void): () => void {
  NARROW.addEventListener("change", listener);
  return () => NARROW.removeEventListener("change", listener);
}

export function useIsPhone(): boolean {
  return useSyncExternalStore(subscribe, () => NARROW.matches);
}
