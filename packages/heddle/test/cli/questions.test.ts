/** Questions on the keyboard: keys, lines of text, what is no answer. The keys are the test's. */
import { expect, test } from "vitest";
import { answerOf, choicesOf, keysOf } from "../../src/cli/question-format.ts";
import { Questions, Withdrawn } from "../../src/cli/questions.ts";

const keyboard = (): { readonly questions: Questions; readonly press: (text: string) => void; interrupts: number } => {
  const self = {
    interrupts: 0,
    questions: new Questions({ onInterrupt: () => void self.interrupts++ }),
    press: (text: string) => self.questions.press(Buffer.from(text, "utf8")),
  };
  return self;
};

test("a key of the question answers it, any other does nothing", async () => {
  const at = keyboard();
  const answer = at.questions.ask({ text: "Go on?", hint: "[y/n]", keys: ["y", "n"] });
  at.press("x\r\u001b[A");
  expect(at.questions.current?.text).toBe("Go on?");
  at.press("Y");
  expect(await answer).toBe("y");
  expect(at.questions.current).toBeUndefined();
});

test("a line is typed, mended and sent with return; arrows are no letters", async () => {
  const at = keyboard();
  const answer = at.questions.ask({ text: "Which?", hint: "" });
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
  at.press("half");
  at.questions.withdraw("a");
  await expect(first).rejects.toBeInstanceOf(Withdrawn);
  expect(at.questions.typed).toBe("");
  at.press("\u0003all\n");
  expect(await second).toBe("all");
  expect(at.interrupts).toBe(1);
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
