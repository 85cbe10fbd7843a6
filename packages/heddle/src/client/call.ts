/** Calls: what each operation of the client takes, and how the operations of one project are asked. */
import type { ApiCall } from "./transport.ts";

export interface CallOptions {
  /** Ends the call: it rejects with the signal's reason. What the server did meanwhile stays done. */
  readonly signal?: AbortSignal;
}

/** Asks one operation of a server, or of one project; the answer is its JSON. */
export type Ask = <T>(call: ApiCall) => Promise<T>;

/** The same, where the answer is text. */
export type AskText = (call: ApiCall) => Promise<string>;
