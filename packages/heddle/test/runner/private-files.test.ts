/** What commands and heddle exchange, and what they write, is for its user alone, and goes when it was read. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { masker } from "../../src/base/mask.ts";
import { parseOutput } from "../../src/runner/exchange.ts";
import { orThrow } from "../../src/base/errors.ts";
import { directoryWorkspaces } from "../../src/workspace/directory.ts";
import { commandAttempt } from "../support/suites/runner.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { shellSetting } from "./rig.ts";

const folder = temporaryFolder("private");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe.each(["helper", "plain"] as const)("a command (%s)", (way) => {
  test("finds no trace of its files once they were read", async () => {
    await using at = shellSetting(way);
    for (const end of ["", "exit 3", "echo no value > $HEDDLE_OUTPUT", "mkdir $HEDDLE_STEPS"]) {
      const attempt = commandAttempt(at.folder, `echo '{"k": 1}' > "$HEDDLE_OUTPUT"; ls > seen\n${end}`);
      await at.runner.start(attempt).outcome;
      expect(readFileSync(join(at.folder, "seen"), "utf8"), end).toMatch(/\.output\n/);
      const left = readdirSync(at.folder).filter((name) => /\.(?:output|steps|deps)$/.test(name));
      expect(left, end).toEqual([]);
    }
  });

  test("is not given what an earlier attempt of the same name left", async () => {
    await using at = shellSetting(way);
    const attempt = commandAttempt(at.folder, "true");
    writeFileSync(`${attempt.exchangeBase}.output`, "stale=1");
    writeFileSync(`${attempt.exchangeBase}.steps`, "[]");
    expect(await at.runner.start(attempt).outcome).toEqual({ kind: "succeeded", output: null });
    expect(existsSync(`${attempt.exchangeBase}.output`)).toBe(false);
  });

  test("has a file of deps with an object in it where it has deps, and none otherwise", async () => {
    await using at = shellSetting(way);
    const attempt = commandAttempt(at.folder, 'cat "$HEDDLE_DEPS" > "$HEDDLE_OUTPUT"');
    expect(await at.runner.start(attempt).outcome).toEqual({ kind: "succeeded", output: {} });
    const { deps: _, ...alone } = commandAttempt(at.folder, 'echo "${HEDDLE_DEPS-1}" > "$HEDDLE_OUTPUT"');
    expect(await at.runner.start(alone).outcome).toEqual({ kind: "succeeded", output: 1 });
  });
});

test("the folders of a run are for its user alone, also where an earlier build made them", async () => {
  const before = process.umask(0);
  try {
    const runsDir = join(folder, "state/runs");
    const spaces = directoryWorkspaces({ projectDir: folder, runsDir });
    mkdirSync(join(runsDir, "r2"), { recursive: true, mode: 0o755 });
    await spaces.take({ run: "r2", step: "a", attempt: 1 });
    expect(modeOf(join(runsDir, "r2"))).toBe("700");
    rmSync(runsDir, { recursive: true });
    const { logFile, exchangeBase } = orThrow(await spaces.take({ run: "r1", step: "a", attempt: 1 }));
    const made = [runsDir, join(runsDir, "r1"), dirname(logFile ?? ""), dirname(exchangeBase ?? "")];
    expect(made.map(modeOf)).toEqual(["700", "700", "700", "700"]);
  } finally {
    process.umask(before);
  }
});

describe("an excerpt of an output that is no output", () => {
  const secret = "sup3r-s3cret-value-of-some-length";
  const mask = masker([secret]);
  test.each([
    `{"k": ${secret}`,
    `{"k": "${secret}`,
    `${secret} and more`,
    `${"x".repeat(50)} ${secret}`,
    `{"${secret}": 1e999}`,
  ])("shows no part of a secret: %s", (text) => {
    const plain = parseOutput(text);
    expect(plain.ok).toBe(false);
    const told = parseOutput(text, mask);
    if (told.ok) throw new Error("it was taken as an output");
    expect(told.error).not.toContain("sup");
  });
  test("is told in words where only what is hidden was wrong", () => {
    const hidden = masker(["{a:broken"]);
    expect(parseOutput('"{a:broken', hidden)).toMatchObject({ ok: false });
    expect(parseOutput("1234", masker(["1234"]))).toEqual({ ok: true, value: 1234 });
  });
});
