/** Questions on the keyboard: keys, lines of text, what is no answer. The keys are the test's. */
import { describe, expect, test } from "vitest";
import { answerOf, choicesOf, wordsOf } from "../../src/cli/question-format.ts";
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

test("a choice is taken by its letter or its word, with Enter; any other line is dropped", async () => {
  for (const [typed, choice] of [
    ["y\r", "yes"],
    ["YES\r", "yes"],
    [" n \n", "no"],
    ["npm test\rmaybe\rye\r\ry\u007fno\r", "no"],
  ] as const) {
    const at = keyboard();
    const answer = at.questions.ask({ text: "Go on?", hint: "[y/n]", choices: ["yes", "no"] });
    at.now += UNREAD_MS;
    at.press("x\r\u001b[A");
    expect(at.questions.current?.text).toBe("Go on?");
    at.press(typed);
    expect(await answer).toBe(choice);
    expect(at.questions.current).toBeUndefined();
  }
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
    at.press("y\r");
    return { at, answer: at.questions.ask({ text: "Deploy?", hint: "[y/n]", choices: ["yes", "no"] }) };
  };

  test.each([
    ["a line typed before the question", () => undefined],
    ["a line in its first moment", (at: Keyboard) => ((at.now += UNREAD_MS - 1), at.press("y\r"))],
    ["the end of a word that was begun before it could be read", (at: Keyboard) => typesOn(at, "deploy\r")],
    ["a letter without Enter", (at: Keyboard) => ((at.now += UNREAD_MS), at.press("y"), at.press("\u0015"))],
    ["a word that only begins like a choice", (at: Keyboard) => ((at.now += UNREAD_MS), at.press("yesterday\r"))],
  ] as const)("%s", async (_, type) => {
    const { at, answer } = asked();
    type(at);
    expect(at.questions.current?.text).toBe("Deploy?");
    at.now += UNREAD_MS;
    at.press("n\r");
    expect(await answer).toBe("no");
  });

  test("the line that answered the question before, and what was typed after it", async () => {
    const { at, answer } = asked();
    const next = at.questions.ask({ text: "Really?", hint: "[y/n]", choices: ["yes", "no"] });
    at.now += UNREAD_MS;
    at.press("y\ry\r");
    expect(await answer).toBe("yes");
    expect(at.questions.current?.text).toBe("Really?");
    at.now += UNREAD_MS;
    at.press("n\r");
    expect(await next).toBe("no");
  });
});

/** A key every 300 ms, from when the question opens. */
function typesOn(at: Keyboard, text: string): void {
  for (const key of text) {
    at.now += 300;
    at.press(key);
  }
}

test("keys that stand for signals are sent as these, question or not", () => {
  const at = keyboard();
  at.press("\u0003\u001a\u001c");
  expect(at.signals).toEqual(["SIGINT", "SIGTSTP", "SIGQUIT"]);
});

test.each([
  [{ about: "step", question: "?" }, ["yes", "no"], "[y/n] then Enter:", "no", { decision: "reject" }],
  [{ about: "permission", question: "?" }, ["yes", "no"], "[y/n] then Enter:", "yes", { decision: "approve" }],
  [
    { about: "conflict", question: "?" },
    ["ours", "theirs", "continue"],
    expect.stringContaining("[t]heirs"),
    "theirs",
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
  expect(wordsOf(question)).toEqual(keys);
  expect(choicesOf(question)).toEqual(choices);
  expect(answerOf(question, said)).toEqual(answer);
});
