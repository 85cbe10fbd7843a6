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
    onFault: (thrown: unknown) => out.note(`heddle serve: ${messageOf(thrown)}`),
    onRecovered: isFlagOn(flags, "recover") ? recovered : undefined,
  });
  const served = await serve(options);
  if (!served.ok) {
    if (served.error.code === "PortInUse" && (await isServedAlready(context, options))) return EXIT.ok;
    return fail(context, served.error, EXIT.failed);
  }
  await using server = served.value;
  if (context.json) out.json({ url: server.url, port: server.port, projects: server.projects });
  else {
    out.line(`Serving ${server.projects.join(", ")} at ${server.url}`);
    const link = await linkTo(server, flags["open"]);
    if (!link.ok) return fail(context, link.error);
    if (link.value !== undefined) out.line(`Log in: ${link.value}`);
    else out.line(`API: ${server.url}/api/openapi.json, with a token: \`heddle open\` gives a login link.`);
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

/** Whether a server of this user at the port has all these projects; then it is named instead of one more. */
async function isServedAlready(
  { out, env, json }: Context,
  { port, dirs }: Pick<ServeOptions, "port" | "dirs">,
): Promise<boolean> {
  const { readTokenFile, tokenFileOf } = await import("../../server/token-file.ts");
  const other = readTokenFile(tokenFileOf(env, port));
  if (other === undefined || !dirs.every((dir) => other.dirs.includes(dir))) return false;
  const answer = await fetch(`${other.url}/api/openapi.json`, {
    headers: { authorization: `Bearer ${other.read}` },
    signal: AbortSignal.timeout(5000),
  }).catch(() => undefined);
  if (answer?.ok !== true) return false;
  if (json) out.json({ url: other.url, port, pid: other.pid });
  else out.line(`Served already at ${other.url} by ${other.title} (pid ${other.pid})`);
  return true;
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
