/** A process is named by its pid and its start. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { isProcessAlive, processStart, thisMachine, thisProcess, uptimeMs } from "../../src/journal/liveness.ts";

test("this process lives, and one with another start does not", () => {
  const me = thisProcess("heddle test");
  expect(me.started).not.toBe("");
  expect(isProcessAlive(me)).toBe(true);
  expect(isProcessAlive({ ...me, started: `${me.started}1` })).toBe(process.platform !== "linux");
  expect(isProcessAlive({ ...me, started: "" })).toBe(true);
});

test("a process that ended is dead, one of somebody else lives", async () => {
  const child = spawn("sleep", ["60"]);
  const holder = { pid: child.pid ?? 0, started: processStart(child.pid ?? 0) ?? "", title: "sleep" };
  expect(isProcessAlive(holder)).toBe(true);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(isProcessAlive(holder)).toBe(false);
  expect(isProcessAlive({ pid: 1, started: processStart(1) ?? "", title: "init" })).toBe(true);
  expect(isProcessAlive({ pid: 2 ** 22 + 1, started: "", title: "none" })).toBe(false);
});

test("the machine tells its boot and the time since", () => {
  expect(thisMachine()).toEqual(thisMachine());
  expect(thisMachine().boot).toMatch(process.platform === "linux" ? /^[0-9a-f-]{36}$/ : /^$/);
  expect(uptimeMs()).toBeGreaterThan(1000);
});
