/** One sound event of every type, as full as its type allows. */
import type { Event, EventBody, EventOf, EventType } from "../../src/run/event.ts";
import type { Plan } from "../../src/plan/plan.ts";

const inner: Plan = { name: "inner", steps: [{ id: "x", action: { kind: "run", command: "true" } }] };

const plan: Plan = {
  name: "all",
  description: "every member",
  params: { env: "staging" },
  paramSpecs: { env: { type: "string", enum: ["staging", "production"], default: "staging", description: "where" } },
  maxConcurrency: 4,
  maxAgents: 3,
  schedule: "layers",
  failure: "continue",
  rollback: "all",
  timeoutMs: 1000,
  graceMs: 100,
  resources: { cpu: 4 },
  limits: { maxMemoryMb: 1, maxCpuPercent: 80 },
  budget: { usd: 20, onReached: "pause" },
  agents: { default: "claude" },
  steps: [
    {
      id: "a",
      description: "d",
      labels: ["l"],
      acceptance: ["c"],
      action: { kind: "call", module: "./m.ts", export: "build", with: { n: 1 } },
      if: "true",
      reads: [],
      forEach: { items: [1, 2], maxConcurrency: 1 },
      group: "g",
      env: { A: "b" },
      envMode: "strict",
      passEnv: ["HOME"],
      secrets: ["TOKEN"],
      cwd: ".",
      shell: "bash",
      isolate: true,
      inputs: ["**"],
      outputs: ["out"],
      cache: true,
      writes: ["src"],
      timeoutMs: 1,
      totalTimeoutMs: 2,
      graceMs: 3,
      retry: { attempts: 2, delayMs: 1, factor: 2, maxDelayMs: 10, jitter: 0.1, on: ["exit", "timeout"] },
      resources: { cpu: 1 },
      locks: { read: ["r"], write: ["w"] },
      limits: { maxMemoryMb: 10 },
      optional: true,
      onInterrupt: "ask",
      undo: "true",
      verify: ["true"],
      priority: -1,
      estimateMs: 5,
      output: { type: "object" },
    },
    { id: "b", action: { kind: "function", source: "hash", needs: { a: "a" }, schema: true }, deps: ["a"] },
    { id: "c", action: { kind: "agent", prompt: "p", options: { model: "auto" } }, after: ["a"] },
    { id: "d", action: { kind: "approve", question: "?", onTimeout: "approve" } },
    { id: "e", action: { kind: "plan", plan: inner, params: { a: 1 } } },
    { id: "f", action: { kind: "plan", file: "./x.yaml" } },
  ],
};
const options = {
  maxConcurrency: 2,
  maxAgents: 1,
  schedule: "ready",
  failure: "fail-fast",
  rollback: "none",
  sequential: true,
  timeoutMs: 10,
  planFile: "heddle.yaml",
} as const;
const error = { code: "exit", message: "exit 1", exitCode: 1, signal: "SIGTERM" } as const;
const usage = { peakMemoryMb: 1.5, cpuMs: 2 };

