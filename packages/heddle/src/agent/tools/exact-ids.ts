/**
 * Exact ids: lets requests have whole numbers as ids that a double cannot hold. JSON would round them, and an agent would never
 * find the answer to its request. They are texts while a request is served. Knows where ids stand in messages, and no tool.
 */
import { scanJson } from "../../base/json-text.ts";

const MARK = "heddle-exact-id:";
/** Worth a closer look: most requests have no such number. */
const LONG_NUMBER = /\d{16}/;
const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, "g");

/** The same message, with texts in place of such ids; `undefined`: it has none, or is no JSON. */
export function markIds(text: string): string | undefined {
  if (!LONG_NUMBER.test(text)) return undefined;
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  const found: { readonly at: number; readonly number: string }[] = [];
  scanJson(text, (number, path, at) => {
    if (isId(path) && isInexact(number)) found.push({ at, number });
  });
  if (found.length === 0) return undefined;
  let marked = text;
  for (const { at, number } of found.toReversed())
    marked = `${marked.slice(0, at)}"${MARK}${number}"${marked.slice(at + number.length)}`;
  return marked;
}

/** The protocol's library takes no whole number of which a double is unsure, also where it would hold this one. */
function isInexact(number: string): boolean {
  return /^-?\d+$/.test(number) && !Number.isSafeInteger(Number(number));
}

/** A message's own id, and that of the request which it cancels. */
function isId(path: readonly (string | number)[]): boolean {
  const names = path.join(".");
  return names === "id" || names === "params.requestId";
}

/** The ids as they were written. */
export function unmarkIds(text: string): string {
  return text.includes(MARK) ? text.replaceAll(MARKED, "$1") : text;
}

/** `serve` with exact ids. */
export function withExactIds(serve: (request: Request) => Promise<Response>): (request: Request) => Promise<Response> {
  return async (request) => {
    const marked = markIds(await request.clone().text());
    if (marked === undefined) return await serve(request);
    const { url, method, headers, signal } = request;
    const answer = await serve(new Request(url, { method, headers, signal, body: marked }));
    if (answer.body === null) return answer;
    const own = new Headers(answer.headers);
    own.delete("content-length");
    // Each event of a stream is a chunk of its own.
    const exact = answer.body
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TransformStream<string, string>({ transform: (chunk, out) => out.enqueue(unmarkIds(chunk)) }))
      .pipeThrough(new TextEncoderStream());
    return new Response(exact, { status: answer.status, headers: own });
  };
}
