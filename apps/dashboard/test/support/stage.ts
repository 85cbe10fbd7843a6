/** Stage of the tests in a browser: a real server on projects in folders of their own, with plans and runs, and pages on it. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { inject } from "vitest";
import { systemClock } from "../../../../packages/heddle/src/base/clock.ts";
import { orThrow } from "../../../../packages/heddle/src/base/errors.ts";
import { openProject } from "../../../../packages/heddle/src/host/open.ts";
import { serve, type RunningServer } from "../../../../packages/heddle/src/server/serve.ts";
import { connect, type HeddleClient, type ProjectClient } from "../../../../packages/heddle/src/client/index.ts";
import { temporaryFolder } from "../../../../packages/heddle/test/support/temporary.ts";
import { until } from "../../../../packages/heddle/test/support/until.ts";
import { watchedPage, type LookOptions, type WatchedPage } from "./browser.ts";

export interface PageOptions extends LookOptions {
  /** What the page may do; absent: everything. */
  readonly grant?: "read" | "act";
}

/** Name of the first project of a stage. */
const PROJECT = "shop";

export class Stage implements AsyncDisposable {
  readonly dir: string;
  readonly server: RunningServer;
  readonly client: HeddleClient;
  readonly faults: unknown[];

  private constructor(dir: string, server: RunningServer, faults: unknown[]) {
    this.dir = dir;
    this.server = server;
    this.faults = faults;
    this.client = connect({ url: server.url, token: server.tokens.act });
  }

  static async open({ projects = [PROJECT] }: { readonly projects?: readonly string[] } = {}): Promise<Stage> {
    const dir = temporaryFolder("pages");
    const dirs = projects.map((name) => path.join(dir, name));
    for (const one of dirs) mkdirSync(one, { recursive: true });
    const faults: unknown[] = [];
    const server = await serve({
      dirs,
      open: (one) => openProject(one, { title: "heddle serve" }),
      clock: systemClock(),
      env: { HOME: dir, XDG_STATE_HOME: path.join(dir, "state") },
      port: 0,
      title: "heddle serve",
      actor: "tester over HTTP",
      pages: inject("pages"),
      onFault: (thrown) => faults.push(thrown),
    });
    return new Stage(dir, orThrow(server), faults);
  }

  project(name: string = PROJECT): ProjectClient {
    return this.client.project(name);
  }

  /** Writes a file into the first project. */
  write(file: string, text: string | Uint8Array): void {
    const whole = path.join(this.dir, PROJECT, file);
    mkdirSync(path.dirname(whole), { recursive: true });
    writeFileSync(whole, text);
  }

  /** Starts a plan, as JSON, in the first project; its run goes on. */
  async start(plan: { readonly [key: string]: unknown }): Promise<string> {
    const { run } = await this.project().runs.start({ plan: plan as never });
    return run;
  }

  /** As {@link start}, and waits until nobody works on the run: it has ended, or waits for a person. */
  async run(plan: { readonly [key: string]: unknown }): Promise<string> {
    const run = await this.start(plan);
    await this.settled(run);
    return run;
  }

  async settled(run: string): Promise<void> {
    await until(async () => {
      const { status } = await this.project().runs.get(run, { fields: ["status"] });
      return status !== "running";
    });
  }

  /** A page of the server, logged in. */
  async page(address: string, { grant = "act", ...look }: PageOptions = {}): Promise<WatchedPage> {
    const session = { token: this.server.tokens[grant], authority: grant, expiresAt: Date.now() + 3_600_000 };
    const watched = await watchedPage(this.server.url, { "heddle.session": JSON.stringify(session) }, look);
    await watched.page.goto(address);
    return watched;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 3 });
  }
}
