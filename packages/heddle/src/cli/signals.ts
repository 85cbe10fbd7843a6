/** Signal handlers: Ctrl-C, SIGTERM and a closed terminal, during a run and while something is served. */
import type { RunHandle } from "../project/port.ts";

export interface SignalWatch {
  readonly stop: () => void;
}

export interface SignalWatchOptions {
  readonly handle: Pick<RunHandle, "cancel" | "kill" | "stopWaiting">;
  readonly say: (text: string) => void;
  /** A terminal can be closed: without one SIGHUP says nothing about the run, and is ignored. */
  readonly hasTerminal: boolean;
}

/**
 * The first signal cancels with grace, the second Ctrl-C kills at once; the journal stays resumable. While only questions and
 * waits are left, a signal leaves them open instead.
 */
export function watchSignals({ handle, say, hasTerminal }: SignalWatchOptions): SignalWatch {
  let interrupts = 0;
  const interrupt = (): void => {
    interrupts++;
    if (interrupts === 1 && handle.stopWaiting()) say("Stopped waiting: what the run waits for stays open.");
    else if (interrupts === 1) {
      say("Cancelling: waiting for running steps to end. Press Ctrl-C again to kill them.");
      handle.cancel();
    } else handle.kill();
  };
  const terminate = (): void => void (handle.stopWaiting() || handle.cancel());
  const hangUp = (): void => {
    if (hasTerminal) terminate();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", terminate);
  process.on("SIGHUP", hangUp);
  return {
    stop: () => {
      process.off("SIGINT", interrupt).off("SIGTERM", terminate).off("SIGHUP", hangUp);
    },
  };
}

const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Calls `listener` at each signal that asks this process to end, until what it returns is called. */
export function onStopSignal(listener: () => void): () => void {
  for (const signal of STOP_SIGNALS) process.on(signal, listener);
  return () => {
    for (const signal of STOP_SIGNALS) process.off(signal, listener);
  };
}

/** Resolves with the first signal that asks this process to end. A second one ends it as it ends any other. */
export async function nextStopSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    const ignore = onStopSignal(() => {
      ignore();
      resolve();
    });
  });
}
