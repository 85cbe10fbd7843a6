/** What agents and providers say when something fails, and the class that it has: a table of real messages. */
import { describe, expect, test } from "vitest";
import { type AgentFailure, failureOf } from "../../../src/agent/adapters/failure-class.ts";
import { isRetryable, passesByItself } from "../../../src/agent/adapters/retry.ts";

type Row = readonly [message: string, data: unknown, expected: AgentFailure["class"]];

const limit = (title: string, ...actions: readonly string[]): unknown => ({
  category: "limit",
  severity: "error",
  title,
  actions,
});

/** As they came over ACP, as the data or the text of an error or of a failed session. */
const ACP: readonly Row[] = [
  ["Internal error", { errorName: "APIError", data: { statusCode: 429, isRetryable: true } }, "rate-limit"],
  ["Internal error", { errorKind: "rate_limit" }, "rate-limit"],
  ["Internal error", { errorKind: "server_error" }, "overloaded"],
  ["", limit("API Error: Request rejected (429) - Rate limit reached for requests", "retry"), "rate-limit"],
  ["", limit("exceeded retry limit, last status: 429", "retry"), "rate-limit"],
  ["", limit("exceeded retry limit, last status: 429 Too Many Requests"), "rate-limit"],
  ["", limit("Something is limited", "retry"), "rate-limit"],
  ["", { ...(limit("Slow down") as object), actions: [{ id: "retry" }] }, "rate-limit"],
  ["", limit("You have hit your usage limit"), "quota"],
  ["", limit("Something is limited"), "quota"],
  ["", limit("Start a new conversation", "new_session"), "context"],
  ["", limit("budget_exceeded", "new_session"), "budget"],
  ["", { category: "connection", title: "stream disconnected before completion" }, "network"],
  ["", { category: "connection", title: "Something happened" }, "network"],
  ["", { category: "connection", title: "unexpected status 404 Not Found: The model does not exist" }, "bad-request"],
  ["", { category: "access", title: "Sign in" }, "auth"],
  ["", { category: "service", title: "Server error" }, "overloaded"],
  ["", { category: "service", title: "unexpected status 500 Internal Server Error" }, "overloaded"],
  ["", { category: "service", title: "Missing environment variable: `FAKE_API_KEY`" }, "auth"],
  ["", { category: "service", title: "unexpected status 400 Bad Request" }, "bad-request"],
  ["", { category: "service", title: "Something happened" }, "crash"],
  ["", { category: "request", title: "Bad request" }, "bad-request"],
  [
    'API Error: 400 {"type":"error","error":{"type":"invalid_request_error","message":"no such tool"}}',
    { errorKind: "server_error" },
    "bad-request",
  ],
  ["Internal error", { errorName: "APIError", message: "Unauthorized: invalid x-api-key", data: {} }, "auth"],
  ["Internal error", { errorName: "APIError", data: { statusCode: 400, message: "no such parameter" } }, "bad-request"],
  ["Internal error", { errorName: "APIError", data: { statusCode: 404, message: "model: nothing" } }, "bad-request"],
  ["Internal error", { errorName: "APIError", data: { statusCode: 401 } }, "auth"],
  ["Internal error", { errorName: "APIError", data: { responseBody: '{"error":{"code":429}}' } }, "rate-limit"],
  ["Internal error: Overloaded", { errorName: "APIError" }, "overloaded"],
  ["Internal error: Unauthorized", { errorName: "APIError" }, "auth"],
  ["Internal error", { errorName: "APIError" }, "crash"],
  ["Internal error", { errorName: "UnknownError", data: { message: "x is not a function" } }, "crash"],
  ["Internal error", undefined, "crash"],
  ["", { code: 401, data: undefined }, "auth"],
  [
    "You have exhausted your daily quota on this model.",
    { code: 429, data: { status: "RESOURCE_EXHAUSTED" } },
    "quota",
  ],
  ["You have exhausted your daily quota on this model.", { code: -32603 }, "quota"],
  ["Quota exceeded for metric requests_per_minute", { code: 429, details: [{ retryDelay: "34s" }] }, "rate-limit"],
  ["Quota exceeded for requests per day", { code: 429, details: [{ retryDelay: "34s" }] }, "quota"],
  ["The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).", { code: 400 }, "context"],
  [
    'got status: UNAVAILABLE. {"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}',
    undefined,
    "overloaded",
  ],
  ["API key not valid. Please pass a valid API key.", { code: 400, status: "INVALID_ARGUMENT" }, "auth"],
];

