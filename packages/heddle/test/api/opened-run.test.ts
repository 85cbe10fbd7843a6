/**
 * A recorded run for programs. The handle has a connection to the journal of its own, as another process would: what it asks goes
 * by the journal, and what it sees is on disk.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import {
  approve,
  command,
  type Event,
  open,
  type OpenedRun,
  plan,
  resume,
  run,
  type RunProgress,
  runs,
  sequence,
  step,
} from "../../src/index.ts";
import { eventsOf, untilAborted } from "./rig.ts";
import { openedRun } from "../../src/api/opened-run.ts";
import { ok } from "../../src/base/result.ts";
import type { Project } from "../../src/project/port.ts";
import { Rig } from "../support/command-line.ts";
import { testFolder } from "../support/test-folder.ts";

/** `first -> second`, and `first` ends when the gate is opened. */
function gated() {
  const gate = Promise.withResolvers<number>();
  const second = step("second", () => "done");
  const steps = [
    sequence(
      step("first", (_, { signal }) => Promise.race([gate.promise, untilAborted(signal)])),
      second,
    ),
  ];
  return { gate, second, definition: plan("gated", { steps }) };
}

async function started(running: AsyncIterable<Event>): Promise<void> {
  for await (const event of running) if (event.type === "step.started") return;
}

async function linesOf(lines: AsyncIterable<string>): Promise<readonly string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

