/** Test kit (`heddle/testing`): runs plans in memory, on a fake clock, with fake commands, agents and people. */
export { asks, fails, hangs, succeeds } from "./fake-attempt.ts";
export { testRun } from "./test-run.ts";

export type { Fake, FakeAttempt, FakeCall, FakeFailure, FakeFunction, Takes } from "./fake-attempt.ts";
export type { Fakes } from "./fake-machine.ts";
export type { TestAttempt, TestResult, TestStep } from "./test-result.ts";
export type { FakeAnswer, ResumableResult, RunInTest, TestRunOptions, TestScript } from "./test-run.ts";
