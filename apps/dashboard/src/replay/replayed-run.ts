/**
 * Replayed run: the run as it was at the event that the page stands at. Asks for one thing at a time: while an answer is on its way, only the
 * event that was wanted last is remembered, so that dragging and playing ask no more than can be shown.
 */
import { useEffect, useRef, useState } from "react";
import type { LiveRunAt, ProjectClient } from "heddle/client";
import { patchedRun } from "heddle/view";
import { useHeddle } from "../store/heddle.tsx";

export type ReplayedRun =
  | { readonly kind: "live" }
  | { readonly kind: "loading" }
  /** `problem`: why the event that is wanted is not shown, but the one before it. */
  | { readonly kind: "shown"; readonly run: LiveRunAt; readonly problem?: unknown }
  | { readonly kind: "problem"; readonly problem: unknown };

const LIVE: ReplayedRun = { kind: "live" };
const LOADING: ReplayedRun = { kind: "loading" };

/**
 * `seq` absent: the run is not replayed. What was shown stays until the next one is there: the event before, or the run as it is now where the
 * replay has just begun.
 */
export function useReplayedRun(project: string, run: string, seq: number | undefined): ReplayedRun {
  const { client } = useHeddle();
  const [shown, setShown] = useState<ReplayedRun>(LOADING);
  const source = useRef<ReplaySource>(undefined);
  const wasLive = useRef(false);
  useEffect(() => {
    const made = new ReplaySource({ calls: client.project(project), run, show: setShown });
    source.current = made;
    wasLive.current = false;
    setShown(LOADING);
    return () => made.close();
  }, [client, project, run]);
  useEffect(() => {
    if (seq === undefined) wasLive.current = true;
    source.current?.want(seq);
  }, [client, project, run, seq]);
  if (seq === undefined) return LIVE;
  return shown.kind === "loading" && wasLive.current ? LIVE : shown;
}

class ReplaySource {
  readonly #calls: Pick<ProjectClient, "replay">;
  readonly #run: string;
  readonly #show: (shown: ReplayedRun) => void;
  readonly #closed = new AbortController();
  #shown: LiveRunAt | undefined;
  #wanted: number | undefined;
  #isAsking = false;

  constructor(options: {
    readonly calls: Pick<ProjectClient, "replay">;
    readonly run: string;
    readonly show: (shown: ReplayedRun) => void;
  }) {
    this.#calls = options.calls;
    this.#run = options.run;
    this.#show = options.show;
  }

  want(seq: number | undefined): void {
    this.#wanted = seq;
    if (seq === undefined) this.#show(LOADING);
    else if (this.#shown?.seq === seq) this.#show({ kind: "shown", run: this.#shown });
    else if (!this.#isAsking) void this.#ask();
  }

  close(): void {
    this.#closed.abort();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    let refused: number | undefined;
    for (let seq = this.#wanted; seq !== undefined && seq !== this.#shown?.seq && seq !== refused; seq = this.#wanted) {
      try {
        this.#shown = await this.#at(seq);
        refused = undefined;
        if (this.#closed.signal.aborted) return;
        if (this.#wanted !== undefined) this.#show({ kind: "shown", run: this.#shown });
      } catch (thrown) {
        if (this.#closed.signal.aborted) return;
        refused = seq;
        if (this.#shown === undefined) this.#show({ kind: "problem", problem: thrown });
        else if (this.#wanted !== undefined) this.#show({ kind: "shown", run: this.#shown, problem: thrown });
      }
    }
    this.#isAsking = false;
  }

  async #at(seq: number): Promise<LiveRunAt> {
    const { replay } = this.#calls;
    const { signal } = this.#closed;
    const before = this.#shown;
    if (before === undefined) return replay.at(this.#run, seq, { signal });
    const patch = await replay.patch(this.#run, before.seq, seq, { signal });
    const patched = patchedRun(before, patch);
    return patched === undefined ? replay.at(this.#run, seq, { signal }) : { ...patched, time: patch.time };
  }
}
