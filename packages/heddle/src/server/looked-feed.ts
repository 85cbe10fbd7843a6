/**
 * Looked feeds: a document that is worked out anew when a journal was written to, and told where it is another one then.
 *
 * Invariants:
 *  1. Looks take at most a fifth of the time: after a long one the next is later.
 *  2. It is looked at each {@link ANYWAY_MS} also where nothing was written: a process that dies writes nothing.
 */
import type { Clock } from "../base/clock.ts";
import type { FeedSource } from "./feeds.ts";
import { pause } from "./pause.ts";

const LOOK_MS = 100;
const ANYWAY_MS = 1000;

export interface Looking<Document, News> {
  readonly clock: Clock;
  /** Whether the document may be another one than at the last call; cheap. */
  readonly hasNews: () => boolean;
  readonly look: () => Promise<Document>;
  /** How a document is told to who has the one before; `undefined`: who has none. */
  readonly tell: (now: Document, before: Document | undefined) => News;
}

export function lookedFeed<Document, News>(looking: Looking<Document, News>): FeedSource<News> {
  const { clock, hasNews, look, tell } = looking;
  let last: { readonly document: Document; readonly text: string } | undefined;
  return {
    async follow(publish, signal) {
      let lookedAt = -Infinity;
      while (!signal.aborted) {
        let pauseMs = LOOK_MS;
        const began = clock.now();
        if (hasNews() || began - lookedAt >= ANYWAY_MS) {
          lookedAt = began;
          const document = await look();
          const text = JSON.stringify(document);
          const before = last;
          last = { document, text };
          publish(text === before?.text ? undefined : tell(document, before?.document));
          pauseMs = Math.max(LOOK_MS, 4 * (clock.now() - began));
        }
        await pause(clock, pauseMs);
      }
    },
    introduction: () => last && tell(last.document, undefined),
  };
}
