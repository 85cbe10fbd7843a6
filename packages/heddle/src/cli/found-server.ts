/** Found server: a server of this user that runs already, as far as the command line asks it, with the tokens that it left. */
import { defined } from "../base/defined.ts";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import type { Problem } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import { runPathIn } from "../project/run-path.ts";
import { readTokenFile, tokenFileOf, type TokenFile } from "../server/token-file.ts";

const ANSWER_WITHIN_MS = 5000;

export class FoundServer {
  readonly file: TokenFile;
  readonly #port: number;

  private constructor(file: TokenFile, port: number) {
    this.file = file;
    this.#port = port;
  }

  /** `undefined`: this user has none at the port. It may have died since. */
  static at(env: Readonly<Record<string, string | undefined>>, port: number): FoundServer | undefined {
    const file = readTokenFile(tokenFileOf(env, port));
    return file && new FoundServer(file, port);
  }

  /** Whether it is there, and the one whose tokens these are. */
  async answers(): Promise<boolean> {
    const listed = await this.#ask("/api/projects");
    return listed.ok && Array.isArray(listed.value["items"]);
  }

  /** A link with which a browser logs in, once. `word`: the beginning of a run's id, to its page; absent: the first page. */
  async loginLink(authority: "read" | "act", word?: string): Promise<Result<string, Problem>> {
    const path = word === undefined ? ok("/") : await this.#pathOf(word);
    if (!path.ok) return path;
    const answer = await this.#ask("/api/login-codes", { authority });
    if (!answer.ok) return answer;
    const { code } = answer.value;
    return typeof code === "string" ? ok(`${this.file.url}${path.value}#login=${code}`) : err(noServer(this.#port));
  }

  async #pathOf(word: string): Promise<Result<string, Problem>> {
    const listed = await this.#ask("/api/projects");
    if (!listed.ok) return listed;
    const { items } = listed.value;
    const names = (Array.isArray(items) ? items : []).map((item) =>
      isJsonObject(item) ? String(item["project"]) : "",
    );
    return await runPathIn(names, word, async (project) => {
      const runs = `/api/projects/${encodeURIComponent(project)}/runs/${encodeURIComponent(word)}`;
      const answer = await this.#ask(`${runs}?fields=plan`);
      return answer.ok ? ok(String(answer.value["run"])) : answer;
    });
  }

  async #ask(path: string, body?: JsonObject): Promise<Result<JsonObject, Problem>> {
    try {
      const response = await fetch(`${this.file.url}${path}`, {
        method: body === undefined ? "GET" : "POST",
        // Whoever holds the port by now gets no more than it needs.
        headers: {
          authorization: `Bearer ${body === undefined ? this.file.read : this.file.act}`,
          "content-type": "application/json",
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      const answer = (await response.json()) as JsonObject;
      if (response.ok && isJsonObject(answer)) return ok(answer);
      // What the server refuses to this user's own token it is not.
      return err(response.status === 401 ? noServer(this.#port) : (problemIn(answer) ?? noServer(this.#port)));
    } catch {
      return err(noServer(this.#port));
    }
  }
}

export function noServer(port: number): Problem {
  return {
    code: "NoServer",
    message: `no server of yours answers at port ${port}`,
    hint: "Start one with `heddle serve`, or name its port with --port.",
  };
}

/** As the server had it before it was written as a problem document; `undefined`: it is none, and that is no server of ours. */
function problemIn(document: unknown): Problem | undefined {
  const { code, detail, hint } = isJsonObject(document) ? document : {};
  if (typeof code !== "string" || typeof detail !== "string") return undefined;
  const name = code.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return defined<Problem>({ code: name, message: detail, hint: typeof hint === "string" ? hint : undefined });
}
