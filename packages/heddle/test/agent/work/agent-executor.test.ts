/** An agent's step from its worktree to the integration branch, with everything outside of it in the test's hands. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { HeddleError } from "../../../src/base/errors.ts";
import { err, ok } from "../../../src/base/result.ts";
import type { Repositories } from "../../../src/git/port.ts";
import { settle } from "../../support/virtual-clock.ts";
import { writeFiles } from "../../support/memory-history.ts";
import { withQueueElsewhere } from "../../support/queue-elsewhere.ts";
import { type Behaviour, DETAILS, ExecutorRig } from "./rig.ts";

/** Puts an end to whatever conflict is in a file. */
const settles =
  (path: string, text: string): Behaviour =>
  async (turn, tools) => {
    expect(turn.prompt).toContain(path);
    writeFiles(turn.cwd, { [path]: text });
    await tools.completed({ summary: "both intents hold", files: [path] });
    return undefined;
  };

describe("an attempt", () => {
  test("is captured, verified, merged, and its worktree goes", async () => {
    using rig = new ExecutorRig({ api: [{ "api.txt": "api\n" }] }, { config: { setup: "npm ci", verify: "npm test" } });
    const outcome = await rig.run("api", { step: { verify: ["npm run api"] } });
    const commit = rig.git.branch("heddle/r1/integration");
    expect(outcome).toMatchObject({
      kind: "succeeded",
      output: { summary: "api is done", files: ["api.txt"], commit },
    });
    expect(rig.merged("api.txt")).toBe("api\n");
    expect(rig.commands).toEqual(["api: npm ci", "api: npm ci", "api: npm test", "api: npm run api"]);
    expect(rig.types()).toEqual(["worktree.created", "usage.recorded", "worktree.merged", "worktree.removed"]);
    expect(await rig.finish()).toEqual({ integration: "heddle/r1/integration", commits: 1 });
  });

  test("lands where the plan says, and only then touches the user's checkout", async () => {
    using rig = new ExecutorRig({ api: [{ "api.txt": "api\n" }] }, { config: { land: "ff" } });
    await rig.run("api");
    expect(rig.git.branch("main")).toBe(rig.base);
    expect(await rig.finish()).toMatchObject({ mode: "ff", branch: "main", commit: rig.git.branch("main") });
    expect(rig.git.branch("main")).toBe(rig.git.branch("heddle/r1/integration"));
  });

  test("that changes nothing fails, unless it need not", async () => {
    using rig = new ExecutorRig({});
    expect(await rig.run("idle")).toMatchObject({ kind: "failed", error: { class: "no-changes" } });
    const step = { action: { kind: "agent", prompt: "look", options: { expect: "none" } } } as const;
    expect(await rig.run("looks", { step })).toMatchObject({ kind: "succeeded", output: { files: [] } });
    expect(rig.types()).not.toContain("worktree.merged");
  });

  test("whose work conflicts goes back to its agent, in its session, with what is open", async () => {
    using rig = new ExecutorRig({
      one: [{ "a.txt": "one\n" }],
      two: [{ "a.txt": "two\n" }, settles("a.txt", "one and two\n")],
    });
    const [one, two] = [rig.start("one"), rig.start("two", { agent: { order: 1 } })];
    expect([(await one.outcome).kind, (await two.outcome).kind]).toEqual(["succeeded", "succeeded"]);
    expect(rig.merged("a.txt")).toBe("one and two\n");
    const [, , repair] = rig.turns;
    expect(repair).toMatchObject({ step: "two", resume: { sessionId: "session-two" } });
    expect(repair?.prompt).toContain("one: one is done");
    expect(rig.notes.find(({ type }) => type === "worktree.conflicted")?.data).toMatchObject({
      reason: "conflict",
      files: ["a.txt"],
      time: 1,
    });
  });

  test("whose conflict its agent does not settle is a person's to decide, who takes a side", async () => {
    using rig = new ExecutorRig(
      { one: [{ "a.txt": "one\n" }], two: [{ "a.txt": "two\n" }, {}] },
      { config: { tries: 1 } },
    );
    const [one, two] = [rig.start("one"), rig.start("two", { agent: { order: 1 } })];
    await one.outcome;
    const outcome = await two.outcome;
    expect(outcome).toMatchObject({ kind: "unresolved", about: "conflict" });
    expect(outcome.kind === "unresolved" && outcome.question).toContain("`heddle resolve r1 two --continue`");
    const conflicts = rig.notes.filter((note) => note.type === "worktree.conflicted");
    expect(conflicts.map(({ data }) => [data.files, data.time])).toEqual([
      [["a.txt"], 1],
      [["a.txt"], 2],
    ]);
    const captured = conflicts[1]?.data.captured ?? "";
    const conflict = { attempt: 1, reason: "conflict" as const, files: ["a.txt"], captured };
    const resolved = await rig.run("two", { attempt: 2, agent: { before: { conflict, resolution: "theirs" } } });
    expect(resolved).toMatchObject({ kind: "succeeded", output: { files: ["a.txt"] } });
    expect(rig.merged("a.txt")).toBe("two\n");
    expect(rig.turns.length).toBe(3);
  });

  test("whose conflict a person settled is not merged without files that are left out", async () => {
    const omitted = [{ path: "model.bin", reason: "file-too-large", bytes: 1e9 }] as const;
    const git = (inner: Repositories): Repositories => ({
      open: async (how) => {
        const opened = await inner.open(how);
        if (!opened.ok) return opened;
        const { repository } = opened.value;
        const capture: typeof repository.captures.capture = async (request) => ({
          ...(await repository.captures.capture(request)),
          ...(request.attempt === 2 ? { omitted } : {}),
        });
        const captures = { ...repository.captures, capture };
        return ok({ ...opened.value, repository: { ...repository, captures } });
      },
    });
    using rig = new ExecutorRig(
      { one: [{ "a.txt": "one\n" }], two: [{ "a.txt": "two\n" }, {}] },
      { config: { tries: 1 }, git },
    );
    const [one, two] = [rig.start("one"), rig.start("two", { agent: { order: 1 } })];
    await one.outcome;
    expect(await two.outcome).toMatchObject({ kind: "unresolved", about: "conflict" });
    const captured = rig.notes.findLast((note) => note.type === "worktree.conflicted")?.data.captured ?? "";
    writeFiles(rig.turns.at(-1)?.cwd ?? "", { "a.txt": "both\n" });
    const conflict = { attempt: 1, reason: "conflict" as const, files: ["a.txt"], captured };
    const resolved = await rig.run("two", { attempt: 2, agent: { before: { conflict, resolution: "continue" } } });
    expect(resolved).toMatchObject({ kind: "unresolved", question: expect.stringContaining("model.bin") });
    expect(rig.merged("a.txt")).toBe("one\n");
  });

  test("whose check stays red is told what failed, so many times, and then fails", async () => {
    const config = { verify: "npm test", tries: 1 } as const;
    using rig = new ExecutorRig({ api: [{ "a.txt": "1\n" }, { "a.txt": "2\n" }] }, { config, command: () => false });
    const outcome = await rig.run("api");
    expect(outcome).toMatchObject({ kind: "failed", error: { code: "exit", class: "verify" } });
    // Whether another attempt is worth it is for `retry` to say.
    expect(outcome).not.toHaveProperty("error.final");
    expect(rig.turns[1]?.prompt).toContain("$ npm test");
    expect(rig.commands).toEqual(["api: npm test", "api: npm test"]);
    expect(rig.merged("a.txt")).toBe("a\n");
  });

  test("that is told to end while its work is verified ends, and nothing is merged", async () => {
    using rig = new ExecutorRig(
      { api: [{ "a.txt": "1\n" }] },
      { config: { verify: "npm test" }, command: () => "hangs" },
    );
    const running = rig.start("api");
    while (rig.commands.length === 0) await settle();
    running.stop("timeout");
    expect(await running.outcome).toEqual({ kind: "stopped", reason: "timeout" });
    expect(rig.merged("a.txt")).toBe("a\n");
    // What it did is kept.
    const kept = rig.notes.find(({ type }) => type === "usage.recorded");
    expect(kept?.data).toMatchObject({ ref: "refs/heddle/r1/api/1" });
  });

  test("that takes too long to verify is red, and says so", async () => {
    const config = { verify: "npm test", tries: 0, limits: { verify: "10s" } } as const;
    using rig = new ExecutorRig({ api: [{ "a.txt": "1\n" }] }, { config, command: () => "hangs" });
    const running = rig.start("api");
    while (rig.commands.length === 0) await settle();
    rig.clock.advance();
    const outcome = await running.outcome;
    expect(outcome).toMatchObject({ kind: "failed", error: { class: "verify" } });
    expect(JSON.stringify(outcome)).toContain("it took longer than the limit of 10s");
  });

  test("whose engine died after the merge is not carried out again", async () => {
    using rig = new ExecutorRig({ api: [{ "a.txt": "1\n" }, { "a.txt": "2\n" }] });
    await rig.run("api");
    const outcome = await rig.run("api", { attempt: 2, agent: { before: { openSince: 1, open: 1 } } });
    expect(outcome).toMatchObject({ kind: "succeeded", output: { summary: "merged by attempt 1", files: ["a.txt"] } });
    expect([rig.turns.length, rig.merged("a.txt")]).toEqual([1, "1\n"]);
  });

  test.each([
    ["succeeded begins anew, at what is merged", undefined, {}, [true, true, false]],
    ["failed goes on with what it left", "red", { failure: { attempt: 1, message: "red" } }, [true, false, true]],
  ])("of a step that %s", async (_, failure, before, expected) => {
    const first: Behaviour = async ({ cwd }) => {
      writeFiles(cwd, { "own.txt": "1\n" });
      return failure === undefined ? undefined : { kind: "failed", error: { code: "error", message: failure } };
    };
    const seen: boolean[] = [];
    const looks: Behaviour = async ({ cwd, prompt }) => {
      for (const file of ["own.txt", "other.txt"]) seen.push(existsSync(join(cwd, file)));
      seen.push(prompt.includes("red"));
      return undefined;
    };
    using rig = new ExecutorRig({ api: [first, looks], web: [{ "other.txt": "2\n" }] });
    // The worktree stays: another step of the group is to come.
    const group = [{ id: "later", isDone: false }];
    await rig.run("api", { step: { group: "g" }, agent: { group } });
    await rig.run("web");
    await rig.run("api", { attempt: 2, step: { group: "g" }, agent: { group, lastUser: { step: "api" }, before } });
    expect(seen).toEqual(expected);
  });

  test("with a question ends, its work captured; the answer reaches the next one", async () => {
    const asks: Behaviour = async (_, tools) => {
      expect(await tools.asked({ question: "which?", options: ["x", "y"] })).toEqual({ kind: "deferred" });
      return undefined;
    };
    using rig = new ExecutorRig({ api: [asks, { "a.txt": "x\n" }] });
    expect(await rig.run("api")).toMatchObject({ kind: "unresolved", about: "question", question: "which?" });
    const answers = [{ attempt: 1, question: "which?", answer: "x" }];
    const outcome = await rig.run("api", { attempt: 2, agent: { before: { answers } as never } });
    expect(outcome.kind).toBe("succeeded");
    expect(rig.turns[1]?.prompt).toContain("which?");
  });

  test("adds up what all its turns cost, and says where some did not tell", async () => {
    const silent: Behaviour = async () => {
      const { usd: _usd, ...agent } = DETAILS;
      return { kind: "failed", error: { code: "error", message: "overloaded" }, agent: { ...agent, class: "network" } };
    };
    using rig = new ExecutorRig({ api: [{ "a.txt": "1\n" }], late: [silent, { "b.txt": "2\n" }] });
    await rig.run("api");
    const running = rig.start("late");
    while (rig.turns.length < 2) await settle();
    while (rig.clock.pending === 0) await settle();
    rig.clock.advance();
    expect((await running.outcome).kind).toBe("succeeded");
    expect(rig.submitted.map(({ trailers = [] }) => trailers.find(([key]) => key === "Cost")?.[1])).toEqual([
      "0.25 USD",
      "at least 0.25 USD",
    ]);
  });

  test("waits for a worktree while others of its run have all that may be", async () => {
    using rig = new ExecutorRig(
      { one: [{ "a.txt": "1\n" }], two: [{ "b.txt": "2\n" }] },
      { config: { worktrees: { max: 1 } } },
    );
    const outcomes = await Promise.all([rig.run("one"), rig.run("two")]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["succeeded", "succeeded"]);
    expect(rig.notes).toContainEqual({ type: "step.progress", data: { type: "waiting", for: "worktree" } });
  });
});

