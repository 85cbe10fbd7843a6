/** `heddle open`: prints a link with which a browser logs in at the server of this machine, at its first page or that of a run. */
import { EXIT, fail, type Context } from "../context.ts";
import { isFlagOn, numberFlag } from "../flag-values.ts";
import type { Flags } from "../spec.ts";
import { SERVER_PORT } from "./serve.ts";

export async function openCommand(
  context: Context,
  [word]: readonly (string | undefined)[],
  flags: Flags,
): Promise<number> {
  const { env, out } = context;
  const port = numberFlag(flags, "port") ?? SERVER_PORT;
  const { noServer, FoundServer } = await import("../found-server.ts");
  const server = FoundServer.at(env, port);
  if (server === undefined) return fail(context, noServer(port));
  const authority = isFlagOn(flags, "readOnly") ? "read" : "act";
  const link = await server.loginLink(authority, word);
  if (!link.ok) return fail(context, link.error);
  if (context.json) out.json({ url: link.value, authority });
  else out.line(link.value);
  return EXIT.ok;
}
