/** What is recorded, and what a recorded history gives back: numbers, order, resume, logs. */
import { spawn } from "node:child_process";
import { readdirSync, readlinkSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { command, load, plan, resume, run, step, type Event, type PlanDefinition } from "../../src/index.ts";
import { canonicalHistory } from "../../src/run/canonical-history.ts";
import { directoryWorkspaces } from "../../src/workspace/directory.ts";
import { BUILT } from "../support/built.ts";
import { eventsOf, meeting, placeOf, stepLines } from "./rig.ts";
import { testFolder } from "../support/test-folder.ts";

const MEMORY = { memory: true } as const;

/** Six steps side by side, a seventh over them all. */
function wide(width: number): PlanDefinition {
  const meet = meeting(width);
  const steps = Array.from({ length: 6 }, (_, i) => step(`s${i}`, () => (i < width ? meet() : undefined)));
  return plan("wide", { maxConcurrency: width, steps: [step("end", { deps: steps }, () => "done")] });
}

describe("events", () => {
  test("have gapless sequence numbers from 1 although their steps run at once", async () => {
    const running = run(wide(6), MEMORY);
    const events = await eventsOf(running);
    expect(events.length).toBe(3 + 2 * 7);
    expect(events.map((event) => event.seq)).toEqual(events.map((_, i) => i + 1));
    expect(events.every((event) => event.run === running.run)).toBe(true);
  });

  test("are in one canonical order, whatever ran first, however many at once", async () => {
    const histories: string[] = [];
    for (const [width, schedule] of [
      [1, "ready"],
      [2, "layers"],
      [6, "ready"],
    ] as const) {
      const events = await eventsOf(run(wide(width), { ...MEMORY, schedule }));
      histories.push(JSON.stringify(canonicalHistory(events).filter((event) => event.type !== "run.created")));
    }
    expect(histories[0]?.length).toBeGreaterThan(500);
    expect(new Set(histories).size).toBe(1);
  });

  test("are the same for every reader, early, late or slow (order is deterministic across replays)", async () => {
    const projectDir = testFolder("api");
    const running = run(wide(3), { projectDir });
    const early = eventsOf(running);
    await running.result;
    expect(await eventsOf(running)).toEqual(await early);
  });

  test("carry timestamps that never go back: an audit of starts and ends", async () => {
    const before = Date.now();
    const events = await eventsOf(run(wide(3), MEMORY));
    const times = events.map((event) => event.time);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[0]).toBeGreaterThanOrEqual(before - 1);
    expect(stepLines(events).filter((line) => line.startsWith("started"))).toHaveLength(7);
    expect(stepLines(events).filter((line) => line.startsWith("succeeded"))).toHaveLength(7);
  });

  test("reach a listener in order, each once it is recorded", async () => {
    const seen: Event[] = [];
    const running = run(wide(2), { ...MEMORY, onEvent: (event) => seen.push(event) });
    expect((await running.result).status).toBe("succeeded");
    expect(seen).toEqual(await eventsOf(running));
  });
});

/** Runs a program that imports the library as it is published, and tells what it printed and how it ended. */
async function program(body: string): Promise<{ readonly code: number | null; readonly out: string }> {
  const library = path.join(BUILT, "dist/index.js");
  const file = path.join(testFolder("api"), "program.mjs");
  await writeFile(file, `import { command, plan, run, step } from ${JSON.stringify(library)};\n${body}`);
  const child = spawn(process.execPath, [file], { cwd: path.dirname(file), stdio: ["ignore", "pipe", "ignore"] });
  const [out, code] = await Promise.all([
    text(child.stdout),
    new Promise<number | null>((resolve) => child.on("exit", resolve)),
  ]);
  return { code, out };
}

describe("a program", () => {
  test("whose listener throws sees it as an uncaught exception; the run goes on", async () => {
    const { code, out } = await program(`
      process.on("uncaughtException", (error) => console.log("uncaught", error.message));
      const onEvent = (event) => { if (event.type === "step.started") throw new Error("mine"); };
      const { status } = await run(plan("p", { steps: [step("a", () => 1)] }), { memory: true, onEvent }).result;
      console.log(status);
    `);
    expect({ code, out }).toEqual({ code: 0, out: "uncaught mine\nsucceeded\n" });
  });

  test("that ignores a refused run's result ends well: nothing is rejected", async () => {
    expect(await program('run(plan("p", { steps: [] }), { memory: true }); console.log("on");')).toEqual({
      code: 0,
      out: "on\n",
    });
  });

  test("ends by itself when its runs have: neither helper nor timer keeps it", async () => {
    const body = 'console.log((await run(plan("p", { steps: [command("c", "true")] })).result).status);';
    expect(await program(body)).toEqual({ code: 0, out: "succeeded\n" });
  });
});