test.each(["as a value", "thrown"])(
  "what stands in the way of all agents of a run is told with the way out: %s",
  async (how) => {
    const problem = { code: "IntegrationMoved", message: "somebody else moved it", hint: "Put it back." };
    const open = async (): ReturnType<Repositories["open"]> => {
      if (how === "thrown") throw new HeddleError(problem);
      return err(problem);
    };
    using rig = new ExecutorRig({}, { git: () => ({ open }) });
    expect(await rig.run("api")).toMatchObject({
      kind: "failed",
      error: { code: "spawn", message: "somebody else moved it (Put it back.)", final: true },
    });
  },
);

describe("a merge queue elsewhere", () => {
  test("gets and gives plain data alone, and merges, refuses and cancels as one in the same process", async () => {
    const sent: string[] = [];
    const config = { verify: "npm test", tries: 1 } as const;
    using rig = new ExecutorRig(
      {
        one: [{ "a.txt": "one\n" }],
        two: [{ "a.txt": "two\n" }, settles("a.txt", "one and two\n")],
        red: [{ "red.txt": "red\n" }, { "red.txt": "red still\n" }],
        slow: [{ "slow.txt": "slow\n" }],
      },
      {
        config,
        command: ({ step }) => (step === "slow" ? "hangs" : step !== "red"),
        git: (inner) => withQueueElsewhere(inner, (message) => sent.push(message)),
      },
    );
    const [one, two] = [rig.start("one"), rig.start("two", { agent: { order: 1 } })];
    expect([(await one.outcome).kind, (await two.outcome).kind]).toEqual(["succeeded", "succeeded"]);
    expect(await rig.run("red")).toMatchObject({ kind: "failed", error: { class: "verify" } });
    const slow = rig.start("slow");
    while (!rig.commands.includes("slow: npm test")) await settle();
    slow.stop("cancel");
    expect(await slow.outcome).toEqual({ kind: "stopped", reason: "cancel" });
    expect([rig.merged("a.txt"), rig.merged("red.txt"), rig.merged("slow.txt")]).toEqual([
      "one and two\n",
      undefined,
      undefined,
    ]);
    expect(await rig.finish()).toMatchObject({ commits: 2 });
    expect([...new Set(sent)].toSorted()).toEqual([
      "cancel",
      "close",
      "head",
      "merged",
      "outcome",
      "submit",
      "verified",
      "verify",
    ]);
  });
});
