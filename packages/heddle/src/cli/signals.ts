/** Signal handler: Ctrl-C, SIGTERM and a closed terminal during a run. */
import type { RunHandle } from "../project/port.ts";

export interface SignalWatch {
  /** As if Ctrl-C was pressed: for terminals in raw mode. */
  readonly interrupt: () => void;
  readonly stop: () => void;
}

/** The first signal cancels with grace, the second Ctrl-C kills at once; the journal stays resumable. */
export function watchSignals(handle: Pick<RunHandle, "cancel" | "kill">, say: (text: string) => void): SignalWatch {
  let interrupts = 0;
  const interrupt = (): void => {
    interrupts++;
    if (interrupts === 1) {
      say("Cancelling: waiting for running steps to end. Press Ctrl-C again to kill them.");
      handle.cancel();
    } else handle.kill();
  };
  const terminate = (): void => handle.cancel();
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", terminate);
  process.on("SIGHUP", terminate);
  return {
    interrupt,
    stop: () => {
      process.off("SIGINT", interrupt).off("SIGTERM", terminate).off("SIGHUP", terminate);
    },
  };
}
