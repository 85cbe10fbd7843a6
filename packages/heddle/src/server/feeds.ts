/**
 * Feeds: what changes, worked out once for all clients that look at it, and as long as somebody does. Knows no document.
 *
 * Invariants:
 *  1. A client gets one introduction, and then each piece of news after it.
 *  2. A feed that is left ends, and tells nobody any more: who comes then gets a new one.
 */

/** Of one feed. */
export interface FeedSource<News> {
  /**
   * Works until the signal is given, and publishes: what has changed, or nothing where clients that wait are to be introduced. Rejects
   * where it cannot go on.
   */
  follow(publish: (news: News | undefined) => void, signal: AbortSignal): Promise<void>;
  /** All that there is, with what was published last; `undefined`: nothing yet. */
  introduction(): News | undefined;
}

export class Feeds<News> {
  readonly #feeds = new Map<string, Feed<News>>();

  /** Tells `listener` until the signal is given. `make`: called where nobody looks at it yet. Rejects when the feed cannot go on. */
  async follow(
    key: string,
    make: () => FeedSource<News>,
    listener: (news: News) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const known = this.#feeds.get(key);
    const feed = known === undefined || known.isLeft ? new Feed(make()) : known;
    this.#feeds.set(key, feed);
    try {
      await feed.join(listener, signal);
    } finally {
      if (feed.isLeft && this.#feeds.get(key) === feed) this.#feeds.delete(key);
    }
  }
}

class Feed<News> {
  readonly #source: FeedSource<News>;
  /** Each with whether it is introduced. */
  readonly #listeners = new Map<(news: News) => void, boolean>();
  readonly #left = new AbortController();
  readonly #following: Promise<void>;
  #hasPublished = false;

  constructor(source: FeedSource<News>) {
    this.#source = source;
    // The first to join comes in this turn of the loop.
    this.#following = Promise.resolve().then(() => source.follow((news) => this.#publish(news), this.#left.signal));
  }

  get isLeft(): boolean {
    return this.#left.signal.aborted;
  }

  /** Settles when the signal is given; rejects when the feed cannot go on. */
  async join(listener: (news: News) => void, signal: AbortSignal): Promise<void> {
    this.#listeners.set(listener, false);
    if (this.#hasPublished) this.#introduce(listener);
    const gone = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    try {
      await Promise.race([gone, this.#following]);
    } finally {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#left.abort();
    }
  }

  #publish(news: News | undefined): void {
    this.#hasPublished = true;
    for (const [listener, isIntroduced] of this.#listeners) {
      if (!isIntroduced) this.#introduce(listener);
      else if (news !== undefined) listener(news);
    }
  }

  #introduce(listener: (news: News) => void): void {
    const news = this.#source.introduction();
    if (news === undefined) return;
    this.#listeners.set(listener, true);
    listener(news);
  }
}
