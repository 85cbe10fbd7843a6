/**
 * Runner for `agent` that loads everything about agents with the first attempt: a run without agents pays for none of it.
 * Knows how to wait, nothing of agents.
 */
import { messageOf } from "../../base/errors.ts";
import type { Outcome, Runner, RunningAttempt, StopReason } from "../port.ts";
import type { AgentStop } from "../../agent/adapters/port.ts";

/** `load` is called once, at the first start. */
export function lazyAgentRunner(load: () => Promise<Runner>): Runner {
  let loading: Promise<Runner> | undefined;
  return {
    kinds: ["agent"],
    start(attempt) {
      let running: RunningAttempt | undefined;
      // What was asked for before there was anybody to ask.
      const asked: ((to: RunningAttempt) => void)[] = [];
      const tell = (call: (to: RunningAttempt) => void): void => {
        if (running === undefined) asked.push(call);
        else call(running);
      };
      async function work(): Promise<Outcome> {
        let runner: Runner;
        try {
          runner = await (loading ??= load());
        } catch (thrown) {
          return { kind: "failed", error: { code: "spawn", message: `agents cannot be loaded: ${messageOf(thrown)}` } };
        }
        running = runner.start(attempt);
        for (const call of asked) call(running);
        return await running.outcome;
      }
      return {
        outcome: work(),
        stop: (reason: StopReason) => tell((to) => to.stop(reason)),
        kill: () => tell((to) => to.kill()),
        end: (reason: Exclude<AgentStop, "cancel">) => tell((to) => to.end?.(reason)),
      };
    },
    async [Symbol.asyncDispose]() {
      const runner = await loading?.catch(() => undefined);
      await runner?.[Symbol.asyncDispose]();
    },
  };
}
