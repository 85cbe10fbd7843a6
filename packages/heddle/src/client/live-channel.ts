/**
 * Live channels: what a page looks at, each with what it asks the server for and what it makes of the answers. Knows no socket.
 *
 * Invariant: a listener is given what the server has said whole, or nothing: a patch that does not fit is never applied.
 */
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import type { RunEvent } from "../view/history.ts";
import { patchedRunList, type RunLine, type RunListPatch } from "../view/list.ts";
import { patchedRun, type LiveRun, type RunPatch } from "../view/live-run.ts";
import type { AttentionList } from "../view/protocol.ts";
import { hasEvents } from "./events.ts";
import type { ApiProblem } from "./problem.ts";

/** Of every channel. */
export interface ChannelListener {
  /** It cannot be looked at, or no longer. The channel is over. */
  onProblem(problem: ApiProblem): void;
}

export interface RunListener extends ChannelListener {
  /** With the run as it is: at first, and at each change, also when the connection was made again. */
  onRun(run: LiveRun): void;
}

export interface RunsListener extends ChannelListener {
  /** With the newest runs of the project, 200 at most: at first, and at each change. */
  onRuns(runs: readonly RunLine[]): void;
}

export interface AttentionListener extends ChannelListener {
  /** With what waits for people in all projects, 200 items at most, what holds up most first: at first, and at each change. */
  onAttention(list: AttentionList): void;
}

export interface LogListener extends ChannelListener {
  /** With what is behind the bytes before. `from`: where they begin in the log. They may begin and end within a character. */
  onBytes(bytes: Uint8Array, from: number): void;
  /** These bytes are not told, as there were too many at once: they can be asked for (`logs`). */
  onSkipped(from: number, to: number): void;
  /** The log is another one, or shorter than it was: it is told from its beginning. */
  onReset(): void;
  /** Nothing comes any more. `isOver`: the attempt has ended; else nobody works on the run. The channel is over. */
  onEnd(end: { readonly size: number; readonly isOver: boolean }): void;
}

export interface EventsListener extends ChannelListener {
  /** With those behind the ones before, in order, without a gap. */
  onEvents(events: readonly RunEvent[]): void;
  /** Nobody works on the run now, and this was its last event. The channel goes on: it may be resumed. */
  onRest(seq: number): void;
}

/** Which log is followed. */
export interface FollowedAttempt {
  readonly project: string;
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  /** Only what is behind so many bytes. Absent: all; of more than 256 KiB the end. */
  readonly after?: number;
}

export interface LiveChannel {
  /** The server says something as soon as it is open: until then it is not known what was missed. */
  readonly isAnswered: boolean;
  /** What is opened, with where to go on. */
  opening(): JsonObject;
  /**
   * `fits`: it was taken. `gap`: something before it is missing, and the channel is to be opened again. `broken`: no server says this.
   * `unknown`: a later server may. `over`: it was the last message.
   */
  take(message: JsonObject): "fits" | "gap" | "broken" | "unknown" | "over";
  fail(problem: ApiProblem): void;
}

export function runChannel(project: string, run: string, listener: RunListener): LiveChannel {
  let view: LiveRun | undefined;
  return {
    isAnswered: true,
    opening: () => ({ kind: "run", project, run }),
    take(message) {
      if (message["type"] === "snapshot") {
        const whole = message["view"];
        if (!isLiveRun(whole)) return "broken";
        view = whole;
      } else if (message["type"] === "patch") {
        if (!isPatch(message) || view === undefined) return "broken";
        view = patchedRun(view, message);
        if (view === undefined) return "gap";
      } else return "unknown";
      listener.onRun(view);
      return "fits";
    },
    fail: (problem) => listener.onProblem(problem),
  };
}

