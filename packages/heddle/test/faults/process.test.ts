/** Odd worlds around the process: no home, no folder, ends of pipes that are closed or closing. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { expectClean, expectRefusal, expectSound, kinds, place, plan } from "./rig.ts";
import { until } from "../support/until.ts";
import { HEDDLE } from "../support/built.ts";
import type { Rig } from "../support/command-line.ts";

const TWO = `steps:
  - {id: a, run: "echo one"}
  - {id: b, run: "cat; echo two", deps: [a]}
`;

describe("a world", () => {
  test("without HOME, USER, TERM, LANG and PATH", async () => {
    using at = place({ "heddle.yaml": TWO });
    const env = {
      HOME: undefined,
      USER: undefined,
      LOGNAME: undefined,
      TERM: undefined,
      LANG: undefined,
      PATH: undefined,
    };
    const ended = await at.heddle(["run"], { env: { ...env, XDG_CACHE_HOME: undefined } });
    expectClean(ended);
    expect(ended.code, ended.stderr).toBe(0);
    await expectSound(at);
  });

  test("whose folder is gone", async () => {
    using at = place({ "heddle.yaml": TWO });
    const gone = await at.shell('mkdir gone && cd gone && rmdir "$PWD" && heddle run');
    expectRefusal(gone, 2, "Usage", /current folder was removed[^]*--dir/);
    const elsewhere = await at.shell(`mkdir gone && cd gone && rmdir "$PWD" && heddle -C ${at.dir} run`);
    expectClean(elsewhere);
    expect(elsewhere.code, elsewhere.stderr).toBe(0);
    await expectSound(at);
  });

  test("whose folder goes while a run goes on", async () => {
    using at = place({ "work/heddle.yaml": plan({ a: "touch ../up; while [ ! -e ../go ]; do sleep 0.02; done" }) });
    const work = join(at.dir, "work");
    const running = at.spawn(["run"], { cwd: work });
    // The command runs: nothing is made for its beginning any more.
    await until(() => running.stdout.includes("[a] ▶") && existsSync(join(at.dir, "up")));
    rmSync(work, { recursive: true, force: true, maxRetries: 5 });
    at.write("go", "");
    expectRefusal(await running.done, 1, "JournalRemoved");
    mkdirSync(work);
  });

  test("with standard input closed, or a device that never ends", async () => {
    using at = place({ "heddle.yaml": TWO });
    for (const input of ["<&-", "</dev/zero", "</dev/null"]) {
      const ended = await at.shell(`heddle run ${input}`);
      expectClean(ended);
      expect(ended.code, ended.stderr).toBe(0);
      await expectSound(at);
    }
  });

  test("with standard output or error closed: the run goes on where that was so from the start", async () => {
    using at = place({ "heddle.yaml": TWO });
    for (const output of [">&-", "2>&-", "<&- >&- 2>&-", ">/dev/null 2>&1"]) {
      const ended = await at.shell(`heddle run ${output}`);
      expectClean(ended);
      expect(ended.code, output).toBe(0);
      expect(kinds(await expectSound(at)).at(-1)).toBe("run.succeeded");
    }
  });

  test("with a reader that leaves: cancelled, without a word, and resumable", async () => {
    const steps = Array.from({ length: 5 }, (_, i) => {
      const wait = i === 4 ? "test -e go || sleep 1000" : "true";
      return `  - {id: s${i}, run: "echo ${i} >> effects; ${wait}"${i === 0 ? "" : `, deps: [s${i - 1}]`}}`;
    });
    for (const words of ["", "--json", "--output stream"]) {
      using at = place({ "heddle.yaml": `grace: 200ms\nsteps:\n${steps.join("\n")}\n` });
      const ended = await at.shell(`{ heddle run ${words}; echo "code $?" >&2; } | head -n 1`);
      expect(ended.stdout.split("\n").length).toBe(2);
      expect(ended.stderr).toBe("code 130\n");
      const events = await expectSound(at);
      expect(kinds(events).at(-1)).toBe("run.cancelled");
      at.write("go", "");
      expect((await at.heddle(["resume"])).code).toBe(0);
      const started = kinds(await expectSound(at)).filter((kind) => kind.startsWith("step.succeeded"));
      expect(started.length).toBe(5);
    }
  });

  test("with a reader that leaves what is only looked at", async () => {
    using at = place({ "heddle.yaml": plan({ a: "yes | head -c 3000000" }) });
    expect((await at.heddle(["run", "--output", "quiet"])).code).toBe(0);
    for (const words of ["logs a", "history --json", "plan", "show", "--help"]) {
      const ended = await at.shell(`heddle ${words} | head -n 1`);
      expect(ended).toMatchObject({ code: 0, stderr: "" });
    }
  });

  test("with a disk for the output that is full", async () => {
    using at = place({ "heddle.yaml": TWO });
    const ended = await at.shell("heddle run > /dev/full");
    expectClean(ended);
    expect(ended.stderr).toMatch(/standard output/);
    const events = await expectSound(at);
    expect(kinds(events).at(-1)).toMatch(/^run\.(succeeded|cancelled)$/);
  });

  test("with a reader that takes its time gets everything", async () => {
    const step = (i: number): string =>
      `  - {id: s${i}, run: 'printf "\\"%s\\"" "$(head -c 60000 /dev/zero | tr "\\0" x)" > "$HEDDLE_OUTPUT"'}`;
    using at = place({ "heddle.yaml": `steps:\n${Array.from({ length: 6 }, (_, i) => step(i)).join("\n")}\n` });
    expect((await at.heddle(["run", "--output", "quiet"])).code).toBe(0);
    await at.shell("heddle history --json > whole");
    const whole = statSync(join(at.dir, "whole")).size;
    expect(whole).toBeGreaterThan(360_000);
    for (let i = 0; i < 3; i++) {
      const sizes = await Promise.all([slowly(at), slowly(at), slowly(at)]);
      expect(sizes).toEqual([whole, whole, whole]);
    }
  });
});

/** Bytes of `heddle history --json`, with a pause after each piece. */
async function slowly(at: Rig): Promise<number> {
  const child = spawn(process.execPath, [HEDDLE, "history", "--json"], {
    cwd: at.dir,
    env: at.env(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let size = 0;
  for await (const chunk of child.stdout) {
    size += (chunk as Buffer).length;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  return size;
}
