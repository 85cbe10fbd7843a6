/** Event source: a run's events as server-sent events, for scripts and proxies. Each has its number as its id, so that a client that comes back goes on. */
import type { Clock } from "../base/clock.ts";
import type { Event } from "../project/port.ts";
import type { AskedRun } from "./asked-run.ts";

const COMMENT_MS = 15_000;

export interface EventSourceOptions {
  readonly after: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Called once, with the signal that is given when the stream is over. */
  readonly onOpened: (isOver: AbortSignal) => void;
  /** Whether the client may still see what it sees; asked with each comment. Absent: always. */
  readonly isAllowed?: () => boolean;
}

/** Ends when nobody works on the run any more, the client goes away, or its session has ended. */
export function eventSource({ project, run }: AskedRun, options: EventSourceOptions): Response {
  const { after, signal, clock, onOpened, isAllowed = () => true } = options;
  const text = new TextEncoder();
  const gone = new AbortController();
  signal.addEventListener("abort", () => gone.abort());
  let cancelComment: (() => void) | undefined;
  const end = (): void => {
    cancelComment?.();
    gone.abort();
  };
  const items = project.runs.tail(run, { after, signal: gone.signal })[Symbol.asyncIterator]();
  const next = async (): ReturnType<typeof items.next> => {
    try {
      return await items.next();
    } catch (thrown) {
      // The stream is over then, and what a timer throws would end the process.
      end();
      throw thrown;
    }
  };
  onOpened(gone.signal);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const comment = (): void => {
        // The tail ends then, and the stream with it.
        if (!isAllowed()) return end();
        // Lets both sides, and what lies between, see that the connection is there.
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(text.encode(":\n\n"));
        cancelComment = clock.after(COMMENT_MS, comment);
      };
      comment();
    },
    async pull(controller) {
      for (;;) {
        const { done, value } = await next();
        if (done === true) {
          end();
          controller.close();
          return;
        }
        if (value.kind !== "events") continue;
        controller.enqueue(text.encode(value.events.map(frameOf).join("")));
        return;
      }
    },
    async cancel() {
      end();
      await items.return?.();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

/** JSON has no line break of its own. */
function frameOf(event: Event): string {
  return `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`;
}
