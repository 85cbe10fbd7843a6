/** An attempt that has failed before it began, for every runner. */
import type { RunningAttempt } from "./port.ts";

export function failedAttempt(code: "spawn" | "error", message: string): RunningAttempt {
  return { outcome: Promise.resolve({ kind: "failed", error: { code, message } }), stop() {}, kill() {} };
}
