/**
 * Channel: one of the views that a connection shows, told in order. Its introduction may be as large as a run, and so may be what changes a
 * run at once: these are sent in turn, and what follows waits behind them. Knows no view.
 *
 * Invariants:
 *  1. What waits behind a large message counts as unsent; the large message itself does not, so that no run is too large to be introduced.
 *  2. An introduction becomes a text when its turn has come: many that wait hold no more than the views that they show.
 *  3. Nothing is told of a channel that was closed, also where it waited for its turn.
 */
import type { Json } from "../base/json.ts";
import type { StreamConnection } from "./connection.ts";

/** Bytes of a message that is sent in turn. */
const LARGE: number = 64 * 1024;

export class Channel {
  readonly #connection: StreamConnection;
  readonly #id: string;
  readonly #signal: AbortSignal;
  readonly #waiting: string[] = [];
  #isInTurn = false;
  #isIntroduced = false;

  /** `signal`: given when the client has closed it: nothing is told any more. */
  constructor(connection: StreamConnection, id: string, signal: AbortSignal) {
    this.#connection = connection;
    this.#id = id;
    this.#signal = signal;
  }

  /** `news`: JSON. */
  tell(news: { readonly type: string }): void {
    if (this.#signal.aborted) return;
    const textOf = (): string => JSON.stringify({ ...news, id: this.#id } satisfies Record<string, Json>);
    // Many views that are opened at once are more than may wait, each small as it is.
    if (!this.#isIntroduced) return this.#sendInTurn(textOf);
    const text = textOf();
    if (!this.#isInTurn) return this.#send(text);
    this.#waiting.push(text);
    this.#connection.holdBack(text.length);
  }

  #send(text: string): void {
    if (text.length < LARGE) this.#connection.sendText(text);
    else this.#sendInTurn(() => text);
  }

  #sendInTurn(textOf: () => string): void {
    this.#isIntroduced = true;
    this.#isInTurn = true;
    const wanted = (): string | undefined => (this.#signal.aborted ? undefined : textOf());
    void this.#connection.sendTextInTurn(wanted).then(() => this.#goOn());
  }

  #goOn(): void {
    this.#isInTurn = false;
    while (!this.#isInTurn) {
      const text = this.#waiting.shift();
      if (text === undefined) return;
      this.#connection.holdBack(-text.length);
      if (!this.#signal.aborted) this.#send(text);
    }
  }
}
