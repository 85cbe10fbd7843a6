/** The MCP server for people's agents, asked by a real client: what it offers, what it does, what it refuses. */
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/base/json.ts";
import { McpProject } from "../../src/mcp/mcp-project.ts";
import { settle, VirtualClock } from "../support/virtual-clock.ts";
import { until } from "../support/until.ts";
import { McpRig } from "./rig.ts";

const READING = ["validate_plan", "show_plan", "list_runs", "get_run", "get_step", "read_log", "wait_for_run"];
const ACTING = ["start_run", "answer", "resolve_conflict", "send_signal", "cancel_run", "resume_run", "retry_run"];

/** Has no runs, and no folder for them. */
function untouched({ folder }: McpRig): void {
  expect(folder.has(".heddle")).toBe(false);
}

describe("what is offered", () => {
  test.each(["auto", "legacy"] as const)(
    "says of each tool whether it acts, to a client of the era %s",
    async (era) => {
      await using rig = await McpRig.start({ era });
      const { tools } = await rig.client.listTools();
      expect(tools.map(({ name }) => name)).toEqual([...READING, ...ACTING]);
      for (const { name, title, description, annotations, inputSchema, outputSchema } of tools) {
        expect([title, description], name).not.toContain(undefined);
        expect(annotations?.readOnlyHint, name).toBe(READING.includes(name));
        expect(annotations?.destructiveHint, name).toBe(ACTING.includes(name) && name !== "send_signal");
        expect(annotations?.idempotentHint, name).toBe(READING.includes(name) || name === "cancel_run");
        expect(inputSchema["additionalProperties"], name).toBe(false);
        expect(outputSchema?.["type"], name).toBe("object");
      }
      untouched(rig);
    },
  );

  test("is in the guide, tool by tool", () => {
    const guide = readFileSync(path.join(import.meta.dirname, "../../../../docs/guide/mcp.md"), "utf8");
    for (const name of [...READING, ...ACTING]) expect(guide).toContain(`| \`${name}\` |`);
  });

  test("a server that only reads has no tool that acts, and refuses each", async () => {
    await using rig = await McpRig.start({ isReadOnly: true });
    rig.folder.plan({ name: "p", steps: [{ id: "a", run: "touch ran" }] });
    const { tools } = await rig.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(READING);
    for (const name of ACTING)
      await expect(rig.client.callTool({ name, arguments: { run: "abcd", plan: "heddle.json" } })).rejects.toThrow(
        `Tool ${name} not found`,
      );
    expect(await rig.ask("list_runs")).toEqual({ runs: [] });
    expect((await rig.call("get_run")).error).toContain("[NoRuns]");
    expect(rig.folder.has("ran")).toBe(false);
    untouched(rig);
  });
});

describe("plans", () => {
  test("are checked and shown without being run", async () => {
    await using rig = await McpRig.start();
    rig.folder.plan({
      name: "release",
      steps: [
        { id: "build", run: "touch ran" },
        { id: "test", deps: ["build"], run: "true" },
        { id: "lint", run: "true" },
      ],
    });
    expect(await rig.ask("validate_plan")).toMatchObject({ valid: true, name: "release", steps: 3, diagnostics: [] });
    const wrong = await rig.ask("validate_plan", { document: "steps:\n  - { id: a, run: x, deps: [b] }\n" });
    expect(wrong).toMatchObject({
      valid: false,
      diagnostics: [{ code: "UnknownDependency", severity: "error", line: 2 }],
    });
    expect(await rig.ask("show_plan", { plan: "heddle.json", maxConcurrency: 2 })).toMatchObject({
      layers: [
        { count: 2, steps: ["build", "lint"] },
        { count: 1, steps: ["test"] },
      ],
      maxParallelism: 2,
      criticalPath: ["build", "test"],
      stepsInAll: 3,
      stepsNotShown: 0,
    });
    expect(rig.folder.has("ran")).toBe(false);
    untouched(rig);
  });

  test("that are programs are run by a start alone", async () => {
    await using rig = await McpRig.start();
    rig.folder.write(
      "heddle.mts",
      `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(path.join(rig.folder.dir, "ran"))}, ""); export default 1;`,
    );
    for (const tool of ["validate_plan", "show_plan"])
      expect((await rig.call(tool, { plan: "heddle.mts" })).error).toContain("[PlanModuleRefused]");
    expect(rig.folder.has("ran")).toBe(false);
    expect((await rig.call("start_run", { plan: "heddle.mts" })).error).toContain("NoPlanExported");
    expect(rig.folder.has("ran")).toBe(true);
  });

  test("of any size have an answer of bounded size", async () => {
    await using rig = await McpRig.start();
    const steps = Array.from({ length: 400 }, (_, at) => ({
      id: `s${at}`,
      run: "true",
      description: "d".repeat(900),
    }));
    const document = JSON.stringify({ name: "big", steps });
    const shown = await rig.call("show_plan", { document });
    expect(shown.json).toMatchObject({ stepsInAll: 400, stepsNotShown: 300 });
    expect(shown.size).toBeLessThan(100_000);
    const broken = JSON.stringify({ name: "big", steps: steps.map((step) => ({ ...step, deps: [`no-${step.id}`] })) });
    const checked = await rig.call("validate_plan", { document: broken });
    expect(checked.json).toMatchObject({ valid: false, diagnosticsNotShown: 350 });
    expect(checked.size).toBeLessThan(100_000);
  });
});

