/**
 * A crowd: many clients that look at one run over live connections, and lose them at moments of chance. What each was told is held against
 * the run's history: the states that it had, and no other.
 */
import { systemClock } from "../../src/base/clock.ts";
import { seededRandom, type Random } from "../../src/base/random.ts";
import { connectOn } from "../../src/client/client.ts";
import type { LiveConnection, LiveState } from "../../src/client/live.ts";
import type { ApiProblem } from "../../src/client/problem.ts";
import type { ClientPlatform } from "../../src/client/transport.ts";
import type { Event } from "../../src/run/event.ts";
import { RunFollower } from "../../src/view/follower.ts";
import type { LiveRun } from "../../src/view/live-run.ts";

export interface CrowdOptions {
  readonly url: string;
  readonly token: string;
  readonly project: string;
  readonly run: string;
  readonly clients: number;
  readonly seed: number;
  /** How likely a client is to lose its connection at a message. */
  readonly drops: number;
  /** Of the waits before a connection is made again; absent: a tenth of a page's. */
  readonly pace?: number;
}

/** One client. */
export class CrowdClient {
  readonly live: LiveConnection;
  readonly events: Event[] = [];
  readonly views: LiveRun[] = [];
  readonly problems: ApiProblem[] = [];
  /** When each event came, in the order of their numbers. */
  readonly lagsMs: number[] = [];
  drops = 0;
  #socket: WebSocket | undefined;

  constructor({ url, token, project, run, drops, pace = 0.1 }: CrowdOptions, random: Random) {
    const clock = systemClock();
    const platform: ClientPlatform = {
      fetch: (input, init) => fetch(input, init),
      openSocket: (address, protocols) => {
        const socket = new WebSocket(address, [...protocols]);
        this.#socket = socket;
        socket.addEventListener("message", () => {
          if (random() < drops) this.drop();
        });
        return socket;
      },
      after: (delayMs, fire) => clock.after(delayMs <= 5000 ? delayMs * pace : delayMs, fire),
      now: () => clock.now(),
      random,
      newKey: () => String(random()),
    };
    this.live = connectOn(platform, { url, token }).live();
    const onProblem = (problem: ApiProblem): void => void this.problems.push(problem);
    this.live.run(project, run, { onRun: (view) => void this.views.push(view), onProblem });
    const onEvents = (events: readonly Event[]): void => {
      for (const event of events) this.lagsMs.push(clock.now() - event.time);
      this.events.push(...events);
    };
    this.live.events({ project, run }, { onEvents, onRest: () => undefined, onProblem });
  }

  drop(): void {
    this.drops++;
    this.#socket?.close();
  }

  get state(): LiveState["kind"] {
    return this.live.state.kind;
  }

  get view(): LiveRun | undefined {
    return this.views.at(-1);
  }
}

export function crowd(options: CrowdOptions): readonly CrowdClient[] {
  return Array.from(
    { length: options.clients },
    (_, at) => new CrowdClient(options, seededRandom(options.seed * 1000 + at)),
  );
}

/** What of what the client was told is not what the history says; empty: nothing. */
export function untrue({ events, views, problems }: CrowdClient, history: readonly Event[]): readonly string[] {
  const found = problems.map(({ code, detail }) => `problem ${code}: ${detail}`);
  const told = events.map(({ seq, type }) => `${seq} ${type}`).join("\n");
  const recorded = history.map(({ seq, type }) => `${seq} ${type}`).join("\n");
  if (told !== recorded) found.push(`events: ${events.length} told, ${history.length} recorded, or not in order`);
  let last = 0;
  for (const view of views) {
    if (view.seq < last) found.push(`went back from ${last} to ${view.seq}`);
    last = view.seq;
    if (JSON.stringify(view) !== stateAt(history, view)) found.push(`a state that was not, at ${view.seq}`);
  }
  return found;
}

const states = new WeakMap<readonly Event[], Map<string, string>>();

/** What the run was like after the event that the view is of. */
function stateAt(history: readonly Event[], { seq, head }: LiveRun): string {
  const known = states.get(history) ?? new Map<string, string>();
  states.set(history, known);
  const key = `${seq} ${head.live}`;
  const state = known.get(key) ?? foldedTo(history, seq, head.live);
  known.set(key, state);
  return state;
}

function foldedTo(history: readonly Event[], seq: number, live: boolean): string {
  const follower = new RunFollower(live);
  for (const event of history) if (event.seq <= seq) follower.add(event);
  return JSON.stringify(follower.snapshot());
}
