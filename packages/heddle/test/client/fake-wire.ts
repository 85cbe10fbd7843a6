/** A wire under the client: tickets, sockets and timers of the test's. */
import { connectOn, type HeddleClient } from "../../src/client/client.ts";
import { SILENT_MS } from "../../src/client/reconnect.ts";
import type { ClientSocket } from "../../src/client/transport.ts";

interface Timer {
  readonly ms: number;
  readonly fire: () => void;
}

export class FakeSocket extends EventTarget {
  readonly sent: string[] = [];
  isClosed = false;
  send(text: string): void {
    this.sent.push(text);
  }
  close(): void {
    this.isClosed = true;
  }
  say(message: unknown): void {
    this.tell(JSON.stringify(message));
  }
  tell(data: string): void {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
  open(): void {
    this.dispatchEvent(new Event("open"));
  }
  lose(): void {
    this.dispatchEvent(new Event("close"));
  }
  events(...seqs: readonly number[]): void {
    this.say({ type: "events", id: "events", run: "r", events: seqs.map((seq) => ({ seq, run: "r" })) });
  }
}

export class FakeWire {
  /** The time of day. */
  now = 0;
  /** What was asked over HTTP: addresses and bodies. */
  readonly asked: string[] = [];
  readonly sockets: FakeSocket[] = [];
  readonly timers: Timer[] = [];
  readonly offered: string[][] = [];
  /** How the next tickets are answered; none left: with one. */
  readonly answers: (Response | Error)[] = [];
  readonly client: HeddleClient;

  constructor() {
    this.client = connectOn(
      {
        fetch: async (input, init) => {
          this.asked.push(`${String(input)} ${String(init?.body)}`);
          const answer = this.answers.shift() ?? jsonAnswer(201, { ticket: "t", expiresAt: 1 });
          if (answer instanceof Error) throw answer;
          return answer;
        },
        openSocket: (_url, protocols) => {
          this.offered.push([...protocols]);
          const socket = new FakeSocket();
          this.sockets.push(socket);
          return socket as unknown as ClientSocket;
        },
        after: (ms, fire) => {
          const timer = { ms, fire };
          this.timers.push(timer);
          return () => void this.timers.splice(this.timers.indexOf(timer), this.timers.includes(timer) ? 1 : 0);
        },
        now: () => this.now,
        random: () => 1,
        newKey: () => "key",
      },
      { url: "http://127.0.0.1:1/", token: "token" },
    );
  }

  /** The socket number `at`, once it is there, opened. */
  async socket(at: number): Promise<FakeSocket> {
    await turns(() => this.sockets[at] !== undefined);
    const socket = this.sockets[at] as FakeSocket;
    socket.open();
    return socket;
  }

  /** Fires the wait before the next connection, and gives its length. */
  async wait(): Promise<number> {
    await turns(() => this.timers.some(({ ms }) => ms !== SILENT_MS));
    const at = this.timers.findIndex(({ ms }) => ms !== SILENT_MS);
    const [timer] = this.timers.splice(at, 1);
    timer?.fire();
    return timer?.ms ?? 0;
  }
}

export function jsonAnswer(status: number, body: unknown): Response {
  const headers = { "content-type": "application/json", "heddle-api": "1" };
  return new Response(JSON.stringify(body), { status, headers });
}

/** Lets what is settled go on until it is so. */
export async function turns(isTrue: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000; turn++) {
    if (isTrue()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("waited in vain");
}
