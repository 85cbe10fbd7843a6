/**
 * Routes: what the server answers, as data. One table of them makes the router, the guard of each request, the OpenAPI document and
 * the tests: what is not in the table is not served.
 */
import type { z } from "zod";
import type { Json } from "../base/json.ts";
import type { Grant } from "./authority.ts";
import type { ProblemSlug } from "./problem.ts";
import type { ServerWorld } from "./world.ts";

/** What a request must be allowed to do. */
export type RouteAuthority = Grant | "none";

export interface RouteHead {
  readonly kind: "page" | "asset" | "api" | "stream";
  readonly method: "GET" | "POST" | "PUT";
  /** With `:name` for what differs: `/api/projects/:project/runs`. */
  readonly path: string;
  readonly authority: RouteAuthority;
  /** Bytes of the largest body; absent: 1 MiB. */
  readonly bodyLimit?: number;
  /** A request without the header `Idempotency-Key` is refused; absent: of a project's routes that act it is kept where it is sent. */
  readonly idempotent?: "required";
}

/** What the OpenAPI document says of a route, and what its requests are checked by. */
export interface Operation<Query = unknown, Body = unknown> {
  /** Unique: the name of the operation for generators of clients. */
  readonly id: string;
  readonly summary: string;
  /** Of the parameters behind the `?`: texts in, values out. Absent: none is accepted. */
  readonly query?: z.ZodType<Query>;
  /** Absent: the body must be empty. */
  readonly body?: z.ZodType<Body>;
  readonly answer: {
    readonly status: 200 | 201 | 202;
    readonly description: string;
    /** Absent: the answer is no JSON. */
    readonly schema?: z.ZodType;
    readonly type?: string;
  };
  /** Beside those that every route may answer with. */
  readonly problems?: readonly ProblemSlug[];
  readonly example?: OperationExample;
}

/** A body that is accepted, and what is answered to it. */
export interface OperationExample {
  readonly body?: Json;
  readonly answer?: Json;
}

/** A request that may pass, its parts checked. */
export interface Call<Query = unknown, Body = unknown> {
  readonly world: ServerWorld;
  readonly grant: RouteAuthority;
  /** By the names in the route's path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly headers: Headers;
  /**
   * An id for what follows from a request with a key: the same one if the server died over the request and it was sent again, so
   * that a run with this id is not started twice. Absent: it has no key.
   */
  readonly effect?: string;
  /** The path that was asked for. */
  readonly instance: string;
  /** With what is behind the `?`. */
  readonly target: string;
  /** Given when the client goes away. */
  readonly signal: AbortSignal;
  /** Address of the other side. */
  readonly peer: string;
}

/** What a handler gives: JSON with its status, or any response. */
export type Answered =
  | Response
  | { readonly status: number; readonly json: Json; readonly headers?: Readonly<Record<string, string>> };

export interface ApiRoute extends RouteHead {
  readonly kind: "api";
  /** What it is about, as the table has it: a heading among which readers find it. */
  readonly tag?: string;
  readonly operation: Operation;
  /** May throw a `HeddleError`, which is answered as its problem. */
  readonly handle: (call: Call<never, never>) => Promise<Answered>;
}

/** A route whose handler gets what its own schemas give. */
export function apiRoute<Query, Body>(route: {
  readonly method: RouteHead["method"];
  readonly path: string;
  readonly authority: RouteAuthority;
  readonly bodyLimit?: number;
  readonly idempotent?: RouteHead["idempotent"];
  readonly operation: Operation<Query, Body>;
  readonly handle: (call: Call<Query, Body>) => Promise<Answered>;
}): ApiRoute {
  return { kind: "api", ...route } as unknown as ApiRoute;
}

/** A document as what is sent. `T`, written out: its shape, which clients know. */
export function documentJson<T>(document: NoInfer<T>): Json {
  return document as Json;
}
