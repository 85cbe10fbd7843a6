/** What to type next: only what still has an effect. */
import { expect, test } from "vitest";
import { nextLines } from "../../src/cli/next-lines.ts";
import { runView, type RunView } from "../../src/view/run-view.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { history, read, type Happening } from "../view/histories.ts";

const NOW = 10_000;

function timer(at: number): Happening {
  return [1000, { type: "timer.set", step: "word", attempt: 1, data: { at } }];
}

function waiting(deadline: number | undefined): RunView {
  const until = deadline === undefined ? {} : { deadline };
  const plan: Plan = {
    name: "waits",
    steps: [
      { id: "ask", action: { kind: "approve", question: "Ship it?" } },
      { id: "word", action: { kind: "signal", name: "go" } },
    ],
  };
  const happened: readonly Happening[] = [
    [
      1000,
      { type: "approval.requested", step: "ask", attempt: 1, data: { about: "step", question: "Ship it?", ...until } },
    ],
    [1000, { type: "step.started", step: "word", attempt: 1, data: { signal: "go" } }],
    ...(deadline === undefined ? [] : [timer(deadline)]),
  ];
  const { state, timeline } = read(history(plan, happened));
  if (state === undefined) throw new Error("no state");
  return runView({ state, timeline, live: false, now: NOW, logFile: () => "" });
}

test.each([
  [
    "no time",
    undefined,
    ["Answer: heddle approve r1 ask", "Send: heddle signal r1 go", "Then continue: heddle resume r1"],
  ],
  [
    "time left",
    NOW + 1,
    ["Answer: heddle approve r1 ask", "Send: heddle signal r1 go", "Then continue: heddle resume r1"],
  ],
  ["no time left", NOW, ["Continue: heddle resume r1"]],
])("an answer and a signal with %s", (_, deadline, lines) => {
  const view = waiting(deadline);
  expect([...nextLines(view, { live: false, now: NOW })]).toEqual(lines);
});
