/** Search parameters: plain texts in the address, so that `?step=1` is a step with the name `1` and no number. */

export type SearchTexts = { readonly [name: string]: string };

export function parseSearch(text: string): SearchTexts {
  return Object.fromEntries(new URLSearchParams(text));
}

export function stringifySearch(search: { readonly [name: string]: unknown }): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(search))
    if (value !== undefined && value !== "") params.set(name, String(value));
  return params.size === 0 ? "" : `?${params.toString()}`;
}

/** A whole number from `least` on; `undefined`: it is none. */
export function wholeNumber(text: unknown, least = 0): number | undefined {
  const number = typeof text === "string" || typeof text === "number" ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) && number >= least && text !== "" ? number : undefined;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function oneOf<T extends string>(known: readonly T[], value: unknown): T | undefined {
  return known.find((one) => one === value);
}
