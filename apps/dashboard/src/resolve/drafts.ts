/** Drafts: what was decided in a file of which not all is decided yet. Kept for this tab, so that a reload loses nothing. */
import type { Hunk } from "./result-text.ts";

export interface Draft {
  readonly text: string;
  readonly hunks: readonly Pick<Hunk, "from" | "to" | "state">[];
}

/** Which file of which conflict: another head or other work is another one. */
export interface DraftOf {
  readonly project: string;
  readonly run: string;
  readonly step: string;
  readonly file: string;
  readonly head: string;
  readonly captured: string;
}

const STATES: ReadonlySet<unknown> = new Set(["open", "ours", "theirs", "both", "edited"]);

export function readDraft(of: DraftOf, hunks: readonly Hunk[]): Draft | undefined {
  try {
    const value = JSON.parse(sessionStorage.getItem(keyOf(of)) ?? "") as Partial<Draft>;
    const { text, hunks: places } = value;
    if (typeof text !== "string" || !Array.isArray(places) || places.length !== hunks.length) return undefined;
    let at = 0;
    for (const { from, to, state } of places) {
      if (!Number.isInteger(from) || !Number.isInteger(to) || from < at || to < from || !STATES.has(state))
        return undefined;
      at = to;
    }
    return at <= text.length ? { text, hunks: places } : undefined;
  } catch {
    return undefined;
  }
}

export function writeDraft(of: DraftOf, { text, hunks }: Draft): void {
  try {
    const places = hunks.map(({ from, to, state }) => ({ from, to, state }));
    sessionStorage.setItem(keyOf(of), JSON.stringify({ text, hunks: places }));
  } catch {
    // No room for it: it is kept while the page is shown.
  }
}

export function dropDraft(of: DraftOf): void {
  sessionStorage.removeItem(keyOf(of));
}

function keyOf({ project, run, step, file, head, captured }: DraftOf): string {
  return `heddle.draft ${JSON.stringify([project, run, step, file, head, captured])}`;
}
