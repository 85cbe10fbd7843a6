/** API problem: the one error of the client: what a server refused, or why it could not be asked. */
import { isJsonObject, type Json } from "../base/json.ts";
import type { DiagnosticLine, PointedError, ProblemDocument } from "../view/protocol.ts";

export interface ApiProblemAbout {
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  readonly hint?: string | undefined;
  readonly errors?: readonly PointedError[] | undefined;
  readonly diagnostics?: readonly DiagnosticLine[] | undefined;
  readonly cause?: unknown;
}

/** Thrown, or rejected with, by everything here but for a signal that was aborted, whose own reason is. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  /**
   * Stable, for programs: one of the server's, which docs/errors.md and the reference of the API explain, or `unreachable` (no answer
   * came), `unexpected-answer` (what answered is no heddle server of this version), `invalid-call` (it was not asked).
   */
  readonly code: string;
  /** Of HTTP; 0: there was no answer. */
  readonly status: number;
  /** What happened, for people. */
  readonly detail: string;
  /** What to do next. */
  readonly hint: string | undefined;
  /** What is wrong in the body or the query, by JSON pointer; empty: nothing of the kind was said. */
  readonly errors: readonly PointedError[];
  /** What is wrong with a plan that was sent or named. */
  readonly diagnostics: readonly DiagnosticLine[];

  constructor(about: ApiProblemAbout) {
    super(about.detail, about.cause === undefined ? undefined : { cause: about.cause });
    this.code = about.code;
    this.status = about.status;
    this.detail = about.detail;
    this.hint = about.hint;
    this.errors = about.errors ?? [];
    this.diagnostics = about.diagnostics ?? [];
  }
}

/** `undefined`: it is no problem document. */
export function problemIn(status: number, json: Json | undefined): ApiProblem | undefined {
  if (json === undefined || !isJsonObject(json)) return undefined;
  const { code, detail, hint, errors, diagnostics } = json;
  if (typeof code !== "string" || typeof detail !== "string") return undefined;
  return new ApiProblem({
    code,
    status,
    detail,
    hint: typeof hint === "string" ? hint : undefined,
    errors: Array.isArray(errors) ? (errors as unknown as ProblemDocument["errors"]) : undefined,
    diagnostics: Array.isArray(diagnostics) ? (diagnostics as unknown as ProblemDocument["diagnostics"]) : undefined,
  });
}

/** Of a call that cannot be sent. */
export function invalidCall(detail: string, hint?: string): ApiProblem {
  return new ApiProblem({ code: "invalid-call", status: 0, detail, hint });
}
