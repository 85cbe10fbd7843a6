/** `heddle open`: prints a link with which a browser logs in at the server of this machine. */
import { EXIT, fail, type Context } from "../context.ts";
import { isFlagOn, numberFlag } from "../flag-values.ts";
import type { Flags } from "../spec.ts";
import { SERVER_PORT } from "./serve.ts";

export async function openCommand(context: Context, _args: readonly unknown[], flags: Flags): Promise<number> {
  const { env, out } = context;
  const port = numberFlag(flags, "port") ?? SERVER_PORT;
  const { readTokenFile, tokenFileOf } = await import("../../server/token-file.ts");
  const server = readTokenFile(tokenFileOf(env, port));
  if (server === undefined) return fail(context, noServer(port));
  const authority = isFlagOn(flags, "readOnly") ? "read" : "act";
  const link = await linkFrom(server.url, server.act, authority);
  if (link === undefined) return fail(context, noServer(port));
  if (context.json) out.json({ url: link, authority });
  else out.line(link);
  return EXIT.ok;
}

function noServer(port: number): Parameters<typeof fail>[1] {
  return {
    code: "NoServer",
    message: `no server of yours answers at port ${port}`,
    hint: "Start one with `heddle serve`, or name its port with --port.",
  };
}

/** `undefined`: the server does not answer, or is another one than the file says. */
async function linkFrom(url: string, token: string, authority: "read" | "act"): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/api/login-codes`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ authority }),
      signal: AbortSignal.timeout(5000),
    });
    const answer: unknown = await response.json();
    if (!response.ok || typeof answer !== "object" || answer === null || !("url" in answer)) return undefined;
    return typeof answer.url === "string" ? answer.url : undefined;
  } catch {
    return undefined;
  }
}
