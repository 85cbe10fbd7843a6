/** Reasons in words: each kind has some of its own. */
import { expect, test } from "vitest";
import { REASON_KINDS, type Reason } from "../../../../packages/heddle/src/run/reasons.ts";
import { reasonWords, stepLine } from "../../src/steps/reason-text.ts";
import { row } from "./rows.ts";

test("every kind of reason has words of its own", () => {
  const words = REASON_KINDS.map((kind) => reasonWords({ kind }, 0));
  expect(new Set(words).size).toBe(REASON_KINDS.length);
  expect(words).not.toContain("waits");
});

test.each<[Reason, string]>([
  [{ kind: "slot", have: 0, want: 1, of: 4 }, "waits for a worker: 4 of 4 in use"],
  [{ kind: "pool", resource: "gpu", have: 0, want: 2, of: 3 }, "waits for 2 gpu: 0 of 3 free"],
  [{ kind: "memory", used: 12_000, limit: 8192 }, "waits for memory: 12,000 MB in use, the limit is 8,192 MB"],
  [{ kind: "retry-delay", until: 13_000 }, "next attempt in 12 s"],
  [{ kind: "retry-delay", until: 900 }, "next attempt now"],
  [{ kind: "person", until: 61_000 }, "waits for an answer, 1:00 left"],
  [{ kind: "layer", have: 2, want: 3 }, "waits for layer 2 to end"],
])("%j", (reason, words) => expect(reasonWords(reason, 1000)).toBe(words));

test.each([
  [row("a", { note: "exit code 3" }), [], "exit code 3"],
  [row("a", { status: "retrying", note: "exit code 3" }), [{ kind: "turn" }], "is next · exit code 3"],
  [row("a"), [{ kind: "deps", steps: ["b", "c", "d", "e", "f"] }], "waits for b, c, d and 2 more"],
  [row("a"), [{ kind: "slot" }, { kind: "lock", lock: "db" }], "waits for a worker; waits for the lock db"],
  [row("a"), [], undefined],
] as const)("the line of %j", (step, reasons, line) => expect(stepLine(step, reasons, 0)).toBe(line));
