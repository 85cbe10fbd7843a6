/** `heddle serve`: serves the HTTP API of project folders until it is stopped. */
import { resolve } from "node:path";
import { defined } from "../../base/defined.ts";
import { messageOf, type Problem } from "../../base/errors.ts";
import { ok, type Result } from "../../base/result.ts";
import { isBearerToken } from "../../http/tokens.ts";
import { EXIT, fail, type Context } from "../context.ts";
import { safeLine } from "../../base/safe-text.ts";
import type { RunningServer, ServeOptions, ServerTokens } from "../../server/serve.ts";
import { isFlagOn, numberFlag, textFlag } from "../flag-values.ts";
import type { Flags } from "../spec.ts";
import { userName } from "../user.ts";
import { nextStopSignal } from "../signals.ts";

export const SERVER_PORT = 4747;

export async function serveCommand(context: Context, _args: readonly unknown[], flags: Flags): Promise<number> {
  const { out, env, clock } = context;
  const host = textFlag(flags, "host");
  const allowHosts = listFlag(flags, "allowHost");
  const given: Partial<ServerTokens> = defined({ act: env["HEDDLE_TOKEN"], read: env["HEDDLE_READ_TOKEN"] });
  const refused = tokensProblem(given) ?? exposureProblem({ host, allowHosts, token: given.act });
  if (refused !== undefined) return fail(context, refused);
  const dirs = listFlag(flags, "project").map((dir) => resolve(context.dir, dir));
  const { serve } = await import("../../server/serve.ts");
  const { openProject } = await import("../../host/open.ts");
  const recovered = (run: string, problem?: string): void =>
    out.note(problem === undefined ? `Run ${run} goes on.` : `Run ${run} cannot go on: ${safeLine(problem)}`);
  const options: ServeOptions = defined({
    dirs: dirs.length === 0 ? [context.dir] : dirs,
    open: (dir: string) => openProject(dir, { title: "heddle serve", onWarning: (text) => out.note(safeLine(text)) }),
    clock,
    env,
    port: numberFlag(flags, "port") ?? SERVER_PORT,
    host: isLoopback(host) ? undefined : host,
    allowHosts,
    cors: listFlag(flags, "cors"),
    given,
    title: "heddle serve",
    actor: `${userName()} over HTTP`,
    onFault: (thrown: unknown) => out.note(`heddle serve: ${safeLine(messageOf(thrown))}`),
    onWarning: (text: string) => out.note(`heddle serve: ${safeLine(text)}`),
    onRecovered: isFlagOn(flags, "recover") ? recovered : undefined,
  });
  const served = await serve(options);
  if (!served.ok) {
    if (served.error.code !== "PortInUse") return fail(context, served.error, EXIT.failed);
    return await portTaken(context, options, { problem: served.error, open: flags["open"] });
  }
  await using server = served.value;
  const { url, port, projects } = server;
  const link = await linkTo(server, flags["open"]);
  if (!link.ok) return fail(context, link.error);
  if (context.json) out.json(defined({ url, port, projects, login: link.value }));
  else {
    out.line(`Serving ${projects.join(", ")} at ${url}`);
    if (link.value !== undefined) out.line(`Log in: ${link.value}`);
    else out.line(`API: ${url}/api/openapi.json, with a token: \`heddle open\` gives a login link.`);
  }
  await nextStopSignal();
  return EXIT.ok;
}

/** What `--open` asks for: a link to the first page, or to the page of a run; `undefined`: none. */
async function linkTo(server: RunningServer, open: unknown): Promise<Result<string | undefined, Problem>> {
  if (open === undefined || open === false) return ok(undefined);
  if (typeof open !== "string") return ok(server.loginLink("act"));
  const path = await server.runPath(open);
  return path.ok ? ok(server.loginLink("act", path.value)) : path;
}

/** A server of this user at the port that has all these projects is named instead of one more; of any other it is said what holds the port. */
async function portTaken(
  context: Context,
  { port, dirs }: Pick<ServeOptions, "port" | "dirs">,
  { problem, open }: { readonly problem: Problem; readonly open: unknown },
): Promise<number> {
  const { out, env } = context;
  const { FoundServer } = await import("../found-server.ts");
  const other = FoundServer.at(env, port);
  if (other === undefined || !(await other.answers())) return fail(context, problem, EXIT.failed);
  const { title, pid, url } = other.file;
  if (!dirs.every((dir) => other.file.dirs.includes(dir))) {
    const message = `port ${port} is in use by ${title} (pid ${pid}), which serves ${other.file.dirs.join(", ")} at ${url}`;
    const hint = `Serve this folder beside it: \`heddle serve --port ${port === 65_535 ? port - 1 : port + 1}\`; \`heddle open --port ${port}\` gives a link to the other.`;
    return fail(context, { ...problem, message, hint }, EXIT.failed);
  }
  const word = typeof open === "string" ? open : undefined;
  const link = open === undefined || open === false ? undefined : await other.loginLink("act", word);
  if (link?.ok === false) return fail(context, link.error);
  if (context.json) out.json(defined({ url, port, pid, login: link?.value }));
  else {
    out.line(`Served already at ${url} by ${title} (pid ${pid})`);
    if (link !== undefined) out.line(`Log in: ${link.value}`);
  }
  return EXIT.ok;
}

const LOOPBACK_NAMES = ["127.0.0.1", "localhost", "::1"];

function isLoopback(host: string | undefined): boolean {
  return host === undefined || LOOPBACK_NAMES.includes(host);
}

type CliProblem = Parameters<typeof fail>[1];

function tokensProblem(given: Partial<ServerTokens>): CliProblem | undefined {
  if (given.act !== undefined && given.act === given.read)
    return {
      code: "SameTokens",
      message: "HEDDLE_READ_TOKEN is HEDDLE_TOKEN: who has it could act",
      hint: "Make another one: `openssl rand -base64 32`.",
    };
  return tokenProblem("HEDDLE_TOKEN", given.act) ?? tokenProblem("HEDDLE_READ_TOKEN", given.read);
}

function tokenProblem(name: string, token: string | undefined): CliProblem | undefined {
  if (token === undefined) return undefined;
  const hint = "Make one: `openssl rand -base64 32`.";
  if (token.length < 32) return { code: "WeakToken", message: `${name} has fewer than 32 characters`, hint };
  if (isBearerToken(token)) return undefined;
  const message = `${name} has more than 200 characters, or some that no client can send as a bearer token`;
  return { code: "UnusableToken", message, hint };
}

/** Another address than the loopback is opened only by who has said by which names, and has chosen a token. */
function exposureProblem(to: {
  readonly host: string | undefined;
  readonly allowHosts: readonly string[];
  readonly token: string | undefined;
}): CliProblem | undefined {
  if (isLoopback(to.host) || (to.token !== undefined && to.allowHosts.length > 0)) return undefined;
  return {
    code: "ExposedServer",
    message: `${to.host ?? ""} can be reached from other machines`,
    hint: "Set HEDDLE_TOKEN to a token of your own, and name what clients call this server with --allow-host NAME.",
  };
}

function listFlag(flags: Flags, name: string): readonly string[] {
  const value = flags[name];
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
