/**
 * Event stream of the client: the events of a run over a WebSocket, for as long as somebody works on it, whatever becomes of the connection.
 *
 * Invariants:
 *  1. Events are given in the order of their numbers, without a gap and none twice: where one is missing the connection is made anew.
 *  2. It ends only with the server's word that nobody works on the run; a lost connection is made again, a refusal is thrown.
 *  3. At most {@link MOST_QUEUED} events, and a message more, wait for a slow reader: then the connection is closed, and made again when
 *     they have been read.
 */
import { isJsonObject, type Json } from "../base/json.ts";
import type { RunEvent } from "../view/history.ts";
import { ApiProblem, problemIn } from "./problem.ts";
import { isPassing, reconnectDelayMs, SILENT_MS } from "./reconnect.ts";
import type { ClientPlatform, ClientSocket } from "./transport.ts";

export interface EventStreamOptions {
  /** Only events behind this number. Absent: all. */
  readonly after?: number;
  /** Go on when nobody works on the run: it may be resumed, or answered. Absent: the iteration ends then. */
  readonly follow?: boolean;
  /** Ends the iteration: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface EventChannel {
  readonly platform: ClientPlatform;
  /** Of the stream: `ws://...` */
  readonly url: string;
  readonly project: string;
  readonly run: string;
  readonly newTicket: (signal: AbortSignal | undefined) => Promise<string>;
}

export const MOST_QUEUED = 10_000;

const CHANNEL = "events";

export async function* streamEvents(
  channel: EventChannel,
  { after: from = 0, follow = false, signal }: EventStreamOptions,
): AsyncGenerator<RunEvent, void, undefined> {
  const { platform } = channel;
  let after = from;
  for (let lost = 0; ; lost++) {
    if (lost > 0) await pause(platform, reconnectDelayMs(lost, platform.random), signal);
    const connection = await connected(channel, after, signal);
    if (connection === undefined) continue;
    try {
      for (;;) {
        const message = await connection.next();
        signal?.throwIfAborted();
        if (message.kind === "problem") throw message.problem;
        if (message.kind === "lost" || leavesGap(message, after)) break;
        if (message.kind === "end") {
          if (!follow) return;
          continue;
        }
        for (const event of behind(message.events, after)) {
          after = event.seq;
          lost = 0;
          yield event;
        }
      }
    } finally {
      connection.close();
    }
  }
}

/** Whether events between number `after` and the message were not told of. */
function leavesGap(message: Extract<Message, { readonly kind: "events" | "end" }>, after: number): boolean {
  return message.kind === "end" ? message.seq > after : (message.events[0]?.seq ?? 0) > after + 1;
}

function behind(events: readonly RunEvent[], after: number): readonly RunEvent[] {
  return events.filter(({ seq }) => seq > after);
}

async function pause({ after }: ClientPlatform, delay: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve) => {
    const cancel = after(delay, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    const stop = (): void => {
      cancel();
      resolve();
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
  signal?.throwIfAborted();
}

/** `undefined`: it could not be made now. Throws what another try would not mend. */
async function connected(
  { platform, url, project, run, newTicket }: EventChannel,
  after: number,
  signal: AbortSignal | undefined,
): Promise<Connection | undefined> {
  let ticket: string;
  try {
    ticket = await newTicket(signal);
  } catch (thrown) {
    if (thrown instanceof ApiProblem && isPassing(thrown)) return undefined;
    throw thrown;
  }
  const socket = platform.openSocket(url, ["heddle.v1", `ticket.${ticket}`]);
  return new Connection(socket, {
    platform,
    signal,
    opening: { op: "open", id: CHANNEL, kind: "events", project, run, after },
  });
}

type Message =
  | { readonly kind: "events"; readonly events: readonly RunEvent[] }
  | { readonly kind: "end"; readonly seq: number }
  | { readonly kind: "problem"; readonly problem: ApiProblem }
  | { readonly kind: "lost" };

const LOST: Message = { kind: "lost" };

/** One socket with one channel, and the messages that were not taken yet. */
class Connection {
  readonly #socket: ClientSocket;
  readonly #platform: ClientPlatform;
  readonly #signal: AbortSignal | undefined;
  readonly #queue: Message[] = [];
  #queuedEvents = 0;
  #isOver = false;
  #wake: (() => void) | undefined;
  #cancelSilence: (() => void) | undefined;
  readonly #aborted = (): void => this.#end();

  constructor(
    socket: ClientSocket,
    options: { readonly platform: ClientPlatform; readonly signal: AbortSignal | undefined; readonly opening: Json },
  ) {
    this.#socket = socket;
    this.#platform = options.platform;
    this.#signal = options.signal;
    socket.addEventListener("open", () => socket.send(JSON.stringify(options.opening)));
    socket.addEventListener("message", ({ data }) => this.#take(data));
    // An error is followed by the close.
    socket.addEventListener("close", () => this.#end());
    this.#signal?.addEventListener("abort", this.#aborted, { once: true });
    this.#listen();
  }

  /** The next message; `lost` for ever when the connection is over and all were taken. */
  async next(): Promise<Message> {
    while (this.#queue.length === 0 && !this.#isOver) await new Promise<void>((resolve) => (this.#wake = resolve));
    const message = this.#queue.shift() ?? LOST;
    if (message.kind === "events") this.#queuedEvents -= message.events.length;
    return message;
  }

  close(): void {
    this.#signal?.removeEventListener("abort", this.#aborted);
    this.#end();
  }

  #take(data: unknown): void {
    if (this.#isOver) return;
    this.#listen();
    const message = messageOf(data);
    if (message === undefined) return;
    if (message.kind === "lost") return this.#end();
    this.#queue.push(message);
    if (message.kind === "events") this.#queuedEvents += message.events.length;
    this.#wake?.();
    if (this.#queuedEvents > MOST_QUEUED) this.#end();
  }

  /** A connection on which nothing is said is gone, though nobody told. */
  #listen(): void {
    this.#cancelSilence?.();
    this.#cancelSilence = this.#platform.after(SILENT_MS, () => this.#end());
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelSilence?.();
    this.#socket.close();
    this.#wake?.();
  }
}

/** `undefined`: nothing that is for us, as a later server may say. `lost`: what no server says. */
function messageOf(data: unknown): Message | undefined {
  let json: Json;
  try {
    json = JSON.parse(String(data)) as Json;
  } catch {
    return LOST;
  }
  if (!isJsonObject(json)) return LOST;
  const { type, id, events, seq, status } = json;
  if (id !== CHANNEL) return undefined;
  if (type === "events") return hasEvents(events) ? { kind: "events", events } : LOST;
  if (type === "end") return typeof seq === "number" ? { kind: "end", seq } : LOST;
  if (type !== "problem") return undefined;
  const problem = problemIn(typeof status === "number" ? status : 0, json);
  return problem === undefined ? LOST : { kind: "problem", problem };
}

/** In order, without a gap. The events themselves are as the journal checked them. */
export function hasEvents(value: Json | undefined): value is Json & readonly RunEvent[] {
  if (!Array.isArray(value)) return false;
  let last: number | undefined;
  return (value as readonly Json[]).every((event) => {
    const seq = isJsonObject(event) ? event["seq"] : undefined;
    const isNext = typeof seq === "number" && (last === undefined || seq === last + 1);
    if (isNext) last = seq;
    return isNext;
  });
}
