/** The check of control requests: what is let in, what is not, and that nothing makes it throw. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { checkControlRequest, type ControlRequest } from "../../src/run/control.ts";

const GOOD: readonly ControlRequest[] = [
  { kind: "cancel" },
  { kind: "pause", reason: "" },
  { kind: "unpause" },
  { kind: "answer", step: "a/b", decision: "reject", by: "anna" },
  { kind: "answer", step: "a", decision: "approve", by: "anna", comment: "yes\u0000\ud800", choice: "theirs" },
  { kind: "signal", signal: "paid", value: { amount: 1 }, by: "anna", id: "s1" },
  { kind: "set-concurrency", maxConcurrency: 64, by: "anna" },
];

test.each(GOOD)("lets in %j, also after its way through a journal", (request) => {
  expect(checkControlRequest(request)).toEqual({ ok: true, value: request });
  expect(checkControlRequest(JSON.parse(JSON.stringify(request))).ok).toBe(true);
});

test.each([
  [{ kind: "answer", step: "a", decision: "maybe", by: "x" }, "the request.decision is not one of approve, reject"],
  [{ kind: "answer", step: "a", decision: "approve" }, "the request.by is absent"],
  [{ kind: "pause" }, "the request.reason is absent"],
  [{ kind: "pause", reason: "x".repeat(65_537) }, "the request.reason is longer than 65536 characters"],
  [{ kind: "cancel", force: true }, "the request.force is unknown"],
  [{ kind: "stop" }, "the request.kind is not one of cancel, pause, unpause, answer, signal, set-concurrency"],
  [{ kind: "__proto__" }, "the request.kind is not one of cancel, pause, unpause, answer, signal, set-concurrency"],
  [{ kind: "signal", signal: "go", value: null, by: "x" }, "the request.id is absent"],
  [
    { kind: "signal", signal: "go", by: "x", id: "1", value: "x".repeat(1 << 20) },
    "the request.value is not JSON of at most 1 MiB",
  ],
  [{ kind: "set-concurrency", maxConcurrency: 0, by: "x" }, "the request.maxConcurrency is not a whole number from 1"],
  [{ kind: "set-concurrency", maxConcurrency: 2 }, "the request.by is absent"],
  [[], "the request is not an object"],
  [null, "the request is not an object"],
  [undefined, "the request is not an object"],
])("refuses %j", (value, problem) => {
  expect(checkControlRequest(value)).toEqual({ ok: false, error: problem });
});

test("a request that loses or changes one member is what it was, or is refused", () => {
  fc.assert(
    fc.property(fc.constantFrom(...GOOD), fc.string(), fc.anything(), (request, key, value) => {
      const checked = checkControlRequest({ ...request, [key]: value });
      if (checked.ok) expect(Object.keys(request)).toContain(key);
    }),
  );
});
