/** Waits and steps that are always to run, through real processes: exit codes, signals from another process, deaths. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Rig } from "../support/command-line.ts";

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.dispose]());

interface Shown {
  readonly run: string;
  readonly status: string;
  readonly steps: readonly { readonly id: string; readonly status: string; readonly signal?: string }[];
}

async function show(): Promise<Shown> {
  const { stdout } = await rig.heddle(["show", "--json"]);
  return JSON.parse(stdout) as Shown;
}

test("a run of which only a signal is left ends with 3; the signal is sent, and a resume goes on with its value", async () => {
  rig.plan({
    steps: [
      { id: "paid", signal: "payment", output: { type: "object", required: ["amount"] } },
      { id: "ship", deps: ["paid"], run: 'cat "$HEDDLE_DEPS" > shipped' },
    ],
  });
  const first = await rig.heddle(["run"]);
  expect([first.code, first.stdout]).toEqual([3, expect.stringContaining("is waiting for the signal payment")]);
  const shown = await show();
  expect([shown.status, shown.steps[0]]).toMatchObject(["waiting", { status: "waiting", signal: "payment" }]);
  for (const [words, code, said] of [
    [["paymnet"], 2, 'Did you mean "payment"?'],
    [["payment", "{amount: 1}"], 2, "is not JSON"],
    [["payment", '{"sum":1}'], 2, "InvalidSignal"],
    [["payment", '{"amount":42}'], 0, ""],
    [["payment", '{"amount":43}'], 2, "SignalNotAwaited"],
  ] as const) {
    const sent = await rig.heddle(["signal", shown.run, ...words]);
    expect([words, sent.code, sent.stdout + sent.stderr]).toEqual([words, code, expect.stringContaining(said)]);
  }
  expect((await rig.heddle(["show"])).stdout).not.toContain("waiting for the signal");
  expect((await rig.heddle(["resume"])).code).toBe(0);
  expect(rig.read("shipped")).toBe('{"paid":{"amount":42}}\n');
  expect((await rig.heddle(["replay"])).code).toBe(0);
});

test("a signal reaches a run that another process holds", async () => {
  rig.plan({ steps: [{ id: "go", signal: "go" }] });
  const running = rig.start(["run", "--wait"]);
  await running.says("waits for the signal go");
  const { run } = await show();
  expect((await rig.heddle(["signal", run.slice(0, 6), "go"])).code).toBe(0);
  expect((await running.done).code).toBe(0);
});

test("a wait survives its process: what is over when it is resumed ends at once, with the times that were set", async () => {
  const plan = {
    steps: [
      { id: "nap", sleep: "400ms" },
      { id: "end", deps: ["nap"], run: "touch ended" },
    ],
  };
  rig.plan(plan);
  const running = rig.spawn(["run"]);
  await running.says("waits until");
  running.kill("SIGKILL");
  await running.done;
  expect((await rig.heddle(["resume"])).code).toBe(0);
  expect(rig.has("ended")).toBe(true);
  const { stdout } = await rig.heddle(["history", "--json"]);
  const types = stdout.split("\n").filter((line) => line.includes('"type":"timer'));
  expect(types).toHaveLength(2);
});

test("Ctrl-C runs what is always to run; the run is cancelled all the same", async () => {
  const gate = rig.gate("work");
  rig.plan({
    steps: [
      { id: "work", run: gate.command },
      { id: "next", deps: ["work"], run: "touch next" },
      {
        id: "clean",
        deps: ["next"],
        always: true,
        env: { WAS: "${{ deps.next.status }}" },
        run: 'echo "$WAS" > clean',
      },
    ],
  });
  const running = rig.spawn(["run"]);
  await gate.reached();
  running.kill("SIGINT");
  expect((await running.done).code).toBe(130);
  expect([rig.read("clean"), rig.has("next")]).toEqual(["cancelled\n", false]);
  expect((await rig.heddle(["replay"])).code).toBe(0);
});

test("a cancel of a run that no process holds runs what is always to run, with the code beside its plan", async () => {
  rig.write(
    "plans/steps.mjs",
    'import { writeFileSync } from "node:fs";\nexport const clean = () => writeFileSync("cleaned", "yes");\n',
  );
  rig.write(
    "plans/ship.yaml",
    'steps:\n  - { id: ask, approve: "Ship?" }\n  - { id: clean, after: [ask], always: true, call: "./steps.mjs#clean" }\n',
  );
  expect((await rig.heddle(["run", "plans/ship.yaml"])).code).toBe(3);
  const cancelled = await rig.heddle(["cancel"]);
  expect([cancelled.code, cancelled.stdout]).toEqual([0, expect.stringContaining(" is cancelled; it can be resumed.")]);
  expect(rig.read("cleaned")).toBe("yes");
  const shown = await show();
  expect([shown.status, shown.steps.map(({ status }) => status)]).toEqual(["cancelled", ["cancelled", "succeeded"]]);
});
