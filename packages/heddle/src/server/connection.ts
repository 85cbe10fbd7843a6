/**
 * Stream connection: one WebSocket with bounds: a client that does not read is cut off and comes back to where it was, one that is gone is
 * noticed. Knows no route.
 *
 * Invariants:
 *  1. Where {@link MOST_UNSENT} bytes wait for a client beside the message in turn, it is told nothing more and closed with `4408`; so is
 *     one that does not take a message in turn within {@link TURN_MS}.
 *  2. A client that has not answered for {@link SILENCE_MS} is gone; one whose session has ended is let go with the next ping, with `4401`.
 */
import type { WebSocket } from "ws";
import type { Clock } from "../base/clock.ts";
import type { Json } from "../base/json.ts";

const MOST_UNSENT: number = 1024 * 1024;
const TURN_MS = 30_000;
const PING_MS = 15_000;
const SILENCE_MS = 40_000;

/** Codes with which the server closes a connection. */
export const CLOSE = { invalid: 4400, unauthorized: 4401, forbidden: 4403, tooSlow: 4408, stopping: 4503 } as const;

export interface StreamConnectionOptions {
  /** Whether the client may still see what it sees; asked with each ping. Absent: always. */
  readonly isAllowed?: () => boolean;
}

export class StreamConnection {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #isAllowed: () => boolean;
  readonly #gone = new AbortController();
  #heardAt: number;
  /** Settled when the message in turn has left. */
  #turn: Promise<void> = Promise.resolve();
  #bytesInTurn = 0;
  /** Of what waits behind messages in turn. */
  #heldBytes = 0;
  #cancelPing: (() => void) | undefined;

  constructor(socket: WebSocket, clock: Clock, { isAllowed = () => true }: StreamConnectionOptions = {}) {
    this.#socket = socket;
    this.#isAllowed = isAllowed;
    this.#clock = clock;
    this.#heardAt = clock.now();
    const heard = (): void => void (this.#heardAt = clock.now());
    socket.on("pong", heard).on("message", heard);
    // What is wrong with a connection ends it, and nothing else.
    socket.on("error", () => socket.terminate());
    socket.on("close", () => this.#end());
    this.#ping();
  }

  /** Aborted when the connection is over, whoever ended it. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  send(message: Json): void {
    this.sendText(JSON.stringify(message));
  }

  sendText(text: string): void {
    if (this.#gone.signal.aborted || this.#isTooSlow()) return;
    this.#socket.send(text);
  }

  /** So many bytes more wait to be sent later, or fewer. */
  holdBack(bytes: number): void {
    this.#heldBytes += bytes;
    if (!this.#gone.signal.aborted) this.#isTooSlow();
  }

  /** Closes it then. */
  #isTooSlow(): boolean {
    const unsent = this.#socket.bufferedAmount - this.#bytesInTurn + this.#heldBytes;
    if (unsent > MOST_UNSENT) this.close(CLOSE.tooSlow, "too slow");
    return unsent > MOST_UNSENT;
  }

  /**
   * For what is as long as a history: one message at a time, at the client's pace. Resolves when it has left, or the connection is over:
   * whoever waits for that before the next one holds no more than one.
   */
  sendInTurn(message: Json): Promise<void> {
    return this.sendTextInTurn(() => JSON.stringify(message));
  }

  /** `textOf`: asked when its turn has come, so that no text waits; `undefined`: nobody wants it any more. */
  sendTextInTurn(textOf: () => string | undefined): Promise<void> {
    this.#turn = this.#turn.then(() => this.#sendWhole(textOf));
    return this.#turn;
  }

  async #sendWhole(textOf: () => string | undefined): Promise<void> {
    const text = this.#gone.signal.aborted ? undefined : textOf();
    if (text === undefined) return;
    this.#bytesInTurn = Buffer.byteLength(text);
    const left = Promise.withResolvers<void>();
    const leave = (): void => left.resolve();
    const cancelLimit = this.#clock.after(TURN_MS, () => this.close(CLOSE.tooSlow, "too slow"));
    this.#gone.signal.addEventListener("abort", leave);
    this.#socket.send(text, leave);
    await left.promise;
    this.#gone.signal.removeEventListener("abort", leave);
    cancelLimit();
    this.#bytesInTurn = 0;
  }

  /** Called with each message that is JSON until the connection is over; what is not closes it. */
  onMessage(listener: (message: Json) => void): void {
    this.#socket.on("message", (data: Buffer, isBinary: boolean) => {
      // What arrives while it is being closed would open what nobody closes.
      if (this.#gone.signal.aborted) return;
      let message: Json;
      try {
        if (isBinary) throw new TypeError("binary");
        message = JSON.parse(data.toString("utf8")) as Json;
      } catch {
        return this.close(CLOSE.invalid, "a message is JSON as text");
      }
      listener(message);
    });
  }

  /** At most 123 bytes of `reason` go over the wire. */
  close(code: number, reason: string): void {
    this.#end();
    this.#socket.close(code, reason);
    // One that does not read does not answer either.
    this.#clock.after(1000, () => this.#socket.terminate());
  }

  #ping(): void {
    this.#cancelPing = this.#clock.after(PING_MS, () => {
      if (this.#clock.now() - this.#heardAt > SILENCE_MS) return this.#socket.terminate();
      if (!this.#isAllowed()) return this.close(CLOSE.unauthorized, "the session is over");
      this.#socket.ping();
      this.#ping();
    });
  }

  #end(): void {
    this.#cancelPing?.();
    this.#gone.abort();
  }
}
