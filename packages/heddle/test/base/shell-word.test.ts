/** Shell quoting, held against real shells. */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { shellWord } from "../../src/base/shell-word.ts";

const PLAIN = ["a", "src/a.ts", "v1.2:x=y@z%+,-"];
const ODD = [
  "",
  " ",
  "~",
  "*",
  "it's",
  "''",
  "$HOME",
  "`id`",
  "a\nb",
  "\\",
  '"',
  "!x",
  "#",
  "a;b",
  "caf\u00e9",
  "-n",
  "{a,b}",
];

test("each text is one word, and itself, to each shell", () => {
  const words = [...PLAIN, ...ODD];
  for (const shell of ["sh", "bash"]) {
    const script = `printf '%s\\0' ${words.map(shellWord).join(" ")}`;
    expect(execFileSync(shell, ["-c", script], { encoding: "utf8" })).toBe(`${words.join("\0")}\0`);
  }
});

test("quotes only what needs it", () => {
  expect(PLAIN.map(shellWord)).toEqual(PLAIN);
  expect(shellWord("it's")).toBe(String.raw`'it'\''s'`);
});
