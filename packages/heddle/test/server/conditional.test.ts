/** Conditional requests: a client is told that nothing is new only where nothing is. */
import { expect, test } from "vitest";
import { answered } from "../../src/server/asked-run.ts";
import type { RunStatus } from "../../src/run/status.ts";

function statusFor(status: RunStatus, known: string): number {
  const headers = new Headers({ "if-none-match": known });
  const answer = answered({ status }, { run: "r1", seq: 7, status }, headers);
  return answer.status;
}

test.each<[RunStatus, string, number]>([
  ["running", '"r1-7"', 304],
  ["succeeded", '"r1-7"', 304],
  ["running", '"r1-6", "r1-7"', 304],
  ["running", '"r1-6"', 200],
  // The engine died after event 7: no event says so, and who has `"r1-7"` may have seen the run go on.
  ["interrupted", '"r1-7"', 200],
])("a run that is %s at event 7, to a client that has %s: %i", (status, known, expected) => {
  expect(statusFor(status, known)).toBe(expected);
});
