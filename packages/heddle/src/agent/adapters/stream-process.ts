/**
 * Stream adapter: drives an agent that is a plain command, with the prompt as its input and a parser for its output
 * lines; the end of the process is the end of the turn. Does not know what a line means.
 */
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { type AgentSession, startSession } from "./agent-session.ts";
import { type AgentFailure, shortMessage } from "./failure-class.ts";
import type { Program } from "./program.ts";
import { lineReader } from "./line-reader.ts";
import type { AgentContext, AgentHandle } from "./port.ts";
import type { AgentWorld } from "./process.ts";

/** An agent in its native form. */
export interface NativeAgent {
  readonly id: string;
  readonly provider: string;
  readonly program: Program;
  readonly args: readonly string[];
  readonly env: (context: AgentContext) => Readonly<Record<string, string>>;
  readonly homePaths: readonly string[];
  readonly homeFiles: readonly string[];
  readonly nestsSandbox: boolean;
}

/** Reads one attempt's output. */
export interface OutputParser {
  /** One line; must not throw. */
  line(text: string, attempt: AgentSession): void;
  /** The last message so far. */
  text(): string;
  /** The command ended with `code`. */
  verdict(code: number, lastWords: string): AgentFailure | "done" | undefined;
}

export interface HeadlessSpec {
  readonly provider: string;
  readonly program: Program;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly parser: OutputParser;
  /** An agent with sessions says when it is ready; any other is ready from the start. */
  readonly tellsSession: boolean;
}

/** Bytes of one line of output. */
const MAX_LINE = 16 * 1024 * 1024;

export function startHeadless(world: AgentWorld, context: AgentContext, spec: HeadlessSpec): AgentHandle {
  const { parser } = spec;
  const lines = lineReader(MAX_LINE, {
    line(text) {
      attempt.deadlines.heard();
      if (!attempt.isBroken) parser.line(text, attempt);
    },
    tooLong: () =>
      attempt.fail({
        class: "protocol",
        message: `the agent printed a line of more than ${MAX_LINE / 1024 / 1024} MB`,
      }),
  });
  const attempt = startSession(world, context, {
    provider: spec.provider,
    program: spec.program,
    args: spec.args,
    env: spec.env,
    stdout: (chunk) => lines.push(chunk),
    text: () => parser.text(),
    exited: (code, words) => parser.verdict(code, words),
    drain: () => lines.end(),
  });
  if (!spec.tellsSession) attempt.deadlines.ready();
  attempt.process.write(context.prompt);
  attempt.process.endInput();
  return attempt.handle;
}

/** A line of a stream of JSON objects; anything else is reported as broken. */
export function jsonLine(text: string, attempt: AgentSession): JsonObject | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isJsonObject(value)) return value;
  attempt.fail({
    class: "protocol",
    message: `the agent printed a line that is not a JSON object: ${shortMessage(text, 80)}`,
  });
  return undefined;
}
