/** Steps that cannot start, cannot end, or end in strange ways: one failed step, a reason, everything else recorded. */
import { execFileSync } from "node:child_process";
import { readFileSync, symlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { eventsOf, expectClean, expectRefusal, expectSound, kinds, place, plan, type RecordedEvent } from "./rig.ts";
import { until } from "../support/until.ts";
import type { Rig, Finished } from "../support/command-line.ts";

/** Runs the plan; the step `a` fails for `reason`, its sibling and its forerunner succeed and stay recorded. */
async function failsAlone(at: Rig, reason: RegExp, asked: Parameters<Rig["heddle"]>[1] = {}): Promise<Finished> {
  const ended = await at.heddle(["run", "--keep-going"], asked);
  expectClean({ ...ended, stdout: "" });
  expect(ended.code, ended.stdout + ended.stderr).toBe(1);
  expect(ended.stdout).toMatch(reason);
  expect(ended.stdout).toMatch(/continue: heddle resume \w+/);
  const events = await expectSound(at);
  expect(kinds(events)).toContain("step.succeeded before");
  expect(kinds(events)).toContain("step.failed a");
  expect(kinds(events).at(-1)).toBe("run.failed");
  return ended;
}

function around(step: string): string {
  return `grace: 200ms
steps:
  - {id: before, run: "echo before"}
  - {id: a, deps: [before], ${step}}
  - {id: beside, run: "echo beside", deps: [before]}
  - {id: behind, run: "echo behind", deps: [a]}
`;
}

const FUNCTIONS = `
import { existsSync } from "node:fs";
/** When the next step has begun: this one's success is on disk then. */
const afterwards = (act) => void setInterval(() => existsSync("begun") && act(), 5);
export const never = () => new Promise(() => { setInterval(() => {}, 1000); });
export function spin() { for (;;); }
export function boom() { throw new Error("boom"); }
export function nothing() { throw null; }
export const big = () => ({ a: 1n });
export const round = () => { const a = {}; a.a = a; return a; };
export const late = () => afterwards(() => { throw new Error("too late"); });
export const reject = () => afterwards(() => void Promise.reject(new Error("too late")));
export const leave = () => process.exit(0);
`;

describe("commands", () => {
  test.for([
    ["that are not there", 'run: "nosuchcommand --flag"', /exit code 127: a command was not found/],
    ["that may not be executed", 'run: "./heddle.yaml"', /exit code 126/],
    ["of a shell that is not there", 'run: "echo one", shell: nosuch', /the shell nosuch was not found/],
    ["with an output that is no JSON", `run: 'echo "[1," > "$HEDDLE_OUTPUT"'`, /HEDDLE_OUTPUT is not JSON/],
    ["with an output that is no text", `run: 'printf "\\377\\376" > "$HEDDLE_OUTPUT"'`, /HEDDLE_OUTPUT/],
    ["that end by a signal", 'run: "kill -SEGV $$"', /SIGSEGV|139/],
    ["that never end", 'run: "sleep 1000", timeout: 300ms', /timed out after 300 ms/],
    [
      "that never end and will not",
      `run: 'trap "" TERM; sleep 1000; sleep 1000', timeout: 300ms`,
      /timed out after 300 ms/,
    ],
    ["in a folder that is not there", 'run: "echo one", cwd: nowhere', /nowhere does not exist/],
    ["in a folder outside", 'run: "echo one", cwd: "../.."', /outside the project/],
    ["that add steps which are none", `run: 'echo "[{}]" > "$HEDDLE_STEPS"'`, /HEDDLE_STEPS|steps/],
  ] as const)("%s", async ([, step, reason]) => {
    using at = place({ "heddle.yaml": around(step) });
    await failsAlone(at, reason);
  });

  test("without `sh` on the PATH; once it is back a resume goes on", async () => {
    using at = place({ "heddle.yaml": plan({ a: "echo one", b: "echo two" }), "bin/.keep": "" });
    symlinkSync(process.execPath, join(at.dir, "bin/node"));
    const ended = await at.heddle(["run", "--keep-going"], { env: { PATH: join(at.dir, "bin") } });
    expectClean(ended);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toMatch("the shell sh was not found");
    expect((await at.heddle(["resume"])).code).toBe(0);
    await expectSound(at);
  });

  test("with 100 MB of output: kept whole and given back whole", async () => {
    using at = place({ "heddle.yaml": plan({ a: "yes 0123456789abcd | head -c 99999990" }) });
    const ended = await at.heddle(["run", "--output", "errors"]);
    expect(ended.code, ended.stderr).toBe(0);
    const [event] = eventsOf(await at.heddle(["history", "--json"]));
    expect(statSync(join(at.dir, `.heddle/runs/${event?.run}/logs/a.1.log`)).size).toBe(99_999_990);
    const whole = await at.shell("heddle logs a | wc -c");
    expect(whole.stdout.trim()).toBe("99999990");
  });

  test("with odd environments", async () => {
    const odd = {
      ODD_LINE: "a\nb",
      ODD_EMPTY: "",
      "ODD-dash.dot": "1",
      ODD_QUOTE: `'"$(touch executed)\`x\``,
      ODD_EQUAL: "=a=b=",
      "ODD é": "ü",
      IFS: "x",
    };
    using at = place({
      "heddle.yaml": `steps:
  - {id: a, run: 'env -0 > env', env: {FROM_PLAN: "'\\"$(touch executed)\\u0007é"}}
  - {id: b, call: "./b.ts#b"}
`,
      "b.ts": "export const b = () => ({ odd: process.env['ODD_LINE'] });",
    });
    const ended = await at.heddle(["run"], { env: odd });
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    const seen = new Map(
      readFileSync(join(at.dir, "env"), "utf8")
        .split("\0")
        .map((line): [string, string] => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    expect(seen.get("FROM_PLAN")).toBe("'\"$(touch executed)\u0007é");
    for (const name of ["ODD_LINE", "ODD_EMPTY", "ODD_QUOTE", "ODD_EQUAL"] as const)
      expect(seen.get(name)).toBe(odd[name]);
    const events = await expectSound(at);
    expect(events.find((event) => event.type === "step.succeeded" && event.step === "b")?.data["output"]).toEqual({
      odd: "a\nb",
    });
    expect(execFileSync("ls", [at.dir], { encoding: "utf8" })).not.toMatch("executed");
  });
});

describe("functions", () => {
  test.for([
    ["that throw", 'call: "./f.mjs#boom"', /boom/],
    ["that throw nothing", 'call: "./f.mjs#nothing"', /null/],
    ["that throw, isolated", 'call: "./f.mjs#boom", isolate: true', /boom/],
    ["with an output that JSON cannot hold", 'call: "./f.mjs#big"', /output\.a is a bigint/],
    ["with an output that holds itself", 'call: "./f.mjs#round"', /contains itself/],
    ["that never end", 'call: "./f.mjs#never", timeout: 300ms', /timed out after 300 ms.*abandoned/],
    ["that never end, isolated", 'call: "./f.mjs#never", timeout: 300ms, isolate: true', /timed out after 300 ms/],
    ["that never yield, isolated", 'call: "./f.mjs#spin", timeout: 300ms, isolate: true', /timed out after 300 ms/],
    ["that leave, isolated", 'call: "./f.mjs#leave", isolate: true', /\ba\b.*failed/],
    ["that are not exported", 'call: "./f.mjs#nosuch"', /does not export a function nosuch/],
    ["of a module that is not there", 'call: "./nowhere.mjs#f"', /nowhere\.mjs/],
    ["of a module that is none", 'call: "./heddle.yaml#f"', /heddle\.yaml/],
  ] as const)("%s", async ([, step, reason]) => {
    using at = place({ "heddle.yaml": around(step), "f.mjs": FUNCTIONS });
    await failsAlone(at, reason);
  });

  test.for(["late", "reject"])(
    "that leave an error behind (%s) end the process with one message, resumable",
    async (name) => {
      using at = place({
        "heddle.yaml": `steps:
  - {id: a, call: "./f.mjs#${name}"}
  - {id: b, run: "touch begun; test -e second || sleep 1000", deps: [a]}
`,
        "f.mjs": FUNCTIONS,
      });
      const ended = await at.spawn(["run"]).done;
      expectRefusal(ended, 1, "UncaughtError", /too late[^]*heddle resume/);
      const events = await expectSound(at);
      expect(kinds(events)).toContain("step.succeeded a");
      at.write("second", "");
      expect((await at.heddle(["resume"])).code).toBe(0);
      expect(kinds(await expectSound(at)).filter((kind) => kind === "step.started a").length).toBe(1);
    },
  );

  test("that never yield, not isolated, hold the process; killing it loses nothing", async () => {
    using at = place({
      "heddle.yaml": around('call: "./f.mjs#spin", timeout: 300ms')
        .replace("deps: [before], call", "deps: [beside], call")
        .replace('"echo beside"', '"echo beside >> effects"'),
      "f.mjs": FUNCTIONS,
    });
    const first = at.spawn(["run", "--json"]);
    await until(
      () => /"step.started".*"step":"a"/.test(first.stdout) || /"step":"a".*"step.started"/.test(first.stdout),
    );
    first.child.kill("SIGKILL");
    await first.done;
    const before = await expectSound(at);
    const known = eventsOf({ stdout: first.stdout.slice(0, first.stdout.lastIndexOf("\n")) });
    expect(before.slice(0, known.length)).toEqual(known);
    at.write("f.mjs", "export const spin = () => 1;");
    expect((await at.heddle(["resume"])).code).toBe(0);
    await expectSound(at);
    expect(readFileSync(join(at.dir, "effects"), "utf8")).toBe("beside\n");
  });
});

test("every failed step names its log, and `--debug` alone shows where in heddle", async () => {
  using at = place({ "heddle.yaml": around('call: "./f.mjs#boom"'), "f.mjs": FUNCTIONS });
  const ended = await failsAlone(at, /log: .*a\.1\.log/);
  const events: readonly RecordedEvent[] = await expectSound(at);
  expect(events.find(({ type }) => type === "step.failed")?.data["error"]).toMatchObject({ message: "boom" });
  expect(ended.stderr).toBe("");
});
