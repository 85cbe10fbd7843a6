import fc from "fast-check";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { TAG_VARIABLE } from "../../src/process/environment.ts";
import { formatTag, linuxProcessTable, psProcessTable, sharedTable, tagOf } from "../../src/process/table.ts";

test("a tag comes back as it went into a process's environment", async () => {
  const text = fc
    .string({ unit: "grapheme", maxLength: 20 })
    .filter((value) => !value.includes("\0") && Buffer.from(value).toString() === value);
  await fc.assert(
    fc.asyncProperty(text, fc.nat(1000), async (step, attempt) => {
      const tag = { run: "run1", attempt, step };
      const child = spawn("sleep", ["60"], {
        env: { PATH: process.env["PATH"], NOT_HEDDLE_TAG: "x:1:y", [TAG_VARIABLE]: formatTag(tag), LAST: "1" },
      });
      await once(child, "spawn");
      const table = linuxProcessTable();
      const snapshot = table.read();
      expect(tagOf(snapshot, child.pid ?? 0)).toEqual(tag);
      expect(snapshot.variable(child.pid ?? 0, "LAST")).toBe("1");
      expect(snapshot.variable(child.pid ?? 0, "ST")).toBeUndefined();
      expect(snapshot.processes.get(child.pid ?? 0)).toMatchObject({ parent: process.pid, zombie: false });
      expect(table.children(process.pid)).toContain(child.pid);
      child.kill("SIGKILL");
      await once(child, "exit");
      expect(table.children(child.pid ?? 0)).toBeUndefined();
    }),
    { numRuns: 20 },
  );
});

test("the table of a system without /proc, as ps prints it", () => {
  const answers: Record<string, string> = {
    "-axo":
      "    1     0     1      0 Ss    9000 Mon Nov 16 10:00:00 2026\n  501     1   501      0 S+   20480 Mon Nov 16 10:00:01 2026\n  502   501   501      0 Z        0 Mon Nov 16 10:00:02 2026\n",
    "-axeww": "    1 /sbin/launchd\n  501 sleep 60 PATH=/bin HEDDLE_TAG=run1:2:build LAST=1\n  502 (sleep)\n",
  };
  const snapshot = psProcessTable((args) => answers[args[0] ?? ""] ?? "").read();
  expect(snapshot.processes.get(501)).toEqual({
    pid: 501,
    parent: 1,
    group: 501,
    session: 0,
    zombie: false,
    memoryMb: 20,
    started: "Mon Nov 16 10:00:01 2026",
  });
  expect(snapshot.processes.get(502)?.zombie).toBe(true);
  expect(tagOf(snapshot, 501)).toEqual({ run: "run1", attempt: 2, step: "build" });
  expect(tagOf(snapshot, 1)).toBeUndefined();
});

test("looks in one turn of the event loop share a reading", async () => {
  let readings = 0;
  const table = sharedTable({
    read: () => ({ processes: new Map(), variable: () => String(++readings) }),
    children: () => [],
  });
  expect(table.read()).toBe(table.read());
  const first = table.read();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(table.read()).not.toBe(first);
});
