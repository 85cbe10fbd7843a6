/** The shell of commands: what a failing line is worth, in every place where a plan has commands. Real shells. */
import { rmSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { compilePlan } from "../../src/graph/compile.ts";
import { openMemoryProject } from "../../src/host/open.ts";
import { NO_FUNCTIONS, type Step } from "../../src/plan/plan.ts";
import { shellOf } from "../../src/run/task.ts";
import { temporaryFolder } from "../support/temporary.ts";

const dir = temporaryFolder("shell");
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function run(steps: readonly object[], more: object = {}) {
  const compiled = await compilePlan({ text: JSON.stringify({ name: "shell", ...more, steps }), file: "plan.json" });
  if (!compiled.ok) throw new Error(compiled.error.map(({ message }) => message).join("\n"));
  await using project = openMemoryProject(dir, { title: "test" });
  const started = await project.runs.start({ ...compiled.value, functions: NO_FUNCTIONS }, {});
  if (!started.ok) throw new Error(started.error.message);
  const types: string[] = [];
  started.value.subscribe((event) => types.push("step" in event ? `${event.type} ${event.step}` : event.type));
  return { status: (await started.value.result).status, types };
}

const MIDDLE = "false\necho after";
const PIPE = "false | cat";

describe("a line that fails in the middle", () => {
  test.each([undefined, "sh", "bash"])("ends the command of a step, in the shell %s", async (shell) => {
    expect((await run([{ id: "a", run: MIDDLE, ...(shell !== undefined && { shell }) }])).status).toBe("failed");
  });

  test("ends a verification", async () => {
    expect((await run([{ id: "a", run: "true", verify: [MIDDLE] }])).status).toBe("failed");
  });

  test("ends an undo, which is then told as failed", async () => {
    const steps = [
      { id: "a", run: "true", undo: MIDDLE },
      { id: "b", deps: ["a"], run: "false" },
    ];
    const { types } = await run(steps, { rollback: "all" });
    expect(types).toContain("rollback.failed a");
  });

  test("does not where a shell is written with its own options, or as a path", async () => {
    expect((await run([{ id: "a", run: MIDDLE, shell: "sh -u" }])).status).toBe("succeeded");
    expect((await run([{ id: "a", run: MIDDLE, shell: "/bin/sh" }])).status).toBe("succeeded");
  });

  test("that may fail says so", async () => {
    expect((await run([{ id: "a", run: "false || true\necho after" }])).status).toBe("succeeded");
  });
});

test("a failing left side of a pipe counts in bash", async () => {
  expect((await run([{ id: "a", run: PIPE, shell: "bash" }])).status).toBe("failed");
  expect((await run([{ id: "a", run: PIPE }])).status).toBe("succeeded");
});

test.each([
  [undefined, "sh", "sh -e"],
  ["sh", "sh", "sh -e"],
  ["bash", "bash", "bash -eo pipefail"],
  ["bash -u", "bash -u", "bash -u"],
  ["/bin/bash", "/bin/bash", "/bin/bash"],
  ["zsh", "zsh", "zsh"],
])("the shell %s was %s under the first rules and is %s today", (shell, before, today) => {
  const step: Pick<Step, "shell"> = shell === undefined ? {} : { shell };
  expect([shellOf(step, 1), shellOf(step, 2)]).toEqual([before, today]);
});