describe("bad input", () => {
  const OUTSIDE = "must be in the project's folder";

  test.each<[string, JsonObject, string]>([
    ["validate_plan", { plan: "../outside.yaml" }, OUTSIDE],
    ["show_plan", { plan: "link/outside.yaml" }, OUTSIDE],
    ["start_run", { plan: "/etc/passwd" }, OUTSIDE],
    ["start_run", { plan: "link/outside.yaml" }, OUTSIDE],
    ["start_run", { plan: "a\u0000b" }, OUTSIDE],
    ["start_run", { plan: "gone.yaml" }, "[PlanNotFound]"],
    ["start_run", {}, "[PlanNotFound]"],
    ["start_run", { plan: "a.yaml", document: "steps: []" }, "[Usage]"],
    ["start_run", { document: "steps: [{ id: a }]" }, "plan.yaml:1:9: "],
    ["start_run", { document: "steps: [{ id: a, run: 'true' }]", onyl: ["a"] }, "onyl"],
    ["start_run", { document: "steps: [{ id: a, run: 'true' }]", maxConcurrency: 0 }, "maxConcurrency"],
    ["wait_for_run", { timeoutSeconds: 61 }, "timeoutSeconds"],
    ["get_run", { run: "zzzz" }, "[NoRuns]"],
    ["cancel_run", {}, "run"],
    ["cancel_run", { run: "zzzz" }, "[NoRuns]"],
    ["resume_run", { run: "../../etc" }, "[NoRuns]"],
  ])("%s %j is refused, and nothing else happens", async (tool, input, reason) => {
    await using rig = await McpRig.start();
    const outside = path.dirname(rig.folder.write("../outside/outside.yaml", "steps: [{ id: a, run: 'true' }]"));
    symlinkSync(outside, path.join(rig.folder.dir, "link"));
    expect((await rig.call(tool, input)).error).toContain(reason);
    expect(rig.faults).toEqual([]);
    untouched(rig);
  });

  test("a name of no run, no step, no attempt, no question, no signal says what is there", async () => {
    await using rig = await McpRig.start();
    const { run = "" } = await rig.ask("start_run", { document: "steps: [{ id: build, run: 'true' }]" });
    await rig.ask("wait_for_run", { run });
    for (const [tool, input, reason] of [
      ["get_run", { run: "zzzz" }, "[UnknownRun]"],
      ["get_run", { run: "\u001b[2J" }, "[UnknownRun]"],
      ["get_step", { step: "biuld" }, "Did you mean build?"],
      ["read_log", { step: "build", attempt: 2 }, "[NoLog]"],
      ["answer", { run, decision: "approve" }, "[NotAsked]"],
      ["resolve_conflict", { run, choice: "ours" }, "[NotAsked]"],
      ["send_signal", { run, signal: "none" }, "[RunEnded]"],
      ["retry_run", { run }, "[NothingToRetry]"],
      ["retry_run", { run, steps: ["biuld"] }, "Did you mean build?"],
    ] as const) {
      const { error = "" } = await rig.call(tool, input);
      expect(error).toContain(reason);
      // oxlint-disable-next-line no-control-regex
      expect(error).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    }
    expect(await rig.ask("get_run")).toMatchObject({ status: "succeeded" });
    expect(await rig.ask("retry_run", { run, steps: ["build"] })).toMatchObject({ run });
    await rig.ask("wait_for_run", { run });
    expect((await rig.ask("get_step", { step: "build" }))["attempts"]).toBe(2);
  });
});

