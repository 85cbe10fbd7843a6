/** Which step an answer is for, and which answer fits which question. */
import { beforeEach, describe, expect, test } from "vitest";
import { ok } from "../../src/base/result.ts";
import { memoryJournal } from "../../src/journal/memory.ts";
import type { Journal } from "../../src/journal/port.ts";
import { answerStep, askedStep, resolveConflict, type AnswerPorts } from "../../src/project/answers.ts";
import type { ControlRequest } from "../../src/run/control.ts";
import type { EventBody, QuestionAbout } from "../../src/run/event.ts";
import { DIAMOND, started } from "../view/histories.ts";
import { RecordedRun } from "./runs.ts";

let log: Journal;
let sent: ControlRequest[];
let ports: AnswerPorts;
beforeEach(() => {
  log = memoryJournal();
  sent = [];
  ports = {
    log,
    send: async (_run, request) => {
      sent.push(request);
      return ok("sent");
    },
  };
});

function asks(step: string, about: QuestionAbout, question: string, options?: readonly string[]): EventBody {
  const data = options === undefined ? { about, question } : { about, question, options };
  return { type: "approval.requested", step, attempt: 1, data };
}

async function asking(...questions: readonly EventBody[]): Promise<void> {
  const begun = questions.flatMap((body) => ("step" in body ? [started(body.step)] : []));
  await (await new RecordedRun(log, "r1", DIAMOND).begin()).record([...begun, ...questions]);
}

describe("the step that is meant", () => {
  test("is the only one that asks, where none is named", async () => {
    await asking(asks("a", "step", "ship?"));
    expect(await askedStep(log, "r1", undefined)).toMatchObject({ ok: true, value: { id: "a" } });
  });

  test("has to be named where several ask, unless only one asks about a conflict", async () => {
    await asking(asks("a", "step", "ship?"), asks("b", "conflict", "2 files"));
    expect(await askedStep(log, "r1", undefined)).toMatchObject({
      ok: false,
      error: { message: "several steps of run r1 are waiting for an answer: a, b", hint: "Name the step." },
    });
    expect(await askedStep(log, "r1", undefined, { about: "conflict" })).toMatchObject({
      ok: true,
      value: { id: "b" },
    });
  });

  test("has to ask, and about that: what is not open takes no answer, in whichever process the run is", async () => {
    await asking(asks("a", "step", "ship?"));
    for (const step of ["b", "c"]) {
      const refused = { ok: false, error: { code: "NotAsked" } };
      expect(await answerStep(ports, "r1", "approve", { step, by: "eve" })).toMatchObject(refused);
      expect(await resolveConflict(ports, "r1", "ours", { step, by: "eve" })).toMatchObject(refused);
    }
    expect(await askedStep(log, "r1", "c")).toMatchObject({
      ok: false,
      error: { message: "step c of run r1 is not waiting for an answer (it is waiting)" },
    });
    expect(await resolveConflict(ports, "r1", "ours", { step: "a", by: "eve" })).toMatchObject({
      ok: false,
      error: {
        code: "NotAsked",
        message: "step a of run r1 has no conflict to resolve",
        hint: expect.stringContaining("heddle approve r1 a"),
      },
    });
    expect(sent).toEqual([]);
  });

  test("is none where nobody asks, or the name is wrong", async () => {
    await asking();
    expect(await askedStep(log, "r1", undefined)).toMatchObject({ ok: false, error: { code: "NotAsked" } });
    expect(await askedStep(log, "r1", "e")).toMatchObject({ ok: false, error: { code: "UnknownStep" } });
  });
});

describe("an approval", () => {
  test("takes a yes or a no, with who said it and why", async () => {
    await asking(asks("a", "step", "ship?"));
    const answered = await answerStep(ports, "r1", "approve", { by: "eve", comment: "looks good" });
    expect(answered).toMatchObject({ ok: true, value: { id: "a", result: "sent", question: { question: "ship?" } } });
    await answerStep(ports, "r1", "reject", { by: "eve" });
    expect(sent).toEqual([
      { kind: "answer", step: "a", askedAt: 1000, decision: "approve", by: "eve", comment: "looks good" },
      { kind: "answer", step: "a", askedAt: 1000, decision: "reject", by: "eve" },
    ]);
  });
});

test("words for an agent approve nothing else", async () => {
  await asking(asks("a", "step", "ship?"));
  const answered = await answerStep(ports, "r1", "approve", {
    step: "a",
    by: "eve",
    comment: "no!",
    about: "question",
  });
  expect(answered).toMatchObject({
    ok: false,
    error: { code: "NotAsked", message: "step a of run r1 has no question of an agent" },
  });
  expect(sent).toEqual([]);
});

describe("an agent's question", () => {
  const which = asks("a", "question", "Which\ndatabase?", ["sqlite", "postgres"]);

  test("takes words, or the number of an option", async () => {
    await asking(which);
    for (const comment of ["2", "3", "02", "a file"]) await answerStep(ports, "r1", "approve", { by: "eve", comment });
    expect(sent.map((request) => ("comment" in request ? request.comment : undefined))).toEqual([
      "postgres",
      "3",
      "02",
      "a file",
    ]);
  });

  test("is told in one line where the answer has no words", async () => {
    await asking(which);
    expect(await answerStep(ports, "r1", "approve", { by: "eve" })).toMatchObject({
      ok: false,
      error: { message: "an agent asks: Which database? (1: sqlite, 2: postgres)" },
    });
    expect(sent).toEqual([]);
  });

  test("can be rejected without words: the step fails", async () => {
    await asking(which);
    expect(await answerStep(ports, "r1", "reject", { by: "eve" })).toMatchObject({ ok: true });
  });
});

describe("a conflict", () => {
  const clash = asks("b", "conflict", "2 files conflict");

  test("takes more than a yes", async () => {
    await asking(clash);
    expect(await answerStep(ports, "r1", "approve", { by: "eve" })).toMatchObject({
      ok: false,
      error: { hint: "Use `heddle resolve r1 b` with --ours, --theirs or --continue." },
    });
    expect(sent).toEqual([]);
  });

  test("takes a side, or what is in the worktree now", async () => {
    await asking(clash, asks("a", "step", "ship?"));
    await resolveConflict(ports, "r1", "theirs", { by: "eve" });
    await resolveConflict(ports, "r1", "continue", { step: "b", by: "eve", comment: "by hand" });
    expect(sent).toEqual([
      { kind: "answer", step: "b", askedAt: 1000, decision: "approve", by: "eve", choice: "theirs" },
      {
        kind: "answer",
        step: "b",
        askedAt: 1000,
        decision: "approve",
        by: "eve",
        choice: "continue",
        comment: "by hand",
      },
    ]);
  });
});

test("a run without events is said to have none", async () => {
  await log.create({ run: "r1", plan: "p", createdAt: 1 }, { pid: 1, started: "1", title: "test" });
  expect(await answerStep(ports, "r1", "approve", { by: "eve" })).toMatchObject({ error: { code: "EmptyRun" } });
});
