/** Server feeds: everything that clients may look at live, each worked out once for all of them. */
import type { Clock } from "../base/clock.ts";
import type { Project } from "../project/port.ts";
import { runListPatch, type RunLine, type RunListPatch } from "../view/list.ts";
import type { AttentionList } from "../view/protocol.ts";
import { attentionIn } from "./attention.ts";
import { Feeds } from "./feeds.ts";
import { lookedFeed, type Looking } from "./looked-feed.ts";
import type { ServedProjects } from "./projects.ts";
import { RunFeeds } from "./run-feed.ts";

type Watcher = ReturnType<Project["runs"]["watch"]>;

/** The newest ones. */
const MOST_RUNS = 200;
const MOST_ITEMS = 200;

export type RunListNews =
  | { readonly type: "snapshot"; readonly runs: readonly RunLine[] }
  | ({ readonly type: "patch" } & RunListPatch);

export interface AttentionNews {
  readonly type: "snapshot";
  readonly attention: AttentionList;
}

export class ServerFeeds {
  readonly run: RunFeeds["follow"];
  readonly #clock: Clock;
  readonly #projects: ServedProjects;
  readonly #lists = new Feeds<RunListNews>();
  readonly #attention = new Feeds<AttentionNews>();

  constructor(clock: Clock, projects: ServedProjects) {
    const runs = new RunFeeds(clock);
    this.run = (asked, listener, signal) => runs.follow(asked, listener, signal);
    this.#clock = clock;
    this.#projects = projects;
  }

  /** Tells `listener` of the newest runs of a project until the signal is given. */
  runs(project: Project, listener: (news: RunListNews) => void, signal: AbortSignal): Promise<void> {
    const clock = this.#clock;
    const looking = (): Looking<readonly RunLine[], RunListNews> => {
      const watcher = project.runs.watch();
      return {
        clock,
        hasNews: () => watcher.changed(),
        look: () => project.runs.list({ limit: MOST_RUNS }),
        tell(runs, before) {
          const patch = before && runListPatch(before, runs);
          return patch === undefined ? { type: "snapshot", runs } : { type: "patch", ...patch };
        },
      };
    };
    return this.#lists.follow(project.dir, () => lookedFeed(looking()), listener, signal);
  }

  /** Tells `listener` of what waits for people until the signal is given. `project`: in this one alone. */
  attention(project: string | undefined, listener: (news: AttentionNews) => void, signal: AbortSignal): Promise<void> {
    const clock = this.#clock;
    const projects = this.#projects;
    const names = project === undefined ? projects.names : [project];
    const looking = (): Looking<AttentionList, AttentionNews> => {
      const watchers = new Map<string, Watcher>();
      return {
        clock,
        // All are asked: each says once that there is news.
        hasNews: () => [...watchers.values()].filter((watcher) => watcher.changed()).length > 0,
        async look() {
          await watchAll(projects, names, watchers);
          return await attentionIn(projects, { names, limit: MOST_ITEMS, cursor: undefined });
        },
        tell: (attention) => ({ type: "snapshot", attention }),
      };
    };
    return this.#attention.follow(project ?? "", () => lookedFeed(looking()), listener, signal);
  }
}

/** One that cannot be opened is tried again at the next look, which says why not. */
async function watchAll(
  projects: ServedProjects,
  names: readonly string[],
  watchers: Map<string, Watcher>,
): Promise<void> {
  for (const name of names) {
    if (watchers.has(name)) continue;
    const project = await projects.get(name).catch(() => undefined);
    if (project !== undefined) watchers.set(name, project.runs.watch());
  }
}