describe("of a run that goes on", () => {
  test("status, steps and events are those of the process that works on it, and the result is waited for", async () => {
    const projectDir = testFolder("api");
    const { gate, second, definition } = gated();
    const running = run(definition, { projectDir });
    await started(running);
    await using opened = await open(running.run.slice(0, 7), { projectDir });
    expect(opened.run).toBe(running.run);
    expect(await opened.status()).toEqual(running.status());
    expect(await opened.step("first")).toMatchObject({ id: "first", status: "running", attempts: 1 });
    expect(await opened.step("nobody")).toBeUndefined();
    expect((await opened.steps()).map(({ id, status }) => [id, status])).toEqual([
      ["first", "running"],
      ["second", "waiting"],
    ]);
    const result = opened.result();
    const seen: Event[] = [];
    for await (const event of opened) {
      seen.push(event);
      if (event.type === "step.started") gate.resolve(7);
    }
    expect(seen).toEqual(await eventsOf(running));
    const { output, ...rest } = await result;
    expect(rest).toEqual({
      run: running.run,
      status: "succeeded",
      outputs: { first: 7, second: "done" },
      failures: [],
    });
    expect(output(second)).toBe("done");
    expect(await opened.status()).toMatchObject({ status: "succeeded", counts: { succeeded: 2 } });
    const late: Event[] = [];
    for await (const event of opened.events({ after: 3 })) late.push(event);
    expect(late).toEqual(seen.slice(3));
  });

  test("watch gives the status now and each time it changed, the end last", async () => {
    const projectDir = testFolder("api");
    const { gate, definition } = gated();
    const running = run(definition, { projectDir });
    await started(running);
    await using opened = await open(running.run, { projectDir });
    const seen: RunProgress[] = [];
    for await (const progress of opened.watch()) {
      if (seen.push(progress) === 1) gate.resolve(1);
    }
    expect(seen[0]).toMatchObject({ status: "running", counts: { running: 1, waiting: 1 } });
    expect(seen.at(-1)).toMatchObject({ status: "succeeded", counts: { succeeded: 2 } });
    const seqs = seen.map(({ seq, status }) => `${seq} ${status}`);
    expect(new Set(seqs).size).toBe(seqs.length);
    // Of one that has ended: as it stands, once.
    const after: RunProgress[] = [];
    for await (const progress of opened.watch()) after.push(progress);
    expect(after).toEqual([seen.at(-1)]);
  });

  test("a cancel, a pause and its end, and other slots are left for the process that works on it", async () => {
    const projectDir = testFolder("api");
    const { definition } = gated();
    const running = run(definition, { projectDir });
    await started(running);
    await using opened = await open(running.run, { projectDir });
    expect(await opened.pause("lunch")).toBe("sent");
    for await (const event of opened) if (event.type === "run.paused") break;
    expect(await opened.status()).toMatchObject({ status: "paused" });
    expect(await opened.unpause()).toBe("sent");
    for await (const event of opened) if (event.type === "run.unpaused") break;
    expect(await opened.setConcurrency(7)).toBe("sent");
    for await (const event of opened) if (event.type === "run.options") break;
    running.setConcurrency(6);
    for await (const progress of opened.watch()) if (progress.maxConcurrency === 6) break;
    await expect(opened.setConcurrency(0)).rejects.toMatchObject({ code: "InvalidOption" });
    expect(() => running.setConcurrency(1.5)).toThrow("maxConcurrency");
    expect(await opened.cancel()).toBe("sent");
    expect(await opened.result()).toMatchObject({ status: "cancelled" });
    expect(await running.result).toMatchObject({ status: "cancelled" });
    await expect(opened.pause()).rejects.toMatchObject({ name: "HeddleError", code: "RunNotLive" });
    const { pause } = opened;
    await expect(pause.call(opened, 7 as unknown as string)).rejects.toMatchObject({ code: "InvalidRequest" });
  });

  test("what is iterated or waited for ends with a signal, and with the handle", async () => {
    const projectDir = testFolder("api");
    const { gate, definition } = gated();
    const running = run(definition, { projectDir });
    await started(running);
    const opened = await open(running.run, { projectDir });
    const leaving = AbortSignal.abort();
    for await (const event of opened.events({ signal: leaving })) expect(event).toBeUndefined();
    for await (const progress of opened.watch({ signal: leaving })) expect(progress).toBeUndefined();
    await expect(opened.result({ signal: leaving })).rejects.toMatchObject({ code: "NotWaitedFor" });
    const result = opened.result();
    const seen: string[] = [];
    for await (const { type } of opened) {
      seen.push(type);
      if (type === "step.started") void opened.close();
    }
    expect(seen).toContain("step.started");
    await expect(result).rejects.toMatchObject({ name: "HeddleError", code: "HandleClosed" });
    await opened.close();
    const uses = [
      () => opened.status(),
      () => opened.steps(),
      () => opened.cancel(),
      () => opened.approve("x"),
      () => opened.merge(),
    ];
    for (const use of [...uses, () => linesOf(opened.logs("first")), () => opened.result(), () => opened.signal("x")])
      await expect(use()).rejects.toMatchObject({ name: "HeddleError", code: "HandleClosed" });
    await expect(started(opened)).rejects.toMatchObject({ code: "HandleClosed" });
    // The run is not affected.
    gate.resolve(1);
    expect(await running.result).toMatchObject({ status: "succeeded" });
  });
});

