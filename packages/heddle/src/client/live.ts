/**
 * Live connection: one socket for all that a page shows live, whatever becomes of it. Knows no kind of channel.
 *
 * Invariants:
 *  1. Each try to connect asks for a ticket of its own, and each connection opens all channels that there are.
 *  2. A lost connection is made again by error, not by what the page shows; a refusal ends the tries and is told in the state.
 *  3. The connection is `live` only when every channel that was there when it was made has what the server has.
 *  4. When no channel is left the socket is closed after {@link LINGER_MS}.
 */
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import {
  attentionChannel,
  eventsChannel,
  logChannel,
  runChannel,
  runsChannel,
  type AttentionListener,
  type EventsListener,
  type FollowedAttempt,
  type LiveChannel,
  type LogListener,
  type RunListener,
  type RunsListener,
} from "./live-channel.ts";
import { ApiProblem, invalidCall, problemIn } from "./problem.ts";
import { isPassing, reconnectDelayMs, SILENT_MS } from "./reconnect.ts";
import type { ClientPlatform, ClientSocket } from "./transport.ts";

/**
 * What the connection is, and since when, in milliseconds since the epoch. `idle`: nothing is looked at. `connecting`: it is being made, or
 * what was missed meanwhile is on its way. `offline`: it was lost, and is made again; `since` it was live last. `refused`: the server lets
 * nobody in with this token (`unauthorized`: the session is over), or what answers is no server of heddle; it is not tried again.
 */
export type LiveState =
  | { readonly kind: "idle" | "connecting" | "live" | "offline"; readonly since: number }
  | { readonly kind: "refused"; readonly since: number; readonly problem: ApiProblem };

/**
 * What a page shows live, over one connection, which is opened with the first channel. What opens a channel gives the function that closes
 * it. Listeners are called again with the whole when a lost connection was made again.
 */
export interface LiveConnection {
  readonly state: LiveState;
  /** Calls at each change of the state; gives the function that ends that. */
  onState(listener: () => void): () => void;
  /** A run, by its id or the beginning of one that no other run has. */
  run(project: string, run: string, listener: RunListener): () => void;
  /** The newest runs of a project. */
  runs(project: string, listener: RunsListener): () => void;
  /** What waits for people in all projects. */
  attention(listener: AttentionListener): () => void;
  /** What an attempt writes, until it has ended. */
  log(of: FollowedAttempt, listener: LogListener): () => void;
  /** The events of a run, from the first one or from behind `after`. */
  events(
    of: { readonly project: string; readonly run: string; readonly after?: number },
    listener: EventsListener,
  ): () => void;
  /** Tries at once where the next try is waited for: the page is online again, or the person asks for it. */
  wake(): void;
  /** Closes all channels, and tells nobody any more. A channel that is opened later opens the connection again. */
  close(): void;
}

/** A page that goes from one view to the next keeps its connection. */
export const LINGER_MS = 5000;
/** The server takes no more of one connection. */
export const MOST_CHANNELS = 64;

export interface LiveOptions {
  readonly platform: ClientPlatform;
  /** Of the stream: `ws://...` */
  readonly url: string;
  readonly newTicket: (signal: AbortSignal) => Promise<string>;
}

interface OpenChannel {
  readonly channel: LiveChannel;
  /** It has what the server has: said whole once on this connection. */
  isFresh: boolean;
}

export class LiveSocket implements LiveConnection {
  readonly #platform: ClientPlatform;
  readonly #url: string;
  readonly #newTicket: LiveOptions["newTicket"];
  /** By the id under which each was opened last. */
  readonly #channels = new Map<string, OpenChannel>();
  readonly #listeners = new Set<() => void>();
  #ids = 0;
  #state: LiveState;
  /** Given when the try or the connection that is under way is left; `undefined`: there is none. */
  #way: AbortController | undefined;
  /** Absent until it is open. */
  #socket: ClientSocket | undefined;
  #isCaughtUp = false;
  /** Connections one after another that did not become live. */
  #lost = 0;
  /** When it was live last; `undefined`: it has not been lost. */
  #lostAt: number | undefined;
  #cancelSilence: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;
  #cancelLinger: (() => void) | undefined;

  constructor({ platform, url, newTicket }: LiveOptions) {
    this.#platform = platform;
    this.#url = url;
    this.#newTicket = newTicket;
    this.#state = { kind: "idle", since: platform.now() };
  }

  get state(): LiveState {
    return this.#state;
  }

