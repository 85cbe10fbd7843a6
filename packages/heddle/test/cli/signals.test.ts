/** Signals of a run: what each does, with and without a terminal, and while only questions are left. */
import { afterEach, expect, test } from "vitest";
import { watchSignals, type SignalWatch } from "../../src/cli/signals.ts";

let watch: SignalWatch | undefined;
afterEach(() => watch?.stop());

/** Signals are delivered within this process, by its emitter alone. */
function watched(options: { readonly hasTerminal: boolean; readonly onlyQuestions: boolean }): string[] {
  const calls: string[] = [];
  const handle = {
    cancel: () => void calls.push("cancel"),
    kill: () => void calls.push("kill"),
    stopWaiting: () => {
      if (options.onlyQuestions) calls.push("stop waiting");
      return options.onlyQuestions;
    },
  };
  watch = watchSignals({ handle, say: () => undefined, hasTerminal: options.hasTerminal });
  return calls;
}

test.each([
  ["SIGINT", true, false, ["cancel"]],
  ["SIGTERM", true, false, ["cancel"]],
  ["SIGHUP", true, false, ["cancel"]],
  ["SIGHUP", false, false, []],
  ["SIGINT", false, false, ["cancel"]],
  ["SIGINT", true, true, ["stop waiting"]],
  ["SIGTERM", true, true, ["stop waiting"]],
  ["SIGHUP", true, true, ["stop waiting"]],
  ["SIGHUP", false, true, []],
] as const)("%s with a terminal: %s, only questions left: %s", (signal, hasTerminal, onlyQuestions, expected) => {
  const calls = watched({ hasTerminal, onlyQuestions });
  process.emit(signal);
  expect(calls).toEqual(expected);
});

test("a second Ctrl-C kills", () => {
  const calls = watched({ hasTerminal: true, onlyQuestions: false });
  process.emit("SIGINT");
  process.emit("SIGINT");
  expect(calls).toEqual(["cancel", "kill"]);
});
