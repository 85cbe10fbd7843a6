/** Outcomes as a broken or hostile backend could hand them in: made when asked for, since some do harm when they are looked at. */
import fc from "fast-check";
import type { Outcome } from "../../src/run/attempt.ts";

const agent = { agent: "claude", provider: "anthropic", sandbox: "none" } as const;

/** One of each kind, as full as it may be. */
export const SOUND_OUTCOMES: readonly Outcome[] = [
  { kind: "succeeded", output: { a: [1, "two", null] }, steps: [{ id: "x", run: "true" }], usage: { peakMemoryMb: 3 } },
  {
    kind: "succeeded",
    output: null,
    agent: {
      ...agent,
      class: "auth",
      retryable: false,
      sessionId: "s",
      model: "m",
      usage: { input: 1 },
      usd: 0.1,
      rawUsage: { any: [1] },
      totals: { usage: { output: 2 }, usd: 1 },
      rateLimit: { provider: "anthropic", retryAfterMs: 5 },
      promptHash: "h",
      needsInput: true,
    },
  },
  { kind: "failed", error: { code: "exit", message: "no", exitCode: 3, signal: "SIGTERM", class: "x", final: true } },
  { kind: "unresolved", about: "question", question: "which?", options: ["a", "b"], agent },
  { kind: "stopped", reason: "memory", abandoned: true, usage: { cpuMs: 4 } },
];

function throws(): never {
  throw new Error("no");
}

/** Makers of values that do harm when they are looked at. */
export const TRAPS: readonly (() => unknown)[] = [
  () => ({
    get kind(): string {
      return throws();
    },
  }),
  () => new Proxy({}, { get: throws, getPrototypeOf: throws, ownKeys: throws, has: throws }),
  () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    return loop;
  },
  () => {
    let deep: unknown = 1;
    for (let depth = 0; depth < 20_000; depth++) deep = [deep];
    return deep;
  },
  () => Object.assign([1], { toJSON: () => undefined }),
  () => Object.assign([1], { toJSON: throws }),
  () => JSON.parse('{"__proto__": {"kind": "succeeded", "output": 1}}'),
  () => ({ toString: 5, valueOf: throws, toJSON: 3 }),
  () => Symbol("s"),
  () => 1n,
  () => new Date(Number.NaN),
  () => new Map([[1, 2]]),
  () => "\u0000\ud800",
  () => -0,
  () => Number.NaN,
];

const anything: fc.Arbitrary<() => unknown> = fc.oneof(
  fc.anything({ withNullPrototype: true }).map((value) => () => value),
  fc.constantFrom(...TRAPS),
);

const MEMBERS = [
  "kind",
  "output",
  "steps",
  "error",
  "reason",
  "question",
  "options",
  "usage",
  "agent",
  "more",
] as const;

/** Makers of anything at all, or of an outcome with members of another kind in it. */
export const hostileOutcomes: fc.Arbitrary<() => unknown> = fc.oneof(
  anything,
  fc
    .tuple(
      fc.constantFrom(...SOUND_OUTCOMES),
      fc.array(fc.tuple(fc.constantFrom(...MEMBERS), anything), { maxLength: 3 }),
    )
    .map(([of, broken]) => () => ({ ...of, ...Object.fromEntries(broken.map(([name, make]) => [name, make()])) })),
);
