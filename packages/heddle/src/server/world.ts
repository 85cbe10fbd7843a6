/** Server world: what every handler of the server works with. */
import type { Clock } from "../base/clock.ts";
import type { Authority } from "./authority.ts";
import type { ServerFeeds } from "./server-feeds.ts";
import type { ServerMetrics } from "./metrics/server-metrics.ts";
import type { OpenStreams } from "./open-streams.ts";
import type { ServedProjects } from "./projects.ts";

export interface ServerWorld {
  readonly clock: Clock;
  readonly authority: Authority;
  readonly projects: ServedProjects;
  readonly feeds: ServerFeeds;
  readonly metrics: ServerMetrics;
  readonly streams: OpenStreams;
  readonly version: string;
  /** On {@link clock}. */
  readonly startedAt: number;
  /** Of the address that is listened on, without a slash at its end. */
  readonly origin: () => string;
  /** Who asks, for the record of what is asked: `operator over HTTP`. */
  readonly actor: string;
  /** Called with what nobody expected. */
  readonly onFault: (thrown: unknown) => void;
}