describe("runs", () => {
  test("are started, watched, answered and read", async () => {
    await using rig = await McpRig.start();
    const gate = rig.folder.gate("build");
    rig.folder.plan({
      name: "release",
      params: { word: { type: "string" } },
      steps: [
        { id: "build", run: `${gate.command}; echo "built $WORD"`, env: { WORD: "${{ params.word }}" } },
        { id: "ok", deps: ["build"], approve: "Ship it?" },
        { id: "event", deps: ["ok"], signal: "go" },
        { id: "ship", deps: ["event"], run: 'echo "shipped=yes" >> "$HEDDLE_OUTPUT"' },
      ],
    });
    const { run = "", ...begun } = await rig.ask("start_run", { params: { word: "hello" }, maxConcurrency: 2 });
    expect(begun).toEqual({ plan: "release", status: "running", stepsInAll: 4, notes: [] });
    await gate.reached();
    const told: number[] = [];
    const waits = rig.call("wait_for_run", { run }, ({ progress }) => told.push(progress));
    await gate.open();
    expect((await waits).json).toMatchObject({
      reason: "needs-you",
      needs: [{ step: "ok", about: "step", question: "Ship it?" }],
      steps: [{ id: "ok", status: "needs-approval" }, {}, {}, {}],
    });
    expect(told.length).toBeGreaterThan(0);
    expect(told).toEqual([...told].toSorted((a, b) => a - b));
    expect(await rig.ask("get_run", { run, steps: 0 })).toMatchObject({
      needs: [{ step: "ok" }],
      steps: [],
      stepsNotShown: 4,
    });
    // Words for an agent approve nothing.
    const words = await rig.call("answer", { run, step: "ok", decision: "answer", text: "yes" });
    expect(words.error).toContain("[NotAsked]");
    expect(await rig.ask("answer", { run, step: "ok", decision: "approve", text: "fine" })).toMatchObject({
      step: "ok",
      result: "sent",
    });
    expect(await rig.ask("wait_for_run", { run })).toMatchObject({
      reason: "needs-you",
      needs: [{ step: "event", signal: "go" }],
    });
    await rig.ask("send_signal", { run, signal: "go", value: { by: "me" } });
    expect(await rig.ask("wait_for_run", { run })).toMatchObject({
      reason: "ended",
      status: "succeeded",
      counts: { succeeded: 4, failed: 0 },
      needs: [],
    });
    expect(await rig.ask("get_step", { step: "ship" })).toMatchObject({ run, output: { shipped: "yes" }, attempts: 1 });
    expect(await rig.ask("get_step", { step: "event" })).toMatchObject({ output: { by: "me" } });
    expect(await rig.ask("read_log", { step: "build" })).toMatchObject({
      attempt: 1,
      lines: ["built hello"],
      isCut: false,
    });
    expect(await rig.ask("list_runs", { plan: "release" })).toMatchObject({ runs: [{ run, status: "succeeded" }] });
    const { resources } = await rig.client.listResources();
    expect(resources.map(({ uri }) => uri)).toEqual([`heddle://runs/${String(run)}/report`]);
    const report = await rig.client.readResource({ uri: resources[0]?.uri ?? "" });
    expect(JSON.parse((report.contents[0] as { text: string }).text)).toMatchObject({ run, status: "succeeded" });
    const log = await rig.client.readResource({ uri: `heddle://runs/${String(run)}/steps/build/log` });
    expect(log.contents).toMatchObject([{ mimeType: "text/plain", text: "built hello" }]);
    await expect(rig.client.readResource({ uri: "heddle://runs/zzzz/report" })).rejects.toThrow("[UnknownRun]");
    await expect(rig.client.readResource({ uri: `heddle://runs/${String(run)}/steps/%25/log` })).rejects.toThrow(
      "[UnknownStep]",
    );
  });

  test("that fail are found by what failed, and retried", async () => {
    await using rig = await McpRig.start();
    const document = JSON.stringify({
      name: "fails",
      failure: "continue",
      steps: [
        ...Array.from({ length: 40 }, (_, at) => ({ id: `ok-${at}`, run: "true" })),
        { id: "bad", run: "test -e fixed || { echo no such thing; exit 3; }", retry: 0 },
        { id: "after", deps: ["bad"], run: "true" },
      ],
    });
    const { run = "" } = await rig.ask("start_run", { document });
    expect(await rig.ask("wait_for_run", { run, until: "end" })).toMatchObject({ reason: "ended", status: "failed" });
    const found = await rig.ask("get_run", { run, steps: 2 });
    expect(found).toMatchObject({ steps: [{ id: "bad", status: "failed" }, {}], stepsInAll: 42, stepsNotShown: 40 });
    expect(await rig.ask("get_run", { run, status: "skipped" })).toMatchObject({ steps: [{ id: "after" }] });
    expect(await rig.ask("get_step", { run, step: "bad" })).toMatchObject({ error: { code: "exit" } });
    rig.folder.write("fixed", "");
    expect(await rig.ask("retry_run", { run })).toEqual({ run, status: "running" });
    expect(await rig.ask("wait_for_run", { run })).toMatchObject({ reason: "ended", status: "succeeded" });
    const part = await rig.ask("start_run", { document, only: ["after"] });
    expect(await rig.ask("wait_for_run", { run: part["run"] ?? "" })).toMatchObject({ counts: { succeeded: 1 } });
  });

  test("are cancelled, and resumed", async () => {
    await using rig = await McpRig.start();
    const gate = rig.folder.gate("long");
    const { run = "" } = await rig.ask("start_run", {
      document: JSON.stringify({ steps: [{ id: "long", run: `test -e again || { ${gate.command}; }` }] }),
    });
    await gate.reached();
    expect(await rig.ask("cancel_run", { run })).toEqual({ run, result: "sent" });
    expect(await rig.ask("wait_for_run", { run })).toMatchObject({ reason: "ended", status: "cancelled" });
    rig.folder.write("again", "");
    await rig.ask("resume_run", { run });
    expect(await rig.ask("wait_for_run", { run })).toMatchObject({ reason: "ended", status: "succeeded" });
  });

  test("are waited for no longer than asked", async () => {
    const clock = new VirtualClock(1_700_000_000_000);
    await using rig = await McpRig.start({ clock });
    const gate = rig.folder.gate("long");
    const { run = "" } = await rig.ask("start_run", {
      document: JSON.stringify({ steps: [{ id: "long", run: gate.command }] }),
    });
    await gate.reached();
    const waits = rig.ask("wait_for_run", { run, timeoutSeconds: 60 });
    await until(() => clock.pending > 0);
    await settle();
    clock.advance();
    expect(await waits).toMatchObject({ reason: "time-limit", status: "running" });
    expect(clock.now()).toBe(1_700_000_060_000);
    await gate.open();
  });
});

