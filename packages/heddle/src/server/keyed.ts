/**
 * Keyed requests over HTTP: the header `Idempotency-Key`. A request of a project that acts and has a key is carried out once; sent again
 * it gets the first answer. The project's journal remembers, so that a restart of the server forgets nothing.
 */
import { createHash } from "node:crypto";
import { err, ok, type Result } from "../base/result.ts";
import type { Problem } from "../base/errors.ts";
import type { CarriedOut, OnceAnswer } from "../project/keyed-requests.ts";
import type { ProblemDetails } from "./problem.ts";
import type { RouteHead } from "./route.ts";
import type { ServerWorld } from "./world.ts";

export const KEY_HEADER = "idempotency-key";
/** As a JSON Schema says it, too. */
export const KEY_PATTERN = "^[A-Za-z0-9_-]{1,64}$";
const KEY: RegExp = new RegExp(KEY_PATTERN);

/** Whether requests of the route are remembered by their keys: those that only look, and those of no project, are not. */
export function isKeyed({ method, path, authority }: Pick<RouteHead, "method" | "path" | "authority">): boolean {
  return method !== "GET" && authority === "act" && path.startsWith("/api/projects/:project/");
}

/** The key of a request; `undefined`: none, or one that its route does not keep. */
export function keyOf(
  route: Pick<RouteHead, "method" | "path" | "authority" | "idempotent">,
  headers: Headers,
): Result<string | undefined, ProblemDetails> {
  const key = headers.get(KEY_HEADER);
  if (key === null) {
    if (route.idempotent !== "required") return ok(undefined);
    const hint = "Make a new one for each thing that you want done, and send the same when you send the request again.";
    return err({ slug: "key-needed", detail: "The header `Idempotency-Key` is missing", hint });
  }
  if (!KEY.test(key))
    return err({
      slug: "invalid-request",
      detail: "The header `Idempotency-Key` is 1 to 64 letters, digits, `_` and `-`",
    });
  return ok(isKeyed(route) ? key : undefined);
}

export interface KeyedAsk {
  readonly world: ServerWorld;
  readonly project: string;
  readonly key: string;
  readonly method: string;
  /** With what is behind the `?`. */
  readonly target: string;
  readonly body: string;
  /** Called where the answer cannot be given again. */
  readonly onUnstored: (problem: Problem) => void;
}

/** What is answered to a request with a key. `respond` is given the id for what follows from it, and throws nothing. Throws a `HeddleError`. */
export async function respondOnce(
  { world, project, key, method, target, body, onUnstored }: KeyedAsk,
  respond: (effect: string) => Promise<Response>,
): Promise<Result<Response, ProblemDetails>> {
  const { requests } = await world.projects.get(project);
  const digest = digestOf({ method, target, body });
  const once = await requests.once({ key, digest }, async (effect) => carriedOut(await respond(effect)));
  if (once.kind === "first" && once.unstored !== undefined) onUnstored(once.unstored);
  return responseOf(once, key);
}

/** Of all that a request asks for. */
export function digestOf({ method, target, body }: Pick<KeyedAsk, "method" | "target" | "body">): string {
  return createHash("sha256")
    .update(JSON.stringify([method, target, body]))
    .digest("hex");
}

function responseOf(once: OnceAnswer, key: string): Result<Response, ProblemDetails> {
  switch (once.kind) {
    case "first":
    case "again": {
      const { status, headers, body } = once.answer;
      const response = new Response(body === "" ? null : body, { status, headers });
      if (once.kind === "again") response.headers.set("idempotency-replayed", "true");
      return ok(response);
    }
    case "under-way":
      return err({
        slug: "request-under-way",
        detail: `The request with the key ${key} is being carried out`,
        hint: "Send it again a little later, with the same key.",
        headers: { "retry-after": "1" },
      });
    case "other-request":
      return err({
        slug: "key-reused",
        detail: `The key ${key} belongs to another request, with another path or body`,
        hint: "Send this one with a new key.",
      });
  }
}

/**
 * Problems say that nothing came about, so that the request may be sent again, but for a fault of the server: nobody knows what it
 * left behind.
 */
async function carriedOut(response: Response): Promise<CarriedOut> {
  const { status, headers } = response;
  const answer = { status, headers: Object.fromEntries(headers), body: await response.text() };
  return { answer, hadEffect: status < 400 || status === 500 };
}
