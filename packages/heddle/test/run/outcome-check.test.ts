/** Whatever comes back from an attempt, it becomes an outcome that the journal takes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { messageOf } from "../../src/base/errors.ts";
import type { Outcome } from "../../src/run/attempt.ts";
import { checkOutcome, MAX_OUTCOME_TEXT, MAX_OUTPUT_BYTES } from "../../src/run/outcome-check.ts";
import { hostileOutcomes, SOUND_OUTCOMES, TRAPS } from "../support/hostile-outcomes.ts";

/** What must be there of an agent. */
const agent = { agent: "claude", provider: "anthropic", sandbox: "none" } as const;

function failureOf(value: unknown): { readonly code: string; readonly message: string } {
  const outcome = checkOutcome(value);
  if (outcome.kind !== "failed") throw new Error(`taken for ${outcome.kind}`);
  return outcome.error;
}

describe("the check of an outcome", () => {
  test("takes every sound outcome as it is, and as data of its own", () => {
    for (const outcome of SOUND_OUTCOMES) expect(checkOutcome(outcome)).toStrictEqual(outcome);
    const list = [1];
    const taken = checkOutcome({ kind: "succeeded", output: list });
    list.push(2);
    expect(taken).toStrictEqual({ kind: "succeeded", output: [1] });
  });

  test("takes absent members for absent, and nothing for null", () => {
    expect(checkOutcome({ kind: "succeeded", output: { a: undefined }, steps: undefined })).toStrictEqual({
      kind: "succeeded",
      output: {},
    });
  });

  test.each([
    [undefined, "error", "outcome is not an object"],
    [{ kind: "done" }, "error", "outcome.kind is not one of succeeded, failed, unresolved, stopped"],
    [{ kind: "succeeded" }, "error", "outcome.output is absent"],
    [{ kind: "succeeded", output: 1, steps: {} }, "error", "outcome.steps is not a list"],
    [{ kind: "succeeded", output: 1, more: 1 }, "error", "outcome.more is unknown"],
    [
      { kind: "failed", error: { code: "zombie", message: "" } },
      "error",
      "outcome.error.code is not one of error, exit",
    ],
    [{ kind: "failed", error: { code: "exit", message: 5 } }, "error", "outcome.error.message is not a string"],
    [{ kind: "stopped", reason: "tired" }, "error", "outcome.reason is not one of"],
    [
      { kind: "stopped", reason: "cancel", agent: { ...agent, sandbox: "jail" } },
      "error",
      "outcome.agent.sandbox is not one of",
    ],
    [
      { kind: "succeeded", output: { n: Number.NaN } },
      "output",
      "outcome.output.n is NaN, which JSON cannot represent",
    ],
    [{ kind: "succeeded", output: 1n }, "output", "outcome.output is a bigint"],
    [{ kind: "succeeded", output: 1, steps: [() => 1] }, "output", "outcome.steps[0] is a function"],
    [{ kind: "succeeded", output: new Date(0) }, "output", "outcome.output is a Date"],
  ])("says what is wrong with %o", (value, code, message) => {
    expect(failureOf(value)).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  test("takes outputs up to 1 MiB of JSON, in bytes", () => {
    const fits = "é".repeat((MAX_OUTPUT_BYTES - 2) / 2);
    expect(checkOutcome({ kind: "succeeded", output: fits })).toStrictEqual({ kind: "succeeded", output: fits });
    expect(failureOf({ kind: "succeeded", output: `${fits}.` })).toMatchObject({
      code: "output",
      message: `the output has ${MAX_OUTPUT_BYTES + 1} bytes of JSON; at most ${MAX_OUTPUT_BYTES} are allowed: write it to a file and output the file's name`,
    });
    // Steps that it adds do not count as output.
    const steps = Array.from({ length: 40_000 }, (_, index) => ({ id: `step-${index}`, run: "true" }));
    expect(checkOutcome({ kind: "succeeded", output: "small", steps })).toMatchObject({ kind: "succeeded" });
    expect(
      failureOf({ kind: "succeeded", output: 1, steps: Array.from({ length: 100_001 }, () => 0) }).message,
    ).toContain("100001 steps");
  });

  test("cuts long texts and keeps what they are of", () => {
    const long = "x".repeat(MAX_OUTCOME_TEXT + 1);
    expect(checkOutcome({ kind: "failed", error: { code: "exit", message: long, exitCode: 9 } })).toMatchObject({
      error: { code: "exit", exitCode: 9, message: `${"x".repeat(MAX_OUTCOME_TEXT)} (cut)` },
    });
    const asked = {
      kind: "unresolved",
      about: "question",
      question: long,
      options: Array.from({ length: 200 }, () => long),
    };
    const { question, options } = checkOutcome(asked) as Extract<Outcome, { kind: "unresolved" }>;
    expect([question.length, options?.length, options?.[0]?.length]).toEqual([65_542, 100, 65_542]);
  });
});

test("of anything at all is sound, and is its own when checked again", () => {
  fc.assert(
    fc.property(hostileOutcomes, (make) => {
      const outcome = checkOutcome(make());
      expect(checkOutcome(outcome)).toStrictEqual(outcome);
    }),
    { numRuns: 2000 },
  );
});

test("what was thrown has a text, whatever it is", () => {
  for (const make of TRAPS) expect(typeof messageOf(make())).toBe("string");
  class Sly extends Error {
    override get message(): string {
      throw new Error("no");
    }
  }
  expect(messageOf(new Sly())).toBe("[object Error]");
  expect(messageOf(Object.assign(new Error("x"), { message: 5 }))).toBe("5");
});
