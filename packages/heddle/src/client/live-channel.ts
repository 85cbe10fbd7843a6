/**
 * Live channels: what a page looks at, each with what it asks the server for and what it makes of the answers. Knows no socket.
 *
 * Invariant: a listener is given what the server has said whole, or nothing: a patch that does not fit is never applied.
 */
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import { patchedRunList, type RunLine, type RunListPatch } from "../view/list.ts";
import { patchedRun, type LiveRun, type RunPatch } from "../view/live-run.ts";
import type { AttentionList } from "../view/protocol.ts";
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

export interface LiveChannel {
  /** What is opened, with where to go on. */
  opening(): JsonObject;
  /**
   * `fits`: it was taken. `gap`: something before it is missing, and the channel is to be opened again. `broken`: no server says this.
   * `unknown`: a later server may.
   */
  take(message: JsonObject): "fits" | "gap" | "broken" | "unknown";
  fail(problem: ApiProblem): void;
}

export function runChannel(project: string, run: string, listener: RunListener): LiveChannel {
  let view: LiveRun | undefined;
  return {
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
