/** Errors for people, and the conversion between returned and thrown ones. Knows no error code. */
import { type Result, err } from "./result.ts";

/**
 * The message for people when something expected goes wrong: a code that `docs/errors.md` explains, what happened and
 * where, and what to do next.
 */
export interface Problem {
  /** Stable, `PascalCase`, one section each in docs/errors.md. */
  readonly code: string;
  /** What happened, and where. One sentence, no full stop needed. */
  readonly message: string;
  /** What to do next: an imperative sentence, often a command to type. */
  readonly hint?: string;
  /** What the system said, where there is more to know (never shown without `--debug`). */
  readonly cause?: unknown;
}

/** A {@link Problem} on its way up through code that cannot return one: constructors, callbacks, the public API. */
export class HeddleError extends Error implements Problem {
  override readonly name = "HeddleError";
  readonly code: string;
  readonly hint?: string;
  constructor(problem: Problem) {
    super(problem.message, problem.cause === undefined ? undefined : { cause: problem.cause });
    this.code = problem.code;
    if (problem.hint !== undefined) this.hint = problem.hint;
  }
}

/** The value, or its problem thrown: for code that cannot return one. */
export function orThrow<T>(result: Result<T, Problem>): T {
  if (result.ok) return result.value;
  throw new HeddleError(result.error);
}

/** What `work` comes to; a {@link HeddleError} that it throws is a value again. */
export async function caught<T>(work: () => Promise<Result<T, Problem>>): Promise<Result<T, Problem>> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof HeddleError) return err(thrown);
    throw thrown;
  }
}

/** The text of whatever was thrown, without its stack. Never throws, whatever the thrown value does when it is looked at. */
export function messageOf(thrown: unknown): string {
  if (typeof thrown === "string") return thrown;
  try {
    if (thrown instanceof Error) return String(thrown.message === "" ? thrown.name : thrown.message);
    return JSON.stringify(thrown) ?? String(thrown);
  } catch {
    return kindOf(thrown);
  }
}

function kindOf(thrown: unknown): string {
  try {
    return Object.prototype.toString.call(thrown);
  } catch {
    return "something that cannot be shown";
  }
}

/** The `code` of a system error (`ENOENT`, `ENOSPC`, ...), if `thrown` is one. */
export function systemCode(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}
