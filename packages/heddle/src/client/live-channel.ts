/**
 * Live channels: what a page looks at, each with what it asks the server for and what it makes of the answers. Knows no socket.
 *
 * Invariant: a listener is given what the server has said whole, or nothing: a patch that does not fit is never applied.
 */
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import type { RunLine } from "../view/list.ts";
import { patchedRun, type LiveRun, type RunPatch } from "../view/live-run.ts";
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
        if (!isPatch(message)) return "broken";
        // Of what was left: the snapshot that was asked for comes.
        if (view === undefined) return "unknown";
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
  return {
    opening: () => ({ kind: "runs", project }),
    take({ type, runs }) {
      if (type !== "snapshot") return "unknown";
      if (!Array.isArray(runs)) return "broken";
      listener.onRuns(runs as unknown as readonly RunLine[]);
      return "fits";
    },
    fail: (problem) => listener.onProblem(problem),
  };
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
