/** The text that a file is to become: where it has places to decide, and what is kept of it. */
import { describe, expect, test } from "vitest";
import type { ConflictFileDocument } from "heddle/client";
import { chosenText, keptText, openHunks, resultText } from "../../src/resolve/result-text.ts";

const [HEAD, CAPTURED] = ["a".repeat(40), "b".repeat(40)];

const conflict = (ours: string, theirs: string): string =>
  `<<<<<<< ${HEAD}\n${ours}=======\n${theirs}>>>>>>> ${CAPTURED}\n`;

const BASE = "one\ntwo\nthree\nfour\nfive\n";
const MARKED = `one\n${conflict("OURS\nmore\n", "THEIRS\n")}three\nfour\n${conflict("", "LAST\n")}`;

const side = (text: string) => ({ kind: "file", bytes: text.length, text }) as const;

function file(more: Partial<ConflictFileDocument> = {}): ConflictFileDocument {
  return {
    run: "r",
    step: "s",
    file: "a.txt",
    kind: "text",
    head: HEAD,
    captured: CAPTURED,
    etag: '"e"',
    state: "open",
    base: side(BASE),
    ours: side("one\nOURS\nmore\nthree\nfour\n"),
    theirs: side("one\nTHEIRS\nthree\nfour\nLAST\n"),
    marked: MARKED,
    regions: [
      { marked: { from: 2, to: 8 }, base: { from: 2, to: 3 }, ours: { from: 2, to: 4 }, theirs: { from: 2, to: 3 } },
      { marked: { from: 10, to: 14 }, base: { from: 5, to: 6 }, ours: { from: 6, to: 6 }, theirs: { from: 5, to: 6 } },
    ],
    ...more,
  };
}

const windows = (text: string): string => text.replaceAll("\n", "\r\n");

function shown(of: ConflictFileDocument) {
  const found = resultText(of);
  if (found === undefined) throw new Error("no text");
  return { ...found, places: found.hunks.map(({ from, to, state }) => [found.text.slice(from, to), state]) };
}

test("undecided, it has the lines that both began at, and no marker", () => {
  const untouched = file({ result: { from: "worktree", text: MARKED } });
  for (const one of [file(), untouched]) {
    const found = shown(one);
    expect(found.text).toBe(BASE);
    expect(found.places).toEqual([
      ["two\n", "open"],
      ["five\n", "open"],
    ]);
    expect(openHunks(found.hunks)).toBe(2);
  }
});

test("a place has the lines of one side, of both, or of neither", () => {
  const [first, second] = shown(file()).hunks;
  if (first === undefined || second === undefined) throw new Error("no hunks");
  expect((["ours", "theirs", "both", "open"] as const).map((state) => chosenText(first, state))).toEqual([
    "OURS\nmore\n",
    "THEIRS\n",
    "OURS\nmore\nTHEIRS\n",
    "two\n",
  ]);
  expect([chosenText(second, "ours"), chosenText(second, "both")]).toEqual(["", "LAST\n"]);
});

describe("a text that was decided", () => {
  test.each([
    ["by sides", "one\nOURS\nmore\nthree\nfour\nLAST\n", ["OURS\nmore\n", "ours"], ["LAST\n", "theirs"]],
    ["by both", "one\nOURS\nmore\nTHEIRS\nthree\nfour\n", ["OURS\nmore\nTHEIRS\n", "both"], ["", "ours"]],
    ["by other words", "one\nNEW\nthree\nfour\nEND\n", ["NEW\n", "edited"], ["END\n", "edited"]],
    ["by nothing", "one\nthree\nfour\n", ["", "edited"], ["", "ours"]],
  ])("%s has its places found again", (_, text, ...places) => {
    const found = shown(file({ state: "stored", result: { from: "stored", text } }));
    expect([found.text, found.places]).toEqual([text, places]);
  });

  test("is taken as it is where what goes together was changed too", () => {
    const text = "ONE\nOURS\nthree\n";
    expect(shown(file({ state: "stored", result: { from: "stored", text } }))).toMatchObject({ text, hunks: [] });
  });

  test("in part, in the worktree, has places where the markers still are", () => {
    const text = `one\nMENDED\nthree\nfour\n${conflict("", "LAST\n")}`;
    const found = shown(file({ state: "open", result: { from: "worktree", text } }));
    expect([found.text, found.places]).toEqual([
      "one\nMENDED\nthree\nfour\nfive\n",
      [
        ["MENDED\n", "edited"],
        ["five\n", "open"],
      ],
    ]);
    const other = `ONE\n${conflict("a\n", "b\n")}two\n${conflict("", "c\n")}end\n`;
    const unknown = shown(file({ state: "open", result: { from: "worktree", text: other } }));
    expect([unknown.text, unknown.hunks]).toEqual([
      "ONE\ntwo\nend\n",
      [
        { base: "", ours: "a\n", theirs: "b\n", from: 4, to: 4, state: "open" },
        { base: "", ours: "", theirs: "c\n", from: 8, to: 8, state: "open" },
      ],
    ]);
  });

  test("with markers of others keeps them: they are text", () => {
    const text = `one\n<<<<<<< HEAD\nx\n=======\ny\n>>>>>>> other\nthree\n`;
    const found = shown(file({ state: "settled", result: { from: "worktree", text } }));
    expect([found.text, found.hunks]).toEqual([text, []]);
  });
});

test("ends of lines of Windows are kept, also in what is chosen", () => {
  const of = file({
    marked: windows(MARKED),
    base: side(windows(BASE)),
    ours: side(windows("one\nOURS\nmore\nthree\nfour\n")),
    theirs: side(windows("one\nTHEIRS\nthree\nfour\nLAST\n")),
  });
  const found = shown(of);
  expect([found.isWindows, found.text]).toEqual([true, BASE]);
  expect(found.hunks[0]?.ours).toBe("OURS\nmore\n");
  expect(keptText(found)).toBe(windows(BASE));
  const mixed = shown(file({ marked: MARKED.replace("three\n", "three\r\n") }));
  expect([mixed.isWindows, keptText(mixed)]).toEqual([false, BASE.replace("three\n", "three\r\n")]);
});

test("a last line without an end stays without one, if the chosen side has none", () => {
  const of = file({
    marked: `one\n${conflict("ours\n", "theirs\n")}`,
    base: side("one\ntwo"),
    ours: side("one\nours"),
    theirs: side("one\ntheirs\n"),
    regions: [
      { marked: { from: 2, to: 7 }, base: { from: 2, to: 3 }, ours: { from: 2, to: 3 }, theirs: { from: 2, to: 3 } },
    ],
  });
  const found = shown(of);
  expect([found.text, found.hunks[0]?.ours, found.hunks[0]?.theirs]).toEqual(["one\ntwo", "ours", "theirs\n"]);
  const [hunk] = found.hunks;
  expect(hunk && chosenText(hunk, "both")).toBe("ours\ntheirs\n");
});

test("a file that is no text on both sides has none", () => {
  const { marked: _, ...rest } = file({ kind: "whole", regions: [] });
  expect(resultText(rest)).toBe(undefined);
});
