/**
 * Fake attempts: what a step does in a test instead of its real work. Plain values, and functions that are called in place of
 * commands, functions and agents. Knows no engine.
 */
import { parseDuration } from "../base/duration.ts";
import { HeddleError } from "../base/errors.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { StepError } from "../run/event.ts";

const FAKE: unique symbol = Symbol.for("heddle.fake.1");

/** What one attempt does: made by `succeeds`, `fails`, `hangs` and `asks`. */
export interface FakeAttempt {
  /** Only these functions make one. */
  readonly [FAKE]: unknown;
}

export type FakeScript =
  | { readonly kind: "succeeds"; readonly output: Json; readonly takesMs: number }
  | { readonly kind: "fails"; readonly error: FakeFailure; readonly takesMs: number }
  | { readonly kind: "hangs" }
  | {
      readonly kind: "asks";
      readonly question: string;
      readonly options?: readonly string[];
      readonly takesMs: number;
    };

/** How long an attempt takes. */
export interface Takes {
  /** On the fake clock, as in `"10m"`, or a number of seconds; default: no time. */
  readonly takes?: string | number;
}

/** How an attempt fails. */
export interface FakeFailure {
  /** For people; default: `it failed`. */
  readonly message?: string;
  /** The class of the failure, as in `retry: { on: [...] }`; default: `exit` of commands, else `error`. */
  readonly code?: StepError["code"];
  /** Of a command: which exit code, among the steps that have one; default: 1. */
  readonly exitCode?: number;
  /** Of an agent, as in `rate-limit`; default: none. */
  readonly class?: string;
}

/** What a step did in place of its work was called with. */
export interface FakeCall {
  /** The step's id. */
  readonly step: string;
  /** From 1; 0: this is the step's `undo`. */
  readonly attempt: number;
  /** What is faked; `verify` and `undo` are commands of a step. */
  readonly kind: "command" | "call" | "function" | "agent" | "verify" | "undo";
  /** A function's inputs by name; of others the outputs of their deps by id. */
  readonly inputs: Readonly<Record<string, Json>>;
  /** Values of the plan's parameters. */
  readonly params: JsonObject;
  /** The item of a `forEach`, else `undefined`. */
  readonly item: Json | undefined;
  /** Environment variables that the plan sets, templates filled in. */
  readonly env: Readonly<Record<string, string>>;
  /** Of a command; absent: it is none. */
  readonly command?: string;
  /** What an agent is asked, templates filled in; absent: it is no agent. */
  readonly prompt?: string;
  /** What an agent was answered in earlier attempts, the latest last; absent: it is no agent. */
  readonly answers?: readonly string[];
  /** Aborted when the attempt is stopped. */
  readonly signal: AbortSignal;
}

/** Called in place of the step's work: what it returns is the output, what it throws the failure. It may return a fake attempt too. */
export type FakeFunction = (call: FakeCall) => unknown;

/** For each attempt, or one after another by attempt; the last stands for all that follow. */
export type Fake = FakeAttempt | FakeFunction | readonly (FakeAttempt | FakeFunction)[];

/** The attempt succeeds with `output`. */
export function succeeds(output: Json = null, { takes }: Takes = {}): FakeAttempt {
  return fake({ kind: "succeeds", output, takesMs: ms(takes) });
}

/** The attempt fails. */
export function fails(failure: string | FakeFailure = {}, { takes }: Takes = {}): FakeAttempt {
  return fake({
    kind: "fails",
    error: typeof failure === "string" ? { message: failure } : failure,
    takesMs: ms(takes),
  });
}

/** The attempt goes on until it is stopped: by its timeout, a cancel, fail-fast. */
export function hangs(): FakeAttempt {
  return fake({ kind: "hangs" });
}

/** An agent's attempt ends with a question to a person; the next attempt is told the answer. */
export function asks(question: string, options: readonly string[] = [], { takes }: Takes = {}): FakeAttempt {
  const choices = options.length === 0 ? {} : { options };
  return fake({ kind: "asks", question, ...choices, takesMs: ms(takes) });
}

/** `undefined`: the value is no fake attempt. */
export function scriptOf(value: unknown): FakeScript | undefined {
  return typeof value === "object" && value !== null && FAKE in value
    ? ((value as FakeAttempt)[FAKE] as FakeScript)
    : undefined;
}

function fake(script: FakeScript): FakeAttempt {
  return Object.freeze({ [FAKE]: script });
}

/** Milliseconds of what a test wrote. */
export function ms(duration: string | number | undefined): number {
  const parsed = duration === undefined ? 0 : parseDuration(duration);
  if (parsed !== undefined) return parsed;
  throw new HeddleError({
    code: "InvalidOption",
    message: `${JSON.stringify(duration)} is not a duration`,
    hint: 'Write it as "500ms", "30s", "10m", "2h", or as a number of seconds.',
  });
}
