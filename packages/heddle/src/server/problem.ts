/**
 * Problem documents: what a refused or failed request is answered with (RFC 9457, `application/problem+json`). Knows which problem of
 * a project is which status of HTTP; says nothing of stacks, tokens or SQL.
 */
import { defined } from "../base/defined.ts";
import type { Problem } from "../base/errors.ts";
import type { Json } from "../base/json.ts";

/** Problems of requests themselves. Those of a project are called after their codes: `UnknownRun`, `unknown-run`. */
export type ProblemSlug =
  | "bad-request"
  | "unsupported-version"
  | "unauthorized"
  | "forbidden"
  | "foreign-origin"
  | "not-found"
  | "method-not-allowed"
  | "state"
  | "request-under-way"
  | "precondition-failed"
  | "body-too-large"
  | "url-too-long"
  | "unsupported-media-type"
  | "range-not-satisfiable"
  | "wrong-host"
  | "invalid-request"
  | "key-reused"
  | "held"
  | "key-needed"
  | "precondition-needed"
  | "too-many-requests"
  | "server-error"
  | "too-many-streams"
  | "project-unavailable";

export const REQUEST_PROBLEMS: Readonly<Record<ProblemSlug, readonly [status: number, title: string]>> = {
  "bad-request": [400, "The request cannot be understood"],
  "unsupported-version": [400, "This version of the API is not served"],
  unauthorized: [401, "A token is needed"],
  forbidden: [403, "The token does not allow this"],
  "foreign-origin": [403, "Requests from other pages are refused"],
  "not-found": [404, "There is nothing at this address"],
  "method-not-allowed": [405, "The address takes other methods"],
  state: [409, "The state of the run does not allow this"],
  "request-under-way": [409, "The same request is being carried out"],
  "precondition-failed": [412, "The run has moved on"],
  "body-too-large": [413, "The body is too large"],
  "url-too-long": [414, "The address is too long"],
  "unsupported-media-type": [415, "The body must be JSON"],
  "range-not-satisfiable": [416, "There is nothing in this range"],
  "wrong-host": [421, "This server is not called by that name"],
  "invalid-request": [422, "The request is not valid"],
  "key-reused": [422, "The key belongs to another request"],
  held: [423, "Another process works on the run"],
  "key-needed": [428, "The request needs a key"],
  "precondition-needed": [428, "The request must say what was seen"],
  "too-many-requests": [429, "Too many wrong tokens"],
  "server-error": [500, "The request could not be served"],
  "too-many-streams": [503, "Too many streams are open"],
  "project-unavailable": [503, "The project cannot be opened"],
};

export interface ProblemDetails {
  readonly slug: ProblemSlug | (string & {});
  readonly detail: string;
  readonly status?: number;
  readonly title?: string;
  /** What to do next. */
  readonly hint?: string;
  /** What is wrong in the body or the query, by JSON pointer. */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  /** What is wrong with a plan. */
  readonly diagnostics?: Json;
  readonly headers?: Readonly<Record<string, string>>;
}

/** By status: of what may be otherwise soon. */
const RETRY: { readonly [status: number]: Readonly<Record<string, string>> } = { 503: { "retry-after": "5" } };

export function problemStatus(slug: ProblemSlug): number {
  return REQUEST_PROBLEMS[slug][0];
}

/** `instance`: the path that was asked for. */
export function problemResponse(problem: ProblemDetails, instance: string): Response {
  const { slug, detail, hint, errors, diagnostics, headers } = problem;
  const known = slug in REQUEST_PROBLEMS ? REQUEST_PROBLEMS[slug as ProblemSlug] : undefined;
  const status = problem.status ?? known?.[0] ?? 409;
  const title = problem.title ?? known?.[1] ?? detail;
  const document = defined<Record<string, unknown>>({
    type: `urn:heddle:problem:${slug}`,
    title,
    status,
    detail,
    instance,
    code: slug,
    hint,
    errors,
    diagnostics,
  });
  return new Response(JSON.stringify(document), {
    status,
    headers: { "content-type": "application/problem+json", ...RETRY[status], ...headers },
  });
}

/** To an address that guesses tokens. */
export function tooManyGuesses(forMs: number): ProblemDetails {
  const headers = { "retry-after": String(Math.ceil(forMs / 1000)) };
  return { slug: "too-many-requests", detail: "Too many wrong tokens came from this address", headers };
}

/** Statuses of a project's problems; all others say that the state does not allow it. */
const STATUS_OF: readonly (readonly [RegExp, number])[] = [
  [/^(Unknown|NoRuns$|PlanNotFound$|NoLog$|NoPrompt$|NoPlanFile$|JournalMissing$|ProjectNotFound$|EmptyRun$)/, 404],
  [/^(Invalid|Ambiguous|NotAPlan$|PlanInvalid$|EmptyPlan$|Usage$|MissingParam$|PlanTooCostly$|HistoryTooLong$)/, 422],
  [/^RunHeld$/, 423],
  [/^(Journal|Project|DiskFull$|PlanThreadsBusy$|GitMissing$|GitTooOld$|TooManyOpenFiles$|HistoryBroken$)/, 503],
  [/^(InternalError|EngineFault|UncaughtError)$/, 500],
];

/** A word of one letter is one, too: `NotAPlan` is `not-a-plan`. */
const WORD_BEGINS = /(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g;

/** A project's problem as what is answered. Its message and hint are made for people and go out as they are. */
export function detailsOf({ code, message, hint }: Problem): ProblemDetails {
  const status = STATUS_OF.find(([pattern]) => pattern.test(code))?.[1] ?? 409;
  const slug = code.replaceAll(WORD_BEGINS, "-").toLowerCase();
  return defined({ slug, status, title: titleOf(code), detail: message, hint });
}

/** `If-Match` of a file of a conflict; `undefined`: it is another problem. */
export function resolutionMoved({ code, message: detail, hint }: Problem): ProblemDetails | undefined {
  if (code !== "ResolutionMoved") return undefined;
  return defined({ slug: "precondition-failed", title: "The file has moved on", detail, hint });
}

function titleOf(code: string): string {
  const words = code.replaceAll(WORD_BEGINS, " ").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
