/** Served log: the log of an attempt as the server gives it: its lines by requests, what is written by the live connection. */
import type { LiveConnection, ProjectClient } from "heddle/client";
import type { LogSink, LogSource } from "./log-source.ts";

/** Which log. */
export interface AttemptId {
  readonly project: string;
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
}

export function servedLog(
  { client, live }: { readonly client: { project(name: string): ProjectClient }; readonly live: LiveConnection },
  { project, run, step, attempt }: AttemptId,
): LogSource {
  const { logs } = client.project(project);
  return {
    lines: (query, signal) => logs.lines(run, step, attempt, { ...query, signal }),
    search: (text, options, signal) => logs.search(run, step, attempt, text, { ...options, signal }),
    follow: (after, sink) => live.log({ project, run, step, attempt, after }, listenerOf(sink)),
  };
}

function listenerOf(sink: LogSink): Parameters<LiveConnection["log"]>[1] {
  return {
    onBytes: (bytes, from) => sink.bytes(from, bytes),
    onSkipped: (_, to) => sink.skipped(to),
    onReset: () => sink.reset(),
    onEnd: () => sink.ended(),
    // The log was removed, or is none: the end is read once more, and says so.
    onProblem: () => sink.ended(),
  };
}
