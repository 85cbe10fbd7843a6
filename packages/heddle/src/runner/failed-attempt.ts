/** Failed attempt: an attempt that failed before it started, for every runner. */
import type { RunningAttempt } from "./port.ts";

export function failedAttempt(code: "spawn" | "error", message: string): RunningAttempt {
  return { outcome: Promise.resolve({ kind: "failed", error: { code, message } }), stop() {}, kill() {} };
}
