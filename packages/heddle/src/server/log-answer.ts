/**
 * Log answer: a log as bytes, whole or a part of it (RFC 9110: one range, 206, 416), with what says which state of it that is. Text of
 * others: it is sent so that no browser shows it as a page.
 */
import type { AttemptLog, Project } from "../project/port.ts";
import { noAttemptLog } from "./asked-log.ts";
import { problemResponse } from "./problem.ts";

/** Bytes of one answer to a range, which may have fewer than it asks for. */
const MOST_BYTES: number = 4 * 1024 * 1024;
/** Bytes that are read at once. */
const PIECE: number = 256 * 1024;

type Logs = Pick<Project["logs"], "bytes">;

/** What is known of a log without reading it. */
export interface LogState {
  readonly size: number;
  /** The same as long as nothing is written; what is before the dash as long as it is the same file, which only grows. */
  readonly etag: string;
}

/** Throws a `HeddleError` where there is no log. */
export async function logState(logs: Logs, of: AttemptLog): Promise<LogState> {
  const found = await logs.bytes(of, { from: 0, length: 0 });
  if (found === undefined) throw noAttemptLog(of);
  return { size: found.size, etag: `"${found.file}-${found.size}"` };
}

/** Whether the client has this state already. */
export function isKnownLog({ etag }: LogState, headers: Headers): boolean {
  return (headers.get("if-none-match") ?? "").split(",").some((one) => one.trim() === etag);
}

/** `range`: of the header `Range`, as {@link rangeOf} reads it; absent: all that there is now. */
export async function logResponse(
  logs: Logs,
  of: AttemptLog,
  {
    state,
    range,
    instance,
  }: { readonly state: LogState; readonly range: ByteRange | undefined; readonly instance: string },
): Promise<Response> {
  const { size, etag } = state;
  const headers = {
    etag,
    "accept-ranges": "bytes",
    "content-type": "text/plain; charset=utf-8",
    "content-disposition": "attachment",
    "content-security-policy": "sandbox",
  };
  if (range === undefined)
    return new Response(wholeLog(logs, of, size), { headers: { ...headers, "content-length": String(size) } });
  const from = range.from ?? Math.max(0, size - (range.last ?? 0));
  const end = Math.min(size, (range.to ?? size) + 1, from + MOST_BYTES);
  if (from >= size || end <= from) {
    const detail = `The log has ${size} bytes`;
    const problem = { slug: "range-not-satisfiable", detail, headers: { "content-range": `bytes */${size}` } } as const;
    return problemResponse(problem, instance);
  }
  const found = await logs.bytes(of, { from, length: end - from });
  if (found === undefined) throw noAttemptLog(of, true);
  const { bytes } = found;
  return new Response(new Uint8Array(bytes), {
    status: 206,
    headers: {
      ...headers,
      "content-range": `bytes ${from}-${from + bytes.length - 1}/${size}`,
      "content-length": String(bytes.length),
    },
  });
}

/** Bytes `from` to `to`, the last one included; or the `last` so many. */
export interface ByteRange {
  readonly from?: number;
  readonly to?: number;
  readonly last?: number;
}

/** `undefined`: none is asked for, or one that is not understood, which is answered with the whole. */
export function rangeOf(headers: Headers, { etag }: LogState): ByteRange | undefined {
  const condition = headers.get("if-range");
  if (condition !== null && condition !== etag) return undefined;
  const [, from = "", to = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(headers.get("range") ?? "") ?? [];
  if (from === "") return to === "" ? undefined : { last: Number(to) };
  if (to === "") return { from: Number(from) };
  return Number(to) < Number(from) ? undefined : { from: Number(from), to: Number(to) };
}

/** The first `size` bytes, at the client's pace. */
function wholeLog(logs: Logs, of: AttemptLog, size: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (at >= size) return controller.close();
      const found = await logs.bytes(of, { from: at, length: Math.min(PIECE, size - at) });
      // What was promised does not come: the client sees that it has not got all.
      if (found === undefined || found.bytes.length === 0) return controller.error(noAttemptLog(of, true));
      at += found.bytes.length;
      controller.enqueue(new Uint8Array(found.bytes));
    },
  });
}
