/**
 * Control requests: what people and other processes can ask of a run, and the check of requests from outside. Knows no
 * journal and no engine.
 *
 * Invariants:
 *  1. Nothing from outside this process is a {@link ControlRequest} before {@link checkControlRequest} accepted it.
 *  2. What is accepted can be recorded: every text is a string, at most {@link MOST_TEXT} long.
 */
import {
  anything,
  type Check,
  finite,
  inside,
  object,
  oneOf,
  optional,
  positive,
  tagged,
  literal,
} from "../base/check.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { AnswerDecision, OpenQuestion, Resolution } from "./event.ts";
import { toJson, type Json } from "../base/json.ts";
import type { Problem } from "../base/errors.ts";
import type { RunStatus } from "./status.ts";
import type { Landing } from "./attempt.ts";

export type Answer = {
  readonly decision: AnswerDecision;
  readonly by: string;
  readonly comment?: string;
  /** About a conflict: whose side is taken, or that the worktree holds the solution. */
  readonly choice?: Resolution;
};

/** What `cancel`, `pause`, `unpause`, `concurrency`, `approve`, `reject`, `resolve` and `signal` ask of the run's engine. */
export type ControlRequest =
  | { readonly kind: "cancel" }
  | { readonly kind: "pause"; readonly reason: string }
  | { readonly kind: "unpause" }
  /** `askedAt`: time of the question that its sender saw, and no other is answered; absent: whichever is open. */
  | ({ readonly kind: "answer"; readonly step: string; readonly askedAt?: number } & Answer)
  | ({ readonly kind: "signal" } & Signal)
  | ({ readonly kind: "set-concurrency" } & ConcurrencyChange);

/** How many steps of a run under way may be at work at once, from now on. */
export interface ConcurrencyChange {
  /** At least 1. */
  readonly maxConcurrency: number;
  readonly by: string;
}

/** A word from outside, for the step that waits for its name. */
export interface Signal {
  readonly signal: string;
  readonly value: Json;
  readonly by: string;
  /** Of this sending: one that arrives twice counts once. */
  readonly id: string;
}

/** Characters of one text; it is recorded as it is, and shown to people. */
const MOST_TEXT = 64 * 1024;

const bounded: Check<string> = {
  test(value) {
    if (typeof value !== "string") return "is not a string";
    return value.length > MOST_TEXT ? `is longer than ${MOST_TEXT} characters` : undefined;
  },
};

/** Characters of a signal's value as JSON: it becomes an output. */
const MOST_VALUE = 1024 * 1024;

const value: Check<Json> = anything("JSON of at most 1 MiB", (member) => {
  const json = toJson(member, "the value");
  return json.ok && JSON.stringify(json.value).length <= MOST_VALUE;
});

const request = tagged<"kind", ControlRequest>("kind", {
  cancel: object<Extract<ControlRequest, { kind: "cancel" }>>({ kind: literal("cancel") }),
  pause: object<Extract<ControlRequest, { kind: "pause" }>>({ kind: literal("pause"), reason: bounded }),
  unpause: object<Extract<ControlRequest, { kind: "unpause" }>>({ kind: literal("unpause") }),
  answer: object<Extract<ControlRequest, { kind: "answer" }>>({
    kind: literal("answer"),
    step: bounded,
    askedAt: optional(finite),
    decision: oneOf<AnswerDecision>({ approve: true, reject: true }),
    by: bounded,
    comment: optional(bounded),
    choice: optional(oneOf<Resolution>({ ours: true, theirs: true, continue: true })),
  }),
  signal: object<Extract<ControlRequest, { kind: "signal" }>>({
    kind: literal("signal"),
    signal: bounded,
    value,
    by: bounded,
    id: bounded,
  }),
  "set-concurrency": object<Extract<ControlRequest, { kind: "set-concurrency" }>>({
    kind: literal("set-concurrency"),
    maxConcurrency: positive,
    by: bounded,
  }),
});

/** The error is one sentence: what is wrong, and where. One that a newer version knows is refused too. */
export function checkControlRequest(value: unknown): Result<ControlRequest, string> {
  const problem = request.test(value);
  return problem === undefined ? ok(value as ControlRequest) : err(inside("the request", problem));
}

export interface RunOutcome {
  readonly run: string;
  /** `waiting`: the run needs people's answers or signals; a resume continues it. */
  readonly status: Exclude<RunStatus, "running" | "paused" | "interrupted">;
  /** Outputs of succeeded steps by id. */
  readonly outputs: Readonly<Record<string, Json>>;
  /** Why the engine stopped before the run's end (a full disk, a lost lease), if it did. */
  readonly stopped?: Problem;
  /** Where the work of agents is. */
  readonly landing?: Landing;
}

/**
 * What is wrong with an answer to this question: an agent's question needs words as its answer, a conflict needs more than
 * an approval, and nothing else has a side to take. `target`: run and step, as a command names them.
 */
export function answerProblem(question: OpenQuestion, answer: Answer, target: string): Problem | undefined {
  const { decision, comment, choice } = answer;
  if (choice !== undefined && question.about !== "conflict")
    return invalidAnswer("there is no conflict to resolve", `Use \`heddle approve ${target}\`, or \`heddle reject\`.`);
  if (decision === "reject") return undefined;
  if (question.about === "conflict" && choice === undefined) {
    const hint = `Use \`heddle resolve ${target}\` with --ours, --theirs or --continue.`;
    return invalidAnswer("this is a conflict: approving it does not say how to resolve it", hint);
  }
  if (question.about !== "question" || comment !== undefined) return undefined;
  const { options = [] } = question;
  const choices = options.length === 0 ? "" : ` (${options.map((option, at) => `${at + 1}: ${option}`).join(", ")})`;
  return invalidAnswer(
    `an agent asks: ${oneLine(question.question)}${oneLine(choices)}`,
    `Answer with \`heddle approve ${target} --comment "..."\`, or fail the step with \`heddle reject ${target}\`.`,
  );
}

function invalidAnswer(message: string, hint: string): Problem {
  return { code: "InvalidAnswer", message, hint };
}

/** Text of an agent's, in a sentence of ours. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, " ");
}

/** `problem`: as the check of control requests says it. */
export function invalidRequest(problem: string): Problem {
  return {
    code: "InvalidRequest",
    message: `invalid request: ${problem}`,
    hint: "Nothing was recorded. Correct the request and send it again.",
  };
}