describe("a question", () => {
  const definition = plan("ask", { steps: [approve("ship", "Ship?"), approve("tell", "Tell?")] });

  test("is answered where the process that asks takes the answer", async () => {
    const projectDir = testFolder("api");
    const asking = run(definition, { projectDir, wait: true });
    let asked = 0;
    for await (const event of asking) if (event.type === "approval.requested" && ++asked === 2) break;
    await using opened = await open(asking.run, { projectDir });
    expect(await opened.step("ship")).toMatchObject({ status: "needs-approval", question: "Ship?" });
    expect(await opened.approve("ship", { by: "eve", comment: "fine" })).toBe("sent");
    expect(await opened.approve("tell")).toBe("sent");
    expect(await opened.result()).toMatchObject({ status: "succeeded" });
    const given = (await eventsOf(asking)).filter(({ type }) => type === "approval.given").map(({ data }) => data);
    expect(given).toContainEqual({ decision: "approve", by: "eve", comment: "fine" });
    expect(given).toContainEqual({ decision: "approve", by: "api" });
  });

  test("is answered where no process works on the run, which goes on with a resume", async () => {
    const projectDir = testFolder("api");
    const left = await run(definition, { projectDir }).result;
    await using opened = await open(left.run, { projectDir });
    expect(await opened.result()).toMatchObject({ status: "waiting" });
    expect(await opened.approve("ship")).toBe("done");
    expect(await opened.reject("tell", { by: "eve" })).toBe("done");
    await expect(opened.approve("ship")).rejects.toMatchObject({ name: "HeddleError", code: "NotAsked" });
    await expect(opened.approve("shp")).rejects.toMatchObject({ code: "UnknownStep" });
    expect(await resume(left.run, definition, { projectDir }).result).toMatchObject({ status: "failed" });
    // Asked again, it looks again.
    expect(await opened.result()).toMatchObject({
      status: "failed",
      failures: [{ step: "tell", error: { code: "rejected" } }],
    });
  });

  test("that is an approval is not given by words, nor decided as a conflict", async () => {
    const projectDir = testFolder("api");
    const left = run(definition, { projectDir });
    await left.result;
    await using opened = await open(left.run, { projectDir });
    await expect(opened.answer("ship", "yes")).rejects.toMatchObject({ code: "InvalidAnswer" });
    await expect(opened.resolve("ship", "ours")).rejects.toMatchObject({ code: "NotAsked" });
    const going = resume(left.run, definition, { projectDir, wait: true });
    for await (const event of going) if (event.type === "run.resumed") break;
    expect(() => going.answer("ship", "yes")).toThrow(expect.objectContaining({ code: "InvalidAnswer" }));
    expect(() => going.resolve("ship", "theirs")).toThrow(expect.objectContaining({ code: "InvalidAnswer" }));
    going.cancel();
    expect(await going.result).toMatchObject({ status: "cancelled" });
  });
});

describe("logs", () => {
  const definition = plan("logs", {
    failure: "continue",
    steps: [
      step("calls", (_, context) => {
        context.log("one");
        context.log("two");
        context.log("x".repeat(200_000));
      }),
      command("again", "echo attempt; test -e flag || { touch flag; exit 1; }", {
        retry: { attempts: 2, delay: "1ms" },
      }),
      command("silent", "true", { deps: ["again"], if: "false" }),
    ],
  });

  test("are given line by line, of the latest attempt or another", async () => {
    const projectDir = testFolder("api");
    const { run: id } = await run(definition, { projectDir }).result;
    await using opened = await open(id, { projectDir });
    expect(await linesOf(opened.logs("calls"))).toEqual(["one", "two", "x".repeat(200_000)]);
    expect(await linesOf(opened.logs("calls", { follow: true }))).toHaveLength(3);
    expect(await linesOf(opened.logs("again"))).toEqual(["attempt"]);
    expect(await linesOf(opened.logs("again", { attempt: 1 }))).toEqual(["attempt"]);
    await expect(linesOf(opened.logs("again", { attempt: 3 }))).rejects.toMatchObject({ code: "NoLog" });
    await expect(linesOf(opened.logs("again", { attempt: 0 }))).rejects.toMatchObject({ code: "InvalidOption" });
    await expect(linesOf(opened.logs("silent"))).rejects.toMatchObject({ code: "NoLog" });
    await expect(linesOf(opened.logs("agan"))).rejects.toMatchObject({ name: "HeddleError", code: "UnknownStep" });
  });

  test("are followed until the step has ended", async () => {
    const projectDir = testFolder("api");
    const gate = Promise.withResolvers<void>();
    const talking = step("talking", async (_, context) => {
      context.log("before");
      await gate.promise;
      context.log("after");
    });
    const running = run(plan("talk", { steps: [talking] }), { projectDir });
    await started(running);
    await using opened = await open(running.run, { projectDir });
    const lines: string[] = [];
    for await (const line of opened.logs("talking", { follow: true })) {
      lines.push(line);
      gate.resolve();
    }
    expect(lines).toEqual(["before", "after"]);
    await running.result;
  });
});

