/**
 * Outcome check: checks an attempt's outcome, whoever carried it out: this process, a worker, or an untrusted program.
 * Knows shapes and limits, no step and no run.
 *
 * Invariants:
 *  1. For any value an outcome is returned, and the event that records it is valid.
 *  2. The result is a copy as plain data: nobody who keeps the value can change what will be recorded.
 *  3. A failure stays a failure, with its text shortened if it is long: only what cannot be understood is replaced.
 */
import {
  type Check,
  anything,
  finite,
  flag,
  listOf,
  literal,
  object,
  oneOf,
  optional,
  tagged,
  text,
} from "../base/check.ts";
import { defined } from "../base/defined.ts";
import { type Json, toJson } from "../base/json.ts";
import { AGENT_CLASSES, type AgentClass, type AgentDetails, type Outcome, type StopReason } from "./attempt.ts";
import { stepErrorCheck, tokensCheck, usageCheck } from "./event-schema.ts";

/** Largest output that the journal takes, in bytes of JSON text. */
export const MAX_OUTPUT_BYTES: number = 1 << 20;

/** Characters of a text that people read: an error's message, a question. */
export const MAX_OUTCOME_TEXT = 65_536;

/** Answers to choose from, and steps that one attempt may add. */
const MAX_OPTIONS = 100;
const MAX_STEPS = 100_000;

/** The value as an outcome; a failure that says why, where it is none. */
export function checkOutcome(value: unknown): Outcome {
  try {
    return bareSuccess(value) ?? read(value);
  } catch {
    // A getter or a proxy of the user's code threw: what it threw is not to be believed either.
    return failed("error", "the attempt's outcome cannot be read");
  }
}

/** Most outcomes: a success that gives nothing, or a flag or a number. There is nothing in it to check. */
function bareSuccess(value: unknown): Outcome | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { kind, output, ...others } = value as { readonly kind?: unknown; readonly output?: unknown };
  if (kind !== "succeeded" || Object.keys(others).length > 0) return undefined;
  const isBare = output === null || typeof output === "boolean" || Number.isFinite(output);
  return isBare ? { kind, output: output as Json } : undefined;
}

function read(value: unknown): Outcome {
  const data = toJson(value, "outcome");
  if (!data.ok) return failed("output", `the attempt's outcome cannot be recorded: ${data.error}`);
  const written: string | undefined = JSON.stringify(data.value);
  const plain: unknown = written === undefined ? null : JSON.parse(written);
  const problem = outcome.test(plain);
  if (problem !== undefined)
    return failed("error", `the attempt's outcome cannot be understood: outcome${spaced(problem)}`);
  return bounded(plain as Outcome, written);
}

/** `written`: the whole outcome as text, no shorter than its output. */
function bounded(plain: Outcome, written: string): Outcome {
  switch (plain.kind) {
    case "succeeded": {
      if (written.length > MAX_OUTPUT_BYTES / LONGEST_CHARACTER) {
        const bytes = Buffer.byteLength(JSON.stringify(plain.output));
        if (bytes > MAX_OUTPUT_BYTES) return failed("output", tooLarge(bytes));
      }
      const added = plain.steps?.length ?? 0;
      return added <= MAX_STEPS ? plain : failed("output", `it adds ${added} steps; an attempt may add ${MAX_STEPS}`);
    }
    case "failed": {
      const { message, output } = plain.error;
      const bound = { message: cut(message), output: output === undefined ? undefined : cut(output) };
      return { ...plain, error: defined({ ...plain.error, ...bound }) };
    }
    case "unresolved": {
      const question = cut(plain.question);
      if (plain.options === undefined) return { ...plain, question };
      return { ...plain, question, options: plain.options.slice(0, MAX_OPTIONS).map(cut) };
    }
    case "stopped":
      return plain;
  }
}

/** Bytes of UTF-8 that one character of a JSON text takes at most. */
const LONGEST_CHARACTER = 3;

function tooLarge(bytes: number): string {
  return `the output has ${bytes} bytes of JSON; at most ${MAX_OUTPUT_BYTES} are allowed: write it to a file and output the file's name`;
}

function cut(long: string): string {
  return long.length <= MAX_OUTCOME_TEXT ? long : `${long.slice(0, MAX_OUTCOME_TEXT)} (cut)`;
}

/** A problem begins with its path, or with a verb. */
function spaced(problem: string): string {
  return problem.startsWith(".") || problem.startsWith("[") ? problem : ` ${problem}`;
}

function failed(code: "error" | "output", message: string): Outcome {
  return { kind: "failed", error: { code, message: cut(message) } };
}

const json: Check<Json> = anything("a JSON value", (value) => value !== undefined);
const anyList: Check<readonly unknown[]> = anything("a list", (value) => Array.isArray(value));
const agentClass = oneOf(
  Object.fromEntries(AGENT_CLASSES.map((name) => [name, true])) as Readonly<Record<AgentClass, true>>,
);

const agent: Check<AgentDetails> = object({
  agent: text,
  provider: text,
  class: optional(agentClass),
  retryable: optional(flag),
  sessionId: optional(text),
  model: optional(text),
  usage: optional(tokensCheck),
  usd: optional(finite),
  rawUsage: optional(json),
  totals: optional(
    object<NonNullable<AgentDetails["totals"]>>({ usage: optional(tokensCheck), usd: optional(finite) }),
  ),
  rateLimit: optional(
    object<NonNullable<AgentDetails["rateLimit"]>>({ provider: text, retryAfterMs: optional(finite) }),
  ),
  promptHash: optional(text),
  sandbox: oneOf<AgentDetails["sandbox"]>({ bubblewrap: true, none: true }),
  needsInput: optional(flag),
});

const beside = { usage: optional(usageCheck), agent: optional(agent) };

const outcome = tagged<"kind", Outcome>("kind", {
  succeeded: object({ kind: literal("succeeded"), output: json, steps: optional(anyList), ...beside }),
  failed: object({ kind: literal("failed"), error: stepErrorCheck, ...beside }),
  unresolved: object({
    kind: literal("unresolved"),
    about: oneOf<"conflict" | "question">({ conflict: true, question: true }),
    question: text,
    options: optional(listOf(text)),
    ...beside,
  }),
  stopped: object({
    kind: literal("stopped"),
    reason: oneOf<StopReason>({
      cancel: true,
      "fail-fast": true,
      "run-timeout": true,
      "step-timeout": true,
      timeout: true,
      memory: true,
    }),
    abandoned: optional(literal(true)),
    ...beside,
  }),
});