  onState(listener: () => void): () => void {
    // One of its own: the same function may listen twice.
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  run(project: string, run: string, listener: RunListener): () => void {
    return this.#open(runChannel(project, run, listener));
  }

  runs(project: string, listener: RunsListener): () => void {
    return this.#open(runsChannel(project, listener));
  }

  attention(listener: AttentionListener): () => void {
    return this.#open(attentionChannel(listener));
  }

  log(of: FollowedAttempt, listener: LogListener): () => void {
    return this.#open(logChannel(of, listener));
  }

  events(of: Parameters<LiveConnection["events"]>[0], listener: EventsListener): () => void {
    return this.#open(eventsChannel(of, listener));
  }

  wake(): void {
    if (this.#way !== undefined || this.#channels.size === 0) return;
    this.#lost = 0;
    this.#connect();
  }

  close(): void {
    this.#channels.clear();
    this.#rest();
  }

  #open(channel: LiveChannel): () => void {
    if (this.#channels.size >= MOST_CHANNELS)
      throw invalidCall(`A connection has ${MOST_CHANNELS} channels at most`, "Close those that nobody looks at.");
    this.#cancelLinger?.();
    const opened: OpenChannel = { channel, isFresh: false };
    this.#ask(opened);
    if (this.#way === undefined && this.#cancelRetry === undefined && this.#state.kind !== "refused") this.#connect();
    return () => this.#close(opened);
  }

  #close(opened: OpenChannel): void {
    for (const [id, one] of this.#channels) {
      if (one !== opened) continue;
      this.#channels.delete(id);
      this.#socket?.send(JSON.stringify({ op: "close", id }));
    }
    if (this.#channels.size === 0) this.#linger();
    else this.#catchUp();
  }

  #linger(): void {
    this.#cancelLinger?.();
    if (this.#socket === undefined) return this.#rest();
    this.#cancelLinger = this.#platform.after(LINGER_MS, () => this.#rest());
  }

  /** Nobody looks at anything. */
  #rest(): void {
    this.#leave();
    this.#lost = 0;
    this.#lostAt = undefined;
    this.#tell({ kind: "idle" });
  }

  /** Under an id of its own, so that nothing that is still on its way is taken for an answer. */
  #ask(opened: OpenChannel): void {
    const id = String(++this.#ids);
    this.#channels.set(id, opened);
    opened.isFresh = !opened.channel.isAnswered;
    this.#socket?.send(JSON.stringify({ op: "open", id, ...opened.channel.opening() }));
  }

  #connect(): void {
    this.#leave();
    const way = new AbortController();
    this.#way = way;
    this.#listen();
    if (this.#lostAt === undefined) this.#tell({ kind: "connecting" });
    this.#newTicket(way.signal).then(
      (ticket) => {
        if (!way.signal.aborted) this.#join(way, ticket);
      },
      (thrown: unknown) => {
        if (way.signal.aborted) return;
        if (thrown instanceof ApiProblem && !isPassing(thrown)) this.#refuse(thrown);
        else this.#lose();
      },
    );
  }

  #join(way: AbortController, ticket: string): void {
    const socket = this.#platform.openSocket(this.#url, ["heddle.v1", `ticket.${ticket}`]);
    way.signal.addEventListener("abort", () => socket.close());
    const unlessLeft =
      (act: () => void): (() => void) =>
      () => {
        if (!way.signal.aborted) act();
      };
    const opened = (): void => {
      this.#socket = socket;
      this.#listen();
      this.#tell({ kind: "connecting" });
      const channels = [...this.#channels.values()];
      this.#channels.clear();
      for (const channel of channels) this.#ask(channel);
      this.#catchUp();
    };
    socket.addEventListener("open", unlessLeft(opened));
    // An error is followed by the close.
    socket.addEventListener(
      "close",
      unlessLeft(() => this.#lose()),
    );
    socket.addEventListener("message", ({ data }) => {
      if (!way.signal.aborted) this.#take(data);
    });
  }

  #take(data: unknown): void {
    this.#listen();
    const message = objectOf(data);
    if (message === undefined) return this.#lose();
    const { id, type, status } = message;
    const opened = typeof id === "string" ? this.#channels.get(id) : undefined;
    if (opened === undefined || typeof id !== "string") return;
    if (type === "problem") {
      const problem = problemIn(typeof status === "number" ? status : 0, message);
      if (problem === undefined) return this.#lose();
      this.#channels.delete(id);
      opened.channel.fail(problem);
      return this.#channels.size === 0 ? this.#linger() : this.#catchUp();
    }
    switch (opened.channel.take(message)) {
      case "fits":
        opened.isFresh = true;
        return this.#catchUp();
      case "over":
        this.#channels.delete(id);
        return this.#channels.size === 0 ? this.#linger() : this.#catchUp();
      case "gap":
        this.#channels.delete(id);
        this.#socket?.send(JSON.stringify({ op: "close", id }));
        return this.#ask(opened);
      case "broken":
        return this.#lose();
      case "unknown":
        return;
    }
  }

  #catchUp(): void {
    if (this.#socket === undefined || this.#isCaughtUp) return;
    if (![...this.#channels.values()].every(({ isFresh }) => isFresh)) return;
    this.#isCaughtUp = true;
    this.#lost = 0;
    this.#lostAt = undefined;
    this.#tell({ kind: "live" });
  }

  /** A connection on which nothing is said is gone, though nobody told; so is a try that nobody answers. */
  #listen(): void {
    this.#cancelSilence?.();
    this.#cancelSilence = this.#platform.after(SILENT_MS, () => this.#lose());
  }

  #lose(): void {
    this.#leave();
    this.#lostAt ??= this.#platform.now();
    this.#lost++;
    this.#cancelRetry = this.#platform.after(reconnectDelayMs(this.#lost, this.#platform.random), () =>
      this.#connect(),
    );
    this.#tell({ kind: "offline", since: this.#lostAt });
  }

  #refuse(problem: ApiProblem): void {
    this.#leave();
    this.#tell({ kind: "refused", problem });
  }

  /** Leaves the try, the connection, or the wait for the next try. */
  #leave(): void {
    for (const cancel of [this.#cancelSilence, this.#cancelRetry, this.#cancelLinger]) cancel?.();
    this.#cancelSilence = undefined;
    this.#cancelRetry = undefined;
    this.#cancelLinger = undefined;
    this.#socket = undefined;
    this.#isCaughtUp = false;
    const way = this.#way;
    this.#way = undefined;
    way?.abort();
  }

  #tell(state: DistributedOmit<LiveState, "since"> & { readonly since?: number }): void {
    const isSame = state.kind === this.#state.kind && state.kind !== "refused";
    if (isSame) return;
    this.#state = { since: this.#platform.now(), ...state };
    for (const listener of this.#listeners) listener();
  }
}

type DistributedOmit<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never;

/** `undefined`: what no server says. */
function objectOf(data: unknown): JsonObject | undefined {
  try {
    const json = JSON.parse(String(data)) as Json;
    return isJsonObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}
