/** Next link: the header that names the next page of what was asked for. */
import type { Call } from "./route.ts";

export function nextLink({ target }: Pick<Call, "target">, next: string | undefined): Readonly<Record<string, string>> {
  if (next === undefined) return {};
  const url = new URL(target, "http://localhost");
  url.searchParams.set("cursor", next);
  return { link: `<${url.pathname}${url.search}>; rel="next"` };
}
