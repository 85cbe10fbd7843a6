/**
 * Server: puts authority, projects, routes and sockets together, and leaves its tokens for the command line. Knows no route and no
 * project by name.
 */
import { existsSync } from "node:fs";
import { getRequestListener } from "@hono/node-server";
import type { Clock } from "../base/clock.ts";
import { caught, type Problem } from "../base/errors.ts";
import { ok, type Result } from "../base/result.ts";
import { layoutOf } from "../project/layout.ts";
import { VERSION } from "../version.ts";
import { serverApp } from "./app.ts";
import { Authority, MOST_GUESSES, type ServerTokens } from "./authority.ts";
import { sourceSettings } from "./guard.ts";
import { recoverRuns } from "./recover.ts";
import { listenOn, LOOPBACKS } from "./listen.ts";
import { ServerFeeds } from "./server-feeds.ts";
import { ServerMetrics } from "./metrics/server-metrics.ts";
import { OpenStreams } from "./open-streams.ts";
import { ServedProjects, type OpenServed } from "./projects.ts";
import { runPathIn } from "../project/run-path.ts";
import { builtPages, PageFiles } from "./page-files.ts";
import { API_ROUTES, PAGE_ROUTES, STREAM_ROUTES } from "./table.ts";
import { removeTokenFile, tokenFileOf, writeTokenFile } from "./token-file.ts";
import { Upgrades } from "./upgrade.ts";
import type { ServerWorld } from "./world.ts";

export type { ServerTokens } from "./authority.ts";

export interface ServeOptions {
  /** Absolute folders of the projects. */
  readonly dirs: readonly string[];
  readonly open: OpenServed;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** 0: any that is free. */
  readonly port: number;
  /** An address that is not of the loopback; its clients are other machines. Absent: this machine alone. */
  readonly host?: string;
  /** Names by which clients may call the server, beside those of this machine: of a proxy that passes them on. */
  readonly allowHosts?: readonly string[];
  /** Origins of pages that may use the API. */
  readonly cors?: readonly string[];
  /** Tokens that the user gave, two different ones. A new one for each that is absent. */
  readonly given?: Partial<ServerTokens>;
  /** What a person calls this process. */
  readonly title: string;
  /** Who is said to have asked for what clients ask for. */
  readonly actor: string;
  readonly onFault: (message: unknown) => void;
  /** Called with what the operator should know. */
  readonly onWarning?: (text: string) => void;
  /** Folder with the built pages. Absent: that of the package. */
  readonly pages?: string;
  /** Runs whose process died are taken up; called with each, and its problem where it cannot go on. Absent: they are left. */
  readonly onRecovered?: (run: string, problem?: string) => void;
}

export interface RunningServer extends AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string;
  readonly port: number;
  readonly tokens: ServerTokens;
  /** The names of the projects. */
  readonly projects: readonly string[];
  /** A link with which a browser logs in, once. `path`: of the page that it opens; absent: the first. */
  loginLink(grant: "read" | "act", path?: string): string;
  /** The path of a run's page, of the first project that has it. `word`: an id or the beginning of one. */
  runPath(word: string): Promise<Result<string, Problem>>;
}

function silencedText(peer: string): string {
  return `${MOST_GUESSES} wrong tokens came from ${peer} within a minute: it is not answered for the rest of it`;
}

/** How long requests that are under way may take when the server stops. */
const CLOSE_MS = 2000;

export async function serve(options: ServeOptions): Promise<Result<RunningServer, Problem>> {
  const { clock, host, allowHosts = [], cors = [] } = options;
  const authority = new Authority(clock, options.given, {
    onSilenced: (peer) => options.onWarning?.(silencedText(peer)),
  });
  const projects = new ServedProjects(options.dirs, delivering(options.open));
  let source = sourceSettings(options.port);
  let url = "";
  const metrics = new ServerMetrics();
  const world: ServerWorld = {
    clock,
    authority,
    projects,
    feeds: new ServerFeeds(clock, projects),
    metrics,
    streams: new OpenStreams(metrics),
    version: VERSION,
    startedAt: clock.now(),
    origin: () => url,
    actor: options.actor,
    onFault: options.onFault,
  };
  const app = serverApp({
    world,
    routes: API_ROUTES,
    pages: PAGE_ROUTES,
    files: new PageFiles(options.pages ?? builtPages()),
    source: () => source,
    onFault: options.onFault,
  });
  const upgrades = new Upgrades({ world, routes: STREAM_ROUTES, source: () => source, onFault: options.onFault });
  const listener = getRequestListener(app.fetch as never, { overrideGlobalObjects: false });
  const addresses = host === undefined ? LOOPBACKS : [host];
  const sockets = await listenOn({
    port: options.port,
    addresses,
    onRequest: (request, response) => void listener(request, response),
    onUpgrade: (request, socket, head) => upgrades.take(request, socket, head),
    onFault: options.onFault,
  });
  if (!sockets.ok) return sockets;
  const { port } = sockets.value;
  const named = host === undefined ? allowHosts : [...allowHosts, host.includes(":") ? `[${host}]` : host];
  source = sourceSettings(port, { allowHosts: named, cors });
  url = `http://${host === undefined ? "127.0.0.1" : (named.at(-1) ?? host)}:${port}`;
  const file = tokenFileOf(options.env, port);
  const written = writeTokenFile(file, {
    pid: process.pid,
    title: options.title,
    url,
    dirs: options.dirs,
    ...authority.tokens,
  });
  if (!written.ok) {
    await sockets.value.close(0);
    return written;
  }
  for (const name of projects.names) {
    // One without runs has nothing to go on with, and nothing to tell.
    if (options.onRecovered === undefined && !hasJournal(projects, name)) continue;
    const project = await caught(async () => ok(await projects.get(name)));
    if (project.ok && options.onRecovered !== undefined) await recoverRuns(project.value, options.onRecovered);
  }
  return ok({
    url,
    port,
    tokens: authority.tokens,
    projects: projects.names,
    loginLink: (grant, path = "/") => `${url}${path}#login=${authority.mintCode(grant)}`,
    runPath: (word) =>
      runPathIn(projects.names, word, (name) => caught(async () => (await projects.get(name)).runs.find(word))),
    async [Symbol.asyncDispose]() {
      removeTokenFile(file, authority.tokens.act);
      upgrades.close();
      await sockets.value.close(CLOSE_MS);
      await projects[Symbol.asyncDispose]();
    },
  });
}

/** Each project that is open sends what is left to send, also of processes that have ended. */
function delivering(open: OpenServed): OpenServed {
  return async (dir) => {
    const opened = await open(dir);
    if (opened.ok) await opened.value.notices.deliver();
    return opened;
  };
}

function hasJournal(projects: ServedProjects, name: string): boolean {
  const dir = projects.dirOf(name);
  return dir !== undefined && existsSync(layoutOf(dir).journalFile);
}