test.runIf(process.platform === "linux")(
  "the journal is open while somebody works or reads, and closed after",
  async () => {
    const projectDir = testFolder("api");
    const isOpen = (): boolean =>
      readdirSync("/proc/self/fd").some((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`).startsWith(projectDir);
        } catch {
          return false;
        }
      });
    const running = run(wide(2), { projectDir });
    const reader = running[Symbol.asyncIterator]();
    await reader.next();
    await running.result;
    expect(isOpen()).toBe(true);
    await reader.return?.();
    expect(isOpen()).toBe(false);
    await eventsOf(running);
    expect(isOpen()).toBe(false);
  },
);

describe("resume", () => {
  /** `a`, `b` and `c` side by side, `d` over them; `b` fails until it is mended. Counts how often each body ran. */
  function mendable(): { readonly definition: PlanDefinition; readonly ran: Record<string, number>; mend(): void } {
    const ran: Record<string, number> = {};
    let mended = false;
    const counted = (id: string): string => {
      ran[id] = (ran[id] ?? 0) + 1;
      return id;
    };
    const a = step("a", () => counted("a"));
    const b = step("b", () => {
      counted("b");
      if (!mended) throw new Error("not yet");
      return "b";
    });
    const c = step("c", () => counted("c"));
    const d = step("d", { deps: { a, b, c } }, (inputs) => `${counted("d")}: ${inputs.a}${inputs.b}${inputs.c}`);
    return {
      definition: plan("mendable", { failure: "continue", maxConcurrency: 3, steps: [d] }),
      ran,
      mend: () => void (mended = true),
    };
  }

  test("of a partial history (some parallel steps done) runs the rest and nothing twice, outputs of the first stay included", async () => {
    const projectDir = testFolder("api");
    const { definition, ran, mend } = mendable();
    const first = run(definition, { projectDir });
    expect((await first.result).status).toBe("failed");
    expect(ran).toEqual({ a: 1, b: 1, c: 1 });
    mend();
    const second = resume(first.run, definition, { projectDir });
    expect((await second.result).outputs).toEqual({ a: "a", b: "b", c: "c", d: "d: abc" });
    expect(ran).toEqual({ a: 1, b: 2, c: 1, d: 1 });
    const events = await eventsOf(second);
    expect(events.map((event) => event.seq)).toEqual(events.map((_, i) => i + 1));
    expect(events.filter((event) => event.type === "run.resumed")).toHaveLength(1);
  });

  test("of a finished history executes nothing and gives the recorded result", async () => {
    const projectDir = testFolder("api");
    const { definition, ran, mend } = mendable();
    mend();
    const first = run(definition, { projectDir });
    const done = await first.result;
    const again = resume(first.run, definition, { projectDir });
    const { status, outputs } = await again.result;
    expect({ status, outputs }).toEqual({ status: "succeeded", outputs: done.outputs });
    expect(ran).toEqual({ a: 1, b: 1, c: 1, d: 1 });
    expect(await eventsOf(again)).toEqual(await eventsOf(first));
  });

  test("of a cancelled run runs what was cancelled", async () => {
    const projectDir = testFolder("api");
    let patient = false;
    const definition = plan("cancelled", {
      steps: [
        step("s", async (_, { signal }) => {
          if (!patient) await new Promise((resolve) => signal.addEventListener("abort", resolve));
          return "done";
        }),
      ],
    });
    const first = run(definition, { projectDir, onEvent: (event) => event.type === "step.started" && first.cancel() });
    expect((await first.result).status).toBe("cancelled");
    patient = true;
    expect((await resume(first.run, definition, { projectDir }).result).outputs).toEqual({ s: "done" });
  });

  test("is refused where a step that succeeded has another definition now, unless changes are accepted", async () => {
    const projectDir = testFolder("api");
    const definition = (text: string): PlanDefinition =>
      plan("drift", {
        failure: "continue",
        steps: [command("a", `echo '"${text}"' > "$HEDDLE_OUTPUT"`), command("b", "exit 1")],
      });
    const first = run(definition("old"), { projectDir });
    await first.result;
    const refused = await resume(first.run, definition("new"), { projectDir }).result;
    expect(refused).toMatchObject({ status: "refused", error: { code: "PlanChanged" } });
    expect(refused.error?.message).toContain("a: ");
    const accepted = await resume(first.run, definition("new"), { projectDir, acceptChanges: true }).result;
    expect(accepted.outputs).toEqual({ a: "new" });
  });

  test("uses the recorded parameters", async () => {
    const projectDir = testFolder("api");
    const definition = plan("params", {
      params: { env: { type: "string", default: "staging" } },
      steps: [step("s", (_, { params, attempt }) => (attempt === 1 ? Promise.reject(new Error("x")) : params["env"]))],
    });
    const first = run(definition, { projectDir, params: { env: "production" } });
    await first.result;
    expect((await resume(first.run, definition, { projectDir }).result).outputs).toEqual({ s: "production" });
  });
});

describe("logs", () => {
  test("are one file per step and attempt: outputs of parallel steps are not mixed", async () => {
    const projectDir = testFolder("api");
    const steps = ["a", "b"].map((id) => command(id, `for i in 1 2 3; do echo ${id}$i; done`));
    const lines = step("lines", (_, context) => {
      context.log("one");
      context.log("two");
    });
    const running = run(plan("logs", { maxConcurrency: 3, steps: [...steps, lines] }), { projectDir });
    await running.result;
    const files = directoryWorkspaces({ projectDir, runsDir: `${projectDir}/.heddle/runs` });
    const logOf = (id: string): Promise<string> => readFile(files.logFile(running.run, id, 1) ?? "", "utf8");
    expect(await logOf("a")).toBe("a1\na2\na3\n");
    expect(await logOf("b")).toBe("b1\nb2\nb3\n");
    expect(await logOf("lines")).toMatch(/one\n.*two\n$/s);
  });
});

describe("drawing", () => {
  test("a plan is drawn as a Mermaid flowchart", async () => {
    const a = command("a", "true");
    const { mermaid } = await load(plan("m", { steps: [command("b", "true", { deps: [a] })] }));
    expect(mermaid().split("\n")).toEqual(["flowchart TD", '  s0["a"]', '  s1["b"]', "  s0 --> s1"]);
  });
});

test("a step's start is recorded before its end, and ends before its dependents start", async () => {
  const events = await eventsOf(run(wide(6), MEMORY));
  for (let i = 0; i < 6; i++) {
    expect(placeOf(events, "step.started", `s${i}`)).toBeLessThan(placeOf(events, "step.succeeded", `s${i}`));
    expect(placeOf(events, "step.succeeded", `s${i}`)).toBeLessThan(placeOf(events, "step.started", "end"));
  }
});
