/** Tables and lines of runs: columns that stand below each other, no row that a terminal folds, and what matters first. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { cutMiddle, rowsOf, widthOf, wrapped } from "../../src/cli/output-text.ts";
import { LineView } from "../../src/cli/line-view.ts";
import type { OutputMode } from "../../src/cli/output-mode.ts";
import { PrintQueue } from "../../src/cli/print-queue.ts";
import { runSummaryLines } from "../../src/cli/run-summary.ts";
import { stepTable } from "../../src/cli/step-table.ts";
import type { EventBody, StepError } from "../../src/run/event.ts";
import { failureText } from "../../src/view/failure-text.ts";
import { foremostSteps } from "../../src/view/foremost.ts";
import type { StepView } from "../../src/view/run-view.ts";
import type { StepStatus } from "../../src/view/status.ts";
import { Rig } from "../support/command-line.ts";
import { FakeTerminal } from "../support/screen.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { failed, history, read, started, succeeded } from "../view/histories.ts";

function step(id: string, status: StepStatus, why = "a reason that is longer than most terminals are wide"): StepView {
  const none = { layer: 1, startedAt: null, endedAt: null, durationMs: 1234, log: null, reasons: [] };
  return { ...none, id, status, attempts: 2, why };
}

test("text is cut in its middle and folded by columns", () => {
  expect(cutMiddle("packages-web-build", 40)).toBe("packages-web-build");
  expect(cutMiddle("packages-web-build", 11)).toBe("packa…build");
  for (const text of ["packages-漢字漢字漢字-build", "a".repeat(50), "👍".repeat(9)])
    for (let columns = 1; columns < 24; columns++) {
      expect(widthOf(cutMiddle(text, columns))).toBeLessThanOrEqual(columns);
      for (const part of wrapped(text, columns, 99)) expect(widthOf(part)).toBeLessThanOrEqual(Math.max(2, columns));
    }
  expect(wrapped("one two three four", 9, 9)).toEqual(["one two", "three", "four"]);
  expect(wrapped("one two three four", 9, 2)).toEqual(["one two", "three fo…"]);
  expect(rowsOf("漢字漢", 3)).toBe(3);
  expect([rowsOf("abcdef", 3), rowsOf("abcdefg", 3), rowsOf("", 3)]).toEqual([2, 3, 1]);
});

describe("the table of steps", () => {
  const statuses = ["succeeded", "failed", "waiting", "needs-approval", "skipped", "needs-resolution"] as const;

  test("folds no row of a terminal, and keeps both ends of long ids", () => {
    for (const columns of [20, 40, 60, 80, 200]) {
      const { out, screen } = new FakeTerminal({ columns, rows: 24 });
      out.lines(
        stepTable(
          out,
          statuses.map((status, at) => step(`packages-layer-漢字-18-service-accounts-${at}`, status)),
        ),
      );
      expect(screen.folded).toEqual([]);
      expect(screen.text).toHaveLength(statuses.length);
      for (const [at, row] of screen.text.entries()) expect(row).toMatch(new RegExp(`^\\S pack.*…?.*-${at} `));
    }
  });

  test("cuts no id where the terminal has room for it", () => {
    const id = "packages/frontend/component-library/build-all";
    const { out, screen } = new FakeTerminal({ columns: 200, rows: 24 });
    out.lines(stepTable(out, [step(id, "succeeded")]));
    expect(screen.text[0]).toContain(id);
  });

  test("shows what failed, waits or runs before what is done, where not all is shown", () => {
    const many = Array.from({ length: 500 }, (_, at) =>
      step(`s${at}`, at === 403 ? "failed" : at === 450 ? "needs-approval" : at === 470 ? "running" : "succeeded"),
    );
    const shown = foremostSteps(many, 200);
    expect(shown).toHaveLength(200);
    expect(shown.slice(0, 4).map(({ id }) => id)).toEqual(["s403", "s450", "s470", "s0"]);
    expect(foremostSteps(many, 500)).toBe(many);
  });

  test("says of a running step what it waits for, and else nothing", () => {
    const { out, screen } = new FakeTerminal({ columns: 120, rows: 24 });
    const why = "attempt 1, waiting for 8.0s for p, which takes no requests";
    out.lines(stepTable(out, [{ ...step("a", "running", why), waitsSince: 1 }, step("b", "running", "attempt 1")]));
    expect(screen.text[0]).toContain(why);
    expect(screen.text[1]).not.toContain("attempt 1");
  });

  test("tells a failure that quotes output in one line", () => {
    const { out, screen } = new FakeTerminal({ columns: 120, rows: 24 });
    const message = "verification `npm test` failed: the command ended with exit code 1";
    const error = { code: "exit", message, output: "noise\nmore noise" } as const;
    out.lines(stepTable(out, [{ ...step("a", "failed", message), error }]));
    expect(screen.text[0]).toMatch(/verification `npm test` failed: the command ended with exit code 1$/);
    const again = {
      ...step("a", "retrying", `next attempt in 3s; the last one failed: ${message}`),
      error,
    };
    out.lines(stepTable(out, [again]));
    expect(screen.text[1]).toMatch(/next attempt in 3s; the last one failed: verification `npm test` failed…$/);
  });
});

test.each([
  [{ message: "no such file" }, "no such file", []],
  [{ message: "verification `npm test` failed: exit code 1" }, "verification `npm test` failed: exit code 1", []],
  [
    { message: "verification `x` failed: exit code 1", output: "one\n(two)\n" },
    "verification `x` failed: exit code 1",
    ["one", "(two)"],
  ],
  // As earlier builds recorded it.
  [
    { message: "verification failed:\n$ npm test\none\n(exit code 1)" },
    "verification failed:",
    ["$ npm test", "one", "(exit code 1)"],
  ],
  [{ message: "first\nsecond\n" }, "first", ["second"]],
  [{ message: "first\nsecond", output: "third" }, "first", ["second", "third"]],
  [{ message: "" }, "", []],
])("the text of the failure %j", (error, line, quoted) => {
  expect(failureText(error)).toEqual({ line, quoted });
});

describe("a run as lines", () => {
  let folder = "";
  beforeEach(() => {
    folder = temporaryFolder("lines");
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  });
  const logFile = (id: string, attempt: number): string => path.join(folder, `${id}.${attempt}.log`);

  /** What is shown of a run of `bad`, and of `others` after it. */
  async function shown(
    columns: number,
    { mode, others = 0, error }: { mode?: OutputMode; others?: number; error?: StepError } = {},
  ): Promise<readonly string[]> {
    const ids = ["bad", ...Array.from({ length: others }, (_, at) => `other-${at}`)];
    const steps = ids.map((id) => ({ id, action: { kind: "run", command: "x" } as const }));
    const failure = failed("bad", 5);
    if (error !== undefined) Object.assign(failure.data, { error });
    const happened = [started("bad"), failure, ...ids.slice(1).flatMap((id) => [started(id), succeeded(id, 1)])];
    const events = history(
      { name: "p", steps },
      happened.map((body) => [2000, body] as const),
    );
    const { state, timeline } = read(events);
    if (state === undefined) throw new Error("no run");
    const { out, screen } = new FakeTerminal({ columns, rows: 24 });
    const queue = new PrintQueue(out);
    const lines = new LineView({ out, queue, mode, state: () => state, logFile });
    for (const event of events) lines.event(event);
    await queue.idle();
    const result = { run: "r1", status: "failed", outputs: {} } as const;
    out.lines(
      runSummaryLines({
        out,
        now: 10_000,
        state,
        timeline,
        result,
        logFile,
        isOutputInView: (id) => lines.isOutputInView(id),
      }),
    );
    return screen.text;
  }

  test("names results that a resume kept and that are older than what they come after", () => {
    const run = { kind: "run", command: "x" } as const;
    const steps = [
      { id: "test", action: run },
      ...["a", "b", "c", "d"].map((id) => ({ id, action: run, after: ["test"] })),
    ];
    const kept = steps.slice(1).flatMap(({ id }) => [started(id), succeeded(id, 1)]);
    const resumed = { type: "run.resumed", data: { engine: "e", interrupted: [], reset: [] } } as const;
    const again = [resumed, started("test", 2), succeeded("test", 1, 2)];
    const events = history({ name: "p", steps }, [
      ...[started("test"), failed("test", 1), ...kept].map((body) => [2000, body] as const),
      ...again.map((body) => [3000, body] as const),
    ]);
    const { state = expect.fail("no run"), timeline } = read(events);
    const { out } = new FakeTerminal({ columns: 200, rows: 24 });
    const result = { run: "r1", status: "succeeded", outputs: {} } as const;
    const lines = [...runSummaryLines({ out, now: 10_000, state, timeline, result, logFile })].map(
      stripVTControlCharacters,
    );
    expect(lines.slice(-4)).toEqual([
      ...["a", "b", "c"].map(
        (id) =>
          `! ${id} was kept from before test succeeded, which it comes after. Run both again: heddle rerun r1 --from test`,
      ),
      "  … and 1 more: heddle show r1",
    ]);
  });

  test("repeats the output of a failure only where it is out of view", async () => {
    writeFileSync(logFile("bad", 1), "the assertion\nnpm error Lifecycle script failed\nnpm error code 1\n\n");
    const times = (lines: readonly string[]): number => lines.filter((text) => text.includes("the assertion")).length;
    expect(times(await shown(80, { mode: "grouped" }))).toBe(1);
    expect(times(await shown(80, { mode: "errors" }))).toBe(1);
    expect(times(await shown(80, { mode: "grouped", others: 60 }))).toBe(2);
    const closing = await shown(80);
    expect(times(closing)).toBe(1);
    // What a package manager says below it is left out.
    expect(closing.join("\n")).not.toContain("npm error");
  });

  test("shows a failed verification as one line, the end of its output, and its log", async () => {
    writeFileSync(logFile("bad", 1), "what the agent said\n");
    const output = Array.from({ length: 30 }, (_, at) => `line ${at}`).join("\n");
    const error = { code: "exit", message: "verification `npm test` failed: exit code 1", output } as StepError;
    const closing = (await shown(300, { error })).join("\n");
    expect(closing).toContain("failed after 5ms: verification `npm test` failed: exit code 1\n    line 20\n");
    expect(closing).not.toContain("what the agent said");
    expect(closing).toContain(`    log: ${logFile("bad", 1)}\n`);
    writeFileSync(logFile("bad", 1).replace(".log", ".verify.log"), output);
    expect((await shown(300, { error })).join("\n")).toContain("bad.1.verify.log\n");
  });

  test("has some lines for many steps that are skipped for one reason", async () => {
    const ids = Array.from({ length: 200 }, (_, at) => `s${at}`);
    const steps = ["bad", "late", ...ids].map((id) => ({ id, action: { kind: "run", command: "x" } as const }));
    const skipped = ids.map((step) => ({
      type: "step.skipped",
      step,
      data: { reason: { kind: "dependency", cause: "bad" } },
    }));
    const happened = [
      started("bad"),
      failed("bad", 5),
      ...skipped,
      started("late"),
      succeeded("late", 1),
    ] as EventBody[];
    const events = history(
      { name: "p", steps },
      happened.map((body) => [2000, body] as const),
    );
    const { state } = read(events);
    if (state === undefined) throw new Error("no run");
    const { out, screen } = new FakeTerminal({ columns: 40, rows: 24 });
    const queue = new PrintQueue(out);
    const lines = new LineView({ out, queue, mode: undefined, state: () => state, logFile });
    for (const event of events) lines.event(event);
    await queue.idle();
    expect(screen.text).toHaveLength(13);
    expect(screen.text.at(-2)).toBe("⊘ … and 190 more skipped: bad did not …");
    expect(screen.text.at(-1)).toMatch(/^✓ late/);
  });

  test("folds no line of a step on a terminal", async () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(logFile("bad", 1), `${"漢字".repeat(100)}\n`);
    const error = { code: "exit", message: "why ".repeat(50) } as StepError;
    for (const columns of [24, 40, 80]) {
      const lines = await shown(columns, { error });
      expect(lines[0]).toMatch(/^✗ bad {7}failed a/);
      expect(widthOf(lines[0] ?? "")).toBeLessThan(columns);
    }
  });
});

