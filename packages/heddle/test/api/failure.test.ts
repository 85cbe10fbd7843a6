/** What a failure does to the others: fail-fast, continue, skips with their cause, retries, time limits, undo. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { command, parallel, plan, run, sequence, step } from "../../src/index.ts";
import { eventsOf, meeting, stepLines, untilAborted } from "./rig.ts";
import { testFolder } from "../support/test-folder.ts";

const MEMORY = { memory: true } as const;

function fail(message: string): never {
  throw new Error(message);
}

describe("fail-fast, the default", () => {
  test("one of three parallel steps fails: the others are cancelled, outputs preserved, the failure recorded before the result", async () => {
    const meet = meeting(2);
    let told = "";
    const first = step("first", () => ({ kept: true }));
    const broken = step("broken", { deps: [first] }, async () => {
      await meet();
      return fail("no luck");
    });
    const endless = step("endless", { deps: [first] }, async (_, { signal }) => {
      await meet();
      await untilAborted(signal).catch((reason: Error) => (told = reason.message));
    });
    const after = step("after", { deps: [endless] }, () => 1);
    const running = run(plan("three", { maxConcurrency: 3, steps: [broken, after] }), MEMORY);
    const result = await running.result;
    expect(result.status).toBe("failed");
    expect(result.outputs).toEqual({ first: { kept: true } });
    expect(result.failures).toMatchObject([
      { step: "broken", error: { code: "error", message: expect.stringContaining("no luck") } },
    ]);
    expect(told).toContain("fail-fast");
    expect(running.step("endless")?.status).toBe("cancelled");
    expect(running.step("after")?.attempts).toBe(0);
    const events = await eventsOf(running);
    expect(stepLines(events)).toEqual(expect.arrayContaining(["failed broken", "cancelled endless"]));
    expect(events.at(-1)?.type).toBe("run.failed");
  });

  test("nothing of a later layer starts", async () => {
    let started = 0;
    const later = step("later", { deps: ["broken", "fine"] }, () => void started++);
    const steps = [
      parallel(
        step("broken", () => fail("x")),
        step("fine", () => 1),
      ),
      later,
    ];
    const result = await run(plan("later", { steps }), MEMORY).result;
    expect(result.status).toBe("failed");
    expect(started).toBe(0);
  });
});

describe("failure: continue", () => {
  test("after one failure the independents run, and dependents, direct and transitive, are skipped with their cause", async () => {
    const steps = [
      step("database-schema", () => 1),
      step("frontend-components", () => fail("x")),
      step("api-endpoints", { deps: ["database-schema"] }, () => 2),
      step("frontend-state", { deps: ["frontend-components"] }, () => 3),
      step("integration", { deps: ["frontend-state", "api-endpoints"] }, () => 4),
    ];
    const running = run(plan("continue", { failure: "continue", steps }), MEMORY);
    const result = await running.result;
    expect(result.status).toBe("failed");
    expect(result.outputs).toEqual({ "database-schema": 1, "api-endpoints": 2 });
    for (const skipped of ["frontend-state", "integration"]) {
      expect(running.step(skipped)).toMatchObject({ status: "skipped", cause: "frontend-components", attempts: 0 });
    }
    expect(running.status().counts).toMatchObject({ succeeded: 2, failed: 1, skipped: 2, cancelled: 0 });
  });

  test("an optional step may fail without failing the run", async () => {
    const result = await run(
      plan("optional", { steps: [step("maybe", { optional: true }, () => fail("x")), step("sure", () => 1)] }),
      MEMORY,
    ).result;
    expect(result.status).toBe("succeeded");
    expect(result.failures.map((failure) => failure.step)).toEqual(["maybe"]);
  });
});

describe("a failure that is returned, not thrown, is not counted as success", () => {
  test("a command's exit code", async () => {
    const running = run(
      plan("exit", { steps: [command("c", "exit 3"), command("d", "true", { deps: ["c"] })] }),
      MEMORY,
    );
    const { status, failures } = await running.result;
    expect(status).toBe("failed");
    expect(failures).toMatchObject([{ step: "c", error: { code: "exit", exitCode: 3 } }]);
    expect(running.step("d")?.attempts).toBe(0);
  });

  test("a rejected promise, and an output that JSON cannot hold or the schema refuses", async () => {
    const steps = [
      step("rejects", () => Promise.reject(new Error("later"))),
      step("function", (): unknown => () => 1),
      step("schema", { output: { type: "object", required: ["ok"] } }, () => ({ no: 1 })),
    ];
    const { failures } = await run(plan("outputs", { failure: "continue", steps }), MEMORY).result;
    expect(failures.map(({ step: id, error }) => [id, error.code])).toEqual([
      ["rejects", "error"],
      ["function", "output"],
      ["schema", "output"],
    ]);
  });
});

describe("retry", () => {
  test("a number is further attempts after the first", async () => {
    const seen: number[] = [];
    const flaky = step("flaky", { retry: { attempts: 3, delay: "1ms" } }, (_, { attempt }) => {
      seen.push(attempt);
      return attempt < 3 ? fail("not yet") : "at last";
    });
    const result = await run(plan("flaky", { steps: [flaky] }), MEMORY).result;
    expect(result.output(flaky)).toBe("at last");
    expect(seen).toEqual([1, 2, 3]);
  });
});

describe("time limits", () => {
  test("are applied per task: one times out, its sibling with a longer limit does not", async () => {
    const released = Promise.withResolvers<void>();
    const steps = [
      step("short", { timeout: "20ms" }, async (_, { signal }) => {
        await untilAborted(signal).catch(() => undefined);
        released.resolve();
      }),
      step("long", { timeout: "1h" }, () => released.promise.then(() => "in time")),
    ];
    const running = run(plan("limits", { failure: "continue", maxConcurrency: 2, steps }), MEMORY);
    const { outputs, failures } = await running.result;
    expect(failures).toMatchObject([{ step: "short", error: { code: "timeout" } }]);
    expect(outputs).toEqual({ long: "in time" });
  });

  test("of the whole run cancels what is left", async () => {
    const steps = [step("endless", (_, { signal }) => untilAborted(signal))];
    const running = run(plan("whole", { timeout: "20ms", steps }), MEMORY);
    expect((await running.result).status).not.toBe("succeeded");
    expect(running.step("endless")?.status).toBe("cancelled");
  });
});

describe("rollback", () => {
  test("undoes what succeeded, newest success first, and goes on past an undo that fails", async () => {
    const projectDir = testFolder("api");
    const noted = (id: string, undo = `echo ${id} >> undone`): ReturnType<typeof command> =>
      command(id, "true", { undo });
    const steps = [
      sequence(noted("a"), noted("b", "echo b >> undone; exit 1"), noted("c"), command("broken", "exit 1")),
    ];
    const running = run(plan("undo", { rollback: "all", steps }), { projectDir });
    expect((await running.result).status).toBe("failed");
    expect(await readFile(path.join(projectDir, "undone"), "utf8")).toBe("c\nb\na\n");
    const kinds = (await eventsOf(running)).flatMap((event) =>
      event.type === "step.rolledback" || event.type === "rollback.failed" ? [`${event.type} ${event.step}`] : [],
    );
    expect(kinds).toEqual(["step.rolledback c", "rollback.failed b", "step.rolledback a"]);
  });

  test("dependents: undoes only what the failed step was built on", async () => {
    const projectDir = testFolder("api");
    const steps = [
      command("base", "true", { undo: "echo base >> undone" }),
      command("apart", "true", { undo: "echo apart >> undone" }),
      command("broken", "exit 1", { deps: ["base"], after: ["apart"] }),
    ];
    await run(plan("lineage", { rollback: "dependents", steps }), { projectDir }).result;
    expect(await readFile(path.join(projectDir, "undone"), "utf8")).toBe("base\n");
  });
});
