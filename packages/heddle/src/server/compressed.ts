/** Compressed answers: JSON that is long enough, for clients that take gzip. Streams are not touched: what they say would wait in a buffer. */
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";

/** Bytes from which it is worth the time. */
const FEWEST_BYTES = 1024;

const compress = promisify(gzip);

/** `accepted`: the request's header `Accept-Encoding`. */
export async function compressed(response: Response, accepted: string | undefined): Promise<Response> {
  const type = response.headers.get("content-type") ?? "";
  if (response.body === null || !/^application\/(?:[\w.-]+\+)?json\b/.test(type)) return response;
  const headers = new Headers(response.headers);
  headers.append("vary", "Accept-Encoding");
  const body = new Uint8Array(await response.arrayBuffer());
  const { status } = response;
  if (body.length <= FEWEST_BYTES || !takesGzip(accepted)) return new Response(body, { status, headers });
  headers.set("content-encoding", "gzip");
  headers.delete("content-length");
  return new Response(await compress(body, { level: constants.Z_BEST_SPEED }), { status, headers });
}

/** `*` alone is not taken at its word: who sends it may not know what it says. */
export function takesGzip(accepted = ""): boolean {
  return accepted.split(",").some((one) => {
    const [name = "", ...parameters] = one.split(";").map((part) => part.trim().toLowerCase());
    return (name === "gzip" || name === "x-gzip") && !parameters.some((part) => /^q=0(?:\.0*)?$/.test(part));
  });
}
