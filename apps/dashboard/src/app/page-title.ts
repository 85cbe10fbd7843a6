/** Page title: what the page shows, and before it what needs somebody, so that the tab says it from afar. */
import { useEffect } from "react";

let shown = "heddle";
let state = "";

function apply(): void {
  document.title = state === "" ? shown : `${state} · ${shown}`;
}

/** `place`: what the page shows, without the name of the program. */
export function usePageTitle(place: string): void {
  useEffect(() => {
    shown = place === "" ? "heddle" : `${place} · heddle`;
    apply();
  }, [place]);
}

/** Empty: nothing. */
export function setTitleState(text: string): void {
  state = text;
  apply();
}

const ICON = {
  calm: '<rect x="1" y="1" width="14" height="14" rx="3" fill="#16181d"/><path d="M4 4v8M8 4v8M12 4v8M4 8h8" stroke="#fff" stroke-width="1.4"/>',
  needed:
    '<rect x="1" y="1" width="14" height="14" rx="3" fill="#16181d"/><path d="M4 4v8M4 8h4" stroke="#fff" stroke-width="1.4"/><path d="M10.5 3L16 8.5 10.5 14 5 8.5z" fill="#d34aac" stroke="#fff"/>',
} as const;

/** A person is needed, or not. */
export function setIcon(name: keyof typeof ICON): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${ICON[name]}</svg>`;
  if (link !== null) link.href = `data:image/svg+xml,${encodeURIComponent(drawing)}`;
}
