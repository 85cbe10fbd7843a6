/** Runner registry: sends each kind of work to the runner that carries it out. */
import { failedAttempt } from "./failed-attempt.ts";
import type { Runner, WorkKind } from "./port.ts";

/** Disposing of it disposes of all. If two runners take the same kind, the first gets it. */
export function runnerRegistry(runners: readonly Runner[]): Runner {
  const byKind = new Map<WorkKind, Runner>();
  for (const runner of runners) for (const kind of runner.kinds) if (!byKind.has(kind)) byKind.set(kind, runner);
  return {
    kinds: [...byKind.keys()],
    start(attempt) {
      const runner = byKind.get(attempt.work.kind);
      return runner === undefined
        ? failedAttempt("spawn", `no runner carries out steps of kind ${attempt.work.kind}`)
        : runner.start(attempt);
    },
    warm() {
      for (const runner of runners) runner.warm?.();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(runners.map((runner) => runner[Symbol.asyncDispose]()));
    },
  };
}
