/** The masker of outcomes: every text of every outcome, so that a new field is not forgotten. */
import { expect, test } from "vitest";
import { present } from "../../src/base/assert.ts";
import { masker } from "../../src/base/mask.ts";
import type { Outcome } from "../../src/run/attempt.ts";
import { maskOutcome } from "../../src/run/mask-outcome.ts";

const SECRET = "s3cr3t-value";
const said = `said ${SECRET}`;

const OUTCOMES: readonly Outcome[] = [
  { kind: "succeeded", output: { [said]: [said] }, steps: [{ id: "x", run: said }] as never },
  { kind: "failed", error: { code: "exit", message: said, output: said } },
  { kind: "unresolved", about: "question", question: said, options: [said] },
];

test.each(OUTCOMES)("$kind holds no secret", (outcome) => {
  const text = JSON.stringify(maskOutcome(outcome, present(masker([SECRET]), "a masker")));
  expect(text.split("said").length).toBe(JSON.stringify(outcome).split("said").length);
  expect(text).not.toContain(SECRET);
});
