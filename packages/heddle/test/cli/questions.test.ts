/** Questions on the keyboard: keys, lines of text, what is no answer. The keys are the test's. */
import { describe, expect, test } from "vitest";
import { answerOf, choicesOf, keysOf } from "../../src/cli/question-format.ts";
import { Questions, UNREAD_MS, Withdrawn } from "../../src/cli/questions.ts";

interface Keyboard {
  readonly questions: Questions;
  readonly press: (text: string) => void;
  readonly signals: string[];
  now: number;
}

/** A keyboard whose questions have been read when `now` has gone on by {@link UNREAD_MS}. */
function keyboard(): Keyboard {
  const signals: string[] = [];
  const self: Keyboard = {
    now: 0,
    signals,
    questions: new Questions({ clock: { now: () => self.now }, onSignal: (signal) => void signals.push(signal) }),
    press: (text: string) => self.questions.press(Buffer.from(text, "utf8")),
  };
  return self;
}

test("a key of the question answers it, any other does nothing", async () => {
  const at = keyboard();
  const answer = at.questions.ask({ text: "Go on?", hint: "[y/n]", keys: ["y", "n"] });
  at.now += UNREAD_MS;
  at.press("x\r\u001b[A");
  expect(at.questions.current?.text).toBe("Go on?");
  at.press("Y");
  expect(await answer).toBe("y");
  expect(at.questions.current).toBeUndefined();
});

test("a line is typed, mended and sent with return; arrows are no letters", async () => {
  const at = keyboard();
  const answer = at.questions.ask({ text: "Which?", hint: "" });
  at.now += UNREAD_MS;
  at.press("\rpq\u007fo\u001b[D\u001bOAst");
  expect(at.questions.typed).toBe("post");
  at.press("\u0015 gr");
  const bytes = Buffer.from("ün");
  at.questions.press(bytes.subarray(0, 1));
  at.questions.press(bytes.subarray(1));
  at.press(" \r");
  expect(await answer).toBe("grün");
  expect(at.questions.typed).toBe("");
});

test("the next question waits for its turn, one that was answered elsewhere is withdrawn, Ctrl-C interrupts", async () => {
  const at = keyboard();
  const first = at.questions.ask({ text: "1?", hint: "", about: "a" });
  const second = at.questions.ask({ text: "2?", hint: "", about: "b" });
  at.now += UNREAD_MS;
  at.press("half");
  at.questions.withdraw("a");
  await expect(first).rejects.toBeInstanceOf(Withdrawn);
  expect(at.questions.typed).toBe("");
  at.press("lost");
  at.now += UNREAD_MS;
  at.press("\u0003all\n");
  expect(await second).toBe("all");
  expect(at.signals).toEqual(["SIGINT"]);
});

describe("what is no consent", () => {
  const asked = (): { readonly at: Keyboard; readonly answer: Promise<string> } => {
    const at = keyboard();
    at.press("y");
    return { at, answer: at.questions.ask({ text: "Deploy?", hint: "[y/n]", keys: ["y", "n"] }) };
  };

  test.each([
    ["a key typed before the question", () => undefined],
    ["a key in its first moment", (at: Keyboard) => ((at.now += UNREAD_MS - 1), at.press("y"))],
    ["a word, or what was typed ahead", (at: Keyboard) => ((at.now += UNREAD_MS), at.press("yes"))],
    ["a key with its return", (at: Keyboard) => ((at.now += UNREAD_MS), at.press("y\r"))],
  ] as const)("%s", async (_, type) => {
    const { at, answer } = asked();
    type(at);
    expect(at.questions.current?.text).toBe("Deploy?");
    at.now += UNREAD_MS;
    at.press("n");
    expect(await answer).toBe("n");
  });

  test("the key that answered the question before", async () => {
    const { at, answer } = asked();
    const next = at.questions.ask({ text: "Really?", hint: "[y/n]", keys: ["y", "n"] });
    at.now += UNREAD_MS;
    at.press("y");
    at.press("y");
    expect(await answer).toBe("y");
    expect(at.questions.current?.text).toBe("Really?");
    at.now += UNREAD_MS;
    at.press("n");
    expect(await next).toBe("n");
  });
});

test("keys that stand for signals are sent as these, question or not", () => {
  const at = keyboard();
  at.press("\u0003\u001a\u001c");
  expect(at.signals).toEqual(["SIGINT", "SIGTSTP", "SIGQUIT"]);
});

test.each([
  [{ about: "step", question: "?" }, ["y", "n"], "[y/n]", "n", { decision: "reject" }],
  [{ about: "permission", question: "?" }, ["y", "n"], "[y/n]", "y", { decision: "approve" }],
  [
    { about: "conflict", question: "?" },
    ["o", "t", "c"],
    expect.stringContaining("[t]heirs"),
    "t",
    { decision: "approve", choice: "theirs" },
  ],
  [
    { about: "question", question: "?", options: ["red", "blue"] },
    undefined,
    "(1 red, 2 blue, or your own answer)",
    "2",
    { decision: "approve", comment: "blue" },
  ],
  [
    { about: "question", question: "?", options: ["red"] },
    undefined,
    expect.anything(),
    "2",
    { decision: "approve", comment: "2" },
  ],
  [{ about: "question", question: "?" }, undefined, "", "as you like", { decision: "approve", comment: "as you like" }],
] as const)("what is asked says how it is answered: %j", (question, keys, choices, said, answer) => {
  expect(keysOf(question)).toEqual(keys);
  expect(choicesOf(question)).toEqual(choices);
  expect(answerOf(question, said)).toEqual(answer);
});