/** As native agents and providers say it. */
const WORDS: readonly Row[] = [
  ["Authentication required", undefined, "auth"],
  ["API Error: 401 invalid x-api-key", undefined, "auth"],
  ["Incorrect API key provided: sk-x", undefined, "auth"],
  ["Not logged in. Please run /login", undefined, "auth"],
  ["Missing environment variable: `FAKE_API_KEY`", undefined, "auth"],
  ["unexpected status 401 Unauthorized", undefined, "auth"],
  ["unexpected status 403 Forbidden", undefined, "auth"],
  ["exceeded retry limit, last status: 429 Too Many Requests", undefined, "rate-limit"],
  [
    "This request would exceed your organization's rate limit of 30,000 input tokens per minute",
    undefined,
    "rate-limit",
  ],
  [
    "Rate limit reached for gpt-x in organization org-y on tokens per min. Please try again in 6s.",
    undefined,
    "rate-limit",
  ],
  ['429 {"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}', undefined, "rate-limit"],
  ['{"type":"error","status":400,"error":{"type":"invalid_request_error","message":"x"}}', undefined, "bad-request"],
  ["unexpected status 500 Internal Server Error", undefined, "overloaded"],
  ["API Error: 529 overloaded_error", undefined, "overloaded"],
  ['API Error: 500 {"type":"error"}', undefined, "overloaded"],
  ["500 The server had an error while processing your request", undefined, "overloaded"],
  ["unexpected status 400 Bad Request", undefined, "bad-request"],
  ["unexpected status 404 Not Found", undefined, "bad-request"],
  ["invalid_request_error: tools.0 is wrong", undefined, "bad-request"],
  ['`approval_policy = "untrusted"` is no longer supported', undefined, "bad-request"],
  ["model gpt-0 does not exist or is not found: 404", { status: 404 }, "bad-request"],
  ["Prompt is too long", { status: 400 }, "context"],
  ["Codex ran out of room in the model's context window", undefined, "context"],
  ["Your input exceeds the context window of this model", undefined, "context"],
  ["context_length_exceeded", undefined, "context"],
  ["budget_exceeded: the limit of this task is reached", { status: 400 }, "budget"],
  ["insufficient_quota: check your plan and billing details", { status: 429 }, "quota"],
  ["You exceeded your current quota, please check your plan and billing details", { status: 429 }, "quota"],
  ["You've hit your usage limit. Try again at 3:14 PM", undefined, "quota"],
  ["Your credit balance is too low to access the API", { status: 400 }, "quota"],
  ["fetch failed: ECONNREFUSED 127.0.0.1:1", undefined, "network"],
  ["stream disconnected before completion", undefined, "network"],
  ["nothing known", undefined, "crash"],
];

/** What only sounds like a failure of a provider: it is another program's, or the subject of the work. */
const MISLEADING: readonly Row[] = [
  ["AssertionError: expected 503 items, got 429", undefined, "crash"],
  ["500 lines were not formatted", undefined, "crash"],
  ["FAIL test/rate-limit.test.ts", undefined, "crash"],
  ["error TS2769: no overload matches this call of an overloaded function", undefined, "crash"],
  ["src/billing.ts(401,403): unexpected token", undefined, "crash"],
  ["FAIL test/authentication.test.ts > returns 401", undefined, "crash"],
  ["the policy of the safety valve was not tested", undefined, "crash"],
  ["port 5000 is in use", undefined, "crash"],
];

describe("the class of a failure", () => {
  test.each([...ACP, ...WORDS, ...MISLEADING])("%s %j", (message, data, expected) => {
    expect(failureOf(message, data, "crash").class).toBe(expected);
  });

  test("is kept with what was said", () => {
    for (const [message, data] of [...ACP, ...WORDS])
      if (message !== "" && message !== "Internal error")
        expect(failureOf(message, data, "crash").message).toBe(message.slice(0, 400));
    expect(failureOf("Internal error", { errorName: "APIError", message: "no such tool" }, "crash").message).toBe(
      "no such tool",
    );
  });

  test("lets nothing be waited for that no wait mends", () => {
    const permanent = [...ACP, ...WORDS].filter(([, , expected]) => !isRetryable(expected));
    expect(permanent.length).toBeGreaterThan(20);
    for (const [message, data] of permanent)
      expect(passesByItself(failureOf(message, data, "crash").class), message).toBe(false);
  });
});
