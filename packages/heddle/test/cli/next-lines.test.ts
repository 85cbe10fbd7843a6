/** What to type next: only what still has an effect. */
import { expect, test } from "vitest";
import { type NextInput, nextLines } from "../../src/cli/next-lines.ts";
import { runStatus } from "../../src/view/status.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { failed, history, read, started, succeeded, type Happening } from "../view/histories.ts";

const NOW = 10_000;

function timer(at: number): Happening {
  return [1000, { type: "timer.set", step: "word", attempt: 1, data: { at } }];
}

function inputOf(plan: Plan, happened: readonly Happening[]): NextInput {
  const { state } = read(history(plan, happened));
  if (state === undefined) throw new Error("no state");
  return { state, status: runStatus(state, false), live: false, now: NOW, logFile: () => import.meta.filename };
}

function waiting(deadline: number | undefined): NextInput {
  const until = deadline === undefined ? {} : { deadline };
  const plan: Plan = {
    name: "waits",
    steps: [
      { id: "ask", action: { kind: "approve", question: "Ship it?" } },
      { id: "word", action: { kind: "signal", name: "go" } },
    ],
  };
  return inputOf(plan, [
    [
      1000,
      { type: "approval.requested", step: "ask", attempt: 1, data: { about: "step", question: "Ship it?", ...until } },
    ],
    [1000, { type: "step.started", step: "word", attempt: 1, data: { signal: "go" } }],
    ...(deadline === undefined ? [] : [timer(deadline)]),
  ]);
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
  expect([...nextLines(waiting(deadline))]).toEqual(lines);
});

const TWO: Plan = {
  name: "two",
  steps: [
    { id: "old[0]", action: { kind: "run", command: "a" } },
    { id: "new", action: { kind: "run", command: "b" } },
  ],
};
const CARRIED: Happening = [
  1000,
  {
    type: "step.skipped",
    step: "old[0]",
    data: { reason: { kind: "earlier", from: "r0", status: "failed" } },
  },
];
const ENDED: Happening = [1200, { type: "run.failed", data: { durationMs: 200, failed: [] } }];

test("a failure of an earlier run is run again by a rerun, since no resume would run it", () => {
  const again = "Run it again: heddle rerun r1 --from 'old[0]'";
  const fine: readonly Happening[] = [
    [1000, started("new")],
    [1100, succeeded("new", 100)],
  ];
  expect([...nextLines(inputOf(TWO, [CARRIED, ...fine, ENDED]))]).toEqual([again]);
  const bad: readonly Happening[] = [
    [1000, started("new")],
    [1100, failed("new", 100)],
  ];
  expect([...nextLines(inputOf(TWO, [CARRIED, ...bad, ENDED]))]).toEqual([
    "Continue: heddle resume r1",
    again,
    "Log: heddle logs r1 new",
  ]);
});

test("ids stand in commands as a shell reads them, and no log is named that is not there", () => {
  const bad: readonly Happening[] = [[1000, started("old[0]")], [1100, failed("old[0]", 100)], ENDED];
  const input = inputOf(TWO, bad);
  expect([...nextLines(input)]).toEqual(["Continue: heddle resume r1", "Log: heddle logs r1 'old[0]'"]);
  expect([...nextLines({ ...input, logFile: () => "/nowhere/a.log" })]).toEqual(["Continue: heddle resume r1"]);
});
