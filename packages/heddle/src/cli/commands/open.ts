/** `heddle open`: prints a link with which a browser logs in at the server of this machine, at its first page or that of a run. */
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { EXIT, fail, type Context } from "../context.ts";
import { isFlagOn, numberFlag } from "../flag-values.ts";
import type { Flags } from "../spec.ts";
import { SERVER_PORT } from "./serve.ts";

type OpenProblem = Parameters<typeof fail>[1];

export async function openCommand(
  context: Context,
  [word]: readonly (string | undefined)[],
  flags: Flags,
): Promise<number> {
  const { env, out } = context;
  const port = numberFlag(flags, "port") ?? SERVER_PORT;
  const { readTokenFile, tokenFileOf } = await import("../../server/token-file.ts");
  const server = readTokenFile(tokenFileOf(env, port));
  if (server === undefined) return fail(context, noServer(port));
  const api = new ServerApi(server.url, server.act);
  const path = word === undefined ? "/" : await api.pathOf(word);
  if (path === undefined) return fail(context, unknownRun(word ?? ""));
  const authority = isFlagOn(flags, "readOnly") ? "read" : "act";
  const { code } = (await api.ask("/api/login-codes", { authority })) ?? {};
  if (typeof code !== "string") return fail(context, noServer(port));
  const link = `${server.url}${path}#login=${code}`;
  if (context.json) out.json({ url: link, authority });
  else out.line(link);
  return EXIT.ok;
}

function noServer(port: number): OpenProblem {
  return {
    code: "NoServer",
    message: `no server of yours answers at port ${port}`,
    hint: "Start one with `heddle serve`, or name its port with --port.",
  };
}

function unknownRun(word: string): OpenProblem {
  return {
    code: "UnknownRun",
    message: `the server has no run ${word}`,
    hint: "`heddle runs` lists those of a folder.",
  };
}

/** The running server, as far as it is asked here. */
class ServerApi {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  /** `undefined`: it refuses, does not answer, or is another one than the file says. */
  async ask(path: string, body?: JsonObject): Promise<JsonObject | undefined> {
    try {
      const response = await fetch(`${this.#url}${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json" },
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(5000),
      });
      const answer = (await response.json()) as JsonObject;
      return response.ok && isJsonObject(answer) ? answer : undefined;
    } catch {
      return undefined;
    }
  }

  /** The page of a run, of the first project that has one whose id begins so. */
  async pathOf(word: string): Promise<string | undefined> {
    const { items } = (await this.ask("/api/projects")) ?? {};
    for (const item of Array.isArray(items) ? items : []) {
      const project = isJsonObject(item) ? String(item["project"]) : "";
      const runs = `/api/projects/${encodeURIComponent(project)}/runs/${encodeURIComponent(word)}`;
      const { run } = (await this.ask(`${runs}?fields=plan`)) ?? {};
      if (typeof run === "string") return `/p/${encodeURIComponent(project)}/runs/${run}`;
    }
    return undefined;
  }
}
