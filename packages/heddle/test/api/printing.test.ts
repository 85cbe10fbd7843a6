/** What functions print in a program of a user: theirs goes to the log, the program's own stays as it is. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { testFolder } from "../support/test-folder.ts";

/** Runs a program that imports the library's sources. */
async function program(body: string): Promise<{ readonly out: string; readonly err: string; readonly dir: string }> {
  const sources = pathToFileURL(path.resolve(import.meta.dirname, "../../src/index.ts")).href;
  const dir = testFolder("api");
  await writeFile(path.join(dir, "program.ts"), `import { plan, run, step } from ${JSON.stringify(sources)};\n${body}`);
  const child = spawn(process.execPath, ["program.ts"], { cwd: dir, stdio: ["ignore", "pipe", "pipe"] });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { out, err, dir };
}

test("a step's console goes to its log; the program's own is untouched, in listeners too", async () => {
  const { out, err, dir } = await program(`
    const loud = step("loud", async (_, context) => {
      console.log("of the step");
      context.progress({ at: 1 });
      await null;
      console.error("and its end");
      setTimeout(() => console.log("late \\u001b[2Jcleaned"), 5);
    });
    console.log("\\u001b[1mbefore\\u001b[0m");
    const running = run(plan("p", { steps: [loud] }), { onEvent: (event) => {
      if (event.type === "step.started" || event.type === "step.progress") console.log(event.type);
    } });
    console.log((await running.result).status);
    console.error("own error");
  `);
  expect(out).toBe("\u001b[1mbefore\u001b[0m\nstep.started\nstep.progress\nsucceeded\n");
  expect(err.split("\n").toSorted()).toEqual(["", "late cleaned", "own error"]);
  const [run = ""] = readdirSync(path.join(dir, ".heddle/runs"));
  expect(readFileSync(path.join(dir, ".heddle/runs", run, "logs/loud.1.log"), "utf8")).toBe(
    "of the step\nand its end\n",
  );
});

test("what a function prints when it is told to end is its own; without a log it goes to standard error", async () => {
  const { out, err } = await program(`
    const deaf = step("deaf", { timeout: "20ms" }, (_, { signal }) => new Promise((_go, fail) =>
      signal.addEventListener("abort", () => { console.log("ending \\u001b[2Jnow"); fail(signal.reason); })));
    console.log((await run(plan("p", { steps: [deaf] }), { memory: true }).result).status);
  `);
  expect(out).toBe("failed\n");
  expect(err).toBe("ending now\n");
});
