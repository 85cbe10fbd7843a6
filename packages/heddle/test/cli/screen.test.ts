/** What reaches the screen: nothing of a step or a plan moves the cursor; colours, widths and pipes are honoured. */
import { stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { safeLine, safeText } from "../../src/base/safe-text.ts";
import { cut, widthOf } from "../../src/cli/output-text.ts";
import { Rig } from "../support/command-line.ts";

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.dispose]());

/** Moves the cursor, clears, sets the title, rings, overwrites, reorders, and what is left of cut sequences. */
const EVIL = "\u001b[2J\u001b[1;1Hevil\u001b]0;title\u0007\u009b31m\u0007\u202egnp\u2066\u001b[";
// eslint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

test("text is made safe, line by line", () => {
  expect(safeLine(EVIL)).not.toMatch(UNSAFE);
  expect(safeLine(EVIL)).toContain("evil");
  expect(safeLine("10%\r50%\r100%\r")).toBe("100%");
  expect(safeLine("a\tb\nc")).toBe("a  b c");
  expect(safeText("one\n\u001b[1Atwo")).toBe("one\ntwo");
  expect(safeLine("plain ünïcode 漢字 👍")).toBe("plain ünïcode 漢字 👍");
});

test("widths count columns, and cuts keep whole characters", () => {
  expect(widthOf("abc")).toBe(3);
  expect(widthOf("漢字")).toBe(4);
  expect(widthOf("e\u0301")).toBe(1);
  expect(widthOf("👩‍👩‍👧")).toBe(2);
  expect(cut("abcdef", 4)).toBe("abc…");
  expect(cut("漢字漢字", 5)).toBe("漢字…");
  expect(cut("漢字漢字", 4)).toBe("漢…");
  expect(cut("漢字", 4)).toBe("漢字");
  for (let columns = 1; columns < 12; columns++)
    expect(widthOf(cut("a漢é👍bc漢", columns))).toBeLessThanOrEqual(columns);
});

test("what steps write, and what plans say, cannot move the cursor", async () => {
  rig.plan({
    name: `name ${EVIL}`,
    steps: [
      { id: "a", description: EVIL, run: `printf '%b' '\\033[2J\\033]0;t\\007cut \\033[' ; exit 1` },
      { id: "b", approve: EVIL },
    ],
  });
  for (const args of [
    ["plan"],
    ["run", "--output", "grouped"],
    ["run", "--output", "stream"],
    ["show"],
    ["logs", "a"],
    ["history"],
    ["replay"],
    ["report"],
    [],
    ["runs"],
  ]) {
    const { stdout, stderr } = await rig.heddle(args);
    expect(stdout.replaceAll("\n", ""), args.join(" ")).not.toMatch(UNSAFE);
    expect(stderr.replaceAll("\n", ""), args.join(" ")).not.toMatch(UNSAFE);
  }
  const page = (await rig.heddle(["report", "--html"])).stdout;
  expect(page.replaceAll("\n", "")).not.toMatch(UNSAFE);
});

test("names are text in the report page", async () => {
  rig.plan({
    name: "</title><script>alert(1)</script>",
    steps: [{ id: "a", description: `<img src=x onerror="alert(1)"> & 'quoted'`, run: "true" }],
  });
  await rig.heddle(["run"]);
  const page = (await rig.heddle(["report", "--html"])).stdout;
  expect(page).not.toMatch(/<script|<img/);
  expect(page).toContain("&#60;script&#62;");
});

test("colours: none in a pipe, some when forced, none with NO_COLOR", async () => {
  rig.plan({ steps: [{ id: "a", run: "true" }] });
  expect((await rig.heddle(["run"])).stdout).not.toContain("\u001b[");
  expect((await rig.heddle(["run"], { env: { FORCE_COLOR: "1" } })).stdout).toContain("\u001b[32m");
  expect((await rig.heddle(["run"], { env: { FORCE_COLOR: "0" } })).stdout).not.toContain("\u001b[");
  expect((await rig.heddle(["run"], { env: { FORCE_COLOR: "1", NO_COLOR: "1" } })).stdout).not.toContain("\u001b[");
});

test("a terminal gets a live view, unless CI is set or the terminal is dumb", async () => {
  rig.plan({ steps: [{ id: "a", run: "true" }] });
  const size = { columns: 80, rows: 24 };
  expect((await rig.onTerminal(["run"], size).done).stdout).toContain("\u001b[?25l");
  expect((await rig.onTerminal(["run"], size, { env: { CI: "true" } }).done).stdout).not.toContain("\u001b[?25l");
  expect((await rig.onTerminal(["run"], size, { env: { TERM: "dumb" } }).done).stdout).not.toContain("\u001b");
});

test("the live view of many steps fits a small terminal", async () => {
  const gate = rig.gate("all");
  const steps = Array.from({ length: 40 }, (_, i) => ({
    id: `a-step-with-a-long-name-${i}`,
    run: `echo 漢字漢字漢字漢字漢字漢字; ${i === 39 ? gate.command : "until test -e go; do sleep 0.05; done"}`,
  }));
  rig.plan({ maxConcurrency: 40, steps });
  const run = rig.onTerminal(["run"], { columns: 30, rows: 8 });
  await gate.reached();
  await run.says("more running");
  rig.write("go", "");
  await run.says("39/40");
  await gate.open();
  const { code, stdout } = await run.done;
  expect(code).toBe(0);
  const heights = [...stdout.matchAll(/\u001b\[(\d+)A/g)].map((match) => Number(match[1]) + 1);
  expect(Math.max(...heights)).toBeGreaterThan(2);
  expect(Math.max(...heights)).toBeLessThanOrEqual(7);
  const drawn = stripVTControlCharacters(stdout)
    .split(/\r\n|\r/)
    .filter((text) => /^▶|\/40/.test(text));
  // Of two screens at least: the one that says how many more are running, and the last one.
  expect(drawn.length).toBeGreaterThan(2);
  for (const text of drawn) expect(widthOf(text), text).toBeLessThan(30);
  expect(stdout.lastIndexOf("\u001b[?25h")).toBeGreaterThan(stdout.lastIndexOf("\u001b[?25l"));
});

test("Ctrl-C on the terminal gives the cursor back", async () => {
  const gate = rig.gate("step");
  rig.plan({ steps: [{ id: "a", run: gate.command }] });
  const run = rig.onTerminal(["run"], { columns: 60, rows: 20 });
  await gate.reached();
  await run.says("a ");
  rig.type(run, "\u0003");
  const { code, stdout } = await run.done;
  expect(code).toBe(130);
  expect(stdout.lastIndexOf("\u001b[?25h")).toBeGreaterThan(stdout.lastIndexOf("\u001b[?25l"));
  expect(stdout).toContain("was cancelled");
});

test("a reader that stops early is no error", async () => {
  rig.plan({
    steps: Array.from({ length: 3000 }, (_, i) => ({ id: `s${i}`, description: "x".repeat(200), run: "true" })),
  });
  const plan = rig.spawn(["plan", "--json"]);
  plan.child.stdout?.once("data", () => plan.child.stdout?.destroy());
  expect(await plan.done).toMatchObject({ code: 0, stderr: "" });
});
