/** Work is measured from the commit that its step began at, whatever the agent did to HEAD. */
import { describe, expect, test } from "vitest";
import type { MergeMode } from "../../src/git/types.ts";
import { HISTORY_ENDINGS, endHistory } from "./history-endings.ts";

const MODES: readonly MergeMode[] = ["squash", "merge", "rebase"];

/** All modes in the nightly, one of them each time in `npm test`. */
function modesOf(at: number): readonly MergeMode[] {
  return process.env["HEDDLE_TIER"] === "nightly" ? MODES : MODES.filter((_, index) => index === at % MODES.length);
}

describe("an agent that", () => {
  for (const [at, [name, ending]] of Object.entries(HISTORY_ENDINGS).entries())
    for (const mode of modesOf(at))
      for (const hasOthers of [true, ...(process.env["HEDDLE_TIER"] === "nightly" ? [false] : [])])
        test(`${name} (${mode}${hasOthers ? ", others merged meanwhile" : ""})`, async () => {
          const { capture, outcome, trees, lost } = await endHistory(ending, { mode, hasOthers });
          expect(outcome.kind).toBe("merged");
          expect(trees[0]).toBe(trees[1]);
          expect(lost).toBe("");
          if (hasOthers) expect(capture.isOnBase).toBe(ending.isMoved !== true);
        });
});
