/** Theme: light or dark as the system has it, or as the person chose. */
import { onPreferences, preferences } from "./preferences.ts";

const dark = matchMedia("(prefers-color-scheme: dark)");

export function keepTheme(): void {
  const apply = (): void => {
    const { theme } = preferences();
    document.documentElement.dataset["theme"] = theme === "system" ? (dark.matches ? "dark" : "light") : theme;
  };
  apply();
  dark.addEventListener("change", apply);
  onPreferences(apply);
}