test("what steps print and give is data: bounded, without characters that fool a reader", async () => {
  await using rig = await McpRig.start();
  const hostile = "\u001b]0;title\u0007\u001b[2Jred\u202egnp.exe\u200b";
  rig.folder.write("hostile", `${"x".repeat(3_000_000)}\n${`line of noise\n`.repeat(20_000)}needle ${hostile}\n`);
  const { run = "" } = await rig.ask("start_run", {
    document: JSON.stringify({
      name: `n${hostile}`,
      steps: [
        { id: "log", run: "cat hostile" },
        { id: "output", run: 'printf "big=%0200000d\\n" 7 >> "$HEDDLE_OUTPUT"' },
        { id: "many", run: 'for i in $(seq 3000); do echo "key$i=a value of some length"; done >> "$HEDDLE_OUTPUT"' },
        { id: "fails", run: "cat hostile >&2; exit 1", deps: ["log", "output"] },
      ],
    }),
  });
  await rig.ask("wait_for_run", { run, until: "end" });
  for (const [tool, input, most] of [
    ["read_log", { step: "log", lines: 500 }, 20_000],
    ["read_log", { step: "log", lines: 3, contains: "NEEDLE" }, 1000],
    ["read_log", { step: "log", contains: "xxx" }, 4000],
    ["get_step", { step: "output" }, 20_000],
    ["get_step", { step: "many" }, 20_000],
    ["get_step", { step: "fails" }, 60_000],
    ["get_run", {}, 6000],
    ["list_runs", {}, 1000],
  ] as const) {
    const { json, size } = await rig.call(tool, input);
    expect(size, tool).toBeLessThan(most);
    expect(Object.keys(json).length).toBeGreaterThan(0);
    // oxlint-disable-next-line no-control-regex
    expect(JSON.stringify(json), tool).not.toMatch(/\\u00[01]|\\u001b|[\u007f-\u009f\u200b\u202e]/);
  }
  expect(await rig.ask("read_log", { step: "log", contains: "NEEDLE" })).toMatchObject({
    lineNumbers: [20_002],
    isCut: false,
  });
});

