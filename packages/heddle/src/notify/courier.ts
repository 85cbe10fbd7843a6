/**
 * Courier: brings the notices of a journal to their receivers, and notes what came of each. Any process may have one; the journal says who sends
 * what.
 *
 * Invariants:
 *  1. An attempt is counted in the journal before anything is sent.
 *  2. What a receiver has taken (2xx) is noted at once and never sent again. Where the process dies between the two, nobody knows: it is
 *     sent again, under the same id.
 *  3. At most {@link AT_ONCE} are on their way, each for {@link SEND_MS} at most.
 */
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Holder, NoticeEnd, Outbox, TakenNotice } from "../journal/port.ts";
import { letterOf } from "./letter.ts";
import type { NoticeCourier } from "./port.ts";
import { post, type PostFailure, type Resolver } from "./post.ts";

const AT_ONCE = 4;
const SEND_MS = 10_000;
/** How often it is looked for what other processes left. */
const LOOK_MS = 30_000;
/** Until the next look where somebody else has what is due. */
const HELD_MS = 5000;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Until the attempt after the first, the second, ...: a day in all. */
const DELAYS: readonly number[] = [10 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 15 * HOUR];
/** Share that chance adds, so that what failed together does not come together. */
const JITTER = 0.2;
const LONGEST_WAIT: number = 24 * HOUR;

export interface CourierOptions {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly random: Random;
  readonly holder: Holder;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the project's folder is called. */
  readonly project: string;
  readonly resolver: Resolver;
  /** Told of what is not sent any more. */
  readonly onWarning: (text: string) => void;
}

export function noticeCourier(options: CourierOptions): NoticeCourier {
  return new Courier(options);
}

class Courier implements NoticeCourier {
  readonly #options: CourierOptions;
  readonly #stop = new AbortController();
  readonly #sending = new Set<Promise<void>>();
  #isLooking = false;
  #isAskedAgain = false;
  #keepsLooking = false;
  #isDraining = false;
  #cancelTimer: (() => void) | undefined;
  /** Resolves when nothing is looked for. */
  #look: Promise<void> = Promise.resolve();

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  wake(): void {
    this.#isAskedAgain = true;
    if (this.#isLooking || this.#stop.signal.aborted) return;
    this.#isLooking = true;
    this.#look = this.#lookWhileAsked();
  }

  keepLooking(): void {
    this.#keepsLooking = true;
    this.wake();
  }

  async drain(graceMs: number): Promise<void> {
    this.#isDraining = true;
    this.#cancelTimer?.();
    const { clock } = this.#options;
    const late = Promise.withResolvers<void>();
    const cancel = clock.after(graceMs, late.resolve);
    this.wake();
    await Promise.race([this.#idle(), late.promise]);
    cancel();
    this.#stop.abort();
    await this.#idle();
  }

  async #idle(): Promise<void> {
    while (this.#isLooking || this.#sending.size > 0) await Promise.all([this.#look, ...this.#sending]);
  }

  async #lookWhileAsked(): Promise<void> {
    try {
      do {
        this.#isAskedAgain = false;
        await this.#take();
        if (!this.#isAskedAgain && !this.#isDraining) await this.#arm();
      } while (this.#isAskedAgain && !this.#stop.signal.aborted);
    } catch {
      // The journal cannot be used: whoever uses it says so. What is stored stays for another process.
      if (this.#keepsLooking) this.#after(LOOK_MS);
    } finally {
      // In the turn of the last question: whoever wakes it later finds that nothing looks.
      this.#isLooking = false;
    }
  }

  async #take(): Promise<void> {
    const { outbox, clock, holder } = this.#options;
    const room = AT_ONCE - this.#sending.size;
    if (room === 0 || this.#stop.signal.aborted) return;
    for (const taken of await outbox.takeNotices(clock.now(), room, holder)) {
      const sending = this.#send(taken).then(() => {
        this.#sending.delete(sending);
        this.wake();
      });
      this.#sending.add(sending);
    }
  }

  /** Sets the time of the next look. */
  async #arm(): Promise<void> {
    const next = await this.#options.outbox.nextNotice();
    const due = next === undefined ? undefined : Math.max(next - this.#options.clock.now(), HELD_MS);
    const look = this.#keepsLooking ? LOOK_MS : undefined;
    if (due !== undefined || look !== undefined) this.#after(Math.min(due ?? LOOK_MS, look ?? Infinity));
  }

  #after(ms: number): void {
    this.#cancelTimer?.();
    if (!this.#isDraining) this.#cancelTimer = this.#options.clock.after(ms, () => this.wake());
  }

  async #send(taken: TakenNotice): Promise<void> {
    const end = await this.#endOf(taken);
    try {
      const isSettled = await this.#options.outbox.settleNotice(taken, end);
      if (isSettled && end.kind === "failed")
        this.#options.onWarning(`A notice of run ${taken.run} was not sent: ${end.why}`);
    } catch {
      // Not noted, it is sent again by whoever looks when its time is over.
    }
  }

  async #endOf(taken: TakenNotice): Promise<NoticeEnd> {
    const { clock, env, project, resolver } = this.#options;
    const letter = letterOf(taken, { env, project, now: clock.now() });
    if (!letter.ok) return this.#failed(taken, letter.error);
    const limit = new AbortController();
    const cancel = clock.after(SEND_MS, () => limit.abort());
    const signal = AbortSignal.any([limit.signal, this.#stop.signal]);
    const posted = await post(letter.value, { resolver, signal }).finally(cancel);
    if (!posted.ok) {
      // Nothing is known against the receiver.
      if (this.#stop.signal.aborted) return { kind: "again", at: clock.now(), why: "its process ended" };
      return this.#failed(taken, posted.error);
    }
    const { status, retryAfterMs } = posted.value;
    if (status >= 200 && status < 300) return { kind: "sent" };
    const isFinal = status < 500 && ![408, 425, 429].includes(status);
    return this.#failed(taken, { why: `the receiver answered ${status}`, isFinal }, retryAfterMs);
  }

  #failed({ attempt }: TakenNotice, { why, isFinal }: PostFailure, leastMs = 0): NoticeEnd {
    const delay = DELAYS[attempt - 1];
    if (isFinal || delay === undefined) return { kind: "failed", why };
    const { clock, random } = this.#options;
    const waitMs = Math.max(Math.min(leastMs, LONGEST_WAIT), delay * (1 + JITTER * random()));
    return { kind: "again", at: Math.ceil(clock.now() + waitMs), why };
  }
}