const BODIES: { readonly [T in EventType]: Extract<EventBody, { readonly type: T }> } = {
  "run.created": {
    type: "run.created",
    data: { plan, options, engine: "0.1.0", gitHead: "abc", branch: "main", begin: "abd", from: "r0" },
  },
  "run.started": { type: "run.started", data: {} },
  "run.resumed": { type: "run.resumed", data: { engine: "0.1.0", interrupted: ["a"], reset: ["b"], plan, options } },
  "step.started": { type: "step.started", step: "a", attempt: 1, data: { item: null } },
  "step.progress": { type: "step.progress", step: "a", attempt: 1, data: { percent: 50 } },
  "step.succeeded": { type: "step.succeeded", step: "a", attempt: 1, data: { output: null, durationMs: 1, usage } },
  "step.failed": {
    type: "step.failed",
    step: "a",
    attempt: 1,
    data: { error, durationMs: 1, willRetry: true, retryAt: 5, retryDelayMs: 4, usage },
  },
  "step.cancelled": {
    type: "step.cancelled",
    step: "a",
    attempt: 1,
    data: { reason: "cancel", durationMs: 1, abandoned: true },
  },
  "step.skipped": { type: "step.skipped", step: "a", data: { reason: { kind: "dependency", cause: "b" } } },
  "step.cached": { type: "step.cached", step: "a", data: { key: "k", from: "r0", output: [1] } },
  "steps.added": {
    type: "steps.added",
    step: "a",
    data: { kind: "children", steps: inner.steps, items: [1, "two", null], maxConcurrency: 2, params: { a: 1 } },
  },
  "approval.requested": {
    type: "approval.requested",
    step: "a",
    attempt: 1,
    data: { about: "interrupt", question: "?", deadline: 9 },
  },
  "worktree.created": {
    type: "worktree.created",
    step: "a",
    attempt: 1,
    data: { tree: "a", path: "repo/run/a", branch: "heddle/run/a", base: "0".repeat(40), fresh: true },
  },
  "worktree.merged": {
    type: "worktree.merged",
    step: "a",
    attempt: 1,
    data: { branch: "b", commit: "1", onto: "2", captured: "3", ref: "refs/heddle/run/a/1", files: ["a.txt"] },
  },
  "worktree.conflicted": {
    type: "worktree.conflicted",
    step: "a",
    attempt: 1,
    data: { reason: "verify", files: ["a.txt"], head: "1", captured: "2", ref: "r", time: 1, output: "red" },
  },
  "worktree.removed": { type: "worktree.removed", step: "a", attempt: 1, data: { tree: "a", path: "repo/run/a" } },
  "usage.recorded": {
    type: "usage.recorded",
    step: "a",
    attempt: 1,
    data: {
      agent: "claude",
      provider: "anthropic",
      model: "sonnet",
      sessionId: "s",
      promptHash: "h",
      tokens: { input: 1, cachedRead: 2, cacheWrite: 3, output: 4, reasoning: 5 },
      usd: 0.1,
      totals: { usd: 0.1 },
      raw: { x: 1 },
      class: "auth",
      sandbox: "none",
      captured: "1",
      ref: "r",
    },
  },
  "approval.given": {
    type: "approval.given",
    step: "a",
    attempt: 1,
    data: { decision: "reject", by: "me", comment: "no" },
  },
  "rollback.started": { type: "rollback.started", data: { mode: "dependents", steps: ["a"] } },
  "step.rolledback": { type: "step.rolledback", step: "a", data: { durationMs: 1 } },
  "rollback.failed": { type: "rollback.failed", step: "a", data: { error, durationMs: 1 } },
  "rollback.ended": { type: "rollback.ended", data: { undone: 1, failed: 0 } },
  "run.paused": { type: "run.paused", data: { reason: "budget" } },
  "run.unpaused": { type: "run.unpaused", data: {} },
  "run.succeeded": { type: "run.succeeded", data: { durationMs: 1 } },
  "run.failed": { type: "run.failed", data: { durationMs: 1, failed: ["a"], reason: "x" } },
  "run.cancelled": { type: "run.cancelled", data: { durationMs: 1, reason: "run-timeout" } },
  "run.landed": {
    type: "run.landed",
    data: { mode: "ff", integration: "heddle/r1/integration", commits: 2, branch: "main", commit: "abc" },
  },
  "landing.refused": {
    type: "landing.refused",
    data: {
      mode: "merge",
      integration: "heddle/r1/integration",
      commits: 2,
      problem: { code: "C", message: "m", hint: "h" },
    },
  },
};

export const SAMPLES: readonly Event[] = Object.values(BODIES).map((body, at) => ({
  run: "r1",
  seq: at + 1,
  time: 1000 + at,
  ...body,
}));

export function sample<T extends EventType>(type: T): EventOf<T> {
  return SAMPLES.find((event) => event.type === type) as EventOf<T>;
}