describe("the end", () => {
  test("of the client ends its runs as Ctrl-C does: what ran is cancelled, what only waits stays open, both go on later", async () => {
    await using rig = await McpRig.start();
    const gate = rig.folder.gate("long");
    const start = async (steps: JsonObject[]): Promise<string> =>
      String((await rig.ask("start_run", { document: JSON.stringify({ steps }) }))["run"]);
    const runs = await start([{ id: "long", run: gate.command }]);
    const waits = await start([{ id: "ok", approve: "Go on?" }]);
    await gate.reached();
    await rig.ask("wait_for_run", { run: waits });
    await rig.leave();
    await using later = await McpRig.start({ folder: rig.folder, isReadOnly: true });
    expect(await later.ask("get_run", { run: runs })).toMatchObject({ status: "cancelled" });
    expect(await later.ask("get_run", { run: waits })).toMatchObject({ status: "waiting", needs: [{ step: "ok" }] });
    expect(await later.ask("wait_for_run", { run: waits })).toMatchObject({ reason: "needs-you" });
  });

  test.each(["leaves", "is stopped"])("is not held up by a call that waits for a run of others: it %s", async (how) => {
    await using rig = await McpRig.start();
    const gate = rig.folder.gate("long");
    const document = JSON.stringify({ steps: [{ id: "long", run: gate.command }] });
    const { run = "" } = await rig.ask("start_run", { document });
    await gate.reached();
    // Its clock stands still: no time limit passes.
    const clock = new VirtualClock(1_700_000_000_000);
    const other = await McpRig.start({ folder: rig.folder, isReadOnly: true, clock });
    const waits = other.call("wait_for_run", { run }).catch(() => "gone");
    await until(() => clock.pending > 0);
    if (how === "leaves") await other.leave();
    else {
      other.serving.stop();
      await other.leave();
    }
    expect(await waits).toBe("gone");
    expect(await rig.ask("get_run", { run })).toMatchObject({
      status: "running",
      heldBy: expect.stringContaining("mcp"),
    });
    await gate.open();
  });

  test("that is asked for twice waits for no grace", async () => {
    await using rig = await McpRig.start();
    const gate = rig.folder.gate("stubborn");
    const document = JSON.stringify({
      steps: [{ id: "stubborn", run: `trap '' TERM; ${gate.command}`, grace: "1h" }],
    });
    const { run = "" } = await rig.ask("start_run", { document });
    await gate.reached();
    rig.serving.stop();
    rig.serving.stop();
    await rig.serving.done;
    await using later = await McpRig.start({ folder: rig.folder });
    expect(await later.ask("get_run", { run })).toMatchObject({ status: "cancelled" });
  });

  test("comes with a message that is too large, and no sooner", async () => {
    await using rig = await McpRig.start();
    const document = `# ${"x".repeat(3_000_000)}\nsteps: [{ id: a, run: 'true' }]\n`;
    expect(await rig.ask("validate_plan", { document })).toMatchObject({ valid: true });
    rig.call("validate_plan", { document: "x".repeat(17_000_000) }).catch(() => undefined);
    await rig.serving.done;
    expect(String(rig.faults)).toContain("exceed");
  });
});

test("a project of a server that only reads is never opened to be written", async () => {
  const opened: string[] = [];
  const problem = { code: "NoRuns", message: "none" };
  const open = (access: string): Promise<{ ok: false; error: typeof problem }> => {
    opened.push(access);
    return Promise.resolve({ ok: false, error: problem });
  };
  const reading = new McpProject(open, true);
  expect(await reading.toAct("create")).toMatchObject({ ok: false, error: { code: "ReadOnlyServer" } });
  expect(opened).toEqual([]);
  const acting = new McpProject(open, false);
  expect([await acting.toRead(), await acting.toAct("change"), await acting.toRead()]).toMatchObject([
    { error: problem },
    { error: problem },
    { error: problem },
  ]);
  // What could not be opened is tried again: a run may have been started meanwhile.
  expect(opened).toEqual(["read", "change", "read"]);
});

test("plan files are looked for in the project's folder, wherever the process is", async () => {
  await using rig = await McpRig.start();
  writeFileSync(path.join(rig.folder.dir, "other.yaml"), "name: other\nsteps: [{ id: a, run: 'true' }]\n");
  expect(await rig.ask("validate_plan", { plan: "other.yaml" })).toMatchObject({ name: "other" });
});