describe("in a project", () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig[Symbol.dispose]());

  const runIds = async (): Promise<readonly string[]> =>
    (JSON.parse((await rig.heddle(["runs", "--json"])).stdout) as { runs: { run: string }[] }).runs.map(
      ({ run }) => run,
    );

  test("runs stand in columns below a header", async () => {
    rig.write("a.yaml", "name: a\nsteps: [{ id: s, run: 'true' }]\n");
    rig.write("b.yaml", "name: a-longer-name\nsteps: [{ id: s, approve: 'Go?' }]\n");
    for (const file of ["a.yaml", "b.yaml", "a.yaml"]) await rig.heddle(["run", file, "--output", "quiet"]);
    const [header = "", ...rows] = (await rig.heddle(["runs"])).stdout.trimEnd().split("\n");
    expect(header).toMatch(/^RUN +STATUS +PLAN +TIME +STARTED +STEPS$/);
    const columns = ["STATUS", "PLAN", "STARTED", "STEPS"].map((title) => header.indexOf(title));
    expect(rows).toHaveLength(3);
    for (const row of rows)
      expect(columns.map((at) => row.slice(at).split(/ {2,}/)[0])).toEqual([
        expect.stringMatching(/^(succeeded|waiting)$/),
        expect.stringMatching(/^(a|a-longer-name)$/),
        expect.stringMatching(/ ago$/),
        expect.stringMatching(/^1 (succeeded|waiting)$/),
      ]);
  });

  test("`heddle` shows the latest run of the whole plan, the steps of now, and what waits elsewhere", async () => {
    const steps = ["a", "b", "c"].map((id) => ({ id, run: id === "b" ? "test -e fixed" : "true" }));
    rig.plan({ name: "mine", failure: "continue", steps });
    await rig.heddle(["run"]);
    const [whole = ""] = await runIds();
    await rig.heddle(["run", "--only", "a"]);
    rig.write("same-name.yaml", "name: mine\nsteps: [{ id: z, approve: 'Go?' }]\n");
    await rig.heddle(["run", "same-name.yaml"]);
    const [other = "", part = ""] = await runIds();
    rig.plan({ name: "mine", failure: "continue", steps: [...steps.slice(1), { id: "new", run: "true" }] });
    const { stdout } = await rig.heddle([]);
    expect(stdout).toContain(`mine: 3 steps; last run ${whole} failed`);
    expect(stdout).toMatch(/✗ b .*\n✓ c .*\n· new {6} waiting .*not in that run\n/);
    expect(stdout).not.toMatch(/^✓ a /m);
    expect(stdout).toContain("1 step of that run is not in the plan any more.\n");
    expect(stdout).toContain(`Later, of a part: run ${part} succeeded`);
    expect(stdout).toContain(`Also waiting: run ${other} of mine: heddle show ${other}\n`);
    const json = JSON.parse((await rig.heddle(["--json"])).stdout) as {
      lastRun: { run: string };
      waiting: { run: string }[];
    };
    expect([json.lastRun.run, json.waiting.map(({ run }) => run)]).toEqual([whole, [other]]);
  });

  test("`heddle` in a folder with a TypeScript plan shows no other plan's run", async () => {
    rig.write("heddle.ts", "throw new Error('is not run to find out');\n");
    rig.write("other.yaml", "name: heddle\nsteps: [{ id: z, run: 'true' }]\n");
    await rig.heddle(["run", "other.yaml"]);
    expect((await rig.heddle([])).stdout).toContain("heddle.ts: not run yet.");
  });
});