export function runsChannel(project: string, listener: RunsListener): LiveChannel {
  let list: readonly RunLine[] | undefined;
  return {
    isAnswered: true,
    opening: () => ({ kind: "runs", project }),
    take(message) {
      if (message["type"] === "snapshot") {
        const { runs } = message;
        if (!isList(runs)) return "broken";
        list = runs as unknown as readonly RunLine[];
      } else if (message["type"] === "patch") {
        if (!isListPatch(message) || list === undefined) return "broken";
        list = patchedRunList(list, message);
      } else return "unknown";
      listener.onRuns(list);
      return "fits";
    },
    fail: (problem) => listener.onProblem(problem),
  };
}

export function attentionChannel(listener: AttentionListener): LiveChannel {
  return {
    isAnswered: true,
    opening: () => ({ kind: "attention" }),
    take({ type, attention }) {
      if (type !== "snapshot") return "unknown";
      if (!isJsonObject(attention) || !isList(attention["items"])) return "broken";
      listener.onAttention(attention as unknown as AttentionList);
      return "fits";
    },
    fail: (problem) => listener.onProblem(problem),
  };
}

export function logChannel({ after = 0, ...of }: FollowedAttempt, listener: LogListener): LiveChannel {
  let offset = after;
  return {
    isAnswered: false,
    opening: () => ({ kind: "log", ...of, after: offset }),
    take({ type, from, to, base64, size, isOver }) {
      switch (type) {
        case "bytes": {
          if (typeof from !== "number" || typeof base64 !== "string") return "broken";
          if (from !== offset) return "gap";
          const bytes = bytesOf(base64);
          if (bytes === undefined) return "broken";
          offset += bytes.length;
          listener.onBytes(bytes, from);
          return "fits";
        }
        case "skipped":
          if (typeof from !== "number" || typeof to !== "number") return "broken";
          if (from !== offset) return "gap";
          offset = to;
          listener.onSkipped(from, to);
          return "fits";
        case "reset":
          offset = 0;
          listener.onReset();
          return "fits";
        case "end":
          if (typeof size !== "number" || typeof isOver !== "boolean") return "broken";
          if (size !== offset) return "gap";
          listener.onEnd({ size, isOver });
          return "over";
        default:
          return "unknown";
      }
    },
    fail: (problem) => listener.onProblem(problem),
  };
}

export function eventsChannel(
  { project, run, after = 0 }: { readonly project: string; readonly run: string; readonly after?: number },
  listener: EventsListener,
): LiveChannel {
  let last = after;
  return {
    isAnswered: false,
    opening: () => ({ kind: "events", project, run, after: last }),
    take({ type, events, seq }) {
      if (type === "end") {
        if (typeof seq !== "number") return "broken";
        if (seq > last) return "gap";
        listener.onRest(seq);
        return "fits";
      }
      if (type !== "events") return "unknown";
      if (!hasEvents(events)) return "broken";
      const told: readonly RunEvent[] = events;
      if ((told[0]?.seq ?? 0) > last + 1) return "gap";
      const news = told.filter((event) => event.seq > last);
      last = news.at(-1)?.seq ?? last;
      if (news.length > 0) listener.onEvents(news);
      return "fits";
    },
    fail: (problem) => listener.onProblem(problem),
  };
}

/** `undefined`: it is no base64. */
function bytesOf(base64: string): Uint8Array | undefined {
  let text: string;
  try {
    text = atob(base64);
  } catch {
    return undefined;
  }
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

function isList(value: Json | undefined): value is readonly JsonObject[] {
  return Array.isArray(value) && value.every(isJsonObject);
}

function isListPatch(message: JsonObject): message is JsonObject & RunListPatch {
  return isList(message["added"]) && isList(message["changed"]) && Array.isArray(message["gone"]);
}

/** As far as patches need it; the rest is as the server's own view made it. */
function isLiveRun(value: Json | undefined): value is Json & LiveRun {
  return (
    isJsonObject(value) &&
    typeof value["seq"] === "number" &&
    isJsonObject(value["head"]) &&
    isJsonObject(value["queues"]) &&
    Array.isArray(value["steps"])
  );
}

function isPatch(message: JsonObject): message is JsonObject & RunPatch {
  const { from, to, ops } = message;
  return typeof from === "number" && typeof to === "number" && Array.isArray(ops) && ops.every(isJsonObject);
}
