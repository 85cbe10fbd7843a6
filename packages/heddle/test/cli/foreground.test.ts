/** Foreground check: a background job of a shell leaves the terminal alone, and is not stopped. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { isForegroundJob } from "../../src/cli/foreground.ts";
import { HEDDLE } from "../support/built.ts";
import { Rig } from "../support/command-line.ts";

test.each([
  ["12 (node) S 1 12 12 34816 12 0", true],
  ["12 (node) S 1 12 10 34816 10 0", false],
  ["12 (a) b (c) S 1 12 10 34816 10 0", false],
  ["12 (node) S 1 12 12 0 -1 0", true],
  ["nonsense", true],
])("%s", (stat, expected) => {
  expect(isForegroundJob(stat)).toBe(expected);
});

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.dispose]());

test.runIf(process.platform === "linux")("a run in the background of a terminal goes on, as lines", async () => {
  rig.plan({ steps: [{ id: "a", run: "echo done" }] });
  // Of a shell with jobs: each has a group of its own.
  rig.write("job", `set -m\n'${process.execPath}' '${HEDDLE}' run &\nwait $!\necho "rc $?"\n`);
  const ended = await rig.shell("TERM=xterm NO_COLOR=1 CI= script -qefc 'bash job' /dev/null");
  expect(ended.stdout).toContain("[a] ▶ started");
  expect(ended.stdout).toContain("rc 0");
});
