/** Why a row misses its bar, for the page; printed only where it does. */
export const REASONS: Readonly<Record<string, string>> = {};