test("what has no work of agents has nothing to decide and nothing to land", async () => {
  const projectDir = testFolder("api");
  const { run: id } = await run(plan("one", { steps: [step("a", () => 1)] }), { projectDir }).result;
  await using opened = await open(id, { projectDir });
  await expect(opened.resolve("a", "ours")).rejects.toMatchObject({ code: "NotAsked" });
  await expect(opened.merge()).rejects.toMatchObject({ code: "NotARepository" });
  await expect(opened.merge({ ff: true, branch: "b" })).rejects.toMatchObject({ code: "InvalidOption" });
});

test("what a run of this process and an opened one have in common is called the same", () => {
  const members = (file: string, name: string): readonly string[] => {
    const text = readFileSync(path.resolve(import.meta.dirname, "../../src/api", file), "utf8");
    const body = text.slice(text.indexOf(`export interface ${name} `)).split(/^\}/m, 1)[0] ?? "";
    return [...body.matchAll(/^ {2}(?:readonly )?(\w+)[(:?]/gm)].map((match) => match[1] ?? "");
  };
  const local = members("handle.ts", "Run");
  expect(local.length).toBeGreaterThan(10);
  const opened: readonly string[] = members("opened-run.ts", "OpenedRun") satisfies readonly (
    | string
    | keyof OpenedRun
  )[];
  expect(local.filter((name) => !opened.includes(name))).toEqual([]);
});

test("a run of the command line, in a process of its own, is followed, answered and cancelled; its death ends what waits for it", async () => {
  using rig = new Rig();
  const projectDir = rig.dir;
  rig.plan({
    name: "elsewhere",
    steps: [
      { id: "ship", approve: "Ship?" },
      { id: "slow", deps: ["ship"], run: "echo begun; exec sleep 1000" },
    ],
  });
  const process = rig.spawn(["run", "--wait", "--output", "stream"]);
  await process.says("ship");
  const [line] = await runs({ projectDir });
  await using opened = await open(line?.run ?? "", { projectDir });
  const result = opened.result();
  for await (const { status } of opened.watch()) if (status === "waiting") break;
  expect(await opened.approve("ship", { by: "eve" })).toBe("sent");
  for await (const text of opened.logs("slow", { follow: true })) {
    expect(text).toBe("begun");
    break;
  }
  expect(await opened.step("slow")).toMatchObject({ status: "running" });
  expect(await opened.cancel()).toBe("sent");
  expect(await result).toMatchObject({ status: "cancelled", outputs: { ship: { approved: true, by: "eve" } } });
  expect(await process.done).toMatchObject({ code: 130 });

  const again = rig.spawn(["resume", "--output", "stream"]);
  await again.says("begun");
  const killed = opened.result();
  again.kill("SIGKILL");
  expect(await killed).toMatchObject({ status: "interrupted" });
  expect(await opened.status()).toMatchObject({ status: "interrupted", running: [] });
  expect(await opened.cancel()).toBe("done");
  expect(await opened.result()).toMatchObject({ status: "cancelled" });
});

test("an agent's question is answered with words, or the number of an option; nothing else is", async () => {
  const given: unknown[] = [];
  const about = { db: "question", ship: "step", risky: "permission" } as const;
  const control = {
    asked: async (_: string, id: keyof typeof about) => ok({ id, question: { about: about[id], question: "?" } }),
    answer: async (...all: readonly unknown[]) => {
      given.push(all);
      return ok({ result: "sent" });
    },
  };
  const project = { control } as unknown as Project;
  const opened = openedRun(project, "r1", async () => undefined);
  expect(await opened.answer("db", "postgres", { by: "eve" })).toBe("sent");
  await expect(opened.answer("ship", "yes")).rejects.toMatchObject({ code: "InvalidAnswer" });
  await expect(opened.answer("risky", "yes")).rejects.toMatchObject({ code: "InvalidAnswer" });
  expect(given).toEqual([["r1", "approve", { step: "db", by: "eve", comment: "postgres" }]]);
});
