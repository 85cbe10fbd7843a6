/** Each kind of file in each place where heddle expects a plain one that a step can replace: a failure that names it, at once. */
import { existsSync, lstatSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { transcript } from "../../src/agent/adapters/transcript.ts";
import { openPlainToRead, openPlainToWrite, plainFileProblem, readPlainEnd } from "../../src/files/plain-file.ts";
import { lastLines, LogCursor, sizeOf } from "../../src/project/log-lines.ts";
import { moduleRunner } from "../../src/runner/module.ts";
import { PLANTED, plant, plantedKinds, planting } from "../support/planted.ts";
import { commandAttempt } from "../support/suites/runner.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { clock, processWorld, setting, shellSetting } from "./rig.ts";

const folder = temporaryFolder("planted");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const KINDS = plantedKinds(folder);
const TABLE = KINDS.map((kind) => [kind, PLANTED[kind]?.words ?? ""] as const);

test("every kind can be made", () => {
  expect(KINDS.length).toBeGreaterThanOrEqual(7);
});

describe.each(["helper", "plain"] as const)("a command (%s)", (way) => {
  test.each(TABLE)("that leaves a %s as its output or list of steps fails", async (kind, words) => {
    await using at = shellSetting(way);
    for (const name of ["$HEDDLE_OUTPUT", "$HEDDLE_STEPS"]) {
      const { outcome } = at.runner.start(commandAttempt(at.folder, planting(kind, `"${name}"`)));
      expect(await outcome, name).toMatchObject({
        kind: "failed",
        error: { code: "output", message: expect.stringContaining(`${name} ${words}`) },
      });
    }
  });

  test.each(TABLE)("whose log or deps are a %s does not start", async (kind, words) => {
    await using at = shellSetting(way);
    const places = [
      { file: "logFile", extra: {} },
      { file: "logFile", extra: { secrets: ["SECRET"], env: { SECRET: "a secret" } } },
      { file: "deps", extra: { deps: { other: 1 } } },
    ] as const;
    for (const { file, extra } of places) {
      const attempt = commandAttempt(at.folder, 'echo said; echo ran > "$HEDDLE_STEP.ran"', extra);
      const path = file === "logFile" ? attempt.logFile : `${attempt.exchangeBase}.deps`;
      plant(kind, path ?? "");
      expect(await at.runner.start(attempt).outcome, file).toMatchObject({
        kind: "failed",
        error: { code: "spawn", message: expect.stringContaining(`${path} ${words}`) },
      });
      expect(existsSync(join(at.folder, `${attempt.step}.ran`))).toBe(false);
      untouched(path ?? "");
    }
  });
});

test.each(TABLE)("a function whose log is a %s fails if it logs", async (kind, words) => {
  const world = processWorld();
  await using at = setting(world, moduleRunner({ clock, bases: world.bases }));
  const start = (log: boolean) => {
    const run = (_inputs: unknown, context: { log(line: string): void }): string => {
      if (log) context.log("a line");
      return "done";
    };
    const work = { kind: "function", inputs: {}, fn: { run } } as const;
    const attempt = commandAttempt(at.folder, "", { work, exchangeBase: null });
    plant(kind, attempt.logFile ?? "");
    return { path: attempt.logFile ?? "", outcome: at.runner.start(attempt).outcome };
  };
  const logged = start(true);
  expect(await logged.outcome).toMatchObject({
    kind: "failed",
    error: { code: "spawn", message: expect.stringContaining(`${logged.path} ${words}`) },
  });
  untouched(logged.path);
  expect(await start(false).outcome).toEqual({ kind: "succeeded", output: "done" });
});

test.each(TABLE)("a log that is a %s is not read, and an agent's is not written", (kind, words) => {
  const path = join(folder, `${kind}.1.log`);
  plant(kind, path);
  expect(plainFileProblem(path)).toBe(words);
  expect(openPlainToRead(path)).toEqual({ ok: false, error: words });
  expect(openPlainToWrite(path)).toEqual({ ok: false, error: words });
  expect(new LogCursor(path).next(true)).toBeUndefined();
  expect(lastLines(path, 5)).toEqual([]);
  expect(sizeOf(path)).toBe(0);
  expect(readPlainEnd(path, 100)).toBeUndefined();
  expect(transcript(path, undefined)).toEqual({ ok: false, error: `${path} ${words}` });
  untouched(path);
});

/** What is there stays as it was, and what a link leads to is neither written nor made. */
function untouched(path: string): void {
  expect(lstatSync(path).isFile()).toBe(false);
  expect(existsSync(`${path}.nothing`)).toBe(false);
  if (existsSync(`${path}.target`)) expect(readFileSync(`${path}.target`, "utf8")).toBe('{"of": "another"}\n');
}
